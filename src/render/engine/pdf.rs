//! What the engine paints, as PDF: shapes stay shapes and text stays text, with its fonts inside.
//!
//! What PDF cannot do is left out or drawn more simply: shadows are a few nested shapes, those inside of a box are
//! none, and filters are none.

use std::collections::HashMap;
use std::sync::Arc;

use anyrender::recording::{BoxShadowCommand, FillCommand, GlyphRunCommand, RenderCommand, StrokeCommand};
use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Size, Transform};
use krilla::image::Image;
use krilla::num::NormalizedF32;
use krilla::paint::{
    Fill as Filled, FillRule, LineCap, LineJoin, LinearGradient, Paint, RadialGradient, SpreadMethod, Stop,
    Stroke as Stroked, StrokeDash, SweepGradient,
};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph, Tag};
use kurbo::{Affine, BezPath, PathEl, Shape as _};
use peniko::{Color, Compose, Extend, Fill, FontData, Gradient, GradientKind, ImageData, Mix};
use skrifa::instance::{LocationRef, NormalizedCoord, Size as FontSize};
use skrifa::{FontRef, MetadataProvider as _};

use super::spelling::{Shape, Spelling};

/// Tiles of one picture behind text.
const MOST_TILES: usize = 2_000;
/// Pixels of a picture for each pixel of CSS that it is shown in: about 300 in an inch.
const DENSE: f64 = 3.0;

/// Where a part of a page goes. Sizes are in pixels of the layout.
pub(super) struct Place {
    /// From pixels of the layout to points of the sheet.
    pub transform: Affine,
    pub width: f32,
    pub height: f32,
    /// Where the part begins in the page.
    pub top: f32,
    /// Pixels of the layout for each of CSS.
    pub fine: f32,
    pub ground: [u8; 3],
}

/// Fonts and pictures that all sheets share.
#[derive(Default)]
pub(super) struct Press {
    fonts: HashMap<(u64, u32, Vec<i16>), Option<Font>>,
    pictures: HashMap<(u64, u32, u32), Image>,
}

impl Press {
    /// Prints what was painted of a part of a page.
    pub fn print(
        &mut self,
        surface: &mut Surface<'_>,
        commands: Vec<RenderCommand>,
        place: &Place,
        spelling: &Spelling,
    ) {
        let all = kurbo::Rect::new(0.0, 0.0, place.width.into(), place.height.into()).to_path(0.1);
        let Some(edge) = path(&all) else { return };
        surface.push_transform(&transform(place.transform));
        surface.push_clip_path(&edge, &FillRule::NonZero);
        if place.ground != [255, 255, 255] {
            let [red, green, blue] = place.ground;
            surface.set_fill(Some(Filled { paint: rgb::Color::new(red, green, blue).into(), ..Filled::default() }));
            surface.set_stroke(None);
            surface.draw_path(&edge);
        }
        let mut layers: Vec<usize> = Vec::new();
        let dropped = dropped(&commands);
        for (command, _) in commands.into_iter().zip(dropped).filter(|(_, dropped)| !dropped) {
            match command {
                RenderCommand::PushLayer(layer) => {
                    layers.push(push(surface, layer.fill, layer.transform, &layer.clip, layer.alpha, layer.blend.mix));
                }
                RenderCommand::PushClipLayer(layer) => {
                    layers.push(push(surface, layer.fill, layer.transform, &layer.clip, 1.0, Mix::Normal));
                }
                RenderCommand::PopLayer => (0..layers.pop().unwrap_or(0)).for_each(|_| surface.pop()),
                RenderCommand::Fill(fill) => self.fill(surface, &fill, place),
                RenderCommand::Stroke(stroke) => self::stroke(surface, &stroke),
                RenderCommand::GlyphRun(run) => self.glyphs(surface, &run, place, spelling),
                RenderCommand::BoxShadow(shadow) => self::shadow(surface, &shadow),
            }
        }
        // Each layer that is open is to be closed, whatever was painted.
        (0..layers.into_iter().sum()).for_each(|_| surface.pop());
        surface.pop();
        surface.pop();
    }

    fn fill(&mut self, surface: &mut Surface<'_>, command: &FillCommand, place: &Place) {
        let Some(shape) = path(&command.shape) else { return };
        surface.push_transform(&transform(command.transform));
        match &command.brush {
            anyrender::Paint::Image(brush) => {
                let alpha = brush.sampler.alpha;
                let within = command.brush_transform.unwrap_or_default();
                self.picture(surface, &brush.image, alpha, &shape, &command.shape, command.transform, within, place);
            }
            brush => {
                let paint = match brush {
                    anyrender::Paint::Solid(colour) => Some(solid(*colour)),
                    anyrender::Paint::Gradient(gradient) => shaded(gradient, command.brush_transform),
                    _ => None,
                };
                if let Some((paint, opacity)) = paint {
                    surface.set_stroke(None);
                    surface.set_fill(Some(Filled { paint, opacity, rule: rule(command.fill) }));
                    surface.draw_path(&shape);
                }
            }
        }
        surface.pop();
    }

    #[allow(clippy::too_many_arguments)]
    fn picture(
        &mut self,
        surface: &mut Surface<'_>,
        data: &ImageData,
        alpha: f32,
        shape: &Path,
        area: &BezPath,
        to_sheet: Affine,
        within: Affine,
        place: &Place,
    ) {
        let (width, height) = (f64::from(data.width), f64::from(data.height));
        let bounds = within.inverse().transform_rect_bbox(area.bounding_box());
        let scale = (to_sheet * within).determinant().abs().sqrt() / f64::from(place.fine);
        let Some(image) = self.image(data, scale) else { return };
        #[allow(clippy::cast_possible_truncation)]
        let Some(size) = Size::from_wh(width as f32, height as f32) else { return };
        let tile = |from: f64, to: f64, side: f64| ((from / side + 0.001).floor(), (to / side - 0.001).ceil());
        let (columns, rows) = (tile(bounds.x0, bounds.x1, width), tile(bounds.y0, bounds.y1, height));
        let count = (columns.1 - columns.0) * (rows.1 - rows.0);
        #[allow(clippy::cast_precision_loss)]
        if !count.is_finite() || count > MOST_TILES as f64 {
            return;
        }
        surface.push_clip_path(shape, &FillRule::NonZero);
        surface.push_opacity(part(alpha));
        let mut row = rows.0;
        while row < rows.1 {
            let mut column = columns.0;
            while column < columns.1 {
                surface.push_transform(&transform(within * Affine::translate((column * width, row * height))));
                surface.draw_image(image.clone(), size);
                surface.pop();
                column += 1.0;
            }
            row += 1.0;
        }
        surface.pop();
        surface.pop();
    }

    /// The picture as it is embedded: no larger than it can be seen.
    fn image(&mut self, data: &ImageData, scale: f64) -> Option<Image> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seen = |side: u32| ((f64::from(side) * scale * DENSE).ceil().max(1.0) as u32).min(side);
        let (width, height) = (seen(data.width), seen(data.height));
        let key = (data.data.id(), width, height);
        if let Some(known) = self.pictures.get(&key) {
            return Some(known.clone());
        }
        let mut octets = data.data.data().to_vec();
        if data.format == peniko::ImageFormat::Bgra8 {
            octets.as_chunks_mut::<4>().0.iter_mut().for_each(|[blue, _, red, _]| std::mem::swap(blue, red));
        }
        if data.alpha_type == peniko::ImageAlphaType::AlphaPremultiplied {
            for [red, green, blue, alpha] in octets.as_chunks_mut::<4>().0 {
                let whole = |value: u8| (u32::from(value) * 255).checked_div(u32::from(*alpha)).unwrap_or(0).min(255);
                [*red, *green, *blue] = [*red, *green, *blue].map(|value| u8::try_from(whole(value)).unwrap_or(255));
            }
        }
        let mut pixels = image::RgbaImage::from_raw(data.width, data.height, octets)?;
        if (width, height) != (data.width, data.height) {
            pixels = image::imageops::thumbnail(&pixels, width, height);
        }
        let made = Image::from_rgba8(pixels.into_raw(), width, height);
        self.pictures.insert(key, made.clone());
        Some(made)
    }

    fn glyphs(&mut self, surface: &mut Surface<'_>, run: &GlyphRunCommand, place: &Place, spelling: &Spelling) {
        let Some(first) = run.glyphs.first() else { return };
        let anyrender::Paint::Solid(colour) = &run.brush else { return };
        let size = run.font_size;
        let base = run.transform * kurbo::Point::new(first.x.into(), first.y.into());
        // A line belongs to the sheet that most of it is on.
        let (above, below) = (base.y - f64::from(size), base.y + 0.25 * f64::from(size));
        let slack = 0.3 * f64::from(size);
        if below - slack < 0.0 || above + slack > f64::from(place.height) || size <= 0.0 {
            return;
        }
        let Some(font) = self.font(&run.font_data, &run.normalized_coords) else { return };
        let advances = advances(run);
        let (text, ranges) = spelled(run, &advances, place, spelling);
        let mut glyphs = Vec::with_capacity(run.glyphs.len());
        let mut x = first.x;
        for ((glyph, range), advance) in run.glyphs.iter().zip(ranges).zip(&advances) {
            // Each stands where the engine put it, whatever the one before takes.
            let (offset, up) = ((glyph.x - x) / size, (first.y - glyph.y) / size);
            glyphs.push(KrillaGlyph::new(GlyphId::new(glyph.id), advance / size, offset, up, 0.0, range, None));
            x += advance;
        }
        let (paint, opacity) = solid(*colour);
        surface.set_stroke(None);
        surface.set_fill(Some(Filled { paint, opacity: part(opacity.get() * run.brush_alpha), ..Filled::default() }));
        let slanted = run.glyph_transform.map(|slant| {
            let origin = kurbo::Vec2::new(first.x.into(), first.y.into());
            Affine::translate(origin) * slant * Affine::translate(-origin)
        });
        surface.push_transform(&transform(run.transform * slanted.unwrap_or_default()));
        surface.draw_glyphs(Point::from_xy(first.x, first.y), &glyphs, font, &text, size, false);
        surface.pop();
    }

    fn font(&mut self, data: &FontData, coords: &[i16]) -> Option<Font> {
        let key = (data.data.id(), data.index, coords.to_vec());
        self.fonts
            .entry(key)
            .or_insert_with(|| {
                let octets: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(data.data.clone());
                Font::new_variable(octets.into(), data.index, &variations(data, coords))
            })
            .clone()
    }
}

/// Commands that are left out: a layer that takes away from what is below has no like here, and what it would have
/// taken from is better not seen at all.
fn dropped(commands: &[RenderCommand]) -> Vec<bool> {
    let mut dropped = vec![false; commands.len()];
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        match command {
            RenderCommand::PushLayer(layer) => {
                let strange = layer.blend.compose != Compose::SrcOver;
                if strange && let Some((_, spoilt)) = open.last_mut() {
                    *spoilt = true;
                }
                open.push((index, strange));
            }
            RenderCommand::PushClipLayer(_) => open.push((index, false)),
            RenderCommand::PopLayer => {
                if let Some((start, true)) = open.pop() {
                    dropped.iter_mut().take(index + 1).skip(start).for_each(|dropped| *dropped = true);
                }
            }
            _ => (),
        }
    }
    dropped
}

/// Opens a layer; gives how often it is to be closed.
fn push(surface: &mut Surface<'_>, fill: Fill, to: Affine, clip: &BezPath, alpha: f32, mix: Mix) -> usize {
    let mut pushed = 0;
    match path(&(to * clip.clone())) {
        Some(clip) => surface.push_clip_path(&clip, &rule(fill)),
        // Nothing is inside of it.
        None => surface.push_opacity(NormalizedF32::ZERO),
    }
    pushed += 1;
    if let Some(mode) = mode(mix) {
        surface.push_blend_mode(mode);
        pushed += 1;
    }
    if alpha < 1.0 {
        surface.push_opacity(part(alpha));
        pushed += 1;
    }
    pushed
}

fn mode(mix: Mix) -> Option<krilla::blend::BlendMode> {
    use krilla::blend::BlendMode as Mode;
    Some(match mix {
        Mix::Multiply => Mode::Multiply,
        Mix::Screen => Mode::Screen,
        Mix::Overlay => Mode::Overlay,
        Mix::Darken => Mode::Darken,
        Mix::Lighten => Mode::Lighten,
        Mix::ColorDodge => Mode::ColorDodge,
        Mix::ColorBurn => Mode::ColorBurn,
        Mix::HardLight => Mode::HardLight,
        Mix::SoftLight => Mode::SoftLight,
        Mix::Difference => Mode::Difference,
        Mix::Exclusion => Mode::Exclusion,
        Mix::Hue => Mode::Hue,
        Mix::Saturation => Mode::Saturation,
        Mix::Color => Mode::Color,
        Mix::Luminosity => Mode::Luminosity,
        _ => return None,
    })
}

fn stroke(surface: &mut Surface<'_>, command: &StrokeCommand) {
    let (Some(shape), anyrender::Paint::Solid(colour)) = (path(&command.shape), &command.brush) else { return };
    let (paint, opacity) = solid(*colour);
    let style = &command.style;
    #[allow(clippy::cast_possible_truncation)]
    let [width, miter_limit, offset] = [style.width, style.miter_limit, style.dash_offset].map(|value| value as f32);
    #[allow(clippy::cast_possible_truncation)]
    let array: Vec<f32> = style.dash_pattern.iter().map(|length| *length as f32).collect();
    let line_cap = match style.start_cap {
        kurbo::Cap::Butt => LineCap::Butt,
        kurbo::Cap::Square => LineCap::Square,
        kurbo::Cap::Round => LineCap::Round,
    };
    let line_join = match style.join {
        kurbo::Join::Bevel => LineJoin::Bevel,
        kurbo::Join::Miter => LineJoin::Miter,
        kurbo::Join::Round => LineJoin::Round,
    };
    let dash = (!array.is_empty()).then_some(StrokeDash { array, offset });
    surface.push_transform(&transform(command.transform));
    surface.set_fill(None);
    surface.set_stroke(Some(Stroked { paint, width, miter_limit, line_cap, line_join, opacity, dash }));
    surface.draw_path(&shape);
    surface.set_stroke(None);
    surface.pop();
}

/// A blurred edge as steps that lie over one another.
fn shadow(surface: &mut Surface<'_>, shadow: &BoxShadowCommand) {
    const STEPS: u8 = 8;
    let (paint, opacity) = solid(shadow.brush);
    surface.push_transform(&transform(shadow.transform));
    surface.set_stroke(None);
    for step in 0..STEPS {
        let grown = shadow.std_dev * (1.5 - 3.0 * (f64::from(step) + 0.5) / f64::from(STEPS));
        let radius = (shadow.radius + grown).max(0.0);
        let shape = kurbo::RoundedRect::from_rect(shadow.rect.inflate(grown, grown), radius);
        if let Some(shape) = path(&shape.to_path(0.1)) {
            let opacity = part(opacity.get() / f32::from(STEPS));
            surface.set_fill(Some(Filled { paint: paint.clone(), opacity, ..Filled::default() }));
            surface.draw_path(&shape);
        }
    }
    surface.pop();
}

fn shaded(gradient: &Gradient, within: Option<Affine>) -> Option<(Paint, NormalizedF32)> {
    let mut stops = Vec::new();
    for stop in gradient.stops.iter() {
        let (color, opacity) = parts(stop.color.to_alpha_color());
        stops.push(Stop { offset: part(stop.offset), color: color.into(), opacity });
    }
    if stops.is_empty() {
        return None;
    }
    let transform = transform(within.unwrap_or_default());
    let spread_method = match gradient.extend {
        Extend::Pad => SpreadMethod::Pad,
        Extend::Repeat => SpreadMethod::Repeat,
        Extend::Reflect => SpreadMethod::Reflect,
    };
    #[allow(clippy::cast_possible_truncation)]
    let xy = |point: kurbo::Point| (point.x as f32, point.y as f32);
    let paint = match &gradient.kind {
        GradientKind::Linear(line) => {
            let ((x1, y1), (x2, y2)) = (xy(line.start), xy(line.end));
            LinearGradient { x1, y1, x2, y2, transform, spread_method, stops, anti_alias: false }.into()
        }
        GradientKind::Radial(circles) => {
            let ((fx, fy), (cx, cy)) = (xy(circles.start_center), xy(circles.end_center));
            let (fr, cr) = (circles.start_radius, circles.end_radius);
            RadialGradient { fx, fy, fr, cx, cy, cr, transform, spread_method, stops, anti_alias: false }.into()
        }
        GradientKind::Sweep(sweep) => {
            let (cx, cy) = xy(sweep.center);
            let (start_angle, end_angle) = (sweep.start_angle.to_degrees(), sweep.end_angle.to_degrees());
            SweepGradient { cx, cy, start_angle, end_angle, transform, spread_method, stops, anti_alias: false }.into()
        }
    };
    Some((paint, NormalizedF32::ONE))
}

/// The text of a run, by the places of its shapes in the page.
fn spelled(
    run: &GlyphRunCommand,
    advances: &[f32],
    place: &Place,
    spelling: &Spelling,
) -> (String, Vec<std::ops::Range<usize>>) {
    #[allow(clippy::cast_possible_truncation)]
    let in_page = |x: f32, y: f32| {
        let point = run.transform * kurbo::Point::new(x.into(), y.into());
        (point.x as f32 / place.fine, (point.y as f32 + place.top) / place.fine)
    };
    let shape = |(glyph, advance): (&anyrender::Glyph, &f32)| Shape {
        left: in_page(glyph.x, glyph.y).0,
        advances: *advance > 0.0,
    };
    let shapes: Vec<Shape> = run.glyphs.iter().zip(advances).map(shape).collect();
    let y = run.glyphs.first().map_or(0.0, |glyph| in_page(glyph.x, glyph.y).1);
    let ends = run.glyphs.iter().zip(advances).map(|(glyph, advance)| in_page(glyph.x + advance, glyph.y).0);
    let right = ends.fold(f32::MIN, f32::max);
    spelling.spell(&shapes, right, y)
}

/// What each shape of a run takes by its font.
fn advances(run: &GlyphRunCommand) -> Vec<f32> {
    let Ok(font) = FontRef::from_index(run.font_data.data.data(), run.font_data.index) else {
        return vec![run.font_size / 2.0; run.glyphs.len()];
    };
    let coords: Vec<NormalizedCoord> =
        run.normalized_coords.iter().map(|bits| NormalizedCoord::from_bits(*bits)).collect();
    let metrics = font.glyph_metrics(FontSize::new(run.font_size), LocationRef::new(&coords));
    run.glyphs.iter().map(|glyph| metrics.advance_width(skrifa::GlyphId::new(glyph.id)).unwrap_or(0.0)).collect()
}

/// The settings of a variable font that give these coordinates: looked for by halves, as a font may map them in any
/// way that grows.
fn variations(data: &FontData, coords: &[i16]) -> Vec<(Tag, f32)> {
    let Ok(font) = FontRef::from_index(data.data.data(), data.index) else { return Vec::new() };
    let axes = font.axes();
    let setting = |(index, coord): (usize, &i16)| {
        let axis = axes.get(index)?;
        let (mut least, mut most) = (axis.min_value(), axis.max_value());
        for _ in 0..24 {
            let middle = f32::midpoint(least, most);
            let location = axes.location([(axis.tag(), middle)]);
            let found = location.coords().get(index).map_or(0, |coord| coord.to_bits());
            if found < *coord { least = middle } else { most = middle }
        }
        Some((Tag::new(&axis.tag().to_be_bytes()), most))
    };
    coords.iter().enumerate().filter_map(setting).collect()
}

fn solid(colour: Color) -> (Paint, NormalizedF32) {
    let (colour, opacity) = parts(colour);
    (colour.into(), opacity)
}

fn parts(colour: Color) -> (rgb::Color, NormalizedF32) {
    let [red, green, blue, alpha] = colour.to_rgba8().to_u8_array();
    (rgb::Color::new(red, green, blue), part(f32::from(alpha) / 255.0))
}

/// A part of a whole.
fn part(value: f32) -> NormalizedF32 {
    let value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 1.0 };
    NormalizedF32::new(value).unwrap_or(NormalizedF32::ONE)
}

fn rule(fill: Fill) -> FillRule {
    match fill {
        Fill::NonZero => FillRule::NonZero,
        Fill::EvenOdd => FillRule::EvenOdd,
    }
}

#[allow(clippy::cast_possible_truncation)]
fn transform(affine: Affine) -> Transform {
    let [a, b, c, d, e, f] = affine.as_coeffs().map(|value| if value.is_finite() { value as f32 } else { 0.0 });
    Transform::from_row(a, b, c, d, e, f)
}

#[allow(clippy::cast_possible_truncation)]
fn path(shape: &BezPath) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for element in shape.elements() {
        match element {
            PathEl::MoveTo(to) => builder.move_to(to.x as f32, to.y as f32),
            PathEl::LineTo(to) => builder.line_to(to.x as f32, to.y as f32),
            PathEl::QuadTo(by, to) => builder.quad_to(by.x as f32, by.y as f32, to.x as f32, to.y as f32),
            PathEl::CurveTo(one, two, to) => {
                builder.cubic_to(one.x as f32, one.y as f32, two.x as f32, two.y as f32, to.x as f32, to.y as f32);
            }
            PathEl::ClosePath => builder.close(),
        }
    }
    builder.finish()
}
