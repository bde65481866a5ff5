//! What shows the block of a receipt to be of the chain: its seal, or a later block through whose history it is seen.

use super::ground::{Broken, Ground};
use super::seen::SealsSeen;
use crate::bundle::TrustedState;
use crate::digest::Digest;
use crate::id::{Height, UnixMillis};
use crate::receipt::{Evidence, Receipt};
use crate::renewal::Renewal;
use crate::seal::Seal;

/// A block by height and time.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) height: Height,
    pub(super) time: UnixMillis,
}

impl At {
    /// The times of blocks ascend: what a quorum of an old set, or of an invented future, seals out of turn is no block of this
    /// chain.
    pub(super) fn fits(self, state: &TrustedState) -> bool {
        self.height.cmp(&state.height()) == self.time.cmp(&state.time())
    }
}

/// Evidence as verifying asks for it.
pub(super) trait Shows: Evidence {
    /// The grounds on which a certificate with it is readable.
    const READABLE: Ground;

    /// The block that is sealed, for a receipt of this block.
    fn sealed(&self, block: At) -> At;

    /// Whether it shows this block of this hash. What was changed is told before the seal, which may be of regions that the data do
    /// not know.
    fn shows(&self, at: At, block: &Digest, state: &TrustedState, seen: &mut SealsSeen) -> Result<(), Broken>;

    /// The grounds when it does.
    fn ground(&self, at: At) -> Ground;
}

impl Shows for Seal {
    const READABLE: Ground = Ground::Certificate;

    fn sealed(&self, block: At) -> At {
        block
    }

    fn shows(&self, at: At, block: &Digest, state: &TrustedState, seen: &mut SealsSeen) -> Result<(), Broken> {
        holds(seen.hold(state, at.height, self, block))
    }

    fn ground(&self, at: At) -> Ground {
        Ground::Sealed {
            block: at.height,
            time_ms: at.time,
        }
    }
}

impl Shows for Renewal {
    const READABLE: Ground = Ground::RenewedCertificate;

    fn sealed(&self, _: At) -> At {
        At {
            height: self.header.height,
            time: self.header.time,
        }
    }

    fn shows(&self, at: At, block: &Digest, state: &TrustedState, seen: &mut SealsSeen) -> Result<(), Broken> {
        let through = self.sealed(at);
        if at.time >= through.time || !through.fits(state) {
            return Err(Broken::Time);
        }
        Renewal::shows(self, at.height, block).map_err(|_| Broken::History)?;
        holds(seen.hold(state, through.height, &self.seal, &self.header.hash()))
    }

    fn ground(&self, at: At) -> Ground {
        Ground::SeenThrough {
            block: at.height,
            time_ms: at.time,
            through: self.header.height,
            through_ms: self.header.time,
        }
    }
}

fn holds(holds: bool) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::Seal) }
}

impl<E> Receipt<E> {
    pub(super) fn at(&self) -> At {
        At {
            height: self.height,
            time: self.time,
        }
    }
}
