//! What an import needs of the ways in which Outlook keeps text: code pages and compressed rich text.

use super::{charset, rtf, tnef};

/// Text in a code page that Windows numbers so.
pub(crate) fn narrow(octets: &[u8], code_page: u32) -> String {
    charset::decode(octets, &label(code_page)).0.into_owned()
}

/// The name of a code page as a message declares it; empty where it is not known here.
pub(crate) fn label(code_page: u32) -> String {
    match code_page {
        20127 => "us-ascii".to_owned(),
        20866 => "koi8-r".to_owned(),
        21866 => "koi8-u".to_owned(),
        28591..=28606 => format!("iso-8859-{}", code_page.saturating_sub(28590)),
        50220..=50222 => "iso-2022-jp".to_owned(),
        51932 => "euc-jp".to_owned(),
        51949 => "euc-kr".to_owned(),
        52936 | 54936 => "gb18030".to_owned(),
        874 => "windows-874".to_owned(),
        other => tnef::label(other),
    }
}

/// The words of compressed rich text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rich {
    Text(String),
    /// The HTML that it was made from.
    Html(String),
}

/// What was unpacked of compressed rich text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// `None` where it is no rich text, or empty.
    pub words: Option<Rich>,
    /// How many octets of rich text these words were in.
    pub octets: usize,
    /// There are more.
    pub cut: bool,
}

/// Unpacks at most so many octets of it.
pub(crate) fn rich(compressed: &[u8], most: usize) -> Unpacked {
    let Some((rtf, cut)) = rtf::unpacked_up_to(most, compressed) else { return Unpacked::default() };
    let words = match rtf::words(&rtf) {
        rtf::Words::Text(text) if !text.is_empty() => Some(Rich::Text(text)),
        rtf::Words::Html(html) if !html.is_empty() => Some(Rich::Html(html)),
        _ => None,
    };
    Unpacked { words, octets: rtf.len(), cut }
}
