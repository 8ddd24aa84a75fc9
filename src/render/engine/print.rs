//! A page on sheets of paper: where it is cut, and what stands on each.

use blitz_dom::{BaseDocument, FontContext, Node, Point};
use krilla::Document;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::geom::Rect as Area;
use krilla::metadata::Metadata;
use krilla::page::{Page as Sheet, PageSettings};
use kurbo::Affine;

use super::super::normal::{MISSING, Normalised, normalise};
use super::super::{Line, Link, MOST_SHEETS, Page, Paper, Pdf, Print, View};
use super::pdf::{Place, Press};
use super::spelling::Spelling;
use super::{blitz, document, ground, reading};
use crate::message::links;

/// What stays free around a sheet, in points of PDF: 15 mm.
const MARGIN: f32 = 42.5;
/// Points of PDF for each pixel of CSS.
const POINT: f32 = 0.75;
/// Layout is done for so many pixels each: places are rounded to pixels.
const FINE: f32 = 4.0;
/// Between the head and the page, and what the number of a sheet takes; in pixels of CSS.
const GAP: f32 = 14.0;
/// A page that is wider than the sheet is made smaller, but not below this.
const SMALLEST: f32 = 0.4;

/// A box with a ground that is lower than this is not cut.
const BUTTON: f32 = 160.0;

/// See [`super::Engine::pdf`].
pub(super) fn pdf(page: &Page, print: &Print, fonts: &FontContext) -> Option<Pdf> {
    let paper = Paper { width: sane(print.paper.width), height: sane(print.paper.height) };
    let width = (paper.width - 2.0 * MARGIN) / POINT;
    let mut head = Laid::of(&Page { html: print.head.clone(), ..Page::default() }, width, fonts);
    let mut body = Laid::of(page, width, fonts);
    let shrunk = (width / body.width).clamp(SMALLEST, 1.0);
    let whole = (paper.height - 2.0 * MARGIN) / POINT;
    let head_height = head.height.min(whole * 0.5);
    let tops = cuts(body.height, (whole - head_height - GAP) / shrunk, whole / shrunk, &body.solids());
    let mut notes = std::mem::take(&mut body.notes);
    if tops.len() > MOST_SHEETS {
        notes.push(format!("Only the first {MOST_SHEETS} sheets are in the document."));
    }
    let sheets = tops.len().min(MOST_SHEETS);
    let mut document = Document::new();
    document.set_metadata(Metadata::new().title(print.title.clone()).creator("Postkeep".to_owned()));
    let mut press = Press::default();
    for (index, top) in tops.iter().take(sheets).enumerate() {
        let mut sheet = document.start_page_with(PageSettings::from_wh(paper.width, paper.height)?);
        let above = if index == 0 { head_height + GAP } else { 0.0 };
        let bottom = tops.get(index + 1).copied().unwrap_or(body.height);
        let at = place(above, POINT * shrunk);
        body.annotate(&mut sheet, at, *top, bottom);
        let mut foot = Laid::of(&numbered(index + 1, sheets), width, fonts);
        let mut surface = sheet.surface();
        if index == 0 {
            head.paint(&mut press, &mut surface, place(0.0, POINT), 0.0, head_height);
        }
        body.paint(&mut press, &mut surface, at, *top, bottom);
        if sheets > 1 {
            let height = foot.height;
            foot.paint(&mut press, &mut surface, place(whole + GAP / 3.0, POINT), 0.0, height);
        }
        surface.finish();
        sheet.finish();
    }
    Some(Pdf { octets: document.finish().ok()?, sheets, notes })
}

fn sane(side: f32) -> f32 {
    if side.is_finite() { side.clamp(200.0, 4_000.0) } else { Paper::A4.width }
}

/// So many pixels of CSS below the margin, `scale` points of PDF for each.
fn place(below: f32, scale: f32) -> Affine {
    Affine::translate((f64::from(MARGIN), f64::from(MARGIN + below * POINT))) * Affine::scale(f64::from(scale))
}

fn numbered(number: usize, of: usize) -> Page {
    let html = format!("<div style=\"color:#555;font-size:11px;text-align:right\">{number} of {of}</div>");
    Page { html, ..Page::default() }
}

/// Where each sheet begins. A cut goes through nothing that is solid, where that does not leave half a sheet empty.
/// What follows the last solid thing needs no sheet.
fn cuts(height: f32, first: f32, rest: f32, solids: &[(f32, f32)]) -> Vec<f32> {
    let mut solids = solids.to_vec();
    solids.sort_by(|one, other| one.0.total_cmp(&other.0));
    let last = solids.iter().map(|(_, bottom)| *bottom).fold(0.0, f32::max);
    let mut tops = vec![0.0_f32];
    let mut room = first.max(20.0);
    while let Some(top) = tops.last().copied() {
        let limit = top + room;
        room = rest.max(20.0);
        if limit >= height || limit >= last && height - limit < rest * 0.5 || tops.len() > MOST_SHEETS {
            break;
        }
        let least = limit - (limit - top) * 0.5;
        let mut cut = limit;
        // From below: what is moved to the next sheet may take up what stands beside it.
        for (above, below) in solids.iter().rev().filter(|(above, _)| *above < limit && *above > least) {
            if *below > cut + 0.5 {
                cut = cut.min(*above);
            }
        }
        // Something begins higher up and goes through all of it: cut as late as can be.
        let through =
            |cut: f32| solids.iter().any(|(above, below)| *above + 0.5 < cut && cut + 0.5 < *below && *above > least);
        tops.push(if through(cut) { limit } else { cut });
    }
    tops
}

/// A page that is laid out for paper.
struct Laid {
    document: BaseDocument,
    width: f32,
    height: f32,
    ground: [u8; 3],
    lines: Vec<Line>,
    links: Vec<Link>,
    spelling: Spelling,
    notes: Vec<String>,
}

impl Laid {
    fn of(page: &Page, width: f32, fonts: &FontContext) -> Laid {
        let view = View { width, scale: FINE, ..View::default() };
        let mut normal: Normalised = normalise(&Page { view, ..page.clone() });
        let document = document::laid_out(&mut normal, view, fonts);
        let read = reading::read(&document, &normal, 1.0);
        let (width, height) = blitz::size(&document, view, &read);
        let ground = ground::ground(&document, false);
        let spelling = Spelling::of(&read.lines);
        Laid { document, width, height, ground, lines: read.lines, links: read.links, spelling, notes: normal.notes }
    }

    /// What is not to be cut: lines, pictures, and small boxes with a ground such as buttons.
    fn solids(&self) -> Vec<(f32, f32)> {
        let mut out: Vec<(f32, f32)> =
            self.lines.iter().map(|line| (line.area.top, line.area.top + line.area.height)).collect();
        let mut stack: Vec<_> = self.document.try_root_element().map(|root| root.id).into_iter().collect();
        while let Some(node) = stack.pop().and_then(|id| self.document.get_node(id)) {
            stack.extend(node.children.iter().copied());
            let Some(element) = node.element_data() else { continue };
            let (top, height) = (node.absolute_position(0.0, 0.0).y, node.final_layout().size.height);
            if matches!(&*element.name.local, "img" | MISSING) || height < BUTTON && has_ground(node) {
                out.push((top, top + height));
            }
        }
        out.retain(|(top, bottom)| bottom > top && top.is_finite() && bottom.is_finite());
        out
    }

    fn paint(
        &mut self,
        press: &mut Press,
        surface: &mut krilla::surface::Surface<'_>,
        at: Affine,
        top: f32,
        bottom: f32,
    ) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let pixels = |length: f32| (length * FINE).ceil().clamp(1.0, 60_000.0) as u32;
        let (width, height) = (self.width, (bottom - top).max(0.0));
        self.document.set_viewport_scroll(Point { x: 0.0, y: f64::from(top) });
        let mut scene = anyrender::Scene::new();
        blitz_paint::paint_scene(&mut scene, &mut self.document, f64::from(FINE), pixels(width), pixels(height), 0, 0);
        let place = Place {
            transform: at * Affine::scale(1.0 / f64::from(FINE)),
            width: width * FINE,
            height: height * FINE,
            top: top * FINE,
            fine: FINE,
            ground: self.ground,
        };
        press.print(surface, scene.commands, &place, &self.spelling);
    }

    /// Links that are what they seem can be followed; a document cannot warn of the others.
    fn annotate(&self, sheet: &mut Sheet<'_>, at: Affine, top: f32, bottom: f32) {
        for link in &self.links {
            let links::Target::Open(open) = links::link(&link.address, &link.text) else { continue };
            if !open.warnings.is_empty() {
                continue;
            }
            for area in link.areas.iter().filter(|area| area.top + 1.0 >= top && area.top + area.height <= bottom + 1.0)
            {
                let [left, y] = [area.left, area.top - top].map(f64::from);
                let rect = kurbo::Rect::new(left, y, left + f64::from(area.width), y + f64::from(area.height));
                let rect = at.transform_rect_bbox(rect);
                #[allow(clippy::cast_possible_truncation)]
                let [x0, y0, x1, y1] = [rect.x0, rect.y0, rect.x1, rect.y1].map(|side| side as f32);
                let Some(rect) = Area::from_ltrb(x0, y0, x1, y1) else { continue };
                let target = Target::Action(Action::Link(LinkAction::new(open.address.as_str().to_owned())));
                sheet.add_annotation(Annotation::new_link(LinkAnnotation::new(rect, target), None));
            }
        }
    }
}

/// Whether a box is seen as one.
fn has_ground(node: &Node) -> bool {
    node.primary_styles().is_some_and(|styles| {
        let colour = styles.clone_background_color().resolve_to_absolute(&styles.clone_color());
        let border = styles.get_border();
        colour.alpha > 0.0 || border.border_top_width.0.0 > 0 && !border.border_top_style.none_or_hidden()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_goes_between_lines() {
        let lines: Vec<(f32, f32)> =
            (0_u8..50).map(|line| (f32::from(line) * 30.0, f32::from(line) * 30.0 + 28.0)).collect();
        assert_eq!(cuts(1_500.0, 400.0, 1_000.0, &lines), [0.0, 390.0, 1_380.0]);
        // It fits.
        assert_eq!(cuts(390.0, 400.0, 1_000.0, &lines[..13]), [0.0]);
    }

    #[test]
    fn columns_beside_each_other_are_both_whole() {
        let columns = [(0.0, 900.0), (950.0, 990.0), (970.0, 1_010.0), (1_020.0, 1_060.0)];
        assert_eq!(cuts(1_100.0, 1_000.0, 1_000.0, &columns), [0.0, 950.0]);
        let columns = [(0.0, 900.0), (950.0, 965.0), (970.0, 1_010.0), (1_020.0, 1_060.0)];
        assert_eq!(cuts(1_100.0, 1_000.0, 1_000.0, &columns), [0.0, 970.0]);
    }

    #[test]
    fn what_is_higher_than_a_sheet_is_cut_and_what_is_empty_needs_none() {
        assert_eq!(cuts(2_500.0, 1_000.0, 1_000.0, &[(0.0, 2_500.0)]), [0.0, 1_000.0, 2_000.0]);
        assert_eq!(cuts(1_200.0, 1_000.0, 1_000.0, &[(0.0, 800.0)]), [0.0]);
        assert_eq!(cuts(1e9, 1_000.0, 1_000.0, &[(0.0, 1e9)]).len(), MOST_SHEETS + 1);
    }
}
