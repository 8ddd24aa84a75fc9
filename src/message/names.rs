//! File names for attachments: whatever a sender wrote becomes a name that stays in its folder and is valid on Windows,
//! macOS and Linux.

use super::kinds;
use super::visible::visible_line;

/// The longest name that is given, in octets.
const LONGEST: usize = 120;

/// See [`super::safe_name`].
pub(super) fn safe_name(name: &str, fallback: &str) -> String {
    safe(name).or_else(|| safe(fallback)).unwrap_or_else(|| "attachment".to_owned())
}

fn safe(name: &str) -> Option<String> {
    let line = visible_line(name);
    let last = line.rsplit(['/', '\\']).find(|piece| !trimmed(piece).is_empty())?;
    let replaced: String = last.chars().map(|each| if is_forbidden(each) { '_' } else { each }).collect();
    let mut name = trimmed(&replaced).to_owned();
    // Leading dashes look like options to programs, a leading tilde like a home folder.
    if name.starts_with(['-', '~']) || is_reserved(&name) {
        name.insert(0, '_');
    }
    let name = shortened(&name);
    (!name.is_empty() && !name.chars().all(|each| each == '_')).then_some(name)
}

/// Without the dots and blanks that hide a file or that Windows drops, and without joiners that join nothing.
fn trimmed(name: &str) -> &str {
    name.trim_matches(|each: char| matches!(each, '.' | '\u{200c}' | '\u{200d}') || each.is_whitespace())
}

fn is_forbidden(character: char) -> bool {
    matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '/' | '\\')
}

/// Device names of Windows, with any extension (MS-DOS device names; the superscript digits count too).
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].contains(&stem.as_str()) {
        return true;
    }
    let digit = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let mut characters = digit.unwrap_or_default().chars();
    let numbered = matches!(characters.next(), Some('0'..='9' | '¹' | '²' | '³'));
    numbered && characters.next().is_none()
}

/// Cut to the longest name, keeping the extension from the real end.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let (stem, extension) = kinds::split(name);
    let room = LONGEST.saturating_sub(extension.len());
    let fits = stem.char_indices().map(|(at, each)| at.saturating_add(each.len_utf8())).take_while(|&end| end <= room);
    let cut = fits.last().and_then(|end| stem.get(..end)).unwrap_or_default();
    format!("{}{extension}", trimmed(cut))
}

/// What a message is called as a file: its subject, without the signs that no file name may have.
pub(super) fn of_message(subject: &str, fallback: &str) -> String {
    let subject: String = subject.chars().map(|each| if is_forbidden(each) { ' ' } else { each }).collect();
    let subject = visible_line(&subject);
    if subject.is_empty() { safe_name("", fallback) } else { safe_name(&format!("{subject}.eml"), fallback) }
}

/// What an attachment without a name is called: its place and what its type is known to end in.
pub(super) fn fallback(number: usize, media_type: &str) -> String {
    let extension = match media_type {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "text/vcard" | "text/x-vcard" | "text/directory" => "vcf",
        "text/csv" => "csv",
        "text/rfc822-headers" | "message/delivery-status" | "message/disposition-notification" => "txt",
        "message/rfc822" | "message/global" => "eml",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "image/bmp" => "bmp",
        "image/tiff" => "tiff",
        "audio/mpeg" => "mp3",
        "audio/wav" | "audio/x-wav" => "wav",
        "video/mp4" => "mp4",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/json" => "json",
        "application/xml" | "text/xml" => "xml",
        "application/pgp-signature" => "asc",
        "application/pgp-encrypted" => "txt",
        "application/pgp-keys" => "asc",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/ms-tnef" => "dat",
        _ => "bin",
    };
    let called = match media_type {
        "message/delivery-status" | "message/disposition-notification" => "report",
        "text/rfc822-headers" => "headers",
        "text/calendar" => "invitation",
        "text/vcard" | "text/x-vcard" => "contact",
        _ => "attachment",
    };
    format!("{called}-{number}.{extension}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_names() {
        for (name, expected) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("\\\\server\\share\\x.doc", "x.doc"),
            ("C:x.txt", "C_x.txt"),
            ("a:ads", "a_ads"),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("LPT¹.tar.gz", "_LPT¹.tar.gz"),
            ("CONIN$", "_CONIN$"),
            ("COM10", "COM10"),
            ("aux .txt", "_aux .txt"),
            ("trailing. . ", "trailing"),
            (".bashrc", "bashrc"),
            ("-rf", "_-rf"),
            ("evil\u{202e}fdp.exe", "evilfdp.exe"),
            ("a\0b\nc.txt", "ab c.txt"),
            ("what?.txt", "what_.txt"),
            ("folder/", "folder"),
            ("..", "part.bin"),
            ("", "part.bin"),
            ("/", "part.bin"),
            ("???", "part.bin"),
            ("مرفق.pdf", "مرفق.pdf"),
        ] {
            assert_eq!(safe_name(name, "part.bin"), expected, "{name:?}");
        }
        assert_eq!(of_message("Re: AW: 1/2 of \"it\"?", "x"), "Re AW 1 2 of it.eml");
        assert_eq!((of_message("", "x.eml"), of_message("?", "x.eml")), ("x.eml".to_owned(), "x.eml".to_owned()));
        assert_eq!(safe_name("..", "../x"), "x");
        assert_eq!(safe_name("..", ""), "attachment");
        let long = safe_name(&format!("{}.tar.gz", "ä".repeat(4_000)), "x");
        assert!(long.len() <= LONGEST && long.ends_with("ä.gz"), "{long}");
        let spread = safe_name(&format!("invoice.pdf{}.exe", " ".repeat(4_000)), "x");
        assert_eq!(spread, "invoice.pdf .exe");
    }

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "../",
                "..\\",
                "/",
                "\\",
                "C:",
                "\\\\?\\",
                "\\\\host\\",
                "CON",
                "con",
                "PRN",
                "AUX",
                "NUL",
                "COM1",
                "LPT9",
                "COM³",
                "CONIN$",
                "CONOUT$",
                ".",
                "..",
                "-",
                "~",
                " ",
                "\t",
                "\n",
                "\0",
                ":ads",
                ":$DATA",
                "\u{202e}",
                "\u{200b}",
                "\u{feff}",
                "\u{2028}",
                "\u{301}",
                "\u{a0}",
                "\u{3000}",
                ".exe",
                ".txt",
                ".tar.gz",
                "*",
                "?",
                "|",
                "<",
                ">",
                "\"",
                "ä",
                "文",
                "👩\u{200d}👧",
                "a",
                "%2e%2e%2f",
                "$(x)",
                "`x`",
            ])
            .prop_map(str::to_owned),
            any::<String>(),
            ("[a-z.]", 0..4_000_usize).prop_map(|(unit, times)| unit.repeat(times)),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn any_name_is_made_safe(name in hostile(), other in "[ -~]{0,12}") {
            let safe = safe_name(&name, &other);
            prop_assert!(!safe.is_empty() && safe.len() <= LONGEST);
            prop_assert!(!safe.chars().any(|each| each.is_control() || is_forbidden(each)));
            prop_assert!(!safe.starts_with(['.', '-', '~', ' ']) && !safe.ends_with(['.', ' ']));
            prop_assert!(!is_reserved(&safe));
            prop_assert_eq!(std::path::Path::new(&safe).components().count(), 1);
            prop_assert_eq!(&safe_name(&safe, "x"), &safe);
        }
    }

    proptest! {
        #[test]
        fn a_short_extension_survives_from_the_real_end(stem in "[a-z .]{1,400}", extension in "[a-z]{1,8}") {
            let safe = safe_name(&format!("x{stem}y.{extension}"), "x");
            let ending = format!(".{extension}");
            prop_assert!(safe.ends_with(&ending));
        }
    }
}
