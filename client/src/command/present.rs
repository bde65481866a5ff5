//! `concord present`: a holder shows less of a certificate, or to one verifier only.

use super::access::Passphrase;
use super::{Done, Failure, Shared, bundle, show};
use clap::{ArgGroup, Args};
use concord_client::files;
use concord_client::render::{Code, CodeKind, PixelsPerModule, code_text};
use concord_client::scan::{self, Scanned};
use concord_spec::catalogue::{Label, TypeDefinition, label};
use concord_spec::certificate::Certificate;
use concord_spec::credential::SignedCredential;
use concord_spec::id::UnixMillis;
use concord_spec::presentation::{CertificateFile, MAX_AUDIENCE, Nonce, Presentation};
use concord_spec::status_proof::{Carried, WithStatus};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Show a certificate with fewer claims, or bound to a verifier's nonce
///
/// Only claims that the type marks as selective can be left out. The receipt stays true: no office and no node is asked.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("claims").required(true).args(["show", "show_all", "hide_all"]))]
pub(crate) struct Present {
    /// The certificate: a .concord file, or a picture or text with its code
    file: PathBuf,
    /// The claims to show, by key or by name; the others that may be left out are left out
    #[arg(long, value_name = "CLAIM", num_args = 1..)]
    show: Vec<String>,
    /// Show every claim that the file shows
    #[arg(long)]
    show_all: bool,
    /// Leave out every claim that may be left out
    #[arg(long)]
    hide_all: bool,
    /// Key file of the holder, whose key the certificate names: sign the verifier's nonce with it
    #[arg(long, value_name = "FILE", requires = "nonce")]
    holder_key: Option<PathBuf>,
    /// The nonce that the verifier gave you, in hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "holder_key")]
    nonce: Option<Nonce>,
    /// To whom you show it, as the verifier said
    #[arg(long, value_name = "TEXT", requires = "nonce")]
    audience: Option<String>,
    /// The new file; an existing one is never overwritten
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// A picture of its code as well (PNG); an existing one is never overwritten
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
    /// The trust bundle that knows the names of claims; without it, the one that `concord bundle pull` keeps, if there is one
    #[arg(short, long, value_name = "FILE", env = "CONCORD_BUNDLE")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Take this as the time (RFC 3339): for tests
    #[arg(long, value_name = "TIME", value_parser = show::parse_time)]
    now: Option<UnixMillis>,
}

impl Present {
    pub(crate) fn run(self, shared: &Shared) -> Done {
        for file in [Some(&self.out), self.qr.as_ref()].into_iter().flatten() {
            is_new(file)?;
        }
        let whole = read(&self.file)?;
        let definition = self.definition(&whole)?;
        let credential = self.credential(&whole.credential, definition.as_ref())?;
        let (shown, hidden) = (keys(&credential), credential.hidden());
        let certificate = Certificate { credential, ..whole };
        let bytes = match (&self.holder_key, &self.nonce) {
            (Some(key), Some(nonce)) => self.sign(certificate, key, nonce)?.to_bytes(),
            _ => certificate.to_bytes(),
        };
        let picture = self.qr.as_ref().map(|file| drawn(file, &bytes)).transpose()?;
        files::replace(&self.out, &bytes)?;
        if let Some((file, picture)) = &picture {
            files::replace(file, picture)?;
        }
        let out = self.out.display().to_string();
        let bound = self.nonce.as_ref().map(|nonce| format!(", bound to the nonce {nonce}"));
        let words = format!(
            "{out}: {} of the claims that may be left out are shown, {hidden} are not{}",
            shown.len(),
            bound.unwrap_or_default()
        );
        let object = json!({
            "file": out, "bytes": bytes.len(), "shown": shown, "hidden": hidden, "nonce": self.nonce,
            "audience": self.audience, "qr": self.qr,
        });
        show::answer(shared, &words, &object)?;
        Ok(0)
    }

    /// The type of the certificate, when a bundle is named, or one is kept, that knows it.
    fn definition(&self, certificate: &Certificate) -> Result<Option<TypeDefinition>, Failure> {
        let named = self.bundle.is_some();
        let Ok(place) = bundle::kept(self.bundle.clone()) else {
            return Ok(None);
        };
        match bundle::open(&place, None) {
            Ok(state) => Ok(state.catalogue().get(&certificate.credential.credential().vct).cloned()),
            // Names are a convenience: only a bundle that was asked for must be one.
            Err(_) if !named => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// The credential with the claims that were chosen.
    fn credential(
        &self,
        whole: &SignedCredential,
        definition: Option<&TypeDefinition>,
    ) -> Result<SignedCredential, Failure> {
        if self.show_all {
            return Ok(whole.clone());
        }
        let chosen = self.show.iter().map(|claim| chosen(claim, whole, definition));
        let chosen = chosen.collect::<Result<BTreeSet<u64>, Failure>>()?;
        Ok(whole.showing(|key| chosen.contains(&key)))
    }

    fn sign(&self, certificate: Certificate, key: &Path, nonce: &Nonce) -> Result<Presentation, Failure> {
        let Some(named) = certificate.credential.credential().holder_key else {
            return Err(Failure::Cannot(
                "the certificate names no key of its holder, so none can be bound to a nonce; leave out --holder-key and \
                 --nonce, or ask the office for one with your key (the column holder_key of its sheet)"
                    .to_owned(),
            ));
        };
        let audience = self.audience.clone();
        let fits = |text: &String| (1..=MAX_AUDIENCE).contains(&text.len()) && !text.chars().any(char::is_control);
        if !audience.as_ref().is_none_or(fits) {
            let words = format!("--audience is 1 to {MAX_AUDIENCE} bytes without control characters");
            return Err(Failure::Usage(words));
        }
        let key = self.passphrase.open(key)?;
        if key.public() != named {
            return Err(Failure::Cannot(format!(
                "the certificate names the holder key {named}, and the key given is {}; give the file of that one",
                key.public()
            )));
        }
        let now = self.now.unwrap_or_else(show::now);
        Ok(Presentation::sign(certificate, nonce.clone(), now, audience, &key))
    }
}

fn is_new(file: &Path) -> Result<(), Failure> {
    if file.exists() {
        return Err(Failure::Cannot(format!(
            "{} exists and is not overwritten; give another name",
            file.display()
        )));
    }
    Ok(())
}

/// The certificate of a file, picture or text; of a presentation, what it presents; without the status proof that is beside it.
fn read(file: &Path) -> Result<Certificate, Failure> {
    let cannot = |words: &str| Err(Failure::Cannot(format!("{}: {words}", file.display())));
    let small = "a small code has no receipt; take the file or the full code";
    let bytes = match scan::scan_file(file).map_err(|why| Failure::about(file, &why))? {
        Scanned::Certificate(bytes) => bytes,
        Scanned::Small(_) => return cannot(small),
        Scanned::WithStatus(bytes) => {
            let both = WithStatus::from_bytes(&bytes).map_err(|why| Failure::about(file, &why))?;
            match both.carried {
                Carried::Certificate(bytes) => bytes,
                Carried::Credential(_) => return cannot(small),
            }
        }
    };
    match CertificateFile::from_bytes(&bytes).map_err(|why| Failure::about(file, &why))? {
        CertificateFile::Certificate(certificate) => Ok(*certificate),
        CertificateFile::Presentation(presentation) => Ok(presentation.certificate().clone()),
        CertificateFile::Renewed(_) => {
            cannot("a renewed certificate cannot be presented; take the one that the office gave")
        }
    }
}

/// Keys of the claims that it shows and that may be left out.
fn keys(credential: &SignedCredential) -> Vec<u64> {
    credential.disclosures().iter().map(|shown| shown.key()).collect()
}

/// The names of a claim.
fn labels(key: u64, definition: Option<&TypeDefinition>) -> &[Label] {
    let claim = definition.and_then(|definition| definition.claim(key));
    claim.map_or(&[], |claim| claim.labels.as_slice())
}

/// The key of a claim that was named, and that the file shows and its holder may leave out.
fn chosen(claim: &str, whole: &SignedCredential, definition: Option<&TypeDefinition>) -> Result<u64, Failure> {
    let selective = keys(whole);
    let is_named = |key: &u64| {
        let names = labels(*key, definition);
        key.to_string() == claim || names.iter().any(|name| name.text.eq_ignore_ascii_case(claim))
    };
    if let Some(key) = selective.iter().copied().find(is_named) {
        return Ok(key);
    }
    let told = |key: &u64| match label(labels(*key, definition), "zh") {
        "" => key.to_string(),
        name => format!("{key} ({name})"),
    };
    let list = selective.iter().map(told).collect::<Vec<_>>().join(", ");
    let what = if whole.claims().keys().any(is_named) {
        format!("claim {claim} is always shown")
    } else {
        format!("the certificate shows no claim {claim} that may be left out")
    };
    Err(Failure::Usage(if list.is_empty() {
        format!("{what}; none of its claims may be left out")
    } else {
        format!("{what}; those that may be left out are {list}")
    }))
}

/// A picture of the code of a file.
fn drawn<'a>(file: &'a Path, bytes: &[u8]) -> Result<(&'a Path, Vec<u8>), Failure> {
    let code = Code::draw(&code_text(CodeKind::Certificate, bytes)).map_err(|why| Failure::about(file, &why))?;
    let picture = code
        .png(PixelsPerModule::default())
        .map_err(|why| Failure::about(file, &why))?;
    Ok((file, picture))
}
