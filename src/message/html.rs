//! HTML as text, from its tokens alone: no tree, no stack, so that nothing in a message can make it slow or deep.
//! Only counters are kept, and a missing end tag can at most leave one too high.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// Marks of quotation that are put before a line at most.
const DEEPEST_QUOTE: usize = 5;
/// Elements that are set apart by their style and open at once, of which the ends are known.
const MOST_STYLED: usize = 100;

/// See [`super::text_of_html`].
pub(super) fn text_of_html(html: &str) -> String {
    let mut writer = Writer::default();
    writer.read(html, true);
    writer.finish()
}

/// What separates the text to come from the text before; the greater one wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Blank,
    Line,
    Paragraph,
}

#[derive(Default)]
struct Writer {
    out: String,
    gap: Gap,
    /// Line breaks asked for by `<br>`, each of which counts.
    breaks: usize,
    /// The element whose content is being left out.
    skipping: Option<Vec<u8>>,
    in_head: bool,
    in_noscript: bool,
    preformatted: usize,
    quotes: usize,
    /// Open elements that their style sets apart, those of the same names inside of them, and what stands around each.
    styled: Vec<(Vec<u8>, Gap)>,
}

impl Writer {
    fn read(&mut self, html: &str, raw_elements: bool) {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(raw_elements);
        for token in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Ok(Token::StartTag(tag)) => self.open(&tag),
                Ok(Token::EndTag(tag)) => self.close(&tag.name),
                Ok(Token::String(text)) if self.in_noscript && raw_elements => {
                    self.read(&String::from_utf8_lossy(&text), false);
                }
                Ok(Token::String(text)) => self.text(&String::from_utf8_lossy(&text)),
                Ok(_) => (),
                Err(never) => match never {},
            }
        }
    }

    fn open(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        let around = styled(tag);
        self.separate(around);
        match name {
            b"script" | b"style" | b"title" | b"iframe" | b"noembed" => self.skipping = Some(name.to_vec()),
            // Its content comes as one raw text; tags in it are read without going into such elements again.
            b"noscript" => self.in_noscript = true,
            b"head" => self.in_head = true,
            b"br" => self.line_break(),
            b"img" | b"area" => self.alternative_text(tag),
            b"li" => {
                self.separate(Gap::Line);
                self.bullet();
            }
            b"td" | b"th" => self.separate(Gap::Blank),
            b"hr" => self.separate(Gap::Paragraph),
            b"pre" => {
                self.separate(Gap::Paragraph);
                self.preformatted = self.preformatted.saturating_add(1);
            }
            b"blockquote" => {
                self.separate(Gap::Paragraph);
                self.quotes = self.quotes.saturating_add(1);
            }
            b"input" | b"option" => self.separate(Gap::Blank),
            _ => self.separate(gap_around(name)),
        }
        if is_void(name) {
            self.separate(around);
        } else if (around > Gap::None || self.styled.iter().any(|(open, _)| open == name))
            && self.styled.len() < MOST_STYLED
        {
            self.styled.push((name.to_vec(), around));
        }
        if name == b"body" || gap_around(name) > Gap::Blank {
            self.in_head = false;
        }
    }

    fn close(&mut self, name: &[u8]) {
        if self.skipping.as_deref() == Some(name) {
            self.skipping = None;
            return;
        }
        match name {
            b"head" => self.in_head = false,
            b"noscript" => self.in_noscript = false,
            b"pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.separate(Gap::Paragraph);
            }
            b"blockquote" => {
                self.separate(Gap::Paragraph);
                self.quotes = self.quotes.saturating_sub(1);
            }
            b"td" | b"th" => self.separate(Gap::Blank),
            b"li" => self.separate(Gap::Line),
            b"br" => self.line_break(),
            _ => self.separate(gap_around(name)),
        }
        if let Some(at) = self.styled.iter().rposition(|(styled, _)| styled == name) {
            let (_, gap) = self.styled.remove(at);
            self.separate(gap);
        }
    }

    fn separate(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn line_break(&mut self) {
        self.breaks = self.breaks.saturating_add(1);
    }

    fn alternative_text(&mut self, tag: &StartTag<()>) {
        let Some(text) = tag.attributes.get(b"alt".as_slice()) else { return };
        let text = String::from_utf8_lossy(text).into_owned();
        if !text.trim().is_empty() {
            // Pictures side by side are not one word.
            self.separate(Gap::Blank);
            self.text(&text);
            self.separate(Gap::Blank);
        }
    }

    fn bullet(&mut self) {
        self.before_text();
        if self.out.ends_with("- ") {
            return;
        }
        self.out.push_str("- ");
    }

    fn text(&mut self, text: &str) {
        if self.skipping.is_some() || self.in_head {
            return;
        }
        if self.preformatted > 0 {
            for (index, line) in text.split('\n').enumerate() {
                if index > 0 {
                    self.line_break();
                }
                if !line.is_empty() {
                    self.before_text();
                    self.out.push_str(line.trim_end_matches('\r'));
                }
            }
            return;
        }
        let is_blank = |each: char| matches!(each, ' ' | '\t' | '\n' | '\r' | '\u{c}');
        for (index, word) in text.split(is_blank).enumerate() {
            if index > 0 {
                self.separate(Gap::Blank);
            }
            if !word.is_empty() {
                self.before_text();
                self.out.extend(word.chars().map(|each| if each == '\u{a0}' { ' ' } else { each }));
            }
        }
    }

    /// Writes what separates the text to come from what stands there.
    fn before_text(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        let breaks = std::mem::take(&mut self.breaks);
        let by_gap = match gap {
            Gap::None | Gap::Blank => 0,
            Gap::Line => 1,
            Gap::Paragraph => 2,
        };
        let lines = by_gap.max(breaks).min(2);
        if self.out.is_empty() {
            self.quote_marks();
        } else if lines > 0 {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            for _ in 0..lines {
                self.out.push('\n');
            }
            self.quote_marks();
        } else if gap == Gap::Blank && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
    }

    fn quote_marks(&mut self) {
        for _ in 0..self.quotes.min(DEEPEST_QUOTE) {
            self.out.push_str("> ");
        }
    }

    fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end().len());
        self.out
    }
}

/// Whether it has no end (HTML, section 13.1.2).
fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"img" | b"br" | b"hr" | b"input" | b"area" | b"meta" | b"link" | b"col" | b"wbr" | b"embed" | b"source"
    )
}

/// What stands around an element because of how it is to be displayed.
fn styled(tag: &StartTag<()>) -> Gap {
    let Some(style) = tag.attributes.get(b"style".as_slice()) else { return Gap::None };
    let style: String = String::from_utf8_lossy(style).to_ascii_lowercase().split_whitespace().collect();
    let Some((_, display)) = style.split_once("display:") else { return Gap::None };
    match display.split([';', '!']).next().unwrap_or_default() {
        "block" | "table" | "table-row" | "flex" | "grid" | "list-item" | "flow-root" => Gap::Line,
        "inline-block" | "table-cell" | "inline-table" | "inline-flex" => Gap::Blank,
        _ => Gap::None,
    }
}

/// What stands around an element: a paragraph's distance, a new line, or nothing.
fn gap_around(name: &[u8]) -> Gap {
    match name {
        b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"ul" | b"ol" | b"dl" | b"table" | b"blockquote"
        | b"pre" | b"hr" | b"fieldset" | b"figure" => Gap::Paragraph,
        b"div" | b"tr" | b"li" | b"dt" | b"dd" | b"section" | b"article" | b"header" | b"footer" | b"main" | b"nav"
        | b"aside" | b"address" | b"center" | b"form" | b"caption" | b"thead" | b"tbody" | b"tfoot" | b"figcaption"
        | b"details" | b"summary" | b"legend" | b"menu" | b"dir" | b"textarea" | b"xmp" | b"listing" | b"body" => {
            Gap::Line
        }
        _ => Gap::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shapes() {
        for (html, expected) in [
            ("", ""),
            ("plain &amp; simple", "plain & simple"),
            ("a <b>bold</b>   word\n next", "a bold word next"),
            ("<p>one</p><p>two</p>", "one\n\ntwo"),
            ("<div>one</div><div>two</div>", "one\ntwo"),
            ("<div><div>one</div></div><div><br></div><div>two</div>", "one\ntwo"),
            ("one<br>two<br><br>three<br><br><br><br>four", "one\ntwo\n\nthree\n\nfour"),
            ("<ul><li>a<li>b</ul>after", "- a\n- b\n\nafter"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("x<table><tr><td> <p>a</p></td></tr></table>y", "x\n\na\n\ny"),
            ("<a href=\"http://x.example/\">link</a>", "link"),
            ("see <img src=x alt=\"the logo\"> here <img src=y>", "see the logo here"),
            ("<a><img alt=Home></a><a><img alt=Shop></a>x", "Home Shop x"),
            ("<a style='color:red; DISPLAY : block'>a</a>b<a style=display:inline-block>c</a>d", "a\nb c d"),
            ("<b style=display:block><b>a</b>b</b>c", "ab\nc"),
            ("<span style='display:inline'>a</span>b", "ab"),
            ("a<img style=display:block alt=b>c<img style=display:block>d", "a\nb\nc\nd"),
            ("a&nbsp;b &eacute; &#x263a; &lt;b&gt;", "a b é ☺ <b>"),
            ("<head><title>no</title><style>p{}</style><meta x></head><body>yes", "yes"),
            ("<head><title>no</title><div>yes</div>", "yes"),
            ("<script>if (a<b) '</div>'</script>text<style>x</style>", "text"),
            ("<pre>a\n  b\n\nc</pre>d", "a\n  b\n\nc\n\nd"),
            ("<p>said:</p><blockquote>one<br>two</blockquote>three", "said:\n\n> one\n> two\n\nthree"),
            ("<!-- comment -->a<!DOCTYPE x><?php x ?>b", "ab"),
            ("</div></pre></blockquote>still", "still"),
            ("<<<>>> & < a", "<<<>>> & < a"),
            ("unfinished <b", "unfinished"),
            ("a<noscript><p>b</p><noscript>c</noscript>d", "a\n\nb\n\ncd"),
        ] {
            assert_eq!(text_of_html(html), expected, "{html}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let html = format!("{}x", "<table><tr><td><blockquote><ul><li><pre>".repeat(20_000));
        assert!(text_of_html(&html).ends_with('x'));
    }

    proptest! {
        #[test]
        fn any_text_is_read(html in "[<>/a-z \\n\"=&;!-]{0,300}") {
            let text = text_of_html(&html);
            prop_assert!(!text.contains("\n\n\n"), "{:?}", text);
        }
    }
}
