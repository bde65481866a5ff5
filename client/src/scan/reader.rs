//! Finding and reading QR codes in grey pixels. Why this decoder: spec/adr/0020-qr-decoder.md.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{GrayImage, Luma, imageops};
use rxing::common::HybridBinarizer;
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BinaryBitmap, DecodeHints, FilteredImageReader, Luma8LuminanceSource, RXingResult, Reader};

/// Light and dark at least this far apart need no stretching.
const GOOD_CONTRAST: u8 = 160;

/// How far around a pixel sharpening looks, in pixels (deviation).
const SHARPEN_PX: f32 = 3.0;

/// The texts of the codes in a picture, each once; none if there are none.
pub(super) fn texts(picture: &GrayImage) -> Vec<String> {
    // From the cheapest to the dearest, and the next only when the last found nothing: a crisp code takes milliseconds.
    let plain = guarded(|| all_codes(picture)).or_else(|| guarded(|| one_code(picture)));
    let found = plain.or_else(|| {
        let clear = stretched(picture);
        // Against light on one side and noise; then against a lens out of focus.
        guarded(|| all_codes(&clear))
            .or_else(|| guarded(|| one_code(&imageops::blur(&clear, 1.0))))
            .or_else(|| guarded(|| one_code(&imageops::unsharpen(&clear, SHARPEN_PX, 0))))
    });
    let mut texts: Vec<String> = found
        .unwrap_or_default()
        .iter()
        .map(|code| code.getText().to_owned())
        .collect();
    texts.sort();
    texts.dedup();
    texts
}

/// What a search found, or `None` for nothing. A picture that makes the decoder panic holds no readable code; the
/// decoder keeps no state that a panic could leave broken.
fn guarded(search: impl FnOnce() -> Option<Vec<RXingResult>>) -> Option<Vec<RXingResult>> {
    catch_unwind(AssertUnwindSafe(search))
        .ok()
        .flatten()
        .filter(|found| !found.is_empty())
}

fn hints() -> DecodeHints {
    DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    }
}

fn source(picture: &GrayImage) -> Option<Luma8LuminanceSource> {
    Luma8LuminanceSource::new(picture.as_raw().clone(), picture.width(), picture.height()).ok()
}

/// Every code, at the picture's own resolution.
fn all_codes(picture: &GrayImage) -> Option<Vec<RXingResult>> {
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source(picture)?));
    QrReader.decode_multiple_with_hints(&mut bitmap, &hints()).ok()
}

/// One code, also at lower resolutions and with small gaps closed.
fn one_code(picture: &GrayImage) -> Option<Vec<RXingResult>> {
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source(picture)?));
    let found = FilteredImageReader::new(QrReader)
        .decode_with_hints(&mut bitmap, &hints())
        .ok()?;
    Some(vec![found])
}

/// The picture with its light and dark spread over the whole range, but for the outermost hundredth on each side.
fn stretched(picture: &GrayImage) -> GrayImage {
    let (dark, light) = range(picture.as_raw());
    let span = light.saturating_sub(dark);
    if span == 0 || span >= GOOD_CONTRAST {
        return picture.clone();
    }
    let stretch = |level: u8| u32::from(level.saturating_sub(dark)) * 255 / u32::from(span);
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        Luma([u8::try_from(stretch(picture.get_pixel(x, y).0[0])).unwrap_or(u8::MAX)])
    })
}

/// The levels below and above which lies a hundredth of the pixels each.
fn range(pixels: &[u8]) -> (u8, u8) {
    let mut counts = [0usize; 256];
    for pixel in pixels {
        if let Some(count) = counts.get_mut(usize::from(*pixel)) {
            *count += 1;
        }
    }
    let hundredth = pixels.len() / 100;
    let levels: Vec<(u8, usize)> = (0..=u8::MAX).zip(counts).collect();
    (
        past(levels.iter(), hundredth).unwrap_or(0),
        past(levels.iter().rev(), hundredth).unwrap_or(u8::MAX),
    )
}

/// The first level at which more than `share` pixels are counted.
fn past<'a>(mut levels: impl Iterator<Item = &'a (u8, usize)>, share: usize) -> Option<u8> {
    let mut passed = 0;
    levels.find_map(|(level, count)| {
        passed += count;
        (passed > share).then_some(*level)
    })
}
