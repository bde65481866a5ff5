//! What a holder takes along for verifiers whose data are old; nothing of it is checked here.

use super::{Node, REQUEST_TIME, TransportError};
use concord_spec::id::{CredentialId, Height};
use concord_spec::renewal::{MAX_RENEWAL, Renewal};
use concord_spec::status_proof::{MAX_STATUS_PROOF, StatusProof};

impl Node {
    /// How a credential stands as of the node's last block, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn status_proof(&self, of: CredentialId) -> Result<StatusProof, TransportError> {
        let path = format!("/v1/series/{}/numbers/{}/proof", of.series, of.number);
        let bytes = self.get_bytes(&path, MAX_STATUS_PROOF, REQUEST_TIME)?;
        StatusProof::from_bytes(&bytes).map_err(|error| self.strange(&path, error))
    }

    /// What shows a block to be of the history of the node's last one, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    pub fn renewal(&self, of: Height) -> Result<Renewal, TransportError> {
        let path = format!("/v1/blocks/{of}/renewal");
        let bytes = self.get_bytes(&path, MAX_RENEWAL, REQUEST_TIME)?;
        Renewal::from_bytes(&bytes).map_err(|error| self.strange(&path, error))
    }
}
