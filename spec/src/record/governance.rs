//! What regions say about the federation, their nodes and each other.

use super::Actor;
use crate::catalogue::{Label, MAX_LABELS, TypeDefinition, TypeRef};
use crate::charter::{Address, CharterRegion, Parameters};
use crate::codec::{CodecError, Reader, Wire, Writer, fields::wire_array, fields::wire_choice};
use crate::day::Day;
use crate::id::{DomainId, Height, RegionId, UnixMillis};
use crate::key::bls::{ProofOfPossession, SealPublicKey};
use crate::key::ed25519::PublicKey;
use crate::key::keyring::Keyring;
use crate::record::RecordId;

/// Most addresses of a node.
pub const MAX_ADDRESSES: usize = 8;
/// Most observers of a region.
pub const MAX_OBSERVERS: usize = 16;

/// The list of changes: variant, body, kind, name.
macro_rules! changes {
    ($($(#[$doc:meta])* $variant:ident($body:ty) = $kind:literal, $name:literal;)*) => {
        /// A change of the federation, on which its regions vote.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Change {
            $($(#[$doc])* $variant($body),)*
        }

        impl Change {
            /// Every kind with its name.
            pub const KINDS: &[(u64, &str)] = &[$(($kind, $name)),*];

            /// Its name, as programs print it.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }

        impl Wire for Change {
            fn encode(&self, w: &mut Writer) {
                w.array(2);
                match self {
                    $(Self::$variant(body) => {
                        w.uint($kind);
                        w.wire(body);
                    })*
                }
            }
            fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
                r.array(2)?;
                match r.uint()? {
                    $($kind => Ok(Self::$variant(r.wire()?)),)*
                    other => Err(CodecError::UnknownKey {
                        what: "change",
                        found: i64::try_from(other).unwrap_or(i64::MAX),
                    }),
                }
            }
        }
    };
}

changes! {
    /// A region joins, as its card says; also one that was removed before.
    AdmitRegion(Box<CharterRegion>) = 1, "admit-region";
    /// A region leaves both quorums until it is reinstated.
    SuspendRegion(RegionId) = 2, "suspend-region";
    /// A suspended region votes and seals again.
    ReinstateRegion(RegionId) = 3, "reinstate-region";
    /// A region leaves for good: its authority and offices say nothing more; what they said stands.
    RemoveRegion(RegionId) = 4, "remove-region";
    /// Other parameters, all of them.
    SetParameters(Parameters) = 5, "set-parameters";
    /// Records or headers have this version from a height on.
    RaiseVersion(VersionChange) = 6, "raise-version";
    /// A domain authority is admitted.
    AdmitDomain(Domain) = 7, "admit-domain";
    /// A type, or a further version of one, that the federation owns.
    DefineType(Box<TypeDefinition>) = 8, "define-type";
    /// Another keyring in place of one that was lost.
    ReplaceKeyring(ReplaceKeyring) = 9, "replace-keyring";
    /// A region takes over the offices and series of another.
    SucceedRegion(SucceedRegion) = 10, "succeed-region";
    /// The rotation of a region's authority keyring that is under way does not come.
    CancelRotation(RegionId) = 11, "cancel-rotation";
    /// No more issues of this version of a type that the federation owns.
    CloseType(TypeRef) = 12, "close-type";
}

/// What has a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Versioned {
    /// Records.
    Record,
    /// Block headers.
    Header,
}
wire_choice!(Versioned "versioned structure" { Record = 0, Header = 1 });

/// A version that is in force from a height on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionChange {
    /// Of what.
    pub subject: Versioned,
    /// The version.
    pub version: u64,
    /// From which height on.
    pub from: Height,
}
wire_array!(VersionChange { subject, version, from });

/// A domain authority with its keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name, before the dot of the types it owns.
    pub domain: DomainId,
    /// Its name by language.
    pub labels: Vec<Label>,
    /// The keyring that speaks for it.
    pub keyring: Keyring,
}
wire_array!(Domain {
    domain,
    labels: list(MAX_LABELS),
    keyring
});

/// A keyring in place of one that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceKeyring {
    /// A region or a domain authority.
    pub of: Actor,
    /// The keyring from now on.
    pub keyring: Keyring,
}
wire_array!(ReplaceKeyring { of, keyring });

/// A region in the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SucceedRegion {
    /// The region whose offices and series are taken over.
    pub region: RegionId,
    /// Whose they are from now on.
    pub successor: RegionId,
}
wire_array!(SucceedRegion { region, successor });

/// A vote on a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Id of the record that proposed.
    pub proposal: RecordId,
    /// For or against.
    pub approve: bool,
}
wire_array!(Vote { proposal, approve });

/// The keys and addresses with which a region's node works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeKeys {
    /// Ed25519 key of its votes.
    pub consensus_key: PublicKey,
    /// BLS key of its seal shares.
    pub seal_key: SealPublicKey,
    /// Proof that the region holds the seal key's secret.
    pub possession: ProofOfPossession,
    /// libp2p peer id, base58, at most 64 bytes.
    pub peer_id: String,
    /// Where it listens.
    pub addresses: Vec<Address>,
}
wire_array!(NodeKeys {
    consensus_key,
    seal_key,
    possession,
    peer_id: text(64),
    addresses: list(MAX_ADDRESSES)
});

/// A node that replicates and serves, and never votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observer {
    /// libp2p peer id, base58, at most 64 bytes.
    pub peer_id: String,
    /// What people call it, at most 64 bytes.
    pub name: String,
    /// Where it listens; it may be empty.
    pub addresses: Vec<Address>,
}
wire_array!(Observer {
    peer_id: text(64),
    name: text(64),
    addresses: list(MAX_ADDRESSES)
});

/// All observers of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observers {
    /// By ascending peer id.
    pub observers: Vec<Observer>,
}
wire_array!(Observers {
    observers: list(MAX_OBSERVERS)
});

/// A recognition taken back. Rights acquired before stay as the dates say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdraw {
    /// Number of the declaration among the region's own.
    pub number: u64,
    /// Credentials issued until this legal day stay recognised; none: whenever they were issued.
    pub issued_until: Option<Day>,
    /// Until when they may be presented; none: without end.
    pub presented_until: Option<UnixMillis>,
}
wire_array!(Withdraw {
    number,
    issued_until,
    presented_until
});
