//! What kind of file an attachment is: what it looks like in a list, whether it can be shown here, and whether opening it
//! would run it. The extension at the real end of the name decides, since that is what systems go by; the declared type
//! and the first octets can only make it worse.

use super::Attachment;

/// A rough kind, for an icon and for what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of a format that is shown here.
    Picture,
    /// Plain text of some sort.
    Text,
    /// A message, which the reader can show.
    Message,
    Calendar,
    Contact,
    Document,
    Sound,
    Film,
    /// Files packed together.
    Archive,
    Signature,
    /// Opening it would run it: it is saved and never opened.
    Program,
    Other,
}

impl Attachment {
    /// Its kind, by what it is called and declared to be.
    pub fn kind(&self) -> Kind {
        kind(&self.safe_name, &self.media_type)
    }
}

/// Of a safe name and a declared type.
pub(super) fn kind(safe_name: &str, media_type: &str) -> Kind {
    let extension = extension(safe_name);
    if is_program(safe_name, media_type) {
        return Kind::Program;
    }
    if media_type == "message/rfc822" || media_type == "message/global" || extension == "eml" {
        return Kind::Message;
    }
    match by_extension(&extension) {
        Kind::Text if by_media_type(media_type) == Kind::Signature => Kind::Signature,
        Kind::Other => by_media_type(media_type),
        kind => kind,
    }
}

fn by_extension(extension: &str) -> Kind {
    match extension {
        "png" | "jpg" | "jpeg" | "jpe" | "jfif" | "gif" | "webp" => Kind::Picture,
        "txt" | "text" | "csv" | "tsv" | "log" | "md" | "json" | "xml" | "yaml" | "yml" | "toml" | "ini" | "conf"
        | "diff" | "patch" | "asc" | "tex" | "srt" => Kind::Text,
        "ics" | "ical" | "ifb" => Kind::Calendar,
        "vcf" | "vcard" => Kind::Contact,
        "pdf" | "doc" | "docx" | "odt" | "rtf" | "xls" | "xlsx" | "ods" | "ppt" | "pptx" | "odp" | "epub" | "pages"
        | "numbers" | "key" => Kind::Document,
        "mp3" | "m4a" | "ogg" | "oga" | "opus" | "wav" | "flac" | "aac" | "wma" | "amr" => Kind::Sound,
        "mp4" | "m4v" | "mov" | "avi" | "mkv" | "webm" | "mpg" | "mpeg" | "wmv" | "3gp" => Kind::Film,
        "zip" | "gz" | "tgz" | "bz2" | "xz" | "zst" | "7z" | "rar" | "tar" => Kind::Archive,
        "p7s" | "sig" => Kind::Signature,
        _ => Kind::Other,
    }
}

fn by_media_type(media_type: &str) -> Kind {
    match media_type {
        "image/png" | "image/jpeg" | "image/jpg" | "image/pjpeg" | "image/gif" | "image/webp" => Kind::Picture,
        "text/calendar" | "application/ics" => Kind::Calendar,
        "text/vcard" | "text/x-vcard" | "text/directory" => Kind::Contact,
        "text/html" | "application/pdf" | "application/msword" | "application/rtf" => Kind::Document,
        "application/zip" | "application/gzip" | "application/x-tar" => Kind::Archive,
        "application/pgp-signature" | "application/pkcs7-signature" | "application/x-pkcs7-signature" => {
            Kind::Signature
        }
        "message/delivery-status" | "message/disposition-notification" | "application/json" | "application/xml" => {
            Kind::Text
        }
        other if other.starts_with("text/") => Kind::Text,
        other if other.starts_with("audio/") => Kind::Sound,
        other if other.starts_with("video/") => Kind::Film,
        _ => Kind::Other,
    }
}

/// The extension at the real end of a name, in lower case and without its dot; empty where there is none.
pub(super) fn extension(name: &str) -> String {
    let (_, extension) = split(name);
    extension.trim_start_matches('.').to_lowercase()
}

/// A name cut before the dot of its extension, which is never longer than a screen shows.
pub(super) fn split(name: &str) -> (&str, &str) {
    const LONGEST: usize = 24;
    let dot = name.rfind('.').filter(|&at| at > 0 && name.len().saturating_sub(at) <= LONGEST);
    dot.and_then(|at| name.split_at_checked(at)).unwrap_or((name, ""))
}

/// What runs when it is opened, on one of the systems or another: programs, scripts, installers, links, settings, and
/// disk images, which hide where their files came from.
const PROGRAMS: &[&str] = &[
    // Windows.
    "exe",
    "com",
    "scr",
    "pif",
    "bat",
    "cmd",
    "msi",
    "msp",
    "mst",
    "msc",
    "cpl",
    "dll",
    "sys",
    "drv",
    "ocx",
    "hta",
    "js",
    "jse",
    "mjs",
    "vb",
    "vbs",
    "vbe",
    "wsf",
    "wsh",
    "ws",
    "wsc",
    "sct",
    "ps1",
    "ps1xml",
    "ps2",
    "psc1",
    "psm1",
    "psd1",
    "lnk",
    "url",
    "website",
    "reg",
    "inf",
    "ins",
    "isp",
    "scf",
    "gadget",
    "application",
    "appref-ms",
    "appx",
    "appxbundle",
    "msix",
    "msixbundle",
    "appinstaller",
    "chm",
    "hlp",
    "jar",
    "jnlp",
    "xll",
    "xlam",
    "xla",
    "ppam",
    "wll",
    "ade",
    "adp",
    "mde",
    "accde",
    "mam",
    "library-ms",
    "search-ms",
    "searchconnector-ms",
    "settingcontent-ms",
    "theme",
    "themepack",
    "deskthemepack",
    "diagcab",
    "diagcfg",
    "diagpkg",
    "shb",
    "shs",
    "job",
    "crt",
    "cer",
    "der",
    "pfx",
    "rdp",
    "xbap",
    "vsto",
    "vhd",
    "vhdx",
    "iso",
    "img",
    "udl",
    "iqy",
    "slk",
    "ws",
    "cdxml",
    "one",
    "osd",
    "prf",
    "mcf",
    "vxd",
    "msh",
    "printerexport",
    "contact",
    // macOS.
    "app",
    "command",
    "tool",
    "terminal",
    "workflow",
    "action",
    "scpt",
    "scptd",
    "applescript",
    "pkg",
    "mpkg",
    "dmg",
    "webloc",
    "inetloc",
    "fileloc",
    "mobileconfig",
    "prefpane",
    "saver",
    "osax",
    "kext",
    "dylib",
    "mailloc",
    // Linux and the like.
    "desktop",
    "sh",
    "bash",
    "zsh",
    "csh",
    "ksh",
    "fish",
    "run",
    "out",
    "elf",
    "so",
    "ko",
    "appimage",
    "deb",
    "rpm",
    "apk",
    "flatpak",
    "flatpakref",
    "flatpakrepo",
    "snap",
    "service",
    "ebuild",
    // Everywhere.
    "py",
    "pyw",
    "pyc",
    "pyz",
    "pl",
    "rb",
    "php",
    "lua",
    "tcl",
    "xpi",
    "crx",
    "swf",
    "wasm",
    "class",
];

/// Whether opening it would run it, by its name and its declared type.
pub(super) fn is_program(name: &str, media_type: &str) -> bool {
    let declared = [
        "application/x-msdownload",
        "application/x-msdos-program",
        "application/x-dosexec",
        "application/vnd.microsoft.portable-executable",
        "application/x-executable",
        "application/x-sharedlib",
        "application/x-sh",
        "application/x-shellscript",
        "text/x-shellscript",
        "text/x-sh",
        "application/x-desktop",
        "application/x-ms-shortcut",
        "application/javascript",
        "text/javascript",
        "application/hta",
        "application/java-archive",
        "application/x-apple-diskimage",
        "application/x-msi",
    ];
    PROGRAMS.contains(&extension(name).as_str()) || declared.contains(&media_type)
}

/// Whether octets are those of a program or a script, whatever they are called.
pub(super) fn begins_as_program(content: &[u8]) -> bool {
    let marks: [&[u8]; 10] = [
        b"MZ",
        b"\x7fELF",
        b"#!",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"L\0\0\0\x01\x14\x02\0",
        b"[Desktop Entry]",
    ];
    marks.iter().any(|mark| content.starts_with(mark))
}

/// The type of a file that declares none, by its extension.
pub(super) fn media_type(name: &str) -> &'static str {
    match extension(name).as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "txt" | "log" => "text/plain",
        "htm" | "html" => "text/html",
        "csv" => "text/csv",
        "ics" => "text/calendar",
        "vcf" => "text/vcard",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "rtf" => "application/rtf",
        "doc" => "application/msword",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::safe_name;

    #[test]
    fn the_real_end_of_the_name_decides() {
        for (name, media_type, kind) in [
            ("photo.JPG", "application/octet-stream", Kind::Picture),
            ("photo.jpg.exe", "image/jpeg", Kind::Program),
            ("invoice\u{202e}fdp.exe", "application/pdf", Kind::Program),
            ("notes.txt", "application/x-sh", Kind::Program),
            ("invoice.pdf                    .scr", "application/pdf", Kind::Program),
            ("x.desktop.", "text/plain", Kind::Program),
            ("x.Lnk ", "text/plain", Kind::Program),
            ("a.txt:x.exe", "text/plain", Kind::Program),
            (".exe", "application/octet-stream", Kind::Other),
            ("letter.eml", "application/octet-stream", Kind::Message),
            ("", "message/rfc822", Kind::Message),
            ("report", "text/x-whatever", Kind::Text),
            ("signature.asc", "application/pgp-signature", Kind::Signature),
            ("report.docx", "application/octet-stream", Kind::Document),
            ("what.ever", "application/octet-stream", Kind::Other),
        ] {
            let attachment = Attachment {
                safe_name: safe_name(name, "part.bin"),
                media_type: media_type.to_owned(),
                ..Attachment::default()
            };
            assert_eq!(attachment.kind(), kind, "{name}");
        }
        assert!(begins_as_program(b"#!/bin/sh") && begins_as_program(b"MZ\x90") && !begins_as_program(b"%PDF"));
        assert_eq!(split("archive.tar.gz"), ("archive.tar", ".gz"));
    }
}
