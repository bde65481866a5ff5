//! Detailed reasons, annotations and orders: the ledger gets a salted digest, the office keeps salt and text.

use crate::command::{Done, Failure, Shared, show};
use concord_client::files;
use concord_spec::digest::{Digest, Tag};
use rand::RngCore;
use rand::rngs::OsRng;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Most bytes of a detailed reason or an order.
const MAX_DETAIL: usize = 16 << 20;
/// Bytes of a salt; they stand before the text in what is kept.
const SALT: usize = 16;

/// A digest for the ledger, and what shows what it is of.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) digest: Digest,
    salt: Option<[u8; SALT]>,
    /// Where salt and text are kept, and what stands there.
    file: Option<(PathBuf, Vec<u8>)>,
}

fn digest_of(salt: &[u8; SALT], text: &[u8]) -> Digest {
    Tag::Reason.digest(&[salt, text])
}

fn fresh() -> [u8; SALT] {
    let mut salt = [0; SALT];
    OsRng.fill_bytes(&mut salt);
    salt
}

/// The salted digest of a file; salt and text are to be kept beside it.
pub(super) fn of_file(path: &Path) -> Result<Kept, Failure> {
    let (text, salt) = (files::read(path, MAX_DETAIL)?, fresh());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".salted");
    let beside = path.with_file_name(name);
    if beside.exists() {
        return Err(Failure::Cannot(format!(
            "{} exists; it shows another record's reason. Move it away, or give the reason under another name",
            beside.display()
        )));
    }
    Ok(Kept {
        digest: digest_of(&salt, &text),
        salt: Some(salt),
        file: Some((beside, [salt.as_slice(), &text].concat())),
    })
}

/// The salted digest of the file of an order.
pub(super) fn of_order(path: &Path) -> Result<Kept, Failure> {
    of_file(path)
}

/// The salted digest of a text.
pub(super) fn of_text(text: &str) -> Kept {
    let salt = fresh();
    Kept {
        digest: digest_of(&salt, text.as_bytes()),
        salt: Some(salt),
        file: None,
    }
}

impl Kept {
    /// A digest that somebody else made.
    pub(super) fn digest(digest: Digest) -> Self {
        Self {
            digest,
            salt: None,
            file: None,
        }
    }

    /// Writes down, or says, what must be kept, before the record is made.
    pub(super) fn keep(&self) -> Result<(), Failure> {
        let Some(salt) = &self.salt else { return Ok(()) };
        match &self.file {
            Some((path, bytes)) => {
                files::replace(path, bytes)?;
                show::remark(&format!(
                    "salt and text are in {}: keep it to be able to show it",
                    path.display()
                ));
            }
            None => show::remark(&format!(
                "salt {}: keep it with the text to be able to show it",
                hex::encode(salt)
            )),
        }
        Ok(())
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "digest": self.digest,
            "salt": self.salt.map(hex::encode),
            "file": self.file.as_ref().map(|(path, _)| path.display().to_string()),
        })
    }
}

/// `concord status check`.
pub(super) fn check(shared: &Shared, path: &Path, salt: Option<&str>, digest: &Digest) -> Done {
    let bytes = files::read(path, MAX_DETAIL.saturating_add(SALT))?;
    let (salt, text) = match salt {
        Some(salt) => (salt_of(salt)?, bytes),
        None => {
            let (salt, text) = bytes
                .split_first_chunk::<SALT>()
                .ok_or_else(|| Failure::Cannot(format!("{}: too short for a salt and a text", path.display())))?;
            (*salt, text.to_vec())
        }
    };
    if digest_of(&salt, &text) != *digest {
        return Err(Failure::Cannot(format!(
            "{}: not what digest {digest} is of",
            path.display()
        )));
    }
    let words = format!("{}: it is what digest {digest} is of", path.display());
    let text = String::from_utf8(text).ok();
    show::answer(
        shared,
        &words,
        &json!({"digest": digest, "matches": true, "text": text}),
    )?;
    Ok(0)
}

fn salt_of(text: &str) -> Result<[u8; SALT], Failure> {
    let mut salt = [0; SALT];
    hex::decode_to_slice(text, &mut salt).map_err(|_| Failure::Usage("a salt has 32 hexadecimal digits".to_owned()))?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_reason_needs_its_salt_and_its_text() {
        let kept = of_text("伪造材料");
        let salt = kept.salt.unwrap();
        assert_eq!(kept.digest, digest_of(&salt, "伪造材料".as_bytes()));
        assert_ne!(kept.digest, digest_of(&[0; SALT], "伪造材料".as_bytes()));
        assert_ne!(kept.digest, digest_of(&salt, b"another"));
        assert_ne!(of_text("伪造材料").digest, kept.digest, "every salt is fresh");
    }
}
