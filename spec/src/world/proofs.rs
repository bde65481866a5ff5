//! Status proofs and renewals of the small federation, as its nodes would make them.

use super::{World, WorldError};
use crate::block::Block;
use crate::certificate::Certificate;
use crate::id::{CredentialId, Height, Number, SeriesId};
use crate::receipt::HashPath;
use crate::renewal::{Renewal, RenewedCertificate};
use crate::seal::Seal;
use crate::status_proof::{Carried, StatusProof, WithStatus};

impl World {
    fn tip(&self) -> Result<&(Block, Seal), WorldError> {
        self.blocks.last().ok_or_else(|| "no block".into())
    }

    /// How a number of series 1 stands as of the last block.
    ///
    /// # Errors
    /// No series.
    pub fn status_proof(&self, number: u64) -> Result<StatusProof, WorldError> {
        let id = CredentialId {
            series: SeriesId(1),
            number: Number(number),
        };
        let (block, seal) = self.tip()?;
        let proof = StatusProof::of(&self.state, &block.header, &block.rest, seal, id);
        proof.ok_or_else(|| "no such series".into())
    }

    /// A certificate with a proof of its status as of the last block.
    ///
    /// # Errors
    /// As [`Self::status_proof`].
    pub fn with_status(&self, certificate: &Certificate) -> Result<WithStatus, WorldError> {
        let number = certificate.credential.credential().id.number.0;
        Ok(WithStatus {
            carried: Carried::Certificate(certificate.to_bytes()),
            proof: self.status_proof(number)?.to_bytes(),
        })
    }

    /// What shows the block of a height through the last one.
    ///
    /// # Errors
    /// No such block before the last.
    pub fn renewal(&self, height: Height) -> Result<Renewal, WorldError> {
        let (block, seal) = self.tip()?;
        Ok(Renewal {
            path: HashPath(self.anchor(height)?.path.0),
            header: block.header,
            rest: block.rest.clone(),
            seal: seal.clone(),
        })
    }

    /// A certificate whose block is seen through the last one.
    ///
    /// # Errors
    /// As [`Self::renewal`].
    pub fn renewed(&self, certificate: &Certificate) -> Result<RenewedCertificate, WorldError> {
        Ok(certificate.renewed(self.renewal(certificate.receipt.height)?))
    }
}
