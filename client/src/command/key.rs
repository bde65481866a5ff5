//! `concord key`: keys of authorities, offices and series.

use super::access::{self, Passphrase};
use super::{Done, Failure, Shared, show};
use clap::Subcommand;
use concord_client::keys;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a key and write it to a new file, encrypted
    New {
        /// The new file; an existing one is never overwritten
        file: PathBuf,
        /// Do not encrypt it: for demonstrations and tests only
        #[arg(long, conflicts_with = "passphrase_file")]
        plain: bool,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Print the public key of a key file
    Show {
        /// The key file
        file: PathBuf,
        #[command(flatten)]
        passphrase: Passphrase,
    },
}

impl Verb {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        let (file, key) = match self {
            Self::New { file, plain: true, .. } => {
                let key = keys::create(&file, None)?;
                (file, key)
            }
            Self::New {
                file,
                plain: false,
                passphrase,
            } => {
                let passphrase = match passphrase.given()? {
                    Some(passphrase) => passphrase,
                    None => ask_twice()?,
                };
                let key = keys::create(&file, Some(&passphrase))?;
                (file, key)
            }
            Self::Show { file, passphrase } => {
                let key = passphrase.open(&file)?;
                (file, key)
            }
        };
        let public = key.public();
        let words = format!("public key  {public}\nkey id      {}", hex::encode(public.kid()));
        let file = file.display().to_string();
        show::answer(
            shared,
            &words,
            &json!({"file": file, "public": public, "kid": hex::encode(public.kid())}),
        )?;
        Ok(0)
    }
}

fn ask_twice() -> Result<zeroize::Zeroizing<String>, Failure> {
    let first = access::ask("New passphrase: ")?;
    let second = access::ask("The same again: ")?;
    if *first == *second {
        Ok(first)
    } else {
        Err(Failure::Usage("the two passphrases differ".to_owned()))
    }
}
