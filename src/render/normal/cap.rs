//! Bounds before the tree is built. Building a tree of HTML costs more than its length says: deep nesting, formatting
//! that is never closed and elements of a hundred thousand attributes each make it quadratic or worse. So the tokens are
//! counted first, which is linear, and only what is over a bound is written anew without it.

use std::borrow::Cow;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// Elements inside elements.
const DEEPEST: usize = 256;
/// Formatting elements open at once: each is opened again in every block that follows.
const MOST_FORMATTING: usize = 24;
/// Start tags of a document.
const MOST_TAGS: usize = 100_000;
/// Attributes of an element.
const MOST_ATTRIBUTES: usize = 100;
/// Octets of all attributes of an element but a picture's or link's address.
const LONGEST_ATTRIBUTES: usize = 64 * 1024;

/// `html` within the bounds, and whether anything was left out for that.
pub(super) fn cap(html: &str) -> (Cow<'_, str>, bool) {
    if Counter::default().read(html, None) {
        return (Cow::Borrowed(html), false);
    }
    let mut out = String::with_capacity(html.len().min(1 << 20));
    Counter::default().read(html, Some(&mut out));
    (Cow::Owned(out), true)
}

#[derive(Default)]
struct Counter {
    /// The names of the open elements.
    open: Vec<Vec<u8>>,
    formatting: usize,
    tags: usize,
}

impl Counter {
    /// Writes what is within the bounds, or says whether all of it is.
    fn read(&mut self, html: &str, mut out: Option<&mut String>) -> bool {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut raw = false;
        for token in Tokenizer::new_with_emitter(html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => {
                    let fits = self.open(&tag);
                    match &mut out {
                        None if !fits || !attributes_fit(&tag) => return false,
                        Some(out) if fits => write_tag(out, &tag),
                        _ => (),
                    }
                    raw = is_raw(&tag.name);
                }
                Token::EndTag(tag) => {
                    raw = false;
                    if self.close(&tag.name)
                        && let Some(out) = &mut out
                    {
                        out.push_str("</");
                        out.push_str(&String::from_utf8_lossy(&tag.name));
                        out.push('>');
                    }
                }
                Token::String(text) => {
                    if let Some(out) = &mut out {
                        let text = String::from_utf8_lossy(&text);
                        if raw { out.push_str(&text) } else { escape(out, &text) }
                    }
                }
                _ => (),
            }
        }
        true
    }

    fn open(&mut self, tag: &StartTag<()>) -> bool {
        let name: &[u8] = &tag.name;
        self.tags += 1;
        if self.tags > MOST_TAGS {
            return false;
        }
        if tag.self_closing || is_void(name) {
            return true;
        }
        self.imply_end(name);
        let formatting = is_formatting(name);
        if self.open.len() >= DEEPEST || formatting && self.formatting >= MOST_FORMATTING {
            return false;
        }
        self.formatting += usize::from(formatting);
        self.open.push(name.to_vec());
        true
    }

    /// Closes what an element closes whose own end tag may be left out: the cell before it, the row, the item.
    fn imply_end(&mut self, name: &[u8]) {
        let (closed, within): (&[&[u8]], &[u8]) = match name {
            b"td" | b"th" => (&[b"td", b"th"], b"tr"),
            b"tr" | b"tbody" | b"thead" | b"tfoot" => (&[b"tr"], b"table"),
            b"li" => (&[b"li"], b"ul"),
            b"dd" | b"dt" => (&[b"dd", b"dt"], b"dl"),
            b"option" => (&[b"option"], b"select"),
            b"p" => (&[b"p"], b""),
            _ => return,
        };
        let is_one = |open: &[u8]| closed.contains(&open);
        let at = match within {
            b"" => self.open.len().checked_sub(1).filter(|last| self.open.get(*last).is_some_and(|open| is_one(open))),
            within => {
                let stops =
                    |open: &Vec<u8>| open == within || is_one(open) || matches!(open.as_slice(), b"table" | b"ol");
                self.open.iter().rposition(stops).filter(|at| self.open.get(*at).is_some_and(|open| is_one(open)))
            }
        };
        if let Some(at) = at {
            let gone = self.open.split_off(at);
            self.formatting -= gone.iter().filter(|name| is_formatting(name)).count();
        }
    }

    /// Whether the end tag is to be kept: those of elements that were left out, or were never open, are not.
    fn close(&mut self, name: &[u8]) -> bool {
        let Some(at) = self.open.iter().rposition(|open| open == name) else {
            return matches!(name, b"p" | b"br");
        };
        if is_formatting(name) {
            // What is closed across others leaves those open.
            self.open.remove(at);
            self.formatting -= 1;
        } else {
            let kept = self.open.split_off(at);
            self.open.extend(kept.into_iter().skip(1).filter(|name| is_formatting(name)));
        }
        true
    }
}

fn attributes_fit(tag: &StartTag<()>) -> bool {
    tag.attributes.len() <= MOST_ATTRIBUTES
        && tag.attributes.iter().map(|(name, value)| length(name, value)).sum::<usize>() <= LONGEST_ATTRIBUTES
}

/// An address counts for nothing: a picture may stand in it.
fn length(name: &[u8], value: &[u8]) -> usize {
    if matches!(name, b"src" | b"href" | b"background") { 0 } else { name.len() + value.len() }
}

fn write_tag(out: &mut String, tag: &StartTag<()>) {
    out.push('<');
    out.push_str(&String::from_utf8_lossy(&tag.name));
    let mut left = LONGEST_ATTRIBUTES;
    for (name, value) in tag.attributes.iter().take(MOST_ATTRIBUTES) {
        let Some(less) = left.checked_sub(length(name, value)) else { break };
        left = less;
        out.push(' ');
        out.push_str(&String::from_utf8_lossy(name));
        out.push_str("=\"");
        escape(out, &String::from_utf8_lossy(value));
        out.push('"');
    }
    out.push_str(if tag.self_closing { "/>" } else { ">" });
}

/// Text as HTML, in an element or in a quoted attribute.
pub(super) fn escape(out: &mut String, text: &str) {
    for each in text.chars() {
        match each {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            other => out.push(other),
        }
    }
}

fn is_raw(name: &[u8]) -> bool {
    matches!(name, b"style" | b"script" | b"xmp" | b"iframe" | b"noembed" | b"noframes" | b"noscript" | b"plaintext")
}

pub(super) fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"basefont"
            | b"bgsound"
            | b"br"
            | b"col"
            | b"embed"
            | b"frame"
            | b"hr"
            | b"img"
            | b"input"
            | b"keygen"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
    )
}

fn is_formatting(name: &[u8]) -> bool {
    matches!(
        name,
        b"a" | b"b"
            | b"big"
            | b"code"
            | b"em"
            | b"font"
            | b"i"
            | b"nobr"
            | b"s"
            | b"small"
            | b"strike"
            | b"strong"
            | b"tt"
            | b"u"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_the_bounds_is_untouched() {
        for html in [
            "",
            "text",
            "<p>a<p>b<table><tr><td>c",
            "<b><i>x</b></i>",
            "<style>a>b{}</style>",
            "<div class='x' a=\"1\">",
        ] {
            assert!(matches!(cap(html), (Cow::Borrowed(same), false) if same == html), "{html}");
        }
        let cells = format!("<table>{}", "<tr><td>1<td>2".repeat(2_000));
        assert!(!cap(&cells).1);
    }

    #[test]
    fn what_is_over_a_bound_is_left_out_and_the_rest_kept() {
        let deep = format!("{}x{}y", "<div>".repeat(40_000), "</div>".repeat(40_000));
        let (capped, cut) = cap(&deep);
        assert!(cut);
        assert_eq!(capped.matches("<div>").count(), DEEPEST);
        assert!(capped.contains('x') && capped.ends_with('y'));
        let bold = "<b>".repeat(2_000) + "x";
        assert_eq!(cap(&bold).0.matches("<b>").count(), MOST_FORMATTING);
        let many: String = (0..100_000).map(|each| format!(" a{each}=1")).collect();
        assert!(cap(&format!("<p{many}>x</p>")).0.len() < 3_000);
        assert!(cap(&"<br>".repeat(MOST_TAGS + 9)).1);
        assert_eq!(
            cap(&format!("{}<style>a>b</style>&amp;<script>1<2</script>", "<i>".repeat(99))).0.matches('>').count(),
            MOST_FORMATTING + 5
        );
    }
}
