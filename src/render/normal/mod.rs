//! HTML of a message made harmless and plain: what the engine gets to see. Pure, total, and bounded in memory and time.
//!
//! The steps: tokens are counted and cut ([`cap`]), a tree is built as browsers do ([`tree`]), the quoted tail is found
//! ([`quote`]), and the tree is written out as a flat list of [`Piece`]s, in which only known elements with known
//! attributes stand. Old attributes become CSS ([`legacy`]), styles are filtered ([`css`]), and addresses become
//! numbers ([`source`]).

mod cap;
mod colour;
mod css;
mod emoji;
mod legacy;
mod quote;
mod source;
mod tree;

use html5ever::LocalName;
use url::Url;

use self::css::Filter;
use self::legacy::{Cells, Hints, Legacy};
pub use self::source::is_tracker;
use self::source::{Seen, Source, Sources};
use self::tree::{Id, Kind, Tree};
use super::{Blocked, Colours, MOST_HTML, Page};

/// Elements inside elements in what is written.
const DEEPEST: usize = 256;
/// Columns or rows that a cell may span.
const WIDEST: u32 = 1_000;

/// A page as the engine gets it.
#[derive(Debug, Default)]
pub struct Normalised {
    /// Style sheets in order.
    pub styles: Vec<String>,
    /// The body: the first piece opens it.
    pub pieces: Vec<Piece>,
    /// The address of each link, by the number that its element names.
    pub links: Vec<String>,
    /// The octets of each picture, by the number in its address.
    pub pictures: Vec<Vec<u8>>,
    /// What was not loaded; without the places of the pictures.
    pub blocked: Blocked,
    /// Whether a tail of quotation was found: then one element is named [`TAIL`].
    pub has_tail: bool,
    pub own_dark_style: bool,
    /// Whether the page declares that its ground may be dark.
    pub dark_ground: bool,
    /// Whether the colours were changed for a dark window.
    pub recoloured: bool,
    pub notes: Vec<String>,
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Closed by the [`Piece::Close`] that belongs to it, empty ones too.
    Open {
        name: LocalName,
        attributes: Vec<(&'static str, String)>,
    },
    Text(String),
    Close,
}

/// The name of the element where the quoted tail begins.
pub const TAIL: &str = "pk-tail";
/// The name of the element that stands for a picture that is not shown.
pub const MISSING: &str = "pk-img";

impl Normalised {
    /// The page as HTML, for tests and for who wants to look at it.
    pub fn html(&self) -> String {
        let mut out = "<!DOCTYPE html><html><head>".to_owned();
        for style in &self.styles {
            out.push_str("<style>");
            out.push_str(style);
            out.push_str("</style>");
        }
        out.push_str("</head>");
        let mut open: Vec<&str> = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => cap::escape(&mut out, text),
                Piece::Open { name, attributes } => {
                    out.push('<');
                    out.push_str(name);
                    for (name, value) in attributes {
                        out.push(' ');
                        out.push_str(name);
                        out.push_str("=\"");
                        cap::escape(&mut out, value);
                        out.push('"');
                    }
                    out.push('>');
                    open.push(name);
                }
                Piece::Close => {
                    if let Some(name) = open.pop().filter(|name| !cap::is_void(name.as_bytes())) {
                        out.push_str("</");
                        out.push_str(name);
                        out.push('>');
                    }
                }
            }
        }
        out + "</html>"
    }
}

/// Makes the HTML of a page harmless and plain.
pub fn normalise(page: &Page) -> Normalised {
    let html = page.html.get(..page.html.floor_char_boundary(MOST_HTML)).unwrap_or_default();
    let (capped, mut cut) = cap::cap(html);
    cut |= html.len() < page.html.len();
    let mut tree = Tree::parse(&capped);
    cut |= tree.cut;
    let body = tree.below(0).find(|id| tree.name(*id) == "body").unwrap_or(0);
    let tail = quote::tail(&tree, body);
    if let Some(start) = tail {
        let mark = tree.new_element(LocalName::from(TAIL), Vec::new());
        tree.insert_before(start, mark);
        if page.view.folded {
            quote::fold(&mut tree, start, body);
        }
    }
    let mut out = Writer::new(&tree, page).write(body);
    out.has_tail = tail.is_some();
    if cut {
        out.notes.push("This message is too large or too deeply nested to be shown whole.".to_owned());
    }
    out
}

/// What holds for everything below an element.
#[derive(Clone, Debug, Default)]
struct Inherited {
    cells: Cells,
    in_link: bool,
    hidden: bool,
    depth: usize,
}

enum Step {
    Node(Id, std::rc::Rc<Inherited>),
    Close,
}

struct Writer<'a> {
    tree: &'a Tree,
    recolour: bool,
    sources: Sources<'a>,
    hints: Hints,
    out: Normalised,
    style_left: usize,
}

impl<'a> Writer<'a> {
    fn new(tree: &'a Tree, page: &'a Page) -> Writer<'a> {
        let mut writer = Writer {
            tree,
            recolour: false,
            sources: Sources::new(&page.pictures),
            hints: Hints::default(),
            out: Normalised::default(),
            style_left: css::MOST_STYLE,
        };
        if page.view.colours == Colours::Dark {
            // Whether the page has a dark style of its own is known only when all of its styles were read once.
            writer.out.own_dark_style = writer.has_dark_style();
            writer.recolour = !writer.out.own_dark_style;
        } else {
            writer.out.own_dark_style = writer.has_dark_style();
        }
        writer.out.recoloured = writer.recolour;
        writer
    }

    fn write(mut self, body: Id) -> Normalised {
        if self.tree.quirks {
            // As browsers show documents without a doctype: a table does not take over the text's style around it.
            self.hints.rule(
                ":where(table){font-size:initial;font-weight:initial;font-style:initial;line-height:initial;\
                 white-space:initial;text-align:start}",
            );
        }
        let styles = self.styles();
        self.count_head();
        self.body(body);
        self.link_colour(body);
        let hints = std::mem::take(&mut self.hints).sheet();
        self.out.styles = std::iter::once(hints).chain(styles).filter(|style| !style.is_empty()).collect();
        if self.sources.too_many {
            self.out.notes.push("Some pictures of this message are too large, or too many, to be shown.".to_owned());
        }
        self.out.blocked.pictures = std::mem::take(&mut self.sources.blocked.pictures);
        self.out.blocked.backgrounds = self.sources.blocked.backgrounds;
        self.out.blocked.broken = self.sources.blocked.broken;
        self.out.pictures = self.sources.shown;
        self.out
    }

    fn style_elements(&self) -> Vec<String> {
        let ids = self.tree.below(0).filter(|id| self.tree.name(*id) == "style");
        ids.filter(|id| is_for_screens(self.tree.attribute(*id, "media")))
            .map(|id| {
                let texts = self.tree.children(id).iter().filter_map(|child| match self.tree.kind(*child) {
                    Kind::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                texts.collect()
            })
            .collect()
    }

    fn has_dark_style(&self) -> bool {
        self.style_elements().iter().any(|css| {
            let lower = css.to_ascii_lowercase();
            let mut after = lower.split("prefers-color-scheme").skip(1);
            after.any(|after| after.trim_start_matches([' ', ':']).starts_with("dark"))
        })
    }

    fn styles(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        for css in self.style_elements() {
            let Some(left) = self.style_left.checked_sub(css.len()) else {
                self.out.notes.push("A part of this message's style is too large and was left out.".to_owned());
                continue;
            };
            self.style_left = left;
            out.push(self.filtered(|filter| filter.sheet(&css)));
        }
        out
    }

    fn filtered(&mut self, filter: impl FnOnce(&mut Filter<'_>) -> String) -> String {
        let sources = &mut self.sources;
        let mut picture = |address: &str| sources.background(address);
        let mut css = Filter {
            picture: &mut picture,
            recolour: self.recolour,
            quirks: self.tree.quirks,
            dark_style: false,
            refused: 0,
        };
        let filtered = filter(&mut css);
        self.out.blocked.others += css.refused;
        filtered
    }

    /// What else would have been loaded, and what the page says of its ground.
    fn count_head(&mut self) {
        for id in self.tree.below(0) {
            let loads = match self.tree.name(id) {
                "link" => !self.tree.attribute(id, "href").is_empty(),
                "iframe" | "frame" | "embed" | "audio" | "video" | "track" | "script" => {
                    !self.tree.attribute(id, "src").is_empty()
                }
                "object" => !self.tree.attribute(id, "data").is_empty(),
                "meta" => {
                    let name = self.tree.attribute(id, "name").to_ascii_lowercase();
                    let schemes = self.tree.attribute(id, "content").to_ascii_lowercase();
                    self.out.dark_ground |= name == "color-scheme" && schemes.contains("dark");
                    self.tree.attribute(id, "http-equiv").eq_ignore_ascii_case("refresh")
                }
                _ => false,
            };
            self.out.blocked.others += usize::from(loads);
        }
    }

    fn link_colour(&mut self, body: Id) {
        if let Some(colour) = colour::legacy(self.tree.attribute(body, "link")) {
            let colour = if self.recolour { colour::darkened(colour, colour::Role::Text) } else { colour };
            self.hints.rule(&format!(":where(a[href]){{color:{}}}", colour::css(colour)));
        }
    }

    fn body(&mut self, body: Id) {
        let mut stack = vec![Step::Node(body, std::rc::Rc::default())];
        while let Some(step) = stack.pop() {
            match step {
                Step::Close => self.out.pieces.push(Piece::Close),
                Step::Node(id, inherited) => match self.tree.kind(id) {
                    Kind::Text(text) => self.text(text),
                    Kind::Element { .. } | Kind::Document => self.element(id, &inherited, &mut stack),
                    Kind::Nothing => (),
                },
            }
        }
    }

    fn text(&mut self, text: &str) {
        // Signs that turn the direction of the text around them, and lie.
        let turns = |each: char| matches!(each, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\0');
        let clean: String;
        let text = if text.contains(turns) {
            clean = text.replace(turns, "");
            &clean
        } else {
            text
        };
        for (is_emoji, run) in emoji::runs(text) {
            if is_emoji {
                let attributes = vec![("style", emoji::FAMILIES.to_owned())];
                self.out.pieces.push(Piece::Open { name: LocalName::from("pk-emoji"), attributes });
            }
            self.out.pieces.push(Piece::Text(run.to_owned()));
            if is_emoji {
                self.out.pieces.push(Piece::Close);
            }
        }
    }

    fn element(&mut self, id: Id, inherited: &std::rc::Rc<Inherited>, stack: &mut Vec<Step>) {
        let name = self.tree.name(id);
        let written = match kept(name) {
            Kept::Gone => return,
            Kept::As(name) => name,
            Kept::Picture => return self.picture(id, inherited),
        };
        // What lies deeper stands beside instead of inside.
        let flat = inherited.depth >= DEEPEST;
        let mut below = Inherited { depth: inherited.depth + 1, ..(**inherited).clone() };
        if !flat {
            let style = self.style(id, inherited);
            below.hidden |= is_hidden(&style.0) || is_hidden(&style.1);
            let mut attributes = self.attributes(id, written, style);
            if written == "a" && !inherited.in_link {
                below.in_link = true;
                attributes.extend(self.link(id));
            }
            self.out.pieces.push(Piece::Open { name: LocalName::from(written), attributes });
            stack.push(Step::Close);
        }
        if name == "table" {
            below.cells = Legacy { tree: self.tree, recolour: self.recolour }.cells(id);
        }
        let below = std::rc::Rc::new(below);
        stack.extend(self.tree.children(id).iter().rev().map(|child| Step::Node(*child, below.clone())));
    }

    /// The declarations of an element: by old attributes, and by its own style.
    fn style(&mut self, id: Id, inherited: &Inherited) -> (String, String) {
        let behind = self.tree.attribute(id, "background");
        let behind = if behind.is_empty() { None } else { self.sources.background(behind) };
        let hints = Legacy { tree: self.tree, recolour: self.recolour }.declarations(id, &inherited.cells, behind);
        let style = self.tree.attribute(id, "style");
        let style = match self.style_left.checked_sub(style.len()) {
            Some(left) if !style.is_empty() => {
                self.style_left = left;
                self.filtered(|filter| filter.declarations(style))
            }
            _ => String::new(),
        };
        let style = match self.tree.name(id) {
            // Without a doctype a line of nothing but pictures is as high as they are, and letters count for nothing.
            "td" | "th" | "div" | "p" | "center" if self.tree.quirks && self.holds_only_pictures(id) => {
                style + "font-size:0;line-height:0;"
            }
            _ => style,
        };
        (hints, style)
    }

    fn holds_only_pictures(&self, id: Id) -> bool {
        let mut pictures = 0;
        let only = self.tree.below(id).all(|below| match (self.tree.kind(below), self.tree.name(below)) {
            (Kind::Text(text), _) => text.chars().all(|each| each.is_ascii_whitespace()),
            (_, "img") => {
                pictures += 1;
                true
            }
            (_, name) => matches!(name, "a" | "font" | "span" | "b" | "strong" | "i" | "em" | "u"),
        });
        only && pictures > 0
    }

    fn attributes(
        &mut self,
        id: Id,
        written: &str,
        (hints, mut style): (String, String),
    ) -> Vec<(&'static str, String)> {
        let mut out = Vec::new();
        for name in ["id", "class", "dir", "lang"] {
            let value = self.tree.attribute(id, name);
            if !value.is_empty() {
                out.push((name, value.to_owned()));
            }
        }
        if matches!(written, "td" | "th") {
            for name in ["colspan", "rowspan"] {
                if let Some(span) = legacy::number(self.tree.attribute(id, name)).filter(|span| *span > 1.0) {
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                    out.push((name, (span as u32).min(WIDEST).to_string()));
                }
            }
        }
        if matches!(written, "ol" | "li") {
            for name in ["start", "value"] {
                if let Ok(number) = self.tree.attribute(id, name).trim().parse::<i16>() {
                    out.push((name, number.to_string()));
                }
            }
        }
        if !hints.is_empty() {
            match self.hints.number(&hints) {
                Some(number) => out.push((legacy::ATTRIBUTE, number.to_string())),
                None => style = hints + &style,
            }
        }
        if !style.is_empty() {
            out.push(("style", style));
        }
        out
    }

    fn link(&mut self, id: Id) -> Option<(&'static str, String)> {
        let href = self.tree.attribute(id, "href");
        if href.trim().is_empty() {
            return None;
        }
        let Some(address) = living(href) else {
            // It looks like the link that it was, and leads nowhere.
            return Some(("href", "link:".to_owned()));
        };
        self.out.links.push(address);
        Some(("href", format!("link:{}", self.out.links.len() - 1)))
    }

    fn picture(&mut self, id: Id, inherited: &Inherited) {
        let (hints, style) = self.style(id, inherited);
        let address = self.address_of_picture(id);
        let seen = self.seen(id, &style, inherited);
        let source = self.sources.picture(&address, seen);
        let mut attributes = self.attributes(id, "img", (hints, style));
        match source {
            Source::Shown(number) => {
                attributes.push(("src", format!("picture:{number}")));
                self.out.pieces.push(Piece::Open { name: LocalName::from("img"), attributes });
            }
            Source::Remote(_) | Source::Nothing => {
                if let Source::Remote(place) = source {
                    attributes.push(("remote", place.to_string()));
                }
                self.out.pieces.push(Piece::Open { name: LocalName::from(MISSING), attributes });
                let alternative = self.tree.attribute(id, "alt");
                let tracker = matches!(source, Source::Remote(place) if self.sources.is_tracker(place));
                if !alternative.trim().is_empty() && !tracker {
                    self.text(alternative);
                }
            }
        }
        self.out.pieces.push(Piece::Close);
    }

    /// `src`, else what a responsive picture or a lazy one names first.
    fn address_of_picture(&self, id: Id) -> String {
        let own = self.tree.attribute(id, "src").trim();
        if !own.is_empty() {
            return own.to_owned();
        }
        let set = self.tree.attribute(id, "srcset");
        set.split([',', ' ']).find(|part| !part.is_empty()).unwrap_or_default().to_owned()
    }

    fn seen(&self, id: Id, style: &str, inherited: &Inherited) -> Seen {
        let side = |property: &str| {
            let declared = style.split(';').filter_map(|each| each.split_once(':')).find(|(name, _)| *name == property);
            let declared =
                declared.and_then(|(_, value)| value.strip_suffix("px").or(Some(value)).filter(|v| !v.contains('%')));
            let attribute = self.tree.attribute(id, property);
            declared
                .and_then(|value| value.trim().parse().ok())
                .or_else(|| legacy::number(attribute).filter(|_| !attribute.contains('%')))
        };
        Seen {
            width: side("width"),
            height: side("height"),
            hidden: inherited.hidden || is_hidden(style) || !self.tree.attribute(id, "hidden").is_empty(),
        }
    }
}

fn is_hidden(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    style.contains("display:none")
        || style.contains("visibility:hidden")
        || style.split(';').any(|each| each == "opacity:0")
}

fn is_for_screens(media: &str) -> bool {
    let media = media.trim().to_ascii_lowercase();
    media.is_empty() || media.contains("all") || media.contains("screen") && !media.contains("not screen")
}

/// The address of a link that may be followed; as it was written, where it is one.
fn living(href: &str) -> Option<String> {
    let href: String = href.trim().chars().filter(|each| !matches!(each, '\n' | '\r' | '\t')).collect();
    let href = if href.starts_with("//") { format!("https:{href}") } else { href };
    let url = Url::parse(&href).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then_some(href)
}

enum Kept {
    /// Written as this element.
    As(&'static str),
    Picture,
    /// With everything in it.
    Gone,
}

/// What becomes of an HTML element; those of no HTML have no name here.
fn kept(name: &str) -> Kept {
    macro_rules! same {
        ($($known:literal)*) => { match name { $($known => Some($known),)* _ => None } };
    }
    match name {
        "img" => return Kept::Picture,
        "head" | "script" | "style" | "title" | "template" | "iframe" | "frame" | "frameset" | "noframes" | "embed"
        | "object" | "applet" | "audio" | "video" | "canvas" | "link" | "meta" | "base" | "param" | "source"
        | "track" | "area" | "map" | "input" | "select" | "textarea" | "datalist" | "noembed" | "bgsound"
        | "dialog" | "" => {
            return Kept::Gone;
        }
        "form" | "fieldset" | "legend" | "details" | "summary" | "dir" | "menu" | "marquee" | "address" | "hgroup"
        | "search" => return Kept::As("div"),
        "html" => return Kept::As("body"),
        _ => (),
    }
    let same = same!(
        "body" "a" "abbr" "acronym" "article" "aside" "b" "bdi" "bdo" "big" "blockquote" "br" "caption" "center" "cite"
        "code" "col" "colgroup" "dd" "del" "dfn" "div" "dl" "dt" "em" "figcaption" "figure" "font" "footer" "h1" "h2"
        "h3" "h4" "h5" "h6" "header" "hr" "i" "ins" "kbd" "li" "main" "mark" "nav" "ol" "p" "pre" "q" "s" "samp"
        "section" "small" "strike" "strong" "sub" "sup" "table" "tbody" "td" "tfoot" "th" "thead" "tr" "tt" "u" "ul"
        "var" "wbr" "pk-tail" "nobr"
    );
    Kept::As(same.unwrap_or("span"))
}

#[cfg(test)]
mod tests;
