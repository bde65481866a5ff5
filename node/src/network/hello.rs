//! Hello: the first exchange on a connection; a listed peer of another chain is refused with its reason (DESIGN 5).
//! Who dialled sends its hello, the other answers with its own or with a refusal. Every other protocol carries the chain id in its name.
//!
//! Wire, CBOR: hello = [1, chain id (32 bytes), name, software, height]; answer = [1, 0, hello] or [1, 1, chain id, reason].

use std::time::SystemTime;

use libp2p::PeerId;
use minicbor::{Decoder, Encoder};

/// The protocol's name.
pub(super) const PROTOCOL: &str = "/concord/hello/1";
/// Bytes of a hello or its answer, at most.
pub(super) const MAX_BYTES: usize = 1024;
const VERSION: u8 = 1;
const MAX_TEXT: usize = 256;

/// A chain's identity: SHA-256 of its unsigned charter (DESIGN 4.4).
pub type ChainId = [u8; 32];

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The chain it keeps.
    pub chain: ChainId,
    /// Its region's code, or `observer`; at most 256 bytes.
    pub name: String,
    /// Its software and version; at most 256 bytes.
    pub software: String,
    /// The last height in its log.
    pub height: u64,
}

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Same chain.
    Welcome(Hello),
    /// The connection ends here.
    Refused { chain: ChainId, reason: String },
}

/// A listed peer that keeps another chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The peer.
    pub peer: PeerId,
    /// Its name on our allow-list.
    pub name: String,
    /// Our chain.
    pub our_chain: ChainId,
    /// Its chain.
    pub their_chain: ChainId,
    /// The reason in words.
    pub reason: String,
    /// Whether the peer refused us, rather than we the peer.
    pub by_peer: bool,
    /// When it last happened.
    pub at: SystemTime,
}

/// Bytes that are no hello or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hello of version {VERSION}")]
pub(super) struct Malformed;

impl Hello {
    /// The reason to refuse this peer, if there is one.
    pub(super) fn reason_to_refuse(&self, our_chain: &ChainId) -> Option<String> {
        (self.chain != *our_chain).then(|| {
            format!(
                "this node keeps chain {}, you keep chain {}: the charters differ",
                hex::encode(our_chain),
                hex::encode(self.chain)
            )
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(128));
        self.write(&mut encoder).unwrap_or_default();
        encoder.into_writer()
    }

    fn write(&self, e: &mut Encoder<Vec<u8>>) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        e.array(5)?.u8(VERSION)?.bytes(&self.chain)?;
        e.str(clipped(&self.name))?.str(clipped(&self.software))?;
        e.u64(self.height)?;
        Ok(())
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(bytes);
        let hello = Self::read(&mut decoder)?;
        at_end(&decoder, bytes)?;
        Ok(hello)
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, Malformed> {
        expect_array(d, 5)?;
        expect_version(d)?;
        Ok(Self {
            chain: chain(d)?,
            name: text(d)?,
            software: text(d)?,
            height: d.u64().map_err(|_| Malformed)?,
        })
    }
}

impl Answer {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(128));
        self.write(&mut encoder).unwrap_or_default();
        encoder.into_writer()
    }

    fn write(&self, e: &mut Encoder<Vec<u8>>) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        match self {
            Self::Welcome(hello) => {
                e.array(3)?.u8(VERSION)?.u8(0)?;
                hello.write(e)
            }
            Self::Refused { chain, reason } => {
                e.array(4)?.u8(VERSION)?.u8(1)?;
                e.bytes(chain)?.str(clipped(reason))?;
                Ok(())
            }
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(bytes);
        let d = &mut decoder;
        let length = d.array().ok().flatten();
        expect_version(d)?;
        let answer = match (length, d.u8()) {
            (Some(3), Ok(0)) => Self::Welcome(Hello::read(d)?),
            (Some(4), Ok(1)) => Self::Refused {
                chain: chain(d)?,
                reason: text(d)?,
            },
            (_, _) => return Err(Malformed),
        };
        at_end(&decoder, bytes)?;
        Ok(answer)
    }
}

fn expect_array(d: &mut Decoder<'_>, length: u64) -> Result<(), Malformed> {
    match d.array() {
        Ok(Some(n)) if n == length => Ok(()),
        Ok(_) | Err(_) => Err(Malformed),
    }
}

fn expect_version(d: &mut Decoder<'_>) -> Result<(), Malformed> {
    match d.u8() {
        Ok(VERSION) => Ok(()),
        Ok(_) | Err(_) => Err(Malformed),
    }
}

fn chain(d: &mut Decoder<'_>) -> Result<ChainId, Malformed> {
    d.bytes().ok().and_then(|bytes| bytes.try_into().ok()).ok_or(Malformed)
}

fn text(d: &mut Decoder<'_>) -> Result<String, Malformed> {
    let text = d.str().map_err(|_| Malformed)?;
    if text.len() > MAX_TEXT {
        return Err(Malformed);
    }
    Ok(text.to_owned())
}

fn at_end(d: &Decoder<'_>, bytes: &[u8]) -> Result<(), Malformed> {
    if d.position() == bytes.len() {
        Ok(())
    } else {
        Err(Malformed)
    }
}

fn clipped(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            chain: [7; 32],
            name: "330000".into(),
            software: "concordd 0.1.0".into(),
            height: 42,
        }
    }

    #[test]
    fn hello_and_answer_come_back_as_sent() {
        assert_eq!(Hello::decode(&hello().encode()), Ok(hello()));
        for answer in [
            Answer::Welcome(hello()),
            Answer::Refused {
                chain: [1; 32],
                reason: "另一条链".into(),
            },
        ] {
            assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
        }
    }

    #[test]
    fn no_prefix_or_extension_of_a_hello_is_one() {
        let whole = hello().encode();
        for end in 0..whole.len() {
            assert_eq!(Hello::decode(&whole[..end]), Err(Malformed));
        }
        let mut longer = whole;
        longer.push(0);
        assert_eq!(Hello::decode(&longer), Err(Malformed));
    }

    #[test]
    fn another_chain_is_a_reason_to_refuse_and_the_same_chain_is_none() {
        assert!(hello().reason_to_refuse(&[7; 32]).is_none());
        let reason = hello().reason_to_refuse(&[8; 32]).unwrap();
        assert!(reason.contains(&hex::encode([7; 32])) && reason.contains(&hex::encode([8; 32])));
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let answer = Answer::Refused {
            chain: [1; 32],
            reason: "链".repeat(1000),
        };
        assert!(answer.encode().len() <= MAX_BYTES);
        assert!(Answer::decode(&answer.encode()).is_ok());
    }
}
