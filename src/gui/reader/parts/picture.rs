//! A picture for looking at: measured before it is decoded, decoded within bounds, the first picture of many only, and
//! made no larger than a page.

use std::io::Cursor;

use iced::widget::image::Handle;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};

use super::Shown;

/// Pixels of a picture that is decoded.
const MOST_PIXELS: u64 = 20_000_000;
/// Octets that a decoder may take.
const MOST_MEMORY: u64 = 256 << 20;
/// The longer side of what is kept.
const LONGEST: u32 = 1_600;
/// Passes of a progressive picture: each one is worked through in full, and honest ones have ten.
const MOST_PASSES: usize = 100;

/// See the module.
pub fn shown(content: &[u8]) -> Shown {
    match decoded(content) {
        Ok(picture) => {
            let picture = picture.into_rgba8();
            Shown::Picture(Handle::from_rgba(picture.width(), picture.height(), picture.into_raw()))
        }
        Err(why) => Shown::Nothing(format!("This picture is not shown: {why}. It can be saved.")),
    }
}

const BROKEN: &str = "it could not be decoded";
const TOO_LARGE: &str = "it is too large";

fn why(error: &ImageError) -> &'static str {
    if matches!(error, ImageError::Limits(_)) { TOO_LARGE } else { BROKEN }
}

fn decoded(content: &[u8]) -> Result<DynamicImage, &'static str> {
    let mut reader = ImageReader::new(Cursor::new(content)).with_guessed_format().map_err(|_| BROKEN)?;
    let format = reader.format().ok_or(BROKEN)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP) {
        return Err("it is of a kind that is not shown here");
    }
    if format == ImageFormat::Jpeg && memchr::memmem::find_iter(content, b"\xff\xda").count() > MOST_PASSES {
        return Err("it is made of too many passes");
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| why(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(TOO_LARGE);
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| why(&error))?;
    let mut picture = if width.max(height) > LONGEST { picture.thumbnail(LONGEST, LONGEST) } else { picture };
    picture.apply_orientation(orientation);
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let picture = decoded(&encoded(30, 20, format)).unwrap();
            assert_eq!((picture.width(), picture.height()), (30, 20), "{format:?}");
        }
        let large = decoded(&encoded(4_000, 100, ImageFormat::Png)).unwrap();
        assert_eq!((large.width(), large.height()), (1_600, 40));
        let mut wide = encoded(8, 8, ImageFormat::Gif);
        wide[6..10].fill(0xff);
        for (content, why) in [
            (claimed(50_000, 50_000), "it is too large"),
            (claimed(4_473, 4_473), "it is too large"),
            (claimed(400, 400), "it could not be decoded"),
            (wide, "it is too large"),
            (b"BM\0\0".to_vec(), "it is of a kind that is not shown here"),
            (b"<svg/>".to_vec(), "it could not be decoded"),
            ([encoded(8, 8, ImageFormat::Jpeg), b"\xff\xda".repeat(200)].concat(), "it is made of too many passes"),
            (Vec::new(), "it could not be decoded"),
        ] {
            assert_eq!(decoded(&content).err(), Some(why), "{why}: {:?}", content.get(..33));
        }
    }
}
