//! What a region signs in consensus, and how that is checked: Ed25519 under ZIP-215 rules (DESIGN 4.1).
//!
//! Every message is `tag || chain id || deterministic CBOR`, so that nothing signed for one purpose, or on one chain,
//! means anything for another. A vote's message leaves its extension out; the extension has a signature of its own, bound
//! to the precommit it travels with.

use std::fmt;
use std::sync::Arc;

use arc_malachitebft_app_channel::app::types::core::{
    NilOrVal, PublicKey, SignedExtension, SignedMessage, SignedProposal, SignedVote, SigningScheme, ValidatorProof,
    VoteExtensionScope, VoteType,
};
use arc_malachitebft_app_channel::{Signer, Verifier};
use arc_malachitebft_signing::{Error as SigningError, VerificationResult};
use async_trait::async_trait;
use concord_spec::codec::Writer;
use concord_spec::digest::{Digest, Tag, sha256};
use concord_spec::id;
use concord_spec::vote::{ProposalStatement, VoteKind, VoteStatement};
use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use super::codec::write_round;
use super::context::{ConcordContext, Height, Proposal, Vote};
use super::value::SealShare;

/// The scheme of consensus messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ed25519;

/// An Ed25519 signature: 64 bytes, not yet checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoteSignature(pub [u8; 64]);

impl fmt::Debug for VoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VoteSignature({})", hex::encode(self.0))
    }
}

/// A region's consensus key, ready for verifying: 32 bytes in its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteKey(ed25519_zebra::VerificationKey);

/// Bytes that are no Ed25519 key or signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 key or signature")]
pub struct NotEd25519;

impl VoteKey {
    /// The key with this encoding.
    ///
    /// # Errors
    /// The bytes are no point of the curve.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, NotEd25519> {
        ed25519_zebra::VerificationKey::try_from(bytes)
            .map(Self)
            .map_err(|_| NotEd25519)
    }

    /// The key's encoding.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.into()
    }

    /// Whether `signature` is this key's over `message`, by ZIP-215.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &VoteSignature) -> bool {
        self.0
            .verify(&ed25519_zebra::Signature::from_bytes(&signature.0), message)
            .is_ok()
    }
}

impl SigningScheme for Ed25519 {
    type DecodingError = NotEd25519;
    type Signature = VoteSignature;
    type PublicKey = VoteKey;
    type PrivateKey = ed25519_dalek::SigningKey;

    fn decode_signature(bytes: &[u8]) -> Result<VoteSignature, NotEd25519> {
        bytes.try_into().map(VoteSignature).map_err(|_| NotEd25519)
    }

    fn encode_signature(signature: &VoteSignature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<VoteKey, NotEd25519> {
        VoteKey::from_bytes(bytes.try_into().map_err(|_| NotEd25519)?)
    }

    fn encode_public_key(key: &VoteKey) -> Vec<u8> {
        key.to_bytes().to_vec()
    }
}

/// The messages that consensus signatures cover, on one chain.
#[derive(Clone, Copy, Debug)]
pub struct SignBytes {
    chain: Digest,
}

impl SignBytes {
    /// Of the chain with this id.
    #[must_use]
    pub fn new(chain: Digest) -> Self {
        Self { chain }
    }

    /// Of a vote, as the protocol defines it; none of one without a round, which nobody casts.
    #[must_use]
    pub fn vote(&self, vote: &Vote) -> Option<Vec<u8>> {
        vote_statement(vote).map(|statement| statement.message(&self.chain))
    }

    /// Of a proposal, as the protocol defines it; none of one without a round, which nobody makes.
    #[must_use]
    pub fn proposal(&self, proposal: &Proposal) -> Option<Vec<u8>> {
        proposal_statement(proposal).map(|statement| statement.message(&self.chain))
    }

    /// Of a precommit's extension: CBOR `[height, round, block hash, region, share]`.
    #[must_use]
    pub fn extension(&self, scope: &VoteExtensionScope<ConcordContext>, share: &SealShare) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(5);
        w.uint(scope.height.0);
        write_round(&mut w, scope.round);
        w.wire(&scope.value_id);
        w.wire(&scope.validator_address.0);
        w.bytes(&share.0);
        self.message(Tag::Extension, &w.into_vec())
    }

    /// Of a streamed block: CBOR of the stream's first part, then the digest of the body (`parts`).
    #[must_use]
    pub fn parts(&self, init: &[u8], body: &[u8]) -> Vec<u8> {
        Tag::Parts.message(&[&self.chain.0, init, &sha256(&[body]).0])
    }

    fn message(&self, tag: Tag, item: &[u8]) -> Vec<u8> {
        tag.message(&[&self.chain.0, item])
    }
}

/// A vote as the protocol states it: without its extension. None without a round.
#[must_use]
pub fn vote_statement(vote: &Vote) -> Option<VoteStatement> {
    Some(VoteStatement {
        height: id::Height(vote.height.0),
        round: vote.round.as_u32()?,
        kind: match vote.kind {
            VoteType::Prevote => VoteKind::Prevote,
            VoteType::Precommit => VoteKind::Precommit,
        },
        target: match vote.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(hash) => Some(hash),
        },
        region: vote.voter.0.clone(),
    })
}

/// A proposal as the protocol states it. None without a round.
#[must_use]
pub fn proposal_statement(proposal: &Proposal) -> Option<ProposalStatement> {
    Some(ProposalStatement {
        height: id::Height(proposal.height.0),
        round: proposal.round.as_u32()?,
        value: proposal.value.0,
        pol_round: proposal.pol_round.as_u32(),
        region: proposal.proposer.0.clone(),
    })
}

/// The secret consensus keys of a region: which is in force when, the ledger says (`keys`).
pub trait VoteKeys: fmt::Debug + Send + Sync + 'static {
    /// The key in force at a height, if there is one and this node has it.
    fn vote_key_at(&self, height: Height) -> Option<ed25519_dalek::SigningKey>;
}

/// One key, in force at every height.
#[derive(Clone)]
pub struct OneKey(ed25519_dalek::SigningKey);

impl OneKey {
    /// The key of this seed.
    #[must_use]
    pub fn new(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }
}

impl fmt::Debug for OneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneKey")
    }
}

impl VoteKeys for OneKey {
    fn vote_key_at(&self, _: Height) -> Option<ed25519_dalek::SigningKey> {
        Some(self.0.clone())
    }
}

/// Signs for one region on one chain.
#[derive(Clone, Debug)]
pub struct RegionSigner {
    keys: Arc<dyn VoteKeys>,
    bytes: SignBytes,
}

/// No key is in force at a height.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "this node has no consensus key that is in force at height {0}: put the file of the key that the ledger names into \
     keys/ and start again"
)]
pub struct NoKey(pub Height);

/// A message without a round is never signed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("nothing is signed at height {0} without a round: a defect")]
struct NoRound(Height);

impl RegionSigner {
    /// A signer with these keys for the chain with this id.
    #[must_use]
    pub fn new(keys: Arc<dyn VoteKeys>, chain: Digest) -> Self {
        Self {
            keys,
            bytes: SignBytes::new(chain),
        }
    }

    /// Signs a streamed block of `height`: see [`SignBytes::parts`].
    ///
    /// # Errors
    /// No key is in force at that height.
    pub fn sign_parts(&self, height: Height, init: &[u8], body: &[u8]) -> Result<VoteSignature, NoKey> {
        self.sign(height, &self.bytes.parts(init, body))
    }

    /// That we have the key with which our region votes at a height.
    ///
    /// # Errors
    /// We have none, or another.
    pub fn has(&self, height: Height, key: &VoteKey) -> Result<(), NoKey> {
        let own = self.keys.vote_key_at(height);
        let same = own.is_some_and(|own| own.verifying_key().to_bytes() == key.to_bytes());
        if same { Ok(()) } else { Err(NoKey(height)) }
    }

    fn sign(&self, height: Height, message: &[u8]) -> Result<VoteSignature, NoKey> {
        let key = self.keys.vote_key_at(height).ok_or(NoKey(height))?;
        Ok(VoteSignature(key.sign(message).to_bytes()))
    }
}

fn no_key(error: NoKey) -> SigningError {
    SigningError::from_source(error)
}

fn no_round(height: Height) -> SigningError {
    SigningError::from_source(NoRound(height))
}

#[async_trait]
impl Signer<ConcordContext> for RegionSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedVote<ConcordContext>, SigningError> {
        let message = self.bytes.vote(&vote).ok_or_else(|| no_round(vote.height))?;
        let signature = self.sign(vote.height, &message).map_err(no_key)?;
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedProposal<ConcordContext>, SigningError> {
        let message = self
            .bytes
            .proposal(&proposal)
            .ok_or_else(|| no_round(proposal.height))?;
        let signature = self.sign(proposal.height, &message).map_err(no_key)?;
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        scope: VoteExtensionScope<ConcordContext>,
        share: SealShare,
    ) -> Result<SignedExtension<ConcordContext>, SigningError> {
        let signature = self
            .sign(scope.height, &self.bytes.extension(&scope, &share))
            .map_err(no_key)?;
        Ok(SignedMessage::new(share, signature))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<ConcordContext>, SigningError> {
        let message = ValidatorProof::<ConcordContext>::signing_bytes(&public_key, &peer_id);
        let signature = self.sign(Height(u64::MAX), &message).map_err(no_key)?;
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }
}

/// Checks consensus signatures on one chain.
#[derive(Clone, Copy, Debug)]
pub struct RegionVerifier {
    bytes: SignBytes,
}

impl RegionVerifier {
    /// A verifier for the chain with this id.
    #[must_use]
    pub fn new(chain: Digest) -> Self {
        Self {
            bytes: SignBytes::new(chain),
        }
    }

    /// Whether a vote, and its extension if it has one, are signed by `key`.
    #[must_use]
    pub fn vote_is_signed(&self, vote: &SignedVote<ConcordContext>, key: &VoteKey) -> bool {
        self.voted(&vote.message, &vote.signature, key)
            && vote
                .message
                .extension
                .as_ref()
                .is_none_or(|ext| self.extension_is_signed(&vote.message, ext, key))
    }

    /// Whether a proposal is signed by `key`.
    #[must_use]
    pub fn proposal_is_signed(&self, proposal: &SignedProposal<ConcordContext>, key: &VoteKey) -> bool {
        self.proposed(&proposal.message, &proposal.signature, key)
    }

    fn voted(&self, vote: &Vote, signature: &VoteSignature, key: &VoteKey) -> bool {
        let message = self.bytes.vote(vote);
        message.is_some_and(|message| key.verifies(&message, signature))
    }

    fn proposed(&self, proposal: &Proposal, signature: &VoteSignature, key: &VoteKey) -> bool {
        let message = self.bytes.proposal(proposal);
        message.is_some_and(|message| key.verifies(&message, signature))
    }

    /// Whether a streamed block is signed by `key`: see [`SignBytes::parts`].
    #[must_use]
    pub fn parts_are_signed(&self, init: &[u8], body: &[u8], signature: &VoteSignature, key: &VoteKey) -> bool {
        key.verifies(&self.bytes.parts(init, body), signature)
    }

    fn extension_is_signed(&self, vote: &Vote, ext: &SignedExtension<ConcordContext>, key: &VoteKey) -> bool {
        let NilOrVal::Val(hash) = vote.value else { return false };
        let scope = VoteExtensionScope::new(vote.height, vote.round, hash, vote.voter.clone());
        key.verifies(&self.bytes.extension(&scope, &ext.message), &ext.signature)
    }
}

#[async_trait]
impl Verifier<ConcordContext> for RegionVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &VoteSignature,
        key: &PublicKey<ConcordContext>,
    ) -> Result<VerificationResult, SigningError> {
        Ok(VerificationResult::from_bool(self.voted(vote, signature, key)))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &VoteSignature,
        key: &PublicKey<ConcordContext>,
    ) -> Result<VerificationResult, SigningError> {
        Ok(VerificationResult::from_bool(self.proposed(proposal, signature, key)))
    }

    async fn verify_signed_vote_extension(
        &self,
        scope: &VoteExtensionScope<ConcordContext>,
        share: &SealShare,
        signature: &VoteSignature,
        key: &PublicKey<ConcordContext>,
    ) -> Result<VerificationResult, SigningError> {
        Ok(VerificationResult::from_bool(
            key.verifies(&self.bytes.extension(scope, share), signature),
        ))
    }

    async fn verify_validator_proof(
        &self,
        proof: &ValidatorProof<ConcordContext>,
    ) -> Result<VerificationResult, SigningError> {
        let signed = proof
            .decoded_public_key()
            .is_ok_and(|key| key.verifies(&proof.preimage(), &proof.signature));
        Ok(VerificationResult::from_bool(signed))
    }
}

#[cfg(test)]
mod tests {
    use arc_malachitebft_app_channel::app::types::core::{Round, VoteType};

    use super::super::context::RegionAddress;
    use super::*;

    fn signer() -> RegionSigner {
        RegionSigner::new(Arc::new(OneKey::new(&Zeroizing::new([1; 32]))), Digest([1; 32]))
    }

    fn key() -> VoteKey {
        VoteKey::from_bytes(
            ed25519_dalek::SigningKey::from_bytes(&[1; 32])
                .verifying_key()
                .to_bytes(),
        )
        .unwrap()
    }

    fn vote(kind: VoteType, round: u32) -> Vote {
        Vote {
            height: Height(5),
            round: Round::new(round),
            kind,
            value: NilOrVal::Val(Digest([2; 32])),
            voter: RegionAddress("330000".parse().unwrap()),
            extension: None,
        }
    }

    #[tokio::test]
    async fn a_vote_counts_on_its_chain_round_and_kind_only() {
        let signed = signer().sign_vote(vote(VoteType::Precommit, 1)).await.unwrap();
        let here = RegionVerifier::new(Digest([1; 32]));
        assert!(here.vote_is_signed(&signed, &key()));
        assert!(!RegionVerifier::new(Digest([2; 32])).vote_is_signed(&signed, &key()));
        for other in [vote(VoteType::Prevote, 1), vote(VoteType::Precommit, 2)] {
            assert!(!here.vote_is_signed(&SignedMessage::new(other, signed.signature), &key()));
        }
    }

    #[tokio::test]
    async fn a_share_moved_to_another_round_spoils_its_vote() {
        let here = RegionVerifier::new(Digest([1; 32]));
        let extend = async |round| {
            let mut signed = signer().sign_vote(vote(VoteType::Precommit, 1)).await.unwrap();
            let voter = signed.message.voter.clone();
            let scope = VoteExtensionScope::new(Height(5), Round::new(round), Digest([2; 32]), voter);
            signed.message.extension = Some(signer().sign_vote_extension(scope, SealShare([3; 48])).await.unwrap());
            signed
        };
        assert!(here.vote_is_signed(&extend(1).await, &key()));
        assert!(!here.vote_is_signed(&extend(2).await, &key()));
    }
}
