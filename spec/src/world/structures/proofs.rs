//! Structures that a holder takes along: status proofs, renewals.

use super::{Samples, Structure, wire};
use crate::digest::Digest;
use crate::id::Height;
use crate::receipt::HashPath;
use crate::renewal::{MAX_RENEWAL, Renewal, RenewedCertificate, RenewedReceipt};
use crate::status_proof::{
    Carried, MAX_STATUS_PROOF, MAX_WITH_STATUS, SetShown, StateHead, StatusProof, TreePlace, WithStatus,
};
use crate::world::WorldError;

impl Samples {
    pub(super) fn proofs(&self) -> Result<Vec<Structure>, WorldError> {
        let proof = self.world.status_proof(0)?;
        let clear = StatusProof {
            head: StateHead {
                regions_next: Some(Digest([8; 32])),
                ..proof.head.clone()
            },
            ..self.world.status_proof(5_000)?
        };
        let first = self.certificates.first().ok_or("no certificate")?;
        let renewed = self.world.renewed(first)?;
        let both = [
            self.world.with_status(first)?,
            WithStatus {
                carried: Carried::Credential(first.credential.bytes().to_vec()),
                proof: Vec::new(),
            },
        ];
        let shown = proof.sets.iter().chain(&clear.sets).cloned();
        let (series, path) = (proof.series.clone(), HashPath(vec![Digest([3; 32]); 2]));
        let place = TreePlace {
            index: 300,
            size: 70_000,
            path,
        };
        Ok(vec![
            wire!(SetShown, MAX_STATUS_PROOF, shown.collect::<Vec<_>>()),
            wire!(TreePlace, MAX_STATUS_PROOF, [series, place]),
            wire!(StateHead, MAX_STATUS_PROOF, [proof.head.clone(), clear.head.clone()]),
            wire!(StatusProof, MAX_STATUS_PROOF, [proof, clear]),
            wire!(WithStatus, MAX_WITH_STATUS, both),
            wire!(Renewal, MAX_RENEWAL, [self.world.renewal(Height(2))?]),
            wire!(RenewedReceipt, MAX_RENEWAL, [renewed.receipt.clone()]),
            wire!(RenewedCertificate, crate::certificate::MAX_CERTIFICATE, [renewed]),
        ])
    }
}
