//! What old attributes ask for, as CSS: `bgcolor`, `cellpadding`, `align` and their like. It is put into a style sheet
//! before the page's own and without any weight, as browsers do: whatever the page says in CSS goes before it.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::colour::{self, Role};
use super::tree::{Id, Tree};

/// Different sets of declarations in a page; what comes after goes into the style attributes.
const MOST_HINTS: usize = 2_000;

/// The attribute that names the set of an element.
pub(super) const ATTRIBUTE: &str = "pk";

/// The sets of a page.
#[derive(Debug, Default)]
pub(super) struct Hints {
    numbers: HashMap<String, usize>,
    sheet: String,
}

impl Hints {
    /// The number of a set of declarations; `None` where there are too many.
    pub fn number(&mut self, declarations: &str) -> Option<usize> {
        if let Some(number) = self.numbers.get(declarations) {
            return Some(*number);
        }
        let number = self.numbers.len();
        if number >= MOST_HINTS {
            return None;
        }
        self.numbers.insert(declarations.to_owned(), number);
        let _ = write!(self.sheet, ":where([{ATTRIBUTE}=\"{number}\"]){{{declarations}}}");
        Some(number)
    }

    pub fn rule(&mut self, rule: &str) {
        self.sheet.push_str(rule);
    }

    pub fn sheet(self) -> String {
        self.sheet
    }
}

/// What a table asks of its cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    padding: Option<f32>,
    border: Option<String>,
    /// The first row, where all of its cells have a width in pixels, and the sum of these: the engine leaves empty what
    /// they do not fill of a table, and browsers hand it out.
    shares: Option<(Id, f32)>,
}

/// Reads old attributes.
pub(super) struct Legacy<'a> {
    pub tree: &'a Tree,
    pub recolour: bool,
}

impl Legacy<'_> {
    /// The declarations for an element. `background` is the number of the picture behind it.
    pub fn declarations(&self, id: Id, cells: &Cells, background: Option<usize>) -> String {
        let mut out = String::new();
        let name = self.tree.name(id);
        match name {
            "table" => self.table(id, &mut out),
            "td" | "th" => self.cell(id, cells, &mut out),
            "tr" | "tbody" | "thead" | "tfoot" => {
                self.length(id, "height", "height", &mut out);
                self.vertical(id, &mut out);
            }
            "col" | "colgroup" => self.length(id, "width", "width", &mut out),
            "img" | "input" => self.picture(id, &mut out),
            "font" => self.font(id, &mut out),
            "body" => self.body(id, &mut out),
            "hr" => self.rule(id, &mut out),
            "ol" | "ul" | "li" => self.list(id, &mut out),
            "br" => match self.get(id, "clear").as_str() {
                "all" | "both" => out.push_str("clear:both;"),
                side @ ("left" | "right") => declare(&mut out, "clear", side),
                _ => (),
            },
            "center" => out.push_str("text-align:-moz-center;"),
            _ => (),
        }
        if matches!(name, "table" | "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "body") {
            self.colour(id, "bgcolor", "background-color", Role::Ground, &mut out);
        }
        if matches!(
            name,
            "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "div" | "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
        ) {
            self.text_align(id, &mut out);
        }
        if let Some(number) = background {
            declare(&mut out, "background-image", &format!("url(picture:{number})"));
        }
        if self.has(id, "hidden") {
            out.push_str("display:none;");
        }
        out
    }

    /// What the cells of a table get.
    pub fn cells(&self, id: Id) -> Cells {
        let border = self.border(id).map(|_| {
            let mut out = "border:1px inset gray;".to_owned();
            self.colour(id, "bordercolor", "border-color", Role::Border, &mut out);
            out
        });
        let padding = number(&self.get(id, "cellpadding"));
        let row = self.tree.below(id).find(|below| self.tree.name(*below) == "tr").filter(|_| self.has(id, "width"));
        let shares = row.and_then(|row| {
            let cells = self.tree.children(row).iter().filter(|cell| matches!(self.tree.name(**cell), "td" | "th"));
            let widths: Option<Vec<f32>> = cells.map(|cell| self.weight(*cell, padding)).collect();
            widths.map(|widths| (row, widths.iter().sum::<f32>())).filter(|(_, sum)| *sum > 0.0)
        });
        Cells { padding, border, shares }
    }

    /// How wide a cell asks to be in pixels, its padding included; `None` where it says nothing that could be shared out.
    fn weight(&self, cell: Id, padding: Option<f32>) -> Option<f32> {
        let width = self.get(cell, "width");
        if width.contains('%') || number(&self.get(cell, "colspan")).is_some_and(|span| span > 1.0) {
            return None;
        }
        number(&width).filter(|width| *width > 0.0).map(|width| width + 2.0 * padding.unwrap_or(1.0))
    }

    fn table(&self, id: Id, out: &mut String) {
        self.length(id, "width", "width", out);
        self.length(id, "height", "height", out);
        if let Some(spacing) = number(&self.get(id, "cellspacing")) {
            declare(out, "border-spacing", &px(spacing));
        }
        if let Some(border) = self.border(id) {
            declare(out, "border", &format!("{} outset gray", px(border)));
            self.colour(id, "bordercolor", "border-color", Role::Border, out);
        }
        match self.get(id, "align").as_str() {
            "center" => out.push_str("margin-left:auto;margin-right:auto;"),
            // As wide as everything: there is nothing to stand beside.
            side @ ("left" | "right") if self.get(id, "width") != "100%" => declare(out, "float", side),
            _ => (),
        }
    }

    fn border(&self, id: Id) -> Option<f32> {
        if !self.has(id, "border") {
            return None;
        }
        let value = self.get(id, "border");
        number(&value).or(Some(1.0)).filter(|width| *width > 0.0)
    }

    fn cell(&self, id: Id, cells: &Cells, out: &mut String) {
        if let Some(padding) = cells.padding {
            declare(out, "padding", &px(padding));
        }
        if let Some(border) = &cells.border {
            out.push_str(border);
        }
        let row = self.tree.nodes.get(id).and_then(|node| node.parent);
        let share = cells.shares.filter(|(first, _)| Some(*first) == row).zip(self.weight(id, cells.padding));
        match share {
            Some(((_, sum), weight)) => {
                declare(out, "width", &format!("{}%", weight / sum * 100.0));
            }
            None => {
                let width = length(&self.get(id, "width")).filter(|width| width != "0px" && width != "0%");
                if let Some(width) = width {
                    declare(out, "width", &width);
                }
            }
        }
        self.nonzero(id, "height", "height", out);
        self.vertical(id, out);
        if self.has(id, "nowrap") {
            out.push_str("white-space:nowrap;");
        }
    }

    fn picture(&self, id: Id, out: &mut String) {
        if self.tree.name(id) == "img" {
            self.length(id, "width", "width", out);
            self.length(id, "height", "height", out);
        }
        if let Some(border) = number(&self.get(id, "border")) {
            declare(out, "border", &format!("{} solid", px(border)));
        }
        for (attribute, sides) in
            [("hspace", ["margin-left", "margin-right"]), ("vspace", ["margin-top", "margin-bottom"])]
        {
            if let Some(space) = number(&self.get(id, attribute)) {
                sides.iter().for_each(|side| declare(out, side, &px(space)));
            }
        }
        match self.get(id, "align").as_str() {
            "left" | "right" if self.get(id, "width") == "100%" => out.push_str("display:block;"),
            side @ ("left" | "right") => declare(out, "float", side),
            "top" => out.push_str("vertical-align:top;"),
            "middle" | "absmiddle" | "center" => out.push_str("vertical-align:middle;"),
            "bottom" | "absbottom" => out.push_str("vertical-align:bottom;"),
            _ => (),
        }
    }

    fn font(&self, id: Id, out: &mut String) {
        self.colour(id, "color", "color", Role::Text, out);
        let face = self.tree.attribute(id, "face");
        let sound = |each: char| each.is_alphanumeric() || matches!(each, ' ' | ',' | '-' | '_' | '\'' | '"');
        if !face.trim().is_empty() && face.chars().all(sound) {
            declare(out, "font-family", &super::css::with_stand_ins(face));
        }
        const SIZES: [&str; 7] = ["x-small", "small", "medium", "large", "x-large", "xx-large", "xxx-large"];
        let value = self.get(id, "size");
        let steps = value.trim_start_matches('+').parse::<i32>().ok();
        let size = steps.map(|steps| if value.starts_with(['+', '-']) { 3 + steps } else { steps }.clamp(1, 7));
        if let Some(name) = size.and_then(|size| SIZES.get(usize::try_from(size - 1).ok()?)) {
            declare(out, "font-size", name);
        }
    }

    fn body(&self, id: Id, out: &mut String) {
        self.colour(id, "text", "color", Role::Text, out);
        for (attributes, sides) in [
            (["marginwidth", "leftmargin"], ["margin-left", "margin-right"]),
            (["marginheight", "topmargin"], ["margin-top", "margin-bottom"]),
        ] {
            if let Some(space) = attributes.iter().find_map(|attribute| number(&self.get(id, attribute))) {
                sides.iter().for_each(|side| declare(out, side, &px(space)));
            }
        }
    }

    fn rule(&self, id: Id, out: &mut String) {
        self.length(id, "width", "width", out);
        if let Some(size) = number(&self.get(id, "size")) {
            declare(out, "height", &px((size - 2.0).max(0.0)));
        }
        self.colour(id, "color", "color", Role::Border, out);
        if self.has(id, "noshade") || self.has(id, "color") {
            out.push_str("border-style:solid;border-color:currentColor;background-color:currentColor;");
        }
        match self.get(id, "align").as_str() {
            "left" => out.push_str("margin-left:0;margin-right:auto;"),
            "right" => out.push_str("margin-left:auto;margin-right:0;"),
            _ => (),
        }
    }

    fn list(&self, id: Id, out: &mut String) {
        let style = match self.tree.attribute(id, "type") {
            "1" => "decimal",
            "a" => "lower-alpha",
            "A" => "upper-alpha",
            "i" => "lower-roman",
            "I" => "upper-roman",
            "disc" => "disc",
            "circle" => "circle",
            "square" => "square",
            _ => return,
        };
        declare(out, "list-style-type", style);
    }

    fn text_align(&self, id: Id, out: &mut String) {
        let value = match self.get(id, "align").as_str() {
            "center" | "middle" => "-moz-center",
            "left" => "-moz-left",
            "right" => "-moz-right",
            "justify" => "justify",
            _ => return,
        };
        declare(out, "text-align", value);
    }

    fn vertical(&self, id: Id, out: &mut String) {
        let value = self.get(id, "valign");
        let value = if value == "center" { "middle".to_owned() } else { value };
        if matches!(value.as_str(), "top" | "middle" | "bottom" | "baseline") {
            declare(out, "vertical-align", &value);
        }
    }

    fn colour(&self, id: Id, attribute: &str, property: &str, role: Role, out: &mut String) {
        if let Some(colour) = colour::legacy(self.tree.attribute(id, attribute)) {
            let colour = if self.recolour { colour::darkened(colour, role) } else { colour };
            declare(out, property, &colour::css(colour));
        }
    }

    fn length(&self, id: Id, attribute: &str, property: &str, out: &mut String) {
        if let Some(value) = length(&self.get(id, attribute)) {
            declare(out, property, &value);
        }
    }

    fn nonzero(&self, id: Id, attribute: &str, property: &str, out: &mut String) {
        if let Some(value) = length(&self.get(id, attribute)).filter(|value| value != "0px" && value != "0%") {
            declare(out, property, &value);
        }
    }

    fn get(&self, id: Id, attribute: &str) -> String {
        self.tree.attribute(id, attribute).trim().to_ascii_lowercase()
    }

    fn has(&self, id: Id, wanted: &str) -> bool {
        match self.tree.kind(id) {
            super::tree::Kind::Element { attributes, .. } => attributes.iter().any(|(name, _)| &**name == wanted),
            _ => false,
        }
    }
}

fn declare(out: &mut String, property: &str, value: &str) {
    let _ = write!(out, "{property}:{value};");
}

fn px(value: f32) -> String {
    format!("{value}px")
}

/// The leading digits of an attribute's value, as HTML reads dimensions; kept within what can be drawn.
pub(super) fn number(value: &str) -> Option<f32> {
    let value = value.trim_start().trim_start_matches('+');
    let end = value.find(|each: char| !each.is_ascii_digit() && each != '.').unwrap_or(value.len());
    value.get(..end)?.parse::<f32>().ok().filter(|number| number.is_finite()).map(|number| number.min(20_000.0))
}

/// A dimension as CSS: pixels or per cent.
fn length(value: &str) -> Option<String> {
    let number = number(value)?;
    let unit = if value.trim_end().ends_with('%') { "%" } else { "px" };
    Some(format!("{number}{unit}"))
}
