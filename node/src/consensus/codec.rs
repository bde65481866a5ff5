//! Bytes of the engine's messages, on the wire and in its WAL: deterministic CBOR (DESIGN 4, 5).
//!
//! Each message is an array that starts with version 1. Lengths are bounded before anything is allocated, decoding never
//! panics, and what would be encoded differently is refused (`concord_spec::codec`).

mod certificate;
mod sync;
mod vote;

use arc_malachitebft_app_channel::app::consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_app_channel::app::streaming::StreamContent;
use arc_malachitebft_app_channel::app::types::codec::{Codec, HasEncodedLen};
use arc_malachitebft_app_channel::app::types::core::{
    ExtendedCommitCertificate, PolkaCertificate, Round, ValidatorProof, Validity,
};
use arc_malachitebft_app_channel::app::types::streaming::{StreamId, StreamMessage};
use arc_malachitebft_sync::{RawDecidedValue, Response};
use bytes::Bytes;
use concord_spec::codec::{CodecError, Reader, Wire, Writer, from_slice};

use super::context::{ConcordContext, Height, RegionAddress};
use super::parts::{MAX_CHUNK, MAX_STREAM_ID, PartInit, ProposalPart};
use super::signing::VoteSignature;
use super::value::BlockValue;

/// Version of every message here.
const VERSION: u64 = 1;
/// Most regions that vote, and so most signatures of one kind in a certificate.
pub const MAX_REGIONS: usize = 256;
/// Most bytes of a vote or proposal.
pub const MAX_CONSENSUS_MESSAGE: usize = 512;
/// Most bytes of a liveness message: a certificate of a vote of each kind of every region.
pub const MAX_LIVENESS_MESSAGE: usize = 128 * 1024;
/// Most bytes of a message with a part of a block.
pub const MAX_PART_MESSAGE: usize = MAX_CHUNK + 512;
/// Most bytes of a commit certificate with extensions.
pub const MAX_CERTIFICATE: usize = 96 * 1024;
/// Most bytes of a status or of a request for blocks.
pub const MAX_STATUS: usize = 256;
/// Most bytes of an answer with decided blocks.
pub const MAX_RESPONSE: usize = 10 * 1024 * 1024;
/// Most decided blocks in one answer.
pub const MAX_RESPONSE_VALUES: usize = 64;

/// A message with its one encoding and its bound in bytes.
pub trait Message: Sized {
    /// Most bytes of the encoding.
    const MAX: usize;

    /// Appends the encoding.
    fn write(&self, w: &mut Writer);

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// The bytes are not such a message; see [`CodecError`].
    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError>;

    /// The encoding.
    fn to_bytes(&self) -> Bytes {
        let mut w = Writer::new();
        self.write(&mut w);
        w.into_vec().into()
    }

    /// Decodes exactly one message.
    ///
    /// # Errors
    /// The bytes are not such a message; see [`CodecError`].
    fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        from_slice::<Item<Self>>(bytes, Self::MAX).map(|item| item.0)
    }
}

/// Lends the engine's types our trait.
struct Item<T>(T);

impl<T: Message> Wire for Item<T> {
    fn encode(&self, w: &mut Writer) {
        self.0.write(w);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        T::read(r).map(Item)
    }
}

/// The codec given to the engine for its WAL, its network and its sync.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConcordCodec;

impl<T: Message> Codec<T> for ConcordCodec {
    type Error = CodecError;

    fn decode(&self, bytes: Bytes) -> Result<T, CodecError> {
        T::from_bytes(&bytes)
    }

    fn encode(&self, message: &T) -> Result<Bytes, CodecError> {
        Ok(message.to_bytes())
    }
}

impl HasEncodedLen<Response<ConcordContext>> for ConcordCodec {
    /// Bodies are counted without copying them.
    fn encoded_len(&self, message: &Response<ConcordContext>) -> Result<usize, CodecError> {
        let Response::ValueResponse(response) = message;
        let bodies = response.values.iter().map(|value| value.value_bytes.len());
        let extra: usize = bodies
            .map(|len| len.saturating_add(header_len(len)).saturating_sub(1))
            .sum();
        let mut hollow = response.clone();
        for value in &mut hollow.values {
            value.value_bytes = Bytes::new();
        }
        Ok(Response::ValueResponse(hollow).to_bytes().len().saturating_add(extra))
    }
}

/// Bytes of the head of a CBOR string of this length.
fn header_len(len: usize) -> usize {
    match len {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        _ => 5,
    }
}

/// The encoding of a stream's first part: CBOR `[height, round, valid round or null, proposer, sender]`. The last part signs it.
#[must_use]
pub fn encode_init(init: &PartInit) -> Vec<u8> {
    let mut w = Writer::new();
    write_init(&mut w, init);
    w.into_vec()
}

fn write_init(w: &mut Writer, init: &PartInit) {
    w.array(5);
    w.uint(init.height.0);
    write_round(w, init.round);
    write_round(w, init.valid_round);
    w.wire(&init.proposer);
    w.wire(&init.sender);
}

fn read_init(r: &mut Reader<'_>) -> Result<PartInit, CodecError> {
    r.array(5)?;
    Ok(PartInit {
        height: read_height(r)?,
        round: read_round(r)?,
        valid_round: read_round(r)?,
        proposer: r.wire()?,
        sender: r.wire()?,
    })
}

/// A round: a number, or null for none.
pub(crate) fn write_round(w: &mut Writer, round: Round) {
    match round {
        Round::Nil => w.null(),
        Round::Some(round) => w.uint(u64::from(round)),
    }
}

fn read_round(r: &mut Reader<'_>) -> Result<Round, CodecError> {
    if r.take_null() {
        Ok(Round::Nil)
    } else {
        r.wire().map(Round::Some)
    }
}

fn read_height(r: &mut Reader<'_>) -> Result<Height, CodecError> {
    r.uint().map(Height)
}

fn read_address(r: &mut Reader<'_>) -> Result<RegionAddress, CodecError> {
    r.wire().map(RegionAddress)
}

fn read_signature(r: &mut Reader<'_>) -> Result<VoteSignature, CodecError> {
    r.byte_array().map(VoteSignature)
}

/// `[version, kind, ..]`, `len` items in all: reads version and kind.
fn read_kind(r: &mut Reader<'_>, len: usize, what: &'static str) -> Result<u64, CodecError> {
    r.versioned_array(len, VERSION, what)?;
    r.uint()
}

fn unknown_kind(what: &'static str, kind: u64) -> CodecError {
    CodecError::UnknownKey {
        what,
        found: i64::try_from(kind).unwrap_or(i64::MAX),
    }
}

impl Message for ProposalPart {
    const MAX: usize = MAX_PART_MESSAGE;

    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(VERSION);
        match self {
            Self::Init(init) => {
                w.uint(0);
                write_init(w, init);
            }
            Self::Data(chunk) => {
                w.uint(1);
                w.bytes(chunk);
            }
            Self::Fin(signature) => {
                w.uint(2);
                w.bytes(&signature.0);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let what = "proposal part";
        match read_kind(r, 3, what)? {
            0 => read_init(r).map(Self::Init),
            1 => match r.bytes(MAX_CHUNK)? {
                [] => Err(CodecError::Invalid { what }),
                chunk => Ok(Self::Data(Bytes::copy_from_slice(chunk))),
            },
            2 => read_signature(r).map(Self::Fin),
            kind => Err(unknown_kind(what, kind)),
        }
    }
}

impl Message for StreamMessage<ProposalPart> {
    const MAX: usize = MAX_PART_MESSAGE;

    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.uint(VERSION);
        w.bytes(&self.stream_id.to_bytes());
        w.uint(self.sequence);
        match &self.content {
            StreamContent::Data(part) => part.write(w),
            StreamContent::Fin => w.null(),
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, VERSION, "stream message")?;
        let id = StreamId::new(Bytes::copy_from_slice(r.bytes(MAX_STREAM_ID)?));
        let sequence = r.uint()?;
        let content = if r.take_null() {
            StreamContent::Fin
        } else {
            StreamContent::Data(ProposalPart::read(r)?)
        };
        Ok(Self::new(id, sequence, content))
    }
}

impl Message for ProposedValue<ConcordContext> {
    const MAX: usize = MAX_CONSENSUS_MESSAGE;

    fn write(&self, w: &mut Writer) {
        w.array(7);
        w.uint(VERSION);
        w.uint(self.height.0);
        write_round(w, self.round);
        write_round(w, self.valid_round);
        w.wire(&self.proposer.0);
        w.wire(&self.value.0);
        w.bool(self.validity.is_valid());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(7, VERSION, "proposed value")?;
        Ok(Self {
            height: read_height(r)?,
            round: read_round(r)?,
            valid_round: read_round(r)?,
            proposer: read_address(r)?,
            value: BlockValue(r.wire()?),
            validity: Validity::from_bool(r.bool()?),
        })
    }
}

impl Message for ValidatorProof<ConcordContext> {
    const MAX: usize = MAX_CONSENSUS_MESSAGE;

    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.uint(VERSION);
        w.bytes(&self.public_key);
        w.bytes(&self.peer_id);
        w.bytes(&self.signature.0);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, VERSION, "validator proof")?;
        Ok(Self::new(
            r.bytes(64)?.to_vec(),
            r.bytes(64)?.to_vec(),
            read_signature(r)?,
        ))
    }
}

#[cfg(test)]
mod tests;
