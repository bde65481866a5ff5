//! What a holder makes of a certificate.

use super::{Samples, Structure, wire};
use crate::certificate::Certificate;
use crate::cose::Disclosing;
use crate::credential::{Disclosure, MAX_CREDENTIAL, SignedCredential};
use crate::key::SecretKey;
use crate::presentation::{MAX_PRESENTATION, MAX_PROOF, Nonce, Presentation, Statement};
use crate::world::WorldError;

/// Key of a sample's holder.
fn holder() -> SecretKey {
    SecretKey::from_seed([9; 32])
}

impl Samples {
    /// A credential with claims that its holder, who has a key, may leave out.
    pub(super) fn selective(&self) -> Result<SignedCredential, WorldError> {
        let salts = [(100, [1; 16]), (101, [2; 16])].into();
        let content = self.world.content(4)?;
        self.world.certify_for(Some(holder().public()), 4, content, &salts)
    }

    pub(super) fn presented(&self) -> Result<Vec<Structure>, WorldError> {
        let credential = self.selective()?;
        let first = self.certificates.first().ok_or("no certificate")?.clone();
        let certificate = Certificate {
            credential: credential.showing(|key| key == 101),
            ..first
        };
        let nonce = Nonce::new(vec![7; 16]).ok_or("no nonce")?;
        let time = self.world.state.tip().time;
        let show = |audience| Presentation::sign(certificate.clone(), nonce.clone(), time, audience, &holder());
        let shown = [show(None), show(Some("窗口 3".to_owned()))];
        let statements = shown.iter().map(|presentation| presentation.statement().clone());
        Ok(vec![
            wire!(Disclosure, MAX_CREDENTIAL, credential.disclosures().to_vec()),
            wire!(
                Disclosing,
                MAX_CREDENTIAL,
                [Disclosing::from_bytes(credential.bytes(), MAX_CREDENTIAL)?]
            ),
            wire!(Nonce, MAX_PROOF, [nonce.clone()]),
            wire!(Statement, MAX_PROOF, statements),
            wire!(Presentation, MAX_PRESENTATION, shown.clone()),
        ])
    }
}

/// Signed credentials, one of them with claims that may be left out.
pub(super) fn signed(credentials: &[SignedCredential], selective: &SignedCredential) -> Structure {
    Structure {
        name: std::any::type_name::<SignedCredential>(),
        max: MAX_CREDENTIAL,
        samples: credentials
            .iter()
            .chain([selective])
            .map(|signed| signed.bytes().to_vec())
            .collect(),
        decode: |bytes| SignedCredential::from_bytes(bytes).map(|signed| signed.bytes().to_vec()),
        read: |bytes| SignedCredential::from_bytes(bytes).map(|_| ()),
    }
}
