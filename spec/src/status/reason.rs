//! Coarse public reasons of a change of status, and the life-cycle codes of GB/T practice onto which they map.
//! Not here: detailed reasons; the ledger holds only their salted digests.

use super::StatusKind;
use crate::codec::fields::wire_choice;

/// Why the status of a credential changed, coarsely, for everybody to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// 未说明: none is given.
    Unspecified,
    /// 处罚: a penalty.
    Penalty,
    /// 注销: at the holder's request, after death or dissolution.
    Cancelled,
    /// 失效: a condition of validity is gone.
    Lapsed,
    /// 骗取: it was obtained by deceit.
    Deceit,
    /// 错发: it was issued in error.
    IssuedInError,
    /// 密钥失窃: the key that signed it was no longer safe.
    KeyCompromise,
    /// 调查: under investigation.
    Investigation,
    /// 换发: another credential takes its place.
    Replaced,
    /// 转出: the holder's file moved to another region.
    TransferredOut,
    /// 司法: a court or a review decided so.
    Court,
    /// 遗失: the holder lost it.
    Lost,
}
wire_choice!(Reason "reason" {
    Unspecified = 0,
    Penalty = 1,
    Cancelled = 2,
    Lapsed = 3,
    Deceit = 4,
    IssuedInError = 5,
    KeyCompromise = 6,
    Investigation = 7,
    Replaced = 8,
    TransferredOut = 9,
    Court = 10,
    Lost = 11,
});

impl Reason {
    /// The life-cycle code that Chinese registers use for a status with this reason: `01` 有效 is none of them; annotations have none.
    #[must_use]
    pub fn life_cycle_code(self, kind: StatusKind) -> Option<&'static str> {
        match (kind, self) {
            (StatusKind::Annotated, _) => None,
            (StatusKind::Suspended, _) => Some("02"),
            (StatusKind::Annulled, _) => Some("03"),
            (StatusKind::Superseded | StatusKind::Revoked, Self::TransferredOut) => Some("06"),
            (StatusKind::Superseded, _) | (StatusKind::Revoked, Self::Cancelled | Self::Replaced | Self::Lost) => {
                Some("04")
            }
            (StatusKind::Revoked, Self::Lapsed) => Some("05"),
            (
                StatusKind::Revoked,
                Self::Unspecified
                | Self::Penalty
                | Self::Deceit
                | Self::IssuedInError
                | Self::KeyCompromise
                | Self::Investigation
                | Self::Court,
            ) => Some("07"),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Penalty => "penalty",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
            Self::Deceit => "deceit",
            Self::IssuedInError => "issued-in-error",
            Self::KeyCompromise => "key-compromise",
            Self::Investigation => "investigation",
            Self::Replaced => "replaced",
            Self::TransferredOut => "transferred-out",
            Self::Court => "court",
            Self::Lost => "lost",
        })
    }
}

/// A text that names no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a reason is one of unspecified, penalty, cancelled, lapsed, deceit, issued-in-error, key-compromise, investigation, replaced, \
     transferred-out, court, lost"
)]
pub struct ReasonError;

impl std::str::FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        let found = Self::ALL.iter().find(|reason| reason.to_string() == text);
        found.copied().ok_or(ReasonError)
    }
}
