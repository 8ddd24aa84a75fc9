//! What can be read of a page that was laid out: lines of text with the place of every character, links, and the places
//! of pictures that are missing. In the order of the document, through everything that is seen.

use std::collections::{BTreeMap, HashMap};

use blitz_dom::node::TextBrush;
use blitz_dom::{BaseDocument, LocalName, Node, NodeId, local_name};
use parley::{BreakReason, Line as TextLine, PositionedLayoutItem};
use style::computed_values::visibility::T as Visibility;
use style::values::computed::Overflow;
use unicode_segmentation::UnicodeSegmentation as _;

use super::super::normal::{MISSING, Normalised, TAIL};
use super::super::{After, Line, Link, Rect};

/// What was read. Places in points.
#[derive(Default)]
pub(super) struct Read {
    pub lines: Vec<Line>,
    pub links: Vec<Link>,
    /// The place of each missing remote picture.
    pub remote: Vec<(usize, Rect)>,
    /// Where the quoted tail begins.
    pub tail: Option<f32>,
    /// How far right anything of it is seen.
    pub right: f32,
    /// How far down its letters and pictures are seen.
    pub bottom: f32,
}

/// Text smaller than this was not meant to be read.
const LEAST_TEXT: f32 = 2.5;

pub(super) fn read(document: &BaseDocument, page: &Normalised, zoom: f32) -> Read {
    let mut reader = Reader {
        document,
        zoom,
        read: Read::default(),
        links: BTreeMap::new(),
        known: HashMap::new(),
        after: After::Block,
    };
    if let Some(root) = document.try_root_element() {
        reader.node(root, Clip::default());
    }
    let links = std::mem::take(&mut reader.links);
    reader.read.links = links
        .into_iter()
        .filter_map(|(number, (areas, element))| {
            let address = page.links.get(number)?.clone();
            let text = element.and_then(|id| document.get_node(id)).map(Node::text_content).unwrap_or_default();
            (!areas.is_empty()).then(|| Link {
                areas,
                address,
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            })
        })
        .collect();
    reader.read
}

struct Reader<'a> {
    document: &'a BaseDocument,
    zoom: f32,
    read: Read,
    /// The places of each link, and its element.
    links: BTreeMap<usize, (Vec<Rect>, Option<NodeId>)>,
    /// The link that a node belongs to.
    known: HashMap<NodeId, Option<usize>>,
    after: After,
}

/// What is seen, in the engine's own pixels.
#[derive(Clone, Copy)]
struct Clip {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Default for Clip {
    fn default() -> Clip {
        Clip { left: -1e6, top: -1e6, right: 1e9, bottom: 1e9 }
    }
}

impl Clip {
    fn within(self, other: Clip) -> Clip {
        Clip {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// Whether the middle of a rectangle is inside.
    fn shows(self, place: Clip) -> bool {
        let (x, y) = ((place.left + place.right) / 2.0, (place.top + place.bottom) / 2.0);
        x >= self.left && x <= self.right && y >= self.top && y <= self.bottom
    }
}

impl<'a> Reader<'a> {
    fn node(&mut self, node: &'a Node, clip: Clip) {
        let Some(styles) = node.primary_styles() else { return };
        if styles.get_effects().opacity <= 0.01 {
            return;
        }
        let seen = styles.get_inherited_box().visibility == Visibility::Visible;
        let clips =
            styles.get_box().overflow_x != Overflow::Visible || styles.get_box().overflow_y != Overflow::Visible;
        drop(styles);
        let place = self.place(node);
        let clip = if clips { clip.within(place) } else { clip };
        if seen {
            self.reaches(place, clip);
            self.boxed(node, place, clip);
        }
        if node.flags.is_inline_root() {
            self.text(node, place, clip);
            return;
        }
        let children = node.layout_children.borrow();
        let children = children.as_ref().map_or(&node.children, |children| children);
        for child in children.iter().filter_map(|id| self.document.get_node(*id)) {
            if is(child, &local_name!("td")) || is(child, &local_name!("th")) {
                self.cell(child, clip);
            } else {
                self.node(child, clip);
            }
        }
    }

    /// Notes how far right a box is seen. The engine does not tell of what stands out of a table's cell.
    fn reaches(&mut self, place: Clip, clip: Clip) {
        let seen = clip.within(place);
        if seen.right > seen.left && seen.bottom > seen.top {
            self.read.right = self.read.right.max(seen.right * self.zoom);
        }
    }

    /// A cell that is not the first of its row goes on in the same line; the first one of words alone begins the next,
    /// where a row is before it.
    fn cell(&mut self, node: &'a Node, clip: Clip) {
        let lines = self.read.lines.len();
        let row = node.parent.and_then(|row| self.document.get_node(row));
        let first = row.is_none_or(|row| {
            let cell = |each: &Node| is(each, &local_name!("td")) || is(each, &local_name!("th"));
            self.is_first(row, node, cell)
        });
        let goes_on = row.is_some_and(|row| {
            let parent = |node: &Node| node.parent.and_then(|parent| self.document.get_node(parent));
            let section = |each: &Node| {
                let names = [local_name!("thead"), local_name!("tbody"), local_name!("tfoot")];
                names.iter().any(|name| is(each, name))
            };
            parent(row).is_some_and(|rows| {
                !self.is_first(rows, row, |each| is(each, &local_name!("tr")))
                    || parent(rows).is_some_and(|table| section(rows) && !self.is_first(table, rows, section))
            })
        });
        self.node(node, clip);
        let Some(line) = self.read.lines.get_mut(lines).filter(|_| lines > 0) else { return };
        if !first {
            line.after = After::Cell;
        } else if goes_on && node.flags.is_inline_root() {
            line.after = After::Break;
        }
    }

    /// Whether it is the first of the children of this kind.
    fn is_first(&self, parent: &Node, child: &Node, kind: impl Fn(&Node) -> bool) -> bool {
        let mut children = parent.children.iter().filter_map(|id| self.document.get_node(*id));
        children.find(|each| kind(each)).is_some_and(|each| each.id == child.id)
    }

    /// What a box of its own is: a link, a picture, the beginning of the tail.
    fn boxed(&mut self, node: &Node, place: Clip, clip: Clip) {
        let Some(element) = node.element_data() else { return };
        let name: &str = &element.name.local;
        match name {
            TAIL => self.read.tail = Some(place.top * self.zoom),
            "a" | "img" | MISSING => {
                if let Some(link) = self.link(node.id)
                    && clip.shows(place)
                    && place.right > place.left
                    && place.bottom > place.top
                {
                    self.read.bottom = self.read.bottom.max(place.bottom.min(clip.bottom) * self.zoom);
                    let area = self.rect(place);
                    self.links.entry(link).or_default().0.push(area);
                }
            }
            _ => (),
        }
        if name == MISSING
            && let Some(number) = element.attr(LocalName::from("remote")).and_then(|value| value.parse().ok())
        {
            self.read.remote.push((number, self.rect(place)));
        }
    }

    fn text(&mut self, node: &'a Node, place: Clip, clip: Clip) {
        let Some(text) = node.element_data().and_then(|element| element.inline_layout_data.as_deref()) else { return };
        let layout = node.final_layout();
        let scale = text.layout.scale();
        let origin = Origin {
            x: place.left + layout.padding.left + layout.border.left,
            y: place.top + layout.padding.top + layout.border.top + text.block_offset,
            scale,
        };
        self.after = After::Block;
        for line in text.layout.lines() {
            let mut piece = Piece::default();
            let mut run_seen = None;
            for item in line.items() {
                match item {
                    PositionedLayoutItem::GlyphRun(glyphs) => {
                        let run = glyphs.run();
                        let begins = run_seen.replace(run.index()) != Some(run.index());
                        let brush = glyphs.style().brush.id;
                        let height = Height::of(&line, glyphs.baseline(), run);
                        self.linked(brush, height, glyphs.offset(), glyphs.advance(), origin, clip);
                        if begins && run.font_size() / scale >= LEAST_TEXT && self.is_seen(brush) {
                            piece.take(run, glyphs.offset(), height, origin);
                        }
                    }
                    PositionedLayoutItem::InlineBox(inner) => {
                        let Some(inner) = self.document.get_node(NodeId::from_u64(inner.id)) else { continue };
                        if inner.flags.is_inline_root()
                            || inner.layout_children.borrow().as_ref().is_some_and(|all| !all.is_empty())
                        {
                            self.flush(&mut piece, &text.text, origin, clip);
                            let after = self.after;
                            self.node(inner, clip);
                            self.after = if self.read.lines.is_empty() { after } else { After::Cell };
                        } else {
                            self.node(inner, clip);
                        }
                    }
                }
            }
            self.flush(&mut piece, &text.text, origin, clip);
            self.after = match line.break_reason() {
                BreakReason::Explicit => After::Break,
                _ => After::Wrap,
            };
        }
        self.after = After::Block;
    }

    /// The text of a link, and where it is.
    fn linked(&mut self, brush: NodeId, height: Height, x: f32, width: f32, origin: Origin, clip: Clip) {
        let Some(link) = self.link(brush) else { return };
        let place = origin.clip(x, height.top, x + width, height.bottom);
        if width <= 0.0 || !clip.shows(place) {
            return;
        }
        let area = self.rect(place);
        let areas = &mut self.links.entry(link).or_default().0;
        match areas.last_mut() {
            // The same line goes on in another style.
            Some(last) if (last.top - area.top).abs() < 0.5 && (last.left + last.width - area.left).abs() < 2.0 => {
                last.width = area.left + area.width - last.left;
            }
            _ => areas.push(area),
        }
    }

    fn flush(&mut self, piece: &mut Piece, text: &str, origin: Origin, clip: Clip) {
        let Piece { clusters, height } = std::mem::take(piece);
        let (Some((left, right)), Some(height)) = (extent(&clusters), height) else { return };
        let place = Clip {
            left,
            right,
            top: origin.y + height.top / origin.scale,
            bottom: origin.y + height.bottom / origin.scale,
        };
        if !clip.shows(place) {
            return;
        }
        let (text, graphemes) = spelled(clusters, text, self.zoom);
        if text.trim().is_empty() {
            return;
        }
        // Not the blank at which it was full, which may stand over the edge.
        let letters = text.graphemes(true).zip(&graphemes).filter(|(letter, _)| !letter.trim().is_empty());
        let right = letters.fold(0.0, |right: f32, (_, [begin, end])| right.max(*begin).max(*end));
        self.read.right = self.read.right.max(right.min(clip.right * self.zoom));
        self.read.bottom = self.read.bottom.max(place.bottom.min(clip.bottom) * self.zoom);
        self.read.lines.push(Line { area: self.rect(place), text, after: self.after, graphemes });
        self.after = After::Cell;
    }

    fn is_seen(&self, id: NodeId) -> bool {
        let styles = self.document.get_node(id).and_then(|node| node.primary_styles());
        styles.is_none_or(|styles| styles.get_inherited_box().visibility == Visibility::Visible)
    }

    fn link(&mut self, id: NodeId) -> Option<usize> {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let mut at = Some(id);
        let mut found = None;
        while let Some(node) = at.and_then(|id| self.document.get_node(id)) {
            let href = node
                .element_data()
                .filter(|_| is(node, &local_name!("a")))
                .and_then(|element| element.attr(local_name!("href")));
            if let Some(number) = href.and_then(|href| href.strip_prefix("link:")) {
                found = number.parse().ok();
                if let Some(number) = found {
                    self.links.entry(number).or_default().1 = Some(node.id);
                }
                break;
            }
            at = node.parent;
        }
        self.known.insert(id, found);
        found
    }

    fn place(&self, node: &Node) -> Clip {
        let at = node.absolute_position(0.0, 0.0);
        let size = node.final_layout().size;
        Clip { left: at.x, top: at.y, right: at.x + size.width, bottom: at.y + size.height }
    }

    fn rect(&self, place: Clip) -> Rect {
        Rect {
            left: place.left * self.zoom,
            top: place.top * self.zoom,
            width: (place.right - place.left) * self.zoom,
            height: (place.bottom - place.top) * self.zoom,
        }
    }
}

fn is(node: &Node, name: &LocalName) -> bool {
    node.data.is_element_with_tag_name(name)
}

/// Where the text of a block begins, and how many of its units a pixel has.
#[derive(Clone, Copy)]
struct Origin {
    x: f32,
    y: f32,
    scale: f32,
}

impl Origin {
    fn clip(self, left: f32, top: f32, right: f32, bottom: f32) -> Clip {
        Clip {
            left: self.x + left / self.scale,
            top: self.y + top / self.scale,
            right: self.x + right / self.scale,
            bottom: self.y + bottom / self.scale,
        }
    }
}

/// How high letters stand in a line, in units of the layout.
#[derive(Clone, Copy)]
struct Height {
    top: f32,
    bottom: f32,
}

impl Height {
    /// That of the letters alone: a line is as high as the picture that stands in it. Never over the line before or behind.
    fn of(line: &TextLine<'_, TextBrush>, baseline: f32, run: &parley::Run<'_, TextBrush>) -> Height {
        let (line, font) = (line.metrics(), run.font_metrics());
        let top = line.block_min_coord.max(baseline - font.ascent);
        Height { top, bottom: line.block_max_coord.min(baseline + font.descent).max(top) }
    }

    fn with(self, other: Height) -> Height {
        Height { top: self.top.min(other.top), bottom: self.bottom.max(other.bottom) }
    }
}

/// A part of the text and where it begins and ends in a line.
struct Cluster {
    start: usize,
    end: usize,
    from: f32,
    to: f32,
}

/// What is being gathered of a line: up to the next box in it.
#[derive(Default)]
struct Piece {
    clusters: Vec<Cluster>,
    height: Option<Height>,
}

impl Piece {
    fn take(&mut self, run: &parley::Run<'_, TextBrush>, x: f32, height: Height, origin: Origin) {
        self.height = Some(self.height.map_or(height, |before| before.with(height)));
        let mut x = x;
        for cluster in run.visual_clusters() {
            let range = cluster.text_range();
            let next = x + cluster.advance();
            let (from, to) = if cluster.is_rtl() { (next, x) } else { (x, next) };
            let place = |x: f32| origin.x + x / origin.scale;
            self.clusters.push(Cluster { start: range.start, end: range.end, from: place(from), to: place(to) });
            x = next;
        }
    }
}

fn extent(clusters: &[Cluster]) -> Option<(f32, f32)> {
    let all = clusters.iter().flat_map(|cluster| [cluster.from, cluster.to]);
    let (left, right) = all.fold((f32::MAX, f32::MIN), |(left, right), x| (left.min(x), right.max(x)));
    (left <= right).then_some((left, right))
}

/// The text of the clusters in logical order, and where each grapheme begins and ends.
fn spelled(mut clusters: Vec<Cluster>, text: &str, zoom: f32) -> (String, Vec<[f32; 2]>) {
    clusters.sort_by_key(|cluster| cluster.start);
    let mut out = String::new();
    // For each octet of the text so far, the cluster that it came from.
    let mut owners: Vec<usize> = Vec::new();
    for (index, cluster) in clusters.iter().enumerate() {
        let own = text.get(cluster.start..cluster.end).unwrap_or_default();
        let own = own.trim_matches(['\n', '\r', '\u{2028}']);
        out.push_str(own);
        owners.resize(out.len(), index);
    }
    let mut at = 0;
    let graphemes = out
        .graphemes(true)
        .map(|grapheme| {
            let cluster = |octet: usize| owners.get(octet).and_then(|owner| clusters.get(*owner));
            let from = cluster(at).map_or(0.0, |cluster| cluster.from);
            at += grapheme.len();
            let to = cluster(at.saturating_sub(1)).map_or(from, |cluster| cluster.to);
            [from * zoom, to * zoom]
        })
        .collect();
    (out, graphemes)
}
