//! The body as a page of HTML: of alternatives the HTML one, of several parts one behind the other. Nothing is made
//! harmless here.

use html5gum::{DefaultEmitter, Token, Tokenizer};

use super::body::{self, is_html, is_read, meta_charset};
use super::parts::{Leaf, parts};
use super::{Page, charset, transfer};

/// Octets of HTML and text that are shown of one message.
const MOST_TEXT: usize = 2 * 1024 * 1024;
/// Octets of all pictures that are shown of one message.
const MOST_PICTURES: usize = 48 * 1024 * 1024;

/// See [`super::page`].
pub(super) fn page(original: &[u8]) -> Page {
    let message = body::read(original);
    let parts = parts(original);
    let chosen = chosen(&parts.leaves);
    let plain = || Page { html: from_text(&message.text), notes: message.notes.clone(), ..Page::default() };
    if parts.header.is_empty() || !chosen.iter().any(|leaf| is_html(leaf)) {
        // Outlook sends it packed up, beside the bare text or without any.
        let Some((html, mut pictures)) = super::inside::html(&parts, MOST_PICTURES) else { return plain() };
        let inside = pictures.iter().map(|(_, octets)| octets.len()).sum();
        pictures.extend(beside(&parts.leaves, MOST_PICTURES.saturating_sub(inside)));
        return Page { html, pictures, is_html: true, notes: message.notes };
    }
    let mut left = MOST_TEXT;
    let mut pieces: Vec<String> = Vec::new();
    for leaf in chosen {
        let text = decoded(leaf, left);
        left = left.saturating_sub(text.len());
        pieces.push(if is_html(leaf) { text } else { from_text(&text) });
    }
    let html = match pieces.as_slice() {
        [only] => only.clone(),
        // What one part leaves open must not take up the next one: only whole tags of each are kept.
        _ => pieces.iter().map(|piece| whole_tags(piece)).collect::<Vec<_>>().join("<hr>"),
    };
    if super::text_of_html(&html).is_empty() && !html.to_ascii_lowercase().contains("<img") {
        return plain();
    }
    Page { html, pictures: beside(&parts.leaves, MOST_PICTURES), is_html: true, notes: message.notes }
}

/// See [`super::page_of_html`].
pub(super) fn of_html(octets: &[u8]) -> Page {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let label = if std::str::from_utf8(octets).is_ok() { "utf-8".to_owned() } else { meta_charset(octets) };
    Page { html: charset::decode(octets, &label).0.into_owned(), is_html: true, ..Page::default() }
}

/// The parts that are shown, in order: of each group of alternatives the last HTML, else its text.
fn chosen<'p, 'a>(leaves: &'p [Leaf<'a>]) -> Vec<&'p Leaf<'a>> {
    let read: Vec<&Leaf<'_>> = leaves.iter().filter(|leaf| is_read(leaf)).collect();
    let best = |group: usize| {
        let of_group = || read.iter().filter(move |leaf| leaf.alternative == Some(group));
        of_group().rfind(|leaf| is_html(leaf)).or_else(|| of_group().next()).copied()
    };
    let shown = |leaf: &&&Leaf<'_>| match leaf.alternative {
        None => true,
        Some(group) => best(group).is_some_and(|best| std::ptr::eq(best, **leaf)),
    };
    read.iter().filter(shown).copied().collect()
}

fn decoded(leaf: &Leaf<'_>, most: usize) -> String {
    let mut octets = transfer::decode(leaf.body, leaf.encoding, most);
    octets.truncate(most);
    let declared = leaf.content_type.plain("charset").unwrap_or_default();
    let label = if declared.is_empty() && is_html(leaf) { meta_charset(&octets) } else { declared.to_owned() };
    charset::decode(&octets, &label).0.into_owned()
}

/// Pictures with a Content-ID, whatever they call themselves: their octets are looked at where they are drawn.
fn beside(leaves: &[Leaf<'_>], most: usize) -> Vec<(String, Vec<u8>)> {
    let mut left = most;
    let mut out = Vec::new();
    for leaf in leaves.iter().filter(|leaf| !leaf.content_id.is_empty() && !leaf.media_type.starts_with("text/")) {
        let octets = transfer::decode(leaf.body, leaf.encoding, left.saturating_add(1));
        match left.checked_sub(octets.len()) {
            Some(less) => left = less,
            None => continue,
        }
        out.push((leaf.content_id.clone(), octets));
    }
    out
}

fn from_text(text: &str) -> String {
    let mut out = format!("<div{} style=\"white-space:pre-wrap\">", direction(text));
    escape(&mut out, text);
    out + "</div>"
}

/// For text whose first letter is of a script that runs from right to left, the attribute that says so.
pub(super) fn direction(text: &str) -> &'static str {
    let runs_left =
        |each: char| matches!(each, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}');
    match text.chars().find(|each| each.is_alphabetic()) {
        Some(first) if runs_left(first) => " dir=\"rtl\"",
        _ => "",
    }
}

/// The document from its tokens: a tag that is never closed is none.
fn whole_tags(html: &str) -> String {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut out = String::new();
    let mut raw: Option<Vec<u8>> = None;
    for token in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Ok(Token::StartTag(tag)) => {
                let name = String::from_utf8_lossy(&tag.name);
                out.extend(["<", &name]);
                for (name, value) in &tag.attributes {
                    out.extend([" ", &String::from_utf8_lossy(name), "=\""]);
                    escape(&mut out, &String::from_utf8_lossy(value));
                    out.push('"');
                }
                out.push('>');
                let is_raw = matches!(
                    &*name,
                    "style" | "script" | "title" | "textarea" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript"
                );
                raw = is_raw.then(|| tag.name.to_vec());
            }
            Ok(Token::EndTag(tag)) => {
                raw = None;
                out.extend(["</", &String::from_utf8_lossy(&tag.name), ">"]);
            }
            Ok(Token::String(text)) if raw.is_some() => out.push_str(&String::from_utf8_lossy(&text)),
            Ok(Token::String(text)) => escape(&mut out, &String::from_utf8_lossy(&text)),
            Ok(_) => (),
            Err(never) => match never {},
        }
    }
    if let Some(name) = raw {
        out.extend(["</", &String::from_utf8_lossy(&name), ">"]);
    }
    out
}

pub(super) fn escape(out: &mut String, text: &str) {
    for each in text.chars() {
        match each {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(body: &str) -> Vec<u8> {
        format!("From: a@example.org\nMIME-Version: 1.0\n{body}").into_bytes()
    }

    #[test]
    fn html_goes_before_plain_text_and_pictures_come_along() {
        let related = mail(
            "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: multipart/alternative; boundary=a\n\n\
             --a\nContent-Type: text/plain\n\nplain\n--a\nContent-Type: text/html; charset=iso-8859-1\n\
             Content-Transfer-Encoding: quoted-printable\n\n<p>caf=E9</p>\n--a--\n--r\nContent-Type: image/gif\n\
             Content-ID: <logo@x>\nContent-Transfer-Encoding: base64\n\nR0lG\n--r--\n",
        );
        let page = page(&related);
        assert_eq!(page.html, "<p>caf\u{e9}</p>");
        assert_eq!(page.pictures, [("logo@x".to_owned(), b"GIF".to_vec())]);
        assert!(page.is_html);
    }

    #[test]
    fn plain_text_is_a_page_too() {
        let page = page(&mail("\na < b\n  c\n"));
        assert_eq!(page.html, "<div style=\"white-space:pre-wrap\">a &lt; b\n  c</div>");
        assert!(!page.is_html);
        assert_eq!(direction("1. \u{5e9}\u{5dc}\u{5d5}\u{5dd} abc"), " dir=\"rtl\"");
        assert_eq!(direction("\u{e9} \u{5e9}"), "");
    }

    #[test]
    fn html_in_a_winmail_dat_is_a_page() {
        use base64::Engine as _;
        let stream = base64::engine::general_purpose::STANDARD.encode(crate::message::tnef::tests::stream());
        let packed = |own: &str| {
            mail(&format!(
                "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: {own}\n\nwords\n--m\n\
                 Content-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n{stream}\n--m--\n"
            ))
        };
        let page = |own| page(&packed(own));
        let rich = page("text/plain");
        assert_eq!((rich.html.as_str(), rich.is_html), ("<p>rich</p>", true));
        assert_eq!(rich.pictures, [("plan@x".to_owned(), b"%PDF".to_vec())], "for what its HTML names by cid");
        // Its own goes first.
        let own = page("text/html");
        assert_eq!((own.html.as_str(), own.pictures.len()), ("words", 0));
    }

    #[test]
    fn what_one_part_leaves_open_does_not_take_up_the_next() {
        let split = mail(
            "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n\
             <img src=\"http://evil.example/\n--m\nContent-Type: text/plain\n\nsecret\n--m\nContent-Type: text/html\n\n\">\n--m--\n",
        );
        let page = page(&split);
        assert!(!page.html.contains("evil.example") && page.html.contains("secret"), "{}", page.html);
    }
}
