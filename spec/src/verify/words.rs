//! A report in words for people, in Chinese and English: every program shows the same.
//! Not here: how it is painted.

mod grounds;

use super::report::{Bilingual, CheckName, Clock, Colour, DataUsed, OutcomeOf, Recognised, Report, Subject, Verdict};
use crate::catalogue::{Label, label};
use crate::id::UnixMillis;
use crate::recognition::Level;
use serde::Serialize;

/// A language that reports are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// Its BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The language of a BCP 47 tag or a POSIX locale: Chinese for those that start with `zh`, else English.
    #[must_use]
    pub fn of_tag(tag: &str) -> Self {
        if tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("zh")) {
            Self::Zh
        } else {
            Self::En
        }
    }
}

impl std::str::FromStr for Language {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|language| language.tag() == text);
        known.ok_or("reports are told in zh (中文) and en (English)")
    }
}

impl Bilingual {
    pub(super) fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }

    /// The text in a language.
    #[must_use]
    pub fn told(self, language: Language) -> String {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// A check in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckWords {
    /// Which, for programs.
    pub check: CheckName,
    /// How it came out, for programs.
    pub outcome: OutcomeOf,
    /// Its name.
    pub name: String,
    /// How it came out, in a word, so that nothing hangs on a colour.
    pub word: String,
    /// On what grounds.
    pub text: String,
}

/// A report in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// The language.
    pub language: Language,
    /// The verdict's word, with its time where it has one.
    pub verdict: String,
    /// The verdict's icon: with colour and word, never alone.
    pub icon: &'static str,
    /// What the verdict means and what to do.
    pub meaning: String,
    /// What the credential says.
    pub subject: Vec<Line>,
    /// As what it is recognised.
    pub recognised: Vec<String>,
    /// Each check.
    pub checks: Vec<CheckWords>,
    /// Whose data, and how old.
    pub data: String,
    /// What is wrong with the device's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
}

impl Report {
    /// The report in words.
    #[must_use]
    pub fn words(&self, language: Language) -> Words {
        let say = |words: Bilingual| words.told(language);
        Words {
            language,
            verdict: say(self.headline()),
            icon: self.colour.icon(),
            meaning: say(self.verdict.meaning()),
            subject: self
                .subject
                .as_ref()
                .map_or_else(Vec::new, |subject| told(subject, language)),
            recognised: self
                .recognised
                .as_ref()
                .map_or_else(Vec::new, |known| as_what(known, language)),
            checks: self
                .checks
                .iter()
                .map(|check| CheckWords {
                    check: check.name,
                    outcome: check.outcome,
                    name: say(check.name.title()),
                    word: say(check.outcome.title()),
                    text: check.ground.told(language),
                })
                .collect(),
            data: say(self.data.told()),
            clock: self.data.clock.warning().map(say),
        }
    }

    fn headline(&self) -> Bilingual {
        match self.data_from_ms {
            Some(time) => {
                let time = moment(time);
                Bilingual::new(format!("据 {time} 的数据有效"), format!("VALID ON DATA FROM {time}"))
            }
            None => self.verdict.title(),
        }
    }
}

impl DataUsed {
    /// Whose data, and how old.
    #[must_use]
    pub fn told(&self) -> Bilingual {
        let (chain, height, time, age) = (&self.chain, self.height, moment(self.time_ms), length(self.age_ms));
        Bilingual::new(
            format!("数据来自 {chain} 高度 {height}，{time}（距今 {}）", age.zh),
            format!("data of {chain} at height {height}, {time} ({} old)", age.en),
        )
    }
}

impl Colour {
    /// Its icon.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Green => "✔",
            Self::Amber => "▲",
            Self::Orange => "◆",
            Self::Red => "✘",
            Self::Grey => "?",
        }
    }
}

impl Verdict {
    /// Its word in both languages.
    #[must_use]
    pub fn title(self) -> Bilingual {
        let zh = match self {
            Self::Valid => "有效",
            Self::ValidOnDataFrom => "据较早数据有效",
            Self::NotShownRecorded => "未证明已登记",
            Self::HolderNotShown => "持证人未出示证明",
            Self::Unknown => "无法判断",
            Self::Expired => "已过期",
            Self::NotYetValid => "尚未生效",
            Self::Suspended => "已暂扣",
            Self::Superseded => "已更替",
            Self::NotRecognised => "本地不认可",
            Self::NotGenuine => "不真实",
            Self::Revoked => "已吊销",
            Self::Annulled => "已撤销",
            Self::Unreadable => "无法读取",
            Self::NeedsNewerSoftware => "需要更新软件",
        };
        Bilingual::new(zh, self.word())
    }

    /// What it means and what to do.
    #[must_use]
    pub fn meaning(self) -> Bilingual {
        let (zh, en) = match self {
            Self::Valid => (
                "真实，已登记，在有效期内，无不利状态。请核对持证人身份。",
                "Genuine, recorded, in force, with no status against it. Check that the bearer is the holder.",
            ),
            Self::ValidOnDataFrom => (
                "按此时间的数据有效；此后的变化未知。请更新数据。",
                "Valid by data of that time; what came later is not known. Get newer data.",
            ),
            Self::NotShownRecorded => (
                "签名真实，但简码不含登记凭证。请索取完整二维码或文件。",
                "Genuinely signed, but nothing shows that it is recorded. Ask for the full code or the file.",
            ),
            Self::HolderNotShown => (
                "证照真实，但未证明由持证人本人当场出示。请持证人用其密钥对您给出的随机数重新签署。",
                "Genuine, but nothing shows that its holder presents it now. Ask for a presentation with your nonce.",
            ),
            Self::Unknown => (
                "手中的数据不足以判断。请更新数据后再验。",
                "The data at hand do not say. Get newer data and verify again.",
            ),
            Self::Expired => ("证照真实，但有效期已过。", "Genuine, but its last day is over."),
            Self::NotYetValid => (
                "证照真实，但尚未到生效日期。",
                "Genuine, but its first day has not come.",
            ),
            Self::Suspended => (
                "证照真实，但已被暂扣，恢复前无效。",
                "Genuine, but suspended: not valid until it is reinstated.",
            ),
            Self::Superseded => (
                "证照真实，但已被另一证照取代。请索取新证。",
                "Genuine, but another has taken its place. Ask for the new one.",
            ),
            Self::NotRecognised => (
                "证照真实，但所在地区不认可，或不符合认可条件。",
                "Genuine, but not recognised where you stand, or not on these conditions.",
            ),
            Self::NotGenuine => (
                "并非出自所称机关，或已被改动。不得采信。",
                "It does not come from whom it says, or was altered. Do not accept it.",
            ),
            Self::Revoked => ("已被吊销，不再有效。", "Revoked: no longer valid."),
            Self::Annulled => ("已被撤销，自始无效。", "Annulled: void from the beginning."),
            Self::Unreadable => (
                "其中没有可读的证照。",
                "There is no certificate that can be read in it.",
            ),
            Self::NeedsNewerSoftware => (
                "证照的格式版本比本软件新。请更新软件后再验。",
                "It is of a newer version than this software reads. Update the software and verify again.",
            ),
        };
        Bilingual::new(zh, en)
    }
}

impl CheckName {
    /// Its name in both languages.
    #[must_use]
    pub fn title(self) -> Bilingual {
        let (zh, en) = match self {
            Self::Readable => ("可读", "readable"),
            Self::Authentic => ("出证机关", "authentic"),
            Self::Recorded => ("登记", "recorded"),
            Self::Holder => ("持证人出示", "holder"),
            Self::StatusProof => ("状态证明", "status proof"),
            Self::Status => ("状态", "status"),
            Self::InForce => ("有效期", "in force"),
            Self::Recognised => ("互认", "recognised"),
        };
        Bilingual::new(zh, en)
    }
}

impl OutcomeOf {
    /// Its word in both languages.
    #[must_use]
    pub fn title(self) -> Bilingual {
        let (zh, en) = match self {
            Self::Passed => ("通过", "passed"),
            Self::Failed => ("不通过", "failed"),
            Self::Unknown => ("未知", "unknown"),
            Self::NotChecked => ("未查", "not checked"),
        };
        Bilingual::new(zh, en)
    }
}

impl Clock {
    /// What to tell the device's owner; nothing where the clock is plausible.
    #[must_use]
    pub fn warning(self) -> Option<Bilingual> {
        match self {
            Self::Plausible => None,
            Self::Behind { by_ms } => {
                let by = length(by_ms);
                Some(Bilingual::new(
                    format!("本机时钟至少慢 {}，已按数据时间计算。请校准时钟。", by.zh),
                    format!(
                        "this device's clock is behind by {} at least; the data's time was taken instead: set the clock",
                        by.en
                    ),
                ))
            }
            Self::FarAhead { by_ms } => {
                let by = length(by_ms);
                Some(Bilingual::new(
                    format!(
                        "本机时钟比数据晚 {}：时钟有误，或数据过旧。请校准时钟并更新数据。",
                        by.zh
                    ),
                    format!(
                        "this device's clock is {} ahead of the data: it is wrong, or the data are far too old; check the clock and get newer data",
                        by.en
                    ),
                ))
            }
        }
    }
}

/// The name of a claim, or its key.
fn named(labels: &[Label], key: u64, language: Language) -> String {
    if labels.is_empty() {
        key.to_string()
    } else {
        label(labels, language.tag()).to_owned()
    }
}

fn told(subject: &Subject, language: Language) -> Vec<Line> {
    let content = &subject.content;
    let until = content.valid_until.map_or_else(
        || Bilingual::new("长期", "no end").told(language),
        |day| day.to_string(),
    );
    let comma = match language {
        Language::Zh => "、",
        Language::En => ", ",
    };
    let line = |zh: &str, en: &str, value: String| Line {
        name: Bilingual::new(zh, en).told(language),
        value,
    };
    let mut lines = vec![
        line("证照号码", "number", content.printed_number.clone()),
        line("持证人", "holder", content.holders.join(comma)),
        line("出证机关", "issued by", content.issued_by.clone()),
        line("出证日期", "issued on", content.issued_on.to_string()),
        line("生效日期", "valid from", content.valid_from.to_string()),
        line("有效期至", "valid until", until),
    ];
    lines.extend(content.claims.iter().map(|claim| Line {
        name: named(&claim.labels, claim.key, language),
        value: claim.value.clone(),
    }));
    if content.hidden > 0 {
        let hidden = content.hidden;
        let claims = if hidden == 1 { "claim is" } else { "claims are" };
        let told = Bilingual::new(format!("{hidden} 项未出示"), format!("{hidden} {claims} not shown"));
        lines.push(line("其他内容", "other claims", told.told(language)));
    }
    lines.push(line("账本编号", "credential", subject.credential.to_string()));
    lines.push(line("类型", "type", subject.vct.clone()));
    lines
}

/// As what it is recognised where the verifier stands.
fn as_what(recognised: &Recognised, language: Language) -> Vec<String> {
    let region = &recognised.region;
    let local = recognised.local_type.as_ref();
    let (local_zh, local_en) = local.map_or_else(Default::default, |local| {
        (format!("，等同本地 {local}"), format!(" as {local}"))
    });
    let (level_zh, level_en) = match recognised.level {
        Level::Equal => ("效力等同", "equal to one of its own"),
        Level::Conditional => ("按其法律依据附条件", "on conditions of its legal basis"),
    };
    let mut lines = vec![Bilingual::new(
        format!("{region} 认可{local_zh}，{level_zh}"),
        format!("recognised in {region}{local_en}, {level_en}"),
    )];
    lines.extend(recognised.claims.iter().map(|claim| {
        let name = named(&claim.labels, claim.key, language);
        let (there, here) = (&claim.there, &claim.here);
        Bilingual::new(
            format!("{name}：原为“{there}”，本地为“{here}”"),
            format!("{name}: {there} there is {here} here"),
        )
    }));
    lines.extend(recognised.hidden.iter().map(|claim| {
        let name = named(&claim.labels, claim.key, language);
        Bilingual::new(
            format!("{name}：未出示；其值在本地可能不同，请持证人出示"),
            format!("{name}: not shown; its value may be another here: ask the holder to show it"),
        )
    }));
    if !recognised.purposes.is_empty() {
        lines.push(Bilingual::new(
            format!("仅限用途：{}", recognised.purposes.join("、")),
            format!("for these purposes only: {}", recognised.purposes.join(", ")),
        ));
    }
    lines.into_iter().map(|line| line.told(language)).collect()
}

/// A time as RFC 3339 in UTC, to the second.
#[must_use]
pub fn moment(time: UnixMillis) -> String {
    let seconds = i64::try_from(time.0.checked_div(1_000).unwrap_or(0)).ok();
    let stamp = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| format!("{} ms", time.0), |stamp| stamp.to_string())
}

/// A length of time, given in milliseconds, in the largest fitting unit.
#[must_use]
pub fn length(ms: u64) -> Bilingual {
    let units = [
        (172_800_000, 86_400_000, "天", "days"),
        (7_200_000, 3_600_000, "小时", "h"),
        (120_000, 60_000, "分钟", "min"),
    ];
    let fitting = units.into_iter().find(|(from, ..)| ms >= *from);
    let (_, unit, zh, en) = fitting.unwrap_or((0, 1_000, "秒", "s"));
    let count = ms.checked_div(unit).unwrap_or(0);
    Bilingual::new(format!("{count} {zh}"), format!("{count} {en}"))
}
