//! The fingerprint of a charter in words, to be read out on the telephone: 12 words of 11 bits each, the first 132 bits of the
//! chain id, from the English list of BIP-39.

use std::fmt;

use super::Charter;
use crate::digest::Digest;

/// The 2,048 English words of BIP-39, one a line, ascending; no two begin with the same four letters.
const ENGLISH: &str = include_str!("english.txt");
/// Words of a fingerprint.
pub const WORDS: usize = 12;
/// Fewest letters that a typed word may be cut to.
const SHORTEST: usize = 4;

/// The fingerprint of a charter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    words: [&'static str; WORDS],
}

/// Why typed words are not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too few or too many.
    #[error("a fingerprint has {WORDS} words, not {0}")]
    Count(usize),
    /// Another word stands there.
    #[error("word {place} of the fingerprint is {expected:?}, not {typed:?}: it is another charter, or was misheard")]
    Differs {
        /// Which word, from 1.
        place: usize,
        /// What the charter has there.
        expected: &'static str,
        /// The first 20 characters of what was typed.
        typed: String,
    },
}

impl Fingerprint {
    fn of(digest: &Digest) -> Self {
        let mut words = [""; WORDS];
        let (mut bits, mut held) = (0_u32, 0_u32);
        let mut bytes = digest.as_bytes().iter();
        for word in &mut words {
            while held < 11 {
                bits = (bits << 8) | u32::from(bytes.next().copied().unwrap_or_default());
                held = held.saturating_add(8);
            }
            held = held.saturating_sub(11);
            let index = (bits >> held) & 0x7ff;
            *word = usize::try_from(index)
                .ok()
                .and_then(|index| ENGLISH.lines().nth(index))
                .unwrap_or_default();
        }
        Self { words }
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[&'static str; WORDS] {
        &self.words
    }

    /// Compares with words that were typed in, separated by spaces, commas or hyphens; capitals and small letters are the same,
    /// and the first four letters of a word are enough.
    ///
    /// # Errors
    /// See [`WordsError`].
    pub fn compare(&self, typed: &str) -> Result<(), WordsError> {
        let apart = |letter: char| letter.is_whitespace() || matches!(letter, ',' | '-' | '.');
        let typed: Vec<&str> = typed.split(apart).filter(|word| !word.is_empty()).collect();
        if typed.len() != WORDS {
            return Err(WordsError::Count(typed.len()));
        }
        for ((place, expected), typed) in (1..).zip(self.words).zip(typed) {
            let lower = typed.to_lowercase();
            let cut = lower.len() >= SHORTEST && expected.starts_with(&lower);
            if lower != expected && !cut {
                let typed = typed.chars().take(20).collect();
                return Err(WordsError::Differs { place, expected, typed });
            }
        }
        Ok(())
    }
}

/// The words, separated by spaces.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

impl Charter {
    /// The fingerprint: what regions read out to each other before they sign.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.chain_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;

    #[test]
    fn the_list_is_the_english_one_of_bip_39() {
        assert_eq!(
            sha256(&[ENGLISH.as_bytes()]).to_string(),
            "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
        );
        assert_eq!(ENGLISH.lines().count(), 2_048);
        let mut beginnings: Vec<&str> = ENGLISH.lines().map(|word| &word[..word.len().min(SHORTEST)]).collect();
        beginnings.dedup();
        assert_eq!(beginnings.len(), 2_048);
    }

    /// Eleven words of BIP-39's own test vectors are the first 121 bits; its twelfth ends in a checksum, ours in bits 122 to 132.
    #[test]
    fn a_fingerprint_is_the_first_132_bits_in_words_of_eleven() {
        let mut bytes = [0x7f; 32];
        assert_eq!(
            Fingerprint::of(&Digest(bytes)).to_string(),
            "legal winner thank year wave sausage worth useful legal winner thank year"
        );
        bytes[16] = 0x8f;
        assert_eq!(Fingerprint::of(&Digest(bytes)).words()[11], "yellow");
        let same = Fingerprint::of(&Digest(bytes));
        bytes[17..].fill(0);
        bytes[16] = 0x80;
        assert_eq!(Fingerprint::of(&Digest(bytes)), same);
        bytes[16] = 0x70;
        assert_ne!(Fingerprint::of(&Digest(bytes)), same);
        let vector = hex::decode("9e885d952ad362caeb4efe34a8e91bd2").unwrap();
        bytes[..16].copy_from_slice(&vector);
        let words = Fingerprint::of(&Digest(bytes));
        assert_eq!(
            words.words()[..11].join(" "),
            "ozone drill grab fiber curtain grace pudding thank cruise elder eight"
        );
    }

    #[test]
    fn typed_words_may_be_cut_to_four_letters_and_must_be_all_of_them_in_order() {
        let fingerprint = Fingerprint::of(&Digest([0x7f; 32]));
        let told = fingerprint.to_string();
        assert_eq!(fingerprint.compare(&told), Ok(()));
        assert_eq!(
            fingerprint.compare(" LEGA-winn, than year wave saus wort usef lega winn thank year\n"),
            Ok(())
        );
        let differs = |typed: &str| match fingerprint.compare(typed) {
            Err(WordsError::Differs { place, .. }) => place,
            other => panic!("{other:?}"),
        };
        assert_eq!(differs(&told.replacen("winner", "wine", 1)), 2);
        assert_eq!(differs(&told.replacen("winner", "win", 1)), 2);
        assert_eq!(differs(&told.replacen("winner", "winners", 1)), 2);
        assert_eq!(differs(&told.replacen("worth useful", "useful worth", 1)), 7);
        assert_eq!(fingerprint.compare(&told[6..]), Err(WordsError::Count(11)));
        assert_eq!(
            fingerprint.compare(&format!("{told} legal")),
            Err(WordsError::Count(13))
        );
        assert_eq!(fingerprint.compare(""), Err(WordsError::Count(0)));
    }
}
