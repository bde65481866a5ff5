//! Protected headers (RFC 9052 3.1): alg 1, kid 4, typ 16 (RFC 9596), in this order.

use crate::codec::{CodecError, Reader, Wire, Writer, from_slice};
use crate::key::Kid;

const ALG: i64 = 1;
const KID: i64 = 4;
const TYP: i64 = 16;
/// Ed25519 (RFC 9864).
const ED25519: i64 = -19;
/// Longest `typ` in bytes.
pub(super) const TYP_MAX: usize = 64;
/// A protected header of this profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kid: Kid,
    pub(super) typ: Option<String>,
}

impl Header {
    /// Reads a byte string that holds a header. It is bounded by the message around it and by what a header is, once its algorithm
    /// is known.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let bytes = r.bytes(usize::MAX)?;
        from_slice(bytes, bytes.len())
    }
}

impl Wire for Header {
    fn encode(&self, w: &mut Writer) {
        w.map(if self.typ.is_some() { 3 } else { 2 });
        w.int(ALG);
        w.int(ED25519);
        w.int(KID);
        w.bytes(&self.kid);
        if let Some(typ) = &self.typ {
            w.int(TYP);
            w.text(typ);
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let pairs = r.map_len(usize::MAX)?;
        // The algorithm before the number of headers: another may well have others.
        expect_key(r, pairs, 1, ALG)?;
        match r.int()? {
            ED25519 => {}
            found => {
                return Err(CodecError::UnknownSuite {
                    what: "COSE algorithm",
                    found,
                });
            }
        }
        if pairs > 3 {
            return Err(CodecError::OverBound {
                found: u64::try_from(pairs).unwrap_or(u64::MAX),
                max: 3,
            });
        }
        expect_key(r, pairs, 2, KID)?;
        let kid = r.byte_array()?;
        if pairs == 2 {
            return Ok(Self { kid, typ: None });
        }
        expect_key(r, pairs, 3, TYP)?;
        Ok(Self {
            kid,
            typ: Some(r.text(TYP_MAX)?.to_owned()),
        })
    }
}

fn expect_key(r: &mut Reader<'_>, pairs: usize, place: usize, key: i64) -> Result<(), CodecError> {
    let what = "COSE header";
    if pairs < place {
        return Err(CodecError::MissingKey { what, key });
    }
    match r.int()? {
        found if found == key => Ok(()),
        found => Err(CodecError::UnknownKey { what, found }),
    }
}
