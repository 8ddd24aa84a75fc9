//! Blitz: styles by Stylo, layout by Taffy and Parley, pixels by Vello on the processor.

use anyrender::{ImageRenderer as _, PaintScene as _};
use anyrender_vello_cpu::VelloCpuImageRenderer;
use blitz_dom::{BaseDocument, FontContext, Point};
use kurbo::{Affine, Rect};
use peniko::{Color, Fill};

use super::super::normal::{self, Normalised};
use super::super::{Colours, Laid, MOST_PAINTED, Page, Part, Pdf, Picture, Print, View};
use super::reading::Read;
use super::{Engine, document, ground, print, reading};

pub(super) struct Blitz {
    fonts: FontContext,
    shown: Option<Shown>,
}

struct Shown {
    document: BaseDocument,
    view: View,
    ground: [u8; 3],
    renderer: Option<(u16, u16, VelloCpuImageRenderer)>,
}

impl Blitz {
    pub fn new(fonts: FontContext) -> Blitz {
        Blitz { fonts, shown: None }
    }
}

impl Engine for Blitz {
    fn lay(&mut self, page: &Page) -> Laid {
        self.shown = None;
        let mut normal = normal::normalise(page);
        let document = document::laid_out(&mut normal, page.view, &self.fonts);
        let dark = normal.recoloured || page.view.colours == Colours::Dark && normal.dark_ground;
        let ground = ground::ground(&document, dark);
        let laid = laid(&document, normal, page.view, ground);
        self.shown = Some(Shown { document, view: page.view, ground, renderer: None });
        laid
    }

    fn paint(&mut self, part: Part) -> Option<Picture> {
        self.shown.as_mut().map(|shown| shown.paint(part))
    }

    fn pdf(&mut self, page: &Page, print: &Print) -> Option<Pdf> {
        print::pdf(page, print, &self.fonts)
    }
}

fn laid(document: &BaseDocument, normal: Normalised, view: View, ground: [u8; 3]) -> Laid {
    let read = reading::read(document, &normal, view.zoom);
    let (width, height) = size(document, view, &read);
    let mut blocked = normal.blocked;
    for (place, area) in read.remote {
        if let Some(picture) = blocked.pictures.get_mut(place) {
            picture.area.get_or_insert(area);
        }
    }
    let tail = read.tail.filter(|_| normal.has_tail).map(|top| super::super::Rect {
        left: 0.0,
        top,
        width,
        height: if view.folded { 0.0 } else { (height - top).max(0.0) },
    });
    Laid {
        width,
        height,
        ground,
        lines: read.lines,
        links: read.links,
        blocked,
        tail,
        own_dark_style: normal.own_dark_style,
        notes: normal.notes,
    }
}

/// The size of the page in points, as far as it is seen; at least as wide as the view.
pub(super) fn size(document: &BaseDocument, view: View, read: &Read) -> (f32, f32) {
    let Some(root) = document.try_root_element() else { return (view.width, 0.0) };
    let layout = root.final_layout();
    let right = read.right.max(layout.scrollable_overflow_rect.right.max(layout.size.width) * view.zoom);
    // What stands a little over the edge is not worth scrolling to.
    let width = if right > view.width + 2.0 { right } else { view.width };
    // Boxes that stand by themselves are not counted in it.
    let bottom = layout.scrollable_overflow_rect.bottom.max(layout.size.height) * view.zoom;
    (width.min(16_000.0), bottom.max(read.bottom))
}

impl Shown {
    fn paint(&mut self, part: Part) -> Picture {
        let (width, height) = self.pixels(part);
        let place = f64::from(self.view.zoom);
        self.document.set_viewport_scroll(Point { x: f64::from(part.left) / place, y: f64::from(part.top) / place });
        let renderer = match &mut self.renderer {
            Some((old_width, old_height, renderer)) if (*old_width, *old_height) == (width, height) => {
                renderer.reset();
                renderer
            }
            other => {
                let new = VelloCpuImageRenderer::new(width.into(), height.into());
                &mut other.insert((width, height, new)).2
            }
        };
        let [red, green, blue] = self.ground;
        let scale = f64::from(self.view.scale * self.view.zoom);
        let mut rgba = Vec::new();
        let document = &mut self.document;
        renderer.render_to_vec(
            |scene| {
                let all = Rect::new(0.0, 0.0, width.into(), height.into());
                scene.fill(Fill::NonZero, Affine::IDENTITY, Color::from_rgb8(red, green, blue), None, &all);
                blitz_paint::paint_scene(scene, document, scale, width.into(), height.into(), 0, 0);
            },
            &mut rgba,
        );
        Picture { width: width.into(), height: height.into(), rgba }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn pixels(&self, part: Part) -> (u16, u16) {
        let pixels = |points: f32| (points * self.view.scale).round().clamp(1.0, f32::from(u16::MAX - 1)) as u16;
        let (width, height) = (pixels(part.width), pixels(part.height));
        let most = MOST_PAINTED / u64::from(width);
        (width, u16::try_from(most).unwrap_or(u16::MAX).min(height).max(1))
    }
}
