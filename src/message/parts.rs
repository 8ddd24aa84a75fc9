//! A message taken apart into its leaf parts (RFC 2046): one pass over the lines with the open boundaries on a stack.
//!
//! An attached message is a leaf and is not opened, nesting and parts are counted, and nothing recurses, so that no
//! message can exhaust the stack or the memory. Bodies stay slices of the original.

use super::fields::{self, LineEnds, Section};
use super::parameters::Structured;
use super::transfer::Encoding;

/// Multiparts inside multiparts that are opened.
pub(super) const DEEPEST: usize = 50;
/// Leaf parts that are listed.
pub(super) const MOST_PARTS: usize = 2_000;

/// A part that holds no other.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// Type and subtype in lower case; `text/plain` where nothing usable is declared.
    pub media_type: String,
    pub content_type: Structured,
    pub disposition: Structured,
    pub encoding: Encoding,
    /// Still encoded for transfer.
    pub body: &'a [u8],
    /// The outermost multipart/alternative around it.
    pub alternative: Option<usize>,
    /// Content-ID without angle brackets; empty where there is none.
    pub content_id: String,
}

/// A message taken apart.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub header: Section<'a>,
    pub leaves: Vec<Leaf<'a>>,
    /// The multiparts that sign or encrypt: `signed` or `encrypted`, and by what, in lower case.
    pub sealed: Vec<(String, String)>,
    pub too_deep: bool,
    pub too_many: bool,
}

/// Takes `original` apart.
pub(super) fn parts(original: &[u8]) -> Parts<'_> {
    let ends = LineEnds::of(original);
    let begin = fields::skip_preamble(original, ends);
    let (header, body) = fields::section(begin, ends);
    let mut walk = Walk { all: original, ends, open: Vec::new(), leaf: None, alternatives: 0, parts: Parts::default() };
    walk.begin_part(&header, body, false);
    walk.lines(body);
    walk.parts.header = header;
    walk.parts
}

/// A multipart whose end has not been seen.
struct Open<'a> {
    boundary: Vec<u8>,
    is_digest: bool,
    alternative: Option<usize>,
    has_children: bool,
    body: &'a [u8],
}

struct Walk<'a> {
    all: &'a [u8],
    ends: LineEnds,
    open: Vec<Open<'a>>,
    /// The leaf that is being read; its body reaches to the end of the message until its end is seen.
    leaf: Option<Leaf<'a>>,
    alternatives: usize,
    parts: Parts<'a>,
}

impl<'a> Walk<'a> {
    fn lines(&mut self, body: &'a [u8]) {
        let mut rest = body;
        while !rest.is_empty() && !self.open.is_empty() {
            let (line, after) = self.ends.split(rest);
            let found = if line.starts_with(b"--") { self.boundary(line) } else { None };
            let Some((level, is_end)) = found else {
                rest = after;
                continue;
            };
            self.close_down_to(level.saturating_add(1), rest);
            rest = after;
            if is_end {
                self.close_down_to(level, rest);
            } else if let Some(open) = self.open.last_mut() {
                open.has_children = true;
                let is_digest = open.is_digest;
                let (section, body) = fields::section(rest, self.ends);
                self.begin_part(&section, body, is_digest);
                rest = body;
            }
        }
        self.close_down_to(0, &[]);
    }

    /// The open multipart that `line` is a boundary of, innermost first, and whether it ends it.
    fn boundary(&self, line: &[u8]) -> Option<(usize, bool)> {
        let text = line.trim_ascii_end().strip_prefix(b"--")?;
        self.open.iter().enumerate().rev().find_map(|(level, open)| {
            match text.strip_prefix(open.boundary.as_slice())? {
                b"" => Some((level, false)),
                b"--" => Some((level, true)),
                _ => None,
            }
        })
    }

    /// Ends the leaf being read, and every multipart at `level` and deeper, before `rest`.
    fn close_down_to(&mut self, level: usize, rest: &'a [u8]) {
        let end = self.all.len().saturating_sub(rest.len());
        if let Some(mut leaf) = self.leaf.take() {
            leaf.body = self.until(leaf.body, end);
            self.keep(leaf);
        }
        while self.open.len() > level {
            let Some(open) = self.open.pop() else { break };
            if !open.has_children {
                // Its boundary never came: what there is is shown as text.
                let body = self.until(open.body, end);
                self.keep(Leaf::unnamed_text(body, open.alternative));
            }
        }
    }

    /// `body`, which reaches to the end of the message, up to the line that begins at `end`.
    fn until(&self, body: &'a [u8], end: usize) -> &'a [u8] {
        let start = self.all.len().saturating_sub(body.len());
        let body = body.get(..end.saturating_sub(start)).unwrap_or(body);
        if end >= self.all.len() {
            return body;
        }
        // The line end before a boundary belongs to the boundary.
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        body.strip_suffix(b"\r").unwrap_or(body)
    }

    fn keep(&mut self, leaf: Leaf<'a>) {
        if self.parts.leaves.len() < MOST_PARTS {
            self.parts.leaves.push(leaf);
        } else {
            self.parts.too_many = true;
        }
    }

    fn begin_part(&mut self, section: &Section<'a>, body: &'a [u8], in_digest: bool) {
        let structured = |name: &str| section.first(name).map(Structured::parse).unwrap_or_default();
        let content_type = structured("content-type");
        let media_type = match content_type.value.split_once('/') {
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) => content_type.value.clone(),
            _ if in_digest => "message/rfc822".to_owned(),
            _ => "text/plain".to_owned(),
        };
        let mut alternative = self.open.last().and_then(|open| open.alternative);
        let boundary =
            content_type.plain("boundary").map(|text| text.trim_end().as_bytes().to_vec()).unwrap_or_default();
        if let Some(kind) = media_type.strip_prefix("multipart/") {
            if matches!(kind, "signed" | "encrypted") && self.parts.sealed.len() < DEEPEST {
                let protocol = content_type.plain("protocol").unwrap_or_default().to_ascii_lowercase();
                self.parts.sealed.push((kind.to_owned(), protocol));
            }
            if boundary.is_empty() {
                self.leaf = Some(Leaf::unnamed_text(body, alternative));
                return;
            }
            if self.open.len() < DEEPEST {
                if kind == "alternative" && alternative.is_none() {
                    alternative = Some(self.alternatives);
                    self.alternatives = self.alternatives.saturating_add(1);
                }
                let is_digest = kind == "digest";
                self.open.push(Open { boundary, is_digest, alternative, has_children: false, body });
                return;
            }
            self.parts.too_deep = true;
        }
        let encoding = section.first("content-transfer-encoding").map(Structured::parse).unwrap_or_default();
        self.leaf = Some(Leaf {
            media_type,
            content_type,
            disposition: structured("content-disposition"),
            encoding: Encoding::named(&encoding.value),
            body,
            alternative,
            content_id: section.first("content-id").map(identifier).unwrap_or_default(),
        });
    }
}

impl<'a> Leaf<'a> {
    fn unnamed_text(body: &'a [u8], alternative: Option<usize>) -> Leaf<'a> {
        Leaf {
            media_type: "text/plain".to_owned(),
            content_type: Structured::default(),
            disposition: Structured::default(),
            encoding: Encoding::Identity,
            body,
            alternative,
            content_id: String::new(),
        }
    }
}

/// A Content-ID (RFC 2392) without its angle brackets.
fn identifier(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic() && !b"/()<>@,;:\\\"[]?=".contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, expected: &[(&str, &str)]) {
        for text in [original.to_owned(), original.replace('\n', "\r\n"), original.replace('\n', "\r")] {
            let parts = parts(text.as_bytes());
            let found: Vec<(String, String)> = parts
                .leaves
                .iter()
                .map(|leaf| {
                    (
                        leaf.media_type.clone(),
                        String::from_utf8_lossy(leaf.body).replace("\r\n", "\n").replace('\r', "\n"),
                    )
                })
                .collect();
            let found: Vec<(&str, &str)> = found.iter().map(|(kind, body)| (kind.as_str(), body.as_str())).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn structures() {
        check("Subject: x\n\nbody\n", &[("text/plain", "body\n")]);
        check("Subject: x", &[("text/plain", "")]);
        check("", &[("text/plain", "")]);
        let mixed =
            "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n--b\nContent-Type: image/png\n\ntwo\n";
        check(&format!("{mixed}--b--\nepilogue\n"), &[("text/plain", "one"), ("image/png", "two")]);
        check(mixed, &[("text/plain", "one"), ("image/png", "two\n")]);
        // A part that is nothing but a header; a boundary that begins another; blanks behind a boundary.
        check(
            "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: a/b\n--b  \n\n--bc\ntext\n--b--\n",
            &[("a/b", ""), ("text/plain", "--bc\ntext")],
        );
        // An inner multipart that is never ended.
        check(
            "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/related; boundary=i\n\n--i\n\nx\n--o\n\ny\n--o--\n",
            &[("text/plain", "x"), ("text/plain", "y")],
        );
        check("Content-Type: multipart/mixed; boundary=b\n\nno boundary\n", &[("text/plain", "no boundary\n")]);
        check("Content-Type: multipart/mixed\n\nno parameter\n", &[("text/plain", "no parameter\n")]);
        check(
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\ntext\n--b--\n",
            &[("message/rfc822", "Subject: in\n\ntext")],
        );
        check("Content-Type: nonsense\n\nx", &[("text/plain", "x")]);
    }

    #[test]
    fn nesting_and_number_are_bounded() {
        let mut deep = String::new();
        for level in 0..5_000 {
            deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"));
        }
        let found = parts(deep.as_bytes());
        assert!(found.too_deep && found.leaves.len() == 1);
        let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(5_000));
        let found = parts(many.as_bytes());
        assert!(found.too_many && found.leaves.len() == MOST_PARTS);
        let messages = "Content-Type: message/rfc822\n\n".repeat(200_000);
        assert_eq!(parts(messages.as_bytes()).leaves.len(), 1);
    }
}
