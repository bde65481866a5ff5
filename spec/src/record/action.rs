//! The actions of records (DESIGN 4.3). A kind this software does not know is refused as such.

use super::{
    AmendOffice, Change, Delegate, Issue, NodeKeys, Observers, OpenSeries, RegisterOffice, SetOffice, SetStatus,
    SucceedOffice, Vote, Withdraw,
};
use crate::catalogue::{TypeDefinition, TypeRef};
use crate::codec::{CodecError, Reader, Wire, Writer};
use crate::id::SeriesId;
use crate::key::keyring::Keyring;
use crate::recognition::Terms;
use crate::vote::Evidence;

/// The list of actions: variant, body, kind, name. One list, so that none can be forgotten in one place.
macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident($body:ty) = $kind:literal, $name:literal;)*) => {
        /// What a record does.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $variant($body),)*
        }

        impl Action {
            /// Every kind with its name.
            pub const KINDS: &[(u64, &str)] = &[$(($kind, $name)),*];

            /// Its kind, the first element of its encoding and of its essence.
            #[must_use]
            pub fn kind(&self) -> u64 {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            /// Its name, as programs print it.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }

        impl Wire for Action {
            fn encode(&self, w: &mut Writer) {
                w.array(2);
                w.uint(self.kind());
                match self {
                    $(Self::$variant(body) => w.wire(body),)*
                }
            }
            fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
                r.array(2)?;
                match r.uint()? {
                    $($kind => Ok(Self::$variant(r.wire()?)),)*
                    other => Err(CodecError::UnknownKey {
                        what: "action",
                        found: i64::try_from(other).unwrap_or(i64::MAX),
                    }),
                }
            }
        }
    };
}

actions! {
    /// Region: proposes a change of the federation, and votes for it.
    Propose(Box<Change>) = 1, "propose";
    /// Region: votes on a proposal.
    Vote(Vote) = 2, "vote";
    /// Region: its node votes and seals with other keys from two blocks later on.
    RotateNode(Box<NodeKeys>) = 3, "rotate-node";
    /// Region: another authority keyring, in force after 72 hours.
    RotateAuthority(Keyring) = 4, "rotate-authority";
    /// Region: takes back the rotation of its authority keyring that is under way.
    CancelRotation(Nothing) = 5, "cancel-rotation";
    /// Region: the nodes that replicate and serve for it, all of them.
    SetObservers(Observers) = 6, "set-observers";
    /// Region or office: registers an office, or a sub-office.
    RegisterOffice(RegisterOffice) = 10, "register-office";
    /// Region: changes what an office is.
    AmendOffice(Box<AmendOffice>) = 11, "amend-office";
    /// Region or domain authority: defines a type, or a further version of one.
    DefineType(Box<TypeDefinition>) = 12, "define-type";
    /// Region: suspends, reinstates or closes an office.
    SetOffice(SetOffice) = 13, "set-office";
    /// Region: an office takes over the series of another.
    SucceedOffice(SucceedOffice) = 14, "succeed-office";
    /// Region: recognises a type of other regions.
    Recognise(Box<Terms>) = 15, "recognise";
    /// Region: takes back a recognition.
    Withdraw(Withdraw) = 16, "withdraw";
    /// Region or domain authority: no more issues of this version of a type.
    CloseType(TypeRef) = 17, "close-type";
    /// Office: opens a series.
    OpenSeries(OpenSeries) = 20, "open-series";
    /// Office: puts a batch of credentials on the ledger.
    Issue(Issue) = 21, "issue";
    /// Office, or as supervisor region or domain authority: changes the status of credentials.
    SetStatus(SetStatus) = 22, "set-status";
    /// Office, or as supervisor region or domain authority: stops a series whose key is no longer safe; what was recorded stands.
    FreezeSeries(SeriesId) = 23, "freeze-series";
    /// Office: the series is full; nothing is wrong with it.
    CloseSeries(SeriesId) = 24, "close-series";
    /// Office: lets another office issue a type until a date.
    Delegate(Delegate) = 25, "delegate";
    /// Nobody: a region signed two different things for one place.
    Evidence(Box<Evidence>) = 30, "evidence";
}

/// The kind of an issue's essence.
pub(crate) const ISSUE_KIND: u64 = 21;

impl Action {
    /// What it issues, if it issues.
    #[must_use]
    pub fn as_issue(&self) -> Option<&Issue> {
        if let Self::Issue(issue) = self {
            Some(issue)
        } else {
            None
        }
    }

    /// The series it speaks about.
    #[must_use]
    pub fn series(&self) -> Option<SeriesId> {
        match self {
            Self::Issue(issue) => Some(issue.series),
            Self::SetStatus(status) => Some(status.series),
            Self::FreezeSeries(series) | Self::CloseSeries(series) => Some(*series),
            Self::Propose(_)
            | Self::Vote(_)
            | Self::RotateNode(_)
            | Self::RotateAuthority(_)
            | Self::CancelRotation(_)
            | Self::SetObservers(_)
            | Self::RegisterOffice(_)
            | Self::AmendOffice(_)
            | Self::DefineType(_)
            | Self::SetOffice(_)
            | Self::SucceedOffice(_)
            | Self::Recognise(_)
            | Self::Withdraw(_)
            | Self::CloseType(_)
            | Self::OpenSeries(_)
            | Self::Delegate(_)
            | Self::Evidence(_) => None,
        }
    }
}

/// The body of an action that says all by its kind: null in CBOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nothing;

impl Wire for Nothing {
    fn encode(&self, w: &mut Writer) {
        w.null();
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.null()?;
        Ok(Self)
    }
}
