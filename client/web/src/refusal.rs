//! Why a question is not answered as asked.

use concord_spec::bundle::BundleError;
use concord_spec::id::Height;
use concord_spec::verify::Bilingual;
use serde::Serialize;

/// Why a question is not answered as asked. What was held before is still held.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The page asks what this engine does not know: page and engine are not of one version.
    #[error("the page and its engine do not fit together ({0}); reload the page")]
    Question(String),
    /// There are no data to verify with.
    #[error("there is no trust bundle yet; load one first")]
    NothingHeld,
    /// The bundle does not hold.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle is older than the one that is held.
    #[error("this trust bundle is of height {offered}, the one you hold of {held}: yours is kept")]
    Older {
        /// Height of the one that was offered.
        offered: Height,
        /// Height of the one that is held.
        held: Height,
    },
}

/// A refusal as the page gets it.
#[derive(Debug, Serialize)]
pub(crate) struct RefusalTold {
    /// A stable word for programs.
    reason: &'static str,
    words: Bilingual,
}

impl Refusal {
    pub(crate) fn told(&self) -> RefusalTold {
        let (reason, zh) = match self {
            Self::Question(why) => ("question", format!("页面与其程序版本不一致（{why}）；请重新载入页面")),
            Self::NothingHeld => ("nothing-held", "还没有信任包；请先载入".to_owned()),
            Self::Older { offered, held } => (
                "older",
                format!("此信任包高度为 {offered}，现有的为 {held}：保留现有的"),
            ),
            Self::Bundle(why) => of_bundle(why),
        };
        let en = self.to_string();
        RefusalTold {
            reason,
            words: Bilingual { zh, en },
        }
    }
}

fn of_bundle(why: &BundleError) -> (&'static str, String) {
    match why {
        BundleError::Unreadable(_) => ("unreadable", "这不是可读的信任包；请重新获取".to_owned()),
        BundleError::OtherChain { found, trusted } => (
            "other-chain",
            format!("此信任包属于另一联盟（链 {found}），您信任的是 {trusted}"),
        ),
        BundleError::Charter(_)
        | BundleError::Header
        | BundleError::Seal(_)
        | BundleError::Handover(_)
        | BundleError::Section(_)
        | BundleError::StateRoot
        | BundleError::Missing(_) => (
            "does-not-hold",
            format!("信任包未通过检验，不予采用（{why}）；请从别处获取"),
        ),
    }
}
