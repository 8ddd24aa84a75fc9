//! Pictures: what their headers claim, before anything is decoded; one alone, to be looked at; and pixels as PNG.

use std::io::{self, Cursor, Write};

use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};

use super::{MOST_PIXELS, Picture};

/// Octets that may be unpacked of a header.
const BEFORE_THE_PIXELS: u64 = 4 << 20;
/// Octets that a decoder may take; the worker is bounded besides.
const MOST_MEMORY: u64 = 256 << 20;
/// The longer side of a picture that is looked at, in pixels.
const LONGEST: u32 = 1_600;
/// Passes of a progressive picture: each one is worked through in full, and honest ones have ten.
const MOST_PASSES: usize = 100;

/// Why a picture is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unseen {
    /// It is no PNG, JPEG, GIF or WebP.
    Kind,
    /// It claims more than [`MOST_PIXELS`], or wants more memory than a decoder may take.
    TooLarge,
    /// A progressive JPEG of far more passes than any honest one.
    Passes,
    /// It is none, or is damaged.
    Broken,
}

impl From<ImageError> for Unseen {
    fn from(error: ImageError) -> Unseen {
        if matches!(error, ImageError::Limits(_)) { Unseen::TooLarge } else { Unseen::Broken }
    }
}

/// A picture to be looked at: measured before it is decoded, decoded within bounds, the first of many only, turned as it
/// was taken, and made no larger than a page.
pub(super) fn looked_at(octets: &[u8]) -> Result<Picture, Unseen> {
    let mut reader = ImageReader::new(Cursor::new(octets)).with_guessed_format().map_err(|_| Unseen::Broken)?;
    let format = reader.format().ok_or(Unseen::Broken)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP) {
        return Err(Unseen::Kind);
    }
    if format == ImageFormat::Jpeg && memchr::memmem::find_iter(octets, b"\xff\xda").count() > MOST_PASSES {
        return Err(Unseen::Passes);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Unseen::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder)?;
    let mut picture = if width.max(height) > LONGEST { picture.thumbnail(LONGEST, LONGEST) } else { picture };
    picture.apply_orientation(orientation);
    let picture = picture.into_rgba8();
    Ok(Picture { width: picture.width(), height: picture.height(), rgba: picture.into_raw() })
}

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

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    /// A PNG that says it is so large, with nothing behind its first words.
    fn claimed(width: u32, height: u32) -> Vec<u8> {
        let mut png = encoded(1, 1, ImageFormat::Png);
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = !0_u32;
        for octet in &png[12..29] {
            crc ^= u32::from(*octet);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        png[29..33].copy_from_slice(&(!crc).to_be_bytes());
        png
    }

    #[test]
    fn pictures_are_measured_before_they_are_decoded() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif] {
            let picture = looked_at(&encoded(30, 20, format)).unwrap();
            assert_eq!((picture.width, picture.height), (30, 20), "{format:?}");
        }
        let large = looked_at(&encoded(4_000, 100, ImageFormat::Png)).unwrap();
        assert_eq!((large.width, large.height), (1_600, 40));
        let mut wide = encoded(8, 8, ImageFormat::Gif);
        wide[6..10].fill(0xff);
        for (content, why) in [
            (claimed(50_000, 50_000), Unseen::TooLarge),
            (claimed(4_473, 4_473), Unseen::TooLarge),
            (claimed(400, 400), Unseen::Broken),
            (wide, Unseen::TooLarge),
            (b"BM\0\0".to_vec(), Unseen::Kind),
            (b"<svg/>".to_vec(), Unseen::Broken),
            ([encoded(8, 8, ImageFormat::Jpeg), b"\xff\xda".repeat(200)].concat(), Unseen::Passes),
            (Vec::new(), Unseen::Broken),
        ] {
            assert_eq!(looked_at(&content).err(), Some(why), "{:?}", content.get(..33));
        }
    }
}
