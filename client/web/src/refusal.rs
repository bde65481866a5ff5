//! Why a question is not answered as asked.

use concord_spec::bundle::{BundleError, CheckpointError};
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
    /// A bundle is held already: it is updated, or let go first.
    #[error("there is a trust bundle already; trust its federation no more before you trust another")]
    HeldAlready,
    /// No checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
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
            Self::HeldAlready => (
                "held-already",
                "已有信任包；请先“不再信任此联盟”，再信任另一联盟".to_owned(),
            ),
            Self::Checkpoint(_) => (
                "checkpoint",
                "信任起点应为高度、冒号和 64 位十六进制的区块哈希".to_owned(),
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
        BundleError::Truncated
        | BundleError::Unreadable(_)
        | BundleError::Damaged
        | BundleError::Bomb { .. }
        | BundleError::Window { .. }
        | BundleError::Frame
        | BundleError::Kind(_) => ("unreadable", format!("这不是可读的信任包（{why}）；请重新获取")),
        BundleError::OtherChain { found, trusted } => (
            "other-chain",
            format!("此信任包属于另一联盟（链 {found}），您信任的是 {trusted}"),
        ),
        BundleError::Older { held, found } => ("older", format!("此信任包高度为 {found}，现有的为 {held}：保留现有的")),
        BundleError::Fork(height) => (
            "fork",
            format!("此信任包与现有的历史不同（不晚于高度 {height} 处分叉）：保留现有的；请报告联盟，两者必有一伪"),
        ),
        BundleError::NotShown { .. }
        | BundleError::DoesNotFit { .. }
        | BundleError::OtherSelection
        | BundleError::TooMuch
        | BundleError::CheckpointNotShown { .. } => (
            "does-not-continue",
            format!("此信任包未证明接续现有数据（{why}）；请获取为此高度制作的信任包"),
        ),
        BundleError::CheckpointNeeded { .. } => (
            "checkpoint-needed",
            "可信的依据已超过 12 个月：旧密钥可能已被盗用。请从您信任的来源取得较新的信任起点（高度:哈希）".to_owned(),
        ),
        BundleError::StatusChunk
        | BundleError::Charter(_)
        | BundleError::Header
        | BundleError::Seal(_)
        | BundleError::Handover(_)
        | BundleError::Section(_)
        | BundleError::StateRoot
        | BundleError::Missing(_)
        | BundleError::Selection => (
            "does-not-hold",
            format!("信任包未通过检验，不予采用（{why}）；请从别处获取"),
        ),
    }
}
