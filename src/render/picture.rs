//! Pictures: what their headers claim, before anything is decoded; and pixels as PNG.

use std::io::{self, Cursor, Write};

use image::{ImageFormat, ImageReader, Limits};

use super::Picture;

/// Octets that may be unpacked of a header.
const BEFORE_THE_PIXELS: u64 = 4 << 20;

/// Width and height as the header of a PNG, JPEG, GIF or WebP claims them; `None` for anything else, for no pixels, and
/// for a side that cannot be drawn.
pub fn picture_size(octets: &[u8]) -> Option<(u32, u32)> {
    let mut reader = ImageReader::new(Cursor::new(octets)).with_guessed_format().ok()?;
    // Even for the size a decoder unpacks what stands before the pixels, such as a profile of colours.
    let mut limits = Limits::default();
    limits.max_alloc = Some(BEFORE_THE_PIXELS);
    reader.limits(limits);
    if !matches!(reader.format()?, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP) {
        return None;
    }
    let (width, height) = reader.into_dimensions().ok()?;
    let drawable = |side| (1..=u32::from(u16::MAX)).contains(&side);
    (drawable(width) && drawable(height)).then_some((width, height))
}

/// Writes pictures that stand below one another, all of one width, as one PNG.
///
/// # Errors
/// As writing fails; an empty picture is an error as well.
pub fn write_png(to: &mut impl Write, strips: &[Picture]) -> io::Result<()> {
    let width = strips.first().map_or(0, |strip| strip.width);
    let rows = || strips.iter().filter(|strip| strip.width == width);
    let mut encoder = png::Encoder::new(to, width, rows().map(|strip| strip.height).sum());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    // Strip by strip: a high picture is not held twice.
    let mut rest = writer.stream_writer().map_err(io::Error::other)?;
    rows().try_for_each(|strip| rest.write_all(&strip.rgba))?;
    rest.finish().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_without_decoding() {
        let strip = Picture { width: 2, height: 1, rgba: vec![255; 8] };
        let mut png = Vec::new();
        write_png(&mut png, &[strip.clone(), strip]).unwrap();
        assert_eq!(picture_size(&png), Some((2, 2)));
        for nothing in [b"".as_slice(), b"<svg/>", b"BM......", &png[..20]] {
            assert_eq!(picture_size(nothing), None);
        }
    }
}
