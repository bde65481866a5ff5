//! Images: PNG and JPEG, bounded before their pixels are decoded.

use std::io::Cursor;

use image::{GrayImage, ImageDecoder, ImageReader, Limits};

use super::{Unreadable, reader};

/// The most pixels of an image that is opened: 64 million.
pub const MAX_PIXELS: u64 = 64_000_000;

/// Bytes that decoding one image may take: 4 a pixel, and as much again.
const MAX_IMAGE_ALLOC: u64 = 8 * MAX_PIXELS;

/// The texts of all codes in an image, at least one.
///
/// # Errors
/// The image cannot be opened, has more than [`MAX_PIXELS`], or shows no code that can be read.
pub fn scan_image(bytes: &[u8]) -> Result<Vec<String>, Unreadable> {
    let texts = reader::texts(&open(bytes)?);
    if texts.is_empty() {
        Err(Unreadable::NoCode)
    } else {
        Ok(texts)
    }
}

/// Grey pixels of an image file.
fn open(bytes: &[u8]) -> Result<GrayImage, Unreadable> {
    let broken = |error: image::ImageError| Unreadable::BrokenImage(error.to_string());
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_IMAGE_ALLOC);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Unreadable::TooManyPixels { width, height });
    }
    // Cameras store the picture as the sensor saw it, and how it was held beside it; a damaged note is no matter here.
    let orientation = decoder.orientation().ok();
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(broken)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Ok(on_white(picture))
}

/// Grey, and where the picture is transparent, white: black on transparent is a common way to save a code.
fn on_white(picture: image::DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let grey = picture.into_luma_alpha8();
    GrayImage::from_fn(grey.width(), grey.height(), |x, y| {
        let [light, alpha] = grey.get_pixel(x, y).0;
        let (light, alpha) = (u32::from(light), u32::from(alpha));
        image::Luma([u8::try_from((light * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{Code, PixelsPerModule};

    fn png() -> Vec<u8> {
        Code::draw("CC1:BB8").unwrap().png(PixelsPerModule::default()).unwrap()
    }

    #[test]
    fn a_photograph_without_a_code_says_so() {
        let mut file = Cursor::new(Vec::new());
        let photograph = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        photograph.write_to(&mut file, image::ImageFormat::Jpeg).unwrap();
        assert!(matches!(
            scan_image(&file.into_inner()).unwrap_err(),
            Unreadable::NoCode
        ));
    }

    #[test]
    fn a_jpeg_of_a_code_is_read() {
        let mut file = Cursor::new(Vec::new());
        let picture = image::load_from_memory(&png()).unwrap().to_rgb8();
        picture.write_to(&mut file, image::ImageFormat::Jpeg).unwrap();
        assert_eq!(scan_image(&file.into_inner()).unwrap(), ["CC1:BB8"]);
    }

    #[test]
    fn black_on_transparent_is_read_as_black_on_white() {
        let picture = image::load_from_memory(&png()).unwrap().to_luma8();
        let mut file = Cursor::new(Vec::new());
        let transparent = image::GrayAlphaImage::from_fn(picture.width(), picture.height(), |x, y| {
            image::LumaA([0, 255 - picture.get_pixel(x, y).0[0]])
        });
        transparent.write_to(&mut file, image::ImageFormat::Png).unwrap();
        assert_eq!(scan_image(&file.into_inner()).unwrap(), ["CC1:BB8"]);
    }

    #[test]
    fn an_image_of_too_many_pixels_is_refused_before_they_are_decoded() {
        // The header of a PNG alone: 60,000 x 60,000 pixels, with its checksum (ISO/IEC 15948 5.3).
        let mut header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        header.extend_from_slice(&60_000u32.to_be_bytes());
        header.extend_from_slice(&60_000u32.to_be_bytes());
        header.extend_from_slice(&[1, 0, 0, 0, 0]);
        let checksum = crc32(&header[12..]);
        header.extend_from_slice(&checksum.to_be_bytes());
        header.extend_from_slice(b"\0\0\0\x01IDAT\0\0\0\0\0");
        let reason = scan_image(&header).unwrap_err();
        assert!(
            matches!(
                reason,
                Unreadable::TooManyPixels {
                    width: 60_000,
                    height: 60_000
                }
            ),
            "{reason}"
        );
    }

    #[test]
    fn a_damaged_image_is_unreadable_wherever_it_is_cut() {
        let whole = png();
        for length in 8..whole.len() - 12 {
            assert!(scan_image(&whole[..length]).is_err(), "{length}");
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 {
                    (crc >> 1) ^ 0xedb8_8320
                } else {
                    crc >> 1
                }
            })
        })
    }
}
