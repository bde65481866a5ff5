//! The text of a code, from an image, a file or a keyboard scanner.

use super::{OtherSystem, Scanned, Unreadable};
use crate::render::CodeKind;

/// Reads the text of a code: `CC1:`, `CC0:` or `CC3:` and base45.
///
/// # Errors
/// The text is empty, of another system, of a newer one, or its base45 is not the only encoding of its bytes.
pub fn scan_text(text: &str) -> Result<Scanned, Unreadable> {
    // Keyboard scanners end with a line feed or a tab. No base45 ends with a space: 36 x 2025 and 36 x 45 overflow.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Unreadable::Empty);
    }
    if let Some(base45) = text.strip_prefix(CodeKind::Certificate.prefix()) {
        return bytes(CodeKind::Certificate, base45).map(Scanned::Certificate);
    }
    if let Some(base45) = text.strip_prefix(CodeKind::Small.prefix()) {
        return bytes(CodeKind::Small, base45).map(Scanned::Small);
    }
    if let Some(base45) = text.strip_prefix(CodeKind::WithStatus.prefix()) {
        return bytes(CodeKind::WithStatus, base45).map(Scanned::WithStatus);
    }
    Err(foreign(text))
}

/// The bytes of base45. The library lets the last two characters stand for more than 255 (RFC 9285 section 6 forbids
/// it), so two codes would mean the same certificate: what does not encode back to itself is refused.
fn bytes(kind: CodeKind, base45: &str) -> Result<Vec<u8>, Unreadable> {
    if base45.is_empty() {
        return Err(Unreadable::Nothing(kind.prefix()));
    }
    let bytes = base45::decode(base45).map_err(|_| Unreadable::Base45(kind.prefix()))?;
    if base45::encode(&bytes) == base45 {
        Ok(bytes)
    } else {
        Err(Unreadable::Base45(kind.prefix()))
    }
}

fn foreign(text: &str) -> Unreadable {
    let starts = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    if let Some(prefix) = text.get(..4).filter(|prefix| is_later_prefix(prefix)) {
        return Unreadable::NewerCode(prefix.to_owned());
    }
    Unreadable::OtherSystem(match () {
        () if starts("HC1:") => OtherSystem::EuHealthCertificate,
        () if starts("shc:/") => OtherSystem::SmartHealthCard,
        () if starts("http:") || starts("https:") => OtherSystem::WebAddress,
        () => OtherSystem::Unknown,
    })
}

/// `CC2:` is reserved, and so are its successors (DESIGN 4.8).
fn is_later_prefix(prefix: &str) -> bool {
    matches!(prefix.as_bytes(), [b'C', b'C', b'2'..=b'9', b':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_gives_the_bytes_that_were_put_into_it() {
        for bytes in [vec![0], vec![255], vec![1, 2, 3], (0..=255).collect::<Vec<u8>>()] {
            let certificate = crate::render::code_text(CodeKind::Certificate, &bytes);
            assert_eq!(scan_text(&certificate).unwrap(), Scanned::Certificate(bytes.clone()));
            let small = crate::render::code_text(CodeKind::Small, &bytes);
            assert_eq!(scan_text(&small).unwrap(), Scanned::Small(bytes.clone()));
            let both = crate::render::code_text(CodeKind::WithStatus, &bytes);
            assert_eq!(scan_text(&both).unwrap(), Scanned::WithStatus(bytes));
        }
    }

    #[test]
    fn the_end_of_line_of_a_keyboard_scanner_is_no_part_of_the_code() {
        assert_eq!(scan_text("CC1:BB8\r\n").unwrap(), Scanned::Certificate(b"AB".to_vec()));
        assert_eq!(
            scan_text("\u{feff}CC1:BB8\t").unwrap(),
            Scanned::Certificate(b"AB".to_vec())
        );
    }

    #[test]
    fn a_space_at_the_end_is_no_part_of_the_code_for_no_bytes_encode_to_one() {
        assert_eq!(scan_text("CC1:BB8 ").unwrap(), Scanned::Certificate(b"AB".to_vec()));
        for first in 0..=u8::MAX {
            assert!(!base45::encode([first]).ends_with(' '));
            assert!((0..=u8::MAX).all(|second| !base45::encode([first, second]).ends_with(' ')));
        }
    }

    #[test]
    fn base45_that_is_not_the_only_encoding_of_its_bytes_is_refused() {
        // FGW is 0xFFFF, GGW one more (RFC 9285 section 6); U5 is 255, V5 256, :: 2024.
        assert!(scan_text("CC1:FGW").is_ok());
        assert!(scan_text("CC1:U5").is_ok());
        for text in [
            "CC1:GGW", "CC1:V5", "CC1:::", "CC1:A", "CC1:BB8A", "CC1:bb8", "CC1:BB!", "CC1:证",
        ] {
            assert!(
                matches!(scan_text(text).unwrap_err(), Unreadable::Base45("CC1:")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_prefix_with_nothing_behind_it_is_said_so() {
        assert!(matches!(scan_text("CC1:").unwrap_err(), Unreadable::Nothing("CC1:")));
        assert!(matches!(scan_text("CC0:\n").unwrap_err(), Unreadable::Nothing("CC0:")));
        assert!(matches!(scan_text(" \n").unwrap_err(), Unreadable::Empty));
    }

    #[test]
    fn a_code_of_another_system_is_named() {
        let system = |text| {
            let reason = scan_text(text).unwrap_err();
            let Unreadable::OtherSystem(system) = reason else {
                panic!("{reason}")
            };
            system
        };
        assert_eq!(system("HC1:6BFOXN"), OtherSystem::EuHealthCertificate);
        assert_eq!(system("shc:/5676290952"), OtherSystem::SmartHealthCard);
        assert_eq!(system("https://example.org/verify"), OtherSystem::WebAddress);
        assert_eq!(system("HTTP://EXAMPLE.ORG"), OtherSystem::WebAddress);
        assert_eq!(system("WIFI:S:net;;"), OtherSystem::Unknown);
        assert_eq!(system("证照"), OtherSystem::Unknown);
    }

    #[test]
    fn a_reserved_prefix_asks_for_newer_software() {
        let reason = scan_text("CC2:BB8").unwrap_err();
        assert!(reason.needs_newer_software());
        assert!(scan_text("CC4:BB8").unwrap_err().needs_newer_software());
        assert!(!scan_text("CC1:").unwrap_err().needs_newer_software());
    }
}
