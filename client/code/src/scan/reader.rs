//! Finding and reading QR codes in grey pixels. Why this decoder: spec/adr/0020-qr-decoder.md.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{GrayImage, Luma, imageops};
use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, GenerateFinderPatternSets, SampleQR};
use rxing::{
    BarcodeFormat, Binarizer, BinaryBitmap, DecodeHints, Exceptions, FilteredImageReader, Luma8LuminanceSource,
    RXingResult, Reader,
};

/// Light and dark at least this far apart need no stretching.
const GOOD_CONTRAST: u8 = 160;
/// How far around a pixel sharpening looks, in pixels (deviation).
const SHARPEN_PX: f32 = 3.0;
/// Larger pictures are halved in width and height until they are no larger: before any search, and before the dear ones.
const MAX_SEARCHED_PIXELS: usize = 16_000_000;
const MAX_DEARLY_SEARCHED_PIXELS: usize = 4_000_000;
/// Corner patterns beyond which a picture is no photograph of codes but made to keep the search busy.
const MAX_PATTERNS: usize = 400;
/// Triples of corner patterns that are tried in one search, the likeliest first.
const MAX_TRIES: usize = 400;
/// Codes that are read from one picture.
const MAX_CODES: usize = 16;

/// The texts of the codes in a picture, each once; none if there are none.
pub(super) fn texts(picture: &GrayImage) -> Vec<String> {
    let picture = at_most(picture, MAX_SEARCHED_PIXELS);
    // From the cheapest to the dearest, and the next only when the last found nothing: a crisp code takes milliseconds.
    let found = guarded(|| all_codes(&picture)).or_else(|| dear_search(&at_most(&picture, MAX_DEARLY_SEARCHED_PIXELS)));
    let mut texts: Vec<String> = found
        .unwrap_or_default()
        .iter()
        .map(|code| code.getText().to_owned())
        .collect();
    texts.sort();
    texts.dedup();
    texts
}

fn dear_search(picture: &GrayImage) -> Option<Vec<RXingResult>> {
    if let Some(found) = guarded(|| one_code(picture)) {
        return Some(found);
    }
    let clear = stretched(picture);
    // Against light on one side and noise; then against a lens out of focus.
    guarded(|| all_codes(&clear))
        .or_else(|| guarded(|| one_code(&imageops::blur(&clear, 1.0))))
        .or_else(|| guarded(|| one_code(&imageops::unsharpen(&clear, SHARPEN_PX, 0))))
}

/// The picture, halved until it has no more than so many pixels.
fn at_most(picture: &GrayImage, pixels: usize) -> Cow<'_, GrayImage> {
    let mut halved = Cow::Borrowed(picture);
    while halved.as_raw().len() > pixels {
        let (width, height) = (halved.width().div_ceil(2), halved.height().div_ceil(2));
        halved = Cow::Owned(imageops::thumbnail(halved.as_ref(), width, height));
    }
    halved
}

/// What a search found, or `None` for nothing. A picture that makes the decoder panic holds no readable code; the
/// decoder keeps no state that a panic could leave broken.
fn guarded(search: impl FnOnce() -> Option<Vec<RXingResult>>) -> Option<Vec<RXingResult>> {
    catch_unwind(AssertUnwindSafe(search))
        .ok()
        .flatten()
        .filter(|found| !found.is_empty())
}

fn bitmap(picture: &GrayImage) -> Option<BinaryBitmap<HybridBinarizer<Luma8LuminanceSource>>> {
    let source = Luma8LuminanceSource::new(picture.as_raw().clone(), picture.width(), picture.height()).ok()?;
    Some(BinaryBitmap::new(HybridBinarizer::new(source)))
}

/// Every code, at the picture's own resolution.
fn all_codes(picture: &GrayImage) -> Option<Vec<RXingResult>> {
    Some(codes(bitmap(picture)?.get_black_matrix(), MAX_CODES))
}

/// One code, also at lower resolutions and with small gaps closed.
fn one_code(picture: &GrayImage) -> Option<Vec<RXingResult>> {
    let found = FilteredImageReader::new(BoundedReader)
        .decode(&mut bitmap(picture)?)
        .ok()?;
    Some(vec![found])
}

/// The library's reader tries every triple of corner patterns: minutes for a small file full of them. This one stops.
struct BoundedReader;

impl Reader for BoundedReader {
    fn decode<B: Binarizer>(&mut self, picture: &mut BinaryBitmap<B>) -> rxing::common::Result<RXingResult> {
        codes(picture.get_black_matrix(), 1).pop().ok_or(Exceptions::NOT_FOUND)
    }

    fn decode_with_hints<B: Binarizer>(
        &mut self,
        picture: &mut BinaryBitmap<B>,
        _: &DecodeHints,
    ) -> rxing::common::Result<RXingResult> {
        self.decode(picture)
    }
}

/// At most so many codes in black and white.
fn codes(picture: &BitMatrix, most: usize) -> Vec<RXingResult> {
    // A quick look at few lines first: the thorough one takes time with the square of the patterns.
    if FindFinderPatterns(picture, false, 0).len() > MAX_PATTERNS {
        return Vec::new();
    }
    let mut patterns = FindFinderPatterns(picture, true, 0);
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.size));
    patterns.truncate(MAX_PATTERNS);
    let (mut used, mut found) = (Vec::new(), Vec::new());
    for corners in GenerateFinderPatternSets(&mut patterns).iter().take(MAX_TRIES) {
        let corners_of = [corners.bl, corners.tl, corners.tr];
        if found.len() == most || corners_of.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        let Ok(sampled) = SampleQR(picture, corners) else {
            continue;
        };
        if let Some(read) = Decode(sampled.getBits()).ok().filter(|read| read.isValid()) {
            used.extend(corners_of);
            let (text, points) = (read.text(), sampled.getPoints().to_vec());
            // Without the time of reading, which nobody asks for: WebAssembly has no clock.
            found.push(RXingResult::new_timestamp(
                &text,
                Vec::new(),
                points,
                BarcodeFormat::QR_CODE,
                0,
            ));
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture full of corner patterns, `module` pixels a module: no three of them are a code.
    fn corners_only(side: u32, module: u32) -> GrayImage {
        let ring = |x: u32, y: u32| {
            let distance = x.abs_diff(3).max(y.abs_diff(3));
            distance == 3 || distance <= 1
        };
        GrayImage::from_fn(side, side, |x, y| {
            Luma([if ring(x / module % 9, y / module % 9) { 0 } else { 255 }])
        })
    }

    #[test]
    fn pictures_are_halved_to_the_bound_however_narrow_they_are() {
        for (width, height) in [(1, 9_000), (4_000, 4_000), (10, 10)] {
            let halved = at_most(&GrayImage::new(width, height), 1_000).into_owned();
            assert!(
                (1..=1_000).contains(&halved.as_raw().len()),
                "{}",
                halved.as_raw().len()
            );
        }
    }

    #[test]
    fn a_picture_made_to_keep_the_search_busy_tries_no_more_than_the_bound() {
        let picture = corners_only(600, 3);
        let patterns = FindFinderPatterns(bitmap(&picture).unwrap().get_black_matrix(), true, 0);
        assert!(
            patterns.len() > MAX_PATTERNS,
            "{}: the picture must be over the bound",
            patterns.len()
        );
        let start = std::time::Instant::now();
        assert!(texts(&picture).is_empty());
        // The library's own reader takes over a minute here.
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}
