//! Files: a certificate (CBOR), the text of a code, or an image; told apart by their bytes, never by their name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Scanned, Unreadable, scan_image, scan_text};

/// The largest file that is read: 16 MiB.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// Reads a certificate file, an image of a code, or a text file with a code. A file over [`MAX_FILE_BYTES`] is not read.
///
/// # Errors
/// Each reason why nothing could be read has its own variant and sentence.
pub fn scan_file(path: &Path) -> Result<Scanned, Unreadable> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(Unreadable::Directory);
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Unreadable::TooLarge {
            bytes: Some(metadata.len()),
        });
    }
    let mut bytes = Vec::new();
    // Pipes and devices have no length, and a file can grow: never more than one byte past the bound.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > MAX_FILE_BYTES) {
        return Err(Unreadable::TooLarge { bytes: None });
    }
    scan_bytes(&bytes)
}

/// Reads the bytes of a file: see [`scan_file`].
///
/// # Errors
/// Each reason why nothing could be read has its own variant and sentence.
pub fn scan_bytes(bytes: &[u8]) -> Result<Scanned, Unreadable> {
    match bytes {
        [] => Err(Unreadable::Empty),
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => image_of_code(bytes),
        // A certificate goes on with a byte string, one beside a status proof with a number.
        [0x84, 1, 0 | 1, ..] => Ok(Scanned::WithStatus(bytes.to_vec())),
        // An array in CBOR (RFC 8949 3.1): every version of a certificate is one (DESIGN 4.8).
        [0x80..=0x9f, ..] => Ok(Scanned::Certificate(bytes.to_vec())),
        _ => match (other_format(bytes), std::str::from_utf8(bytes)) {
            (Some(name), _) => Err(Unreadable::OtherFormat(name)),
            (None, Ok(text)) if is_text(text) => scan_text(text),
            (None, _) => Err(Unreadable::UnknownFormat),
        },
    }
}

/// The certificate in an image. A paper may carry codes of others beside ours, and a small code beside the full one: the
/// one that shows the most counts.
fn image_of_code(bytes: &[u8]) -> Result<Scanned, Unreadable> {
    let (mut found, mut reasons): (Vec<Scanned>, _) = (Vec::new(), Vec::new());
    for text in scan_image(bytes)? {
        match scan_text(&text) {
            Ok(scanned) => found.push(scanned),
            Err(reason) => reasons.push(reason),
        }
    }
    let best = found.iter().map(Scanned::rank).min();
    found.retain(|scanned| Some(scanned.rank()) == best);
    match (found.pop(), found.len()) {
        (None, _) => Err(most_telling(reasons)),
        (Some(only), 0) => Ok(only),
        (Some(_), others) => Err(Unreadable::SeveralCertificates(others + 1)),
    }
}

/// A damaged code of ours says more than the advertisement beside it.
fn most_telling(reasons: Vec<Unreadable>) -> Unreadable {
    let foreign = |reason: &Unreadable| matches!(reason, Unreadable::OtherSystem(_));
    reasons.into_iter().min_by_key(foreign).unwrap_or(Unreadable::NoCode)
}

/// Controls other than the ends of lines do not occur in the text of a code.
fn is_text(text: &str) -> bool {
    !text
        .chars()
        .any(|character| character.is_control() && !matches!(character, '\r' | '\n' | '\t'))
}

/// Files that people try, and that are not read.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'%', b'P', b'D', b'F', ..] => Some("PDF"),
        [b'G', b'I', b'F', b'8', ..] => Some("GIF"),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some("BMP"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("WebP"),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some("TIFF"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..] => Some("HEIC"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', ..] => Some("AVIF"),
        [b'P', b'K', 3, 4, ..] => Some("ZIP, OFD and office"),
        [b'<', b's', b'v', b'g', ..] => Some("SVG"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::render::{Code, CodeKind, PixelsPerModule, code_text};
    use crate::scan::OtherSystem;

    fn png(text: &str) -> Vec<u8> {
        Code::draw(text).unwrap().png(PixelsPerModule::default()).unwrap()
    }

    /// Several codes above each other on one sheet.
    fn sheet(texts: &[&str]) -> Vec<u8> {
        let codes: Vec<_> = texts
            .iter()
            .map(|text| image::load_from_memory(&png(text)).unwrap().to_luma8())
            .collect();
        let width = codes.iter().map(image::GrayImage::width).max().unwrap();
        let height = codes.iter().map(image::GrayImage::height).sum();
        let mut sheet = image::GrayImage::from_pixel(width, height, image::Luma([255]));
        let mut top = 0;
        for code in &codes {
            image::imageops::replace(&mut sheet, code, 0, i64::from(top));
            top += code.height();
        }
        let mut file = std::io::Cursor::new(Vec::new());
        sheet.write_to(&mut file, image::ImageFormat::Png).unwrap();
        file.into_inner()
    }

    fn on_disk(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_certificate_comes_back_the_same_from_a_file_an_image_and_a_text() {
        let certificate: Vec<u8> = (0..700u32)
            .map(|i| if i == 0 { 0x89 } else { (i * 7 % 251) as u8 })
            .collect();
        let text = code_text(CodeKind::Certificate, &certificate);
        for bytes in [certificate.clone(), png(&text), text.into_bytes()] {
            let scanned = scan_file(on_disk(&bytes).path()).unwrap();
            assert_eq!(scanned, Scanned::Certificate(certificate.clone()));
        }
        let small = png(&code_text(CodeKind::Small, &certificate[..300]));
        assert_eq!(scan_bytes(&small).unwrap(), Scanned::Small(certificate[..300].to_vec()));
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty() {
        assert!(matches!(scan_file(on_disk(&[]).path()).unwrap_err(), Unreadable::Empty));
    }

    #[test]
    fn a_file_of_100_mb_is_refused_unread() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(100_000_000).unwrap();
        let reason = scan_file(file.path()).unwrap_err();
        assert!(matches!(
            reason,
            Unreadable::TooLarge {
                bytes: Some(100_000_000)
            }
        ));
        assert!(reason.to_string().contains("95.4 MiB"), "{reason}");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_an_end_is_read_no_further_than_the_bound() {
        assert!(matches!(
            scan_file(Path::new("/dev/zero")).unwrap_err(),
            Unreadable::TooLarge { bytes: None }
        ));
    }

    #[test]
    fn a_missing_file_and_a_directory_each_have_their_reason() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(
            scan_file(&directory.path().join("none")).unwrap_err(),
            Unreadable::File(_)
        ));
        assert!(matches!(
            scan_file(directory.path()).unwrap_err(),
            Unreadable::Directory
        ));
    }

    #[test]
    fn a_code_of_another_system_in_an_image_is_named() {
        let reason = scan_bytes(&png("HC1:6BFOXN*TS0BI$ZD8UHRTH")).unwrap_err();
        assert!(matches!(
            reason,
            Unreadable::OtherSystem(OtherSystem::EuHealthCertificate)
        ));
    }

    #[test]
    fn a_code_of_others_beside_ours_does_not_hide_ours() {
        let both = sheet(&["HTTPS://EXAMPLE.ORG/A", "CC1:BB8", "WIFI:S:NET"]);
        assert_eq!(scan_bytes(&both).unwrap(), Scanned::Certificate(b"AB".to_vec()));
    }

    #[test]
    fn the_full_code_goes_before_the_small_one() {
        let both = sheet(&["CC0:%69 VD92EX0", "CC1:BB8"]);
        assert_eq!(scan_bytes(&both).unwrap(), Scanned::Certificate(b"AB".to_vec()));
    }

    #[test]
    fn two_different_certificates_in_one_image_are_not_chosen_between() {
        let both = sheet(&["CC1:%69 VD92EX0", "CC1:BB8"]);
        assert!(matches!(
            scan_bytes(&both).unwrap_err(),
            Unreadable::SeveralCertificates(2)
        ));
    }

    #[test]
    fn files_that_are_not_read_are_named_or_called_unknown() {
        assert!(matches!(
            scan_bytes(b"%PDF-1.7").unwrap_err(),
            Unreadable::OtherFormat("PDF")
        ));
        assert!(matches!(
            scan_bytes(b"GIF89a").unwrap_err(),
            Unreadable::OtherFormat("GIF")
        ));
        assert!(matches!(
            scan_bytes(&[0, 1, 2, 3]).unwrap_err(),
            Unreadable::UnknownFormat
        ));
        assert!(matches!(
            scan_bytes(&[0x7f, b'E', b'L', b'F', 0]).unwrap_err(),
            Unreadable::UnknownFormat
        ));
    }

    #[test]
    fn every_reason_has_its_own_code_and_its_own_sentence() {
        let files: [&[u8]; 8] = [
            &[],
            &[0],
            b"%PDF-",
            b"CC2:BB8",
            b"CC1:",
            b"CC1:bb8",
            b"hello",
            &[0xff, 0xd8, 0xff, 0],
        ];
        let reasons: Vec<_> = files.iter().map(|file| scan_bytes(file).unwrap_err()).collect();
        let codes: std::collections::BTreeSet<_> = reasons.iter().map(Unreadable::code).collect();
        let sentences: std::collections::BTreeSet<_> = reasons.iter().map(ToString::to_string).collect();
        assert_eq!(codes.len(), files.len());
        assert_eq!(sentences.len(), files.len());
    }
}
