//! The grounds of checks in words.

use super::{Language, moment};
use crate::catalogue::label;
use crate::recognition::Unmet;
use crate::verify::ground::{Broken, BrokenStatus, Dates, Ground, NotCovering};
use crate::verify::report::Bilingual;

impl Ground {
    /// The grounds in words.
    #[must_use]
    pub fn told(&self, language: Language) -> String {
        self.words().told(language)
    }

    #[expect(clippy::too_many_lines, reason = "one arm a ground, and nothing else")]
    fn words(&self) -> Bilingual {
        let say = |zh: String, en: String| Bilingual { zh, en };
        match self {
            Self::Certificate => Bilingual::new("完整证照，第 1 版", "a certificate of version 1"),
            Self::Presentation => Bilingual::new("持证人出示的完整证照", "a certificate, presented by its holder"),
            Self::RenewedCertificate => Bilingual::new(
                "换新回执的完整证照，第 2 版",
                "a certificate of version 2, with a renewed receipt",
            ),
            Self::SmallCode => Bilingual::new("简码，仅含证照本身", "a credential alone, from a small code"),
            Self::Malformed { detail } => say(
                format!("不是证照，或已损坏；请重新扫描或复制（{detail}）"),
                format!("it is no certificate or is damaged: {detail}; scan or copy it again"),
            ),
            Self::Newer { detail } => say(
                format!("由更新版本的软件制作（{detail}）"),
                format!("newer software made it: {detail}"),
            ),
            Self::NothingRead { words, .. } => words.clone(),
            Self::OtherChain { named, chain } => say(
                format!("所称账本是 {named}，不是 {chain}"),
                format!("it names the chain {named}, not {chain}"),
            ),
            Self::NoSeries { series } => say(
                format!("没有机关开设过系列 {series}"),
                format!("no office opened series {series}"),
            ),
            Self::SeriesNotCarried { series, region } => say(
                format!("所用数据不含地区 {region} 的机关，不知系列 {series}；请取含该地区的信任包"),
                format!(
                    "the data do not hold the offices of region {region}, and so not series {series}: get data that do"
                ),
            ),
            Self::SeriesNewer { series, height } => say(
                format!("系列 {series} 在高度 {height} 的数据中尚不存在"),
                format!("series {series} is newer than the data of height {height}"),
            ),
            Self::NotOfOffice { series, office } => say(
                format!("系列 {series} 不属于机关 {office}"),
                format!("series {series} was not of office {office}"),
            ),
            Self::OfficeNewer { series, office, height } => say(
                format!("至高度 {height}，系列 {series} 尚不属于机关 {office}，此后可能已移交"),
                format!(
                    "office {office} did not hold series {series} at height {height}, and may have taken it over since"
                ),
            ),
            Self::OtherType { series, of, named } => say(
                format!("系列 {series} 用于 {of}，不用于 {named}"),
                format!("series {series} is for {of}, not {named}"),
            ),
            Self::NotSigned { series } => say(
                format!("并非系列 {series} 的密钥所签"),
                format!("the key of series {series} did not sign it"),
            ),
            Self::Signed { series, office } => say(
                format!("系列 {series} 的密钥所签，机关：{}", label(office, "zh")),
                format!("signed by the key of series {series}, of {}", label(office, "en")),
            ),
            Self::Broken { what } => broken(*what),
            Self::OpenedLater { series } => say(
                format!("系列 {series} 在该区块之后才开设"),
                format!("series {series} was opened after that block"),
            ),
            Self::FrozenBefore { series } => say(
                format!("系列 {series} 在该区块之前已冻结"),
                format!("series {series} was frozen before that block"),
            ),
            Self::NotIssuedThen { series, number } => say(
                format!("系列 {series} 当时尚未签发第 {number} 号"),
                format!("series {series} had not issued number {number} by then"),
            ),
            Self::RegionsNewer { block, height } => say(
                format!("区块 {block} 的印鉴不是高度 {height} 时各地区所加，此后地区可能有变；请更新数据"),
                format!(
                    "block {block} is not sealed by the regions in force at height {height}; they may have changed since: get newer data"
                ),
            ),
            Self::Sealed { block, time_ms } => say(
                format!("登记于区块 {block}，{}", moment(*time_ms)),
                format!("block {block}, sealed at {}", moment(*time_ms)),
            ),
            Self::SeenThrough {
                block,
                time_ms,
                through,
                through_ms,
            } => {
                let (time, later) = (moment(*time_ms), moment(*through_ms));
                say(
                    format!("登记于区块 {block}，{time}；由区块 {through}（{later}）的历史证明"),
                    format!("block {block} of {time}, seen through block {through}, sealed at {later}"),
                )
            }
            Self::SmallCodeOfFrozen { series } => say(
                format!("系列 {series} 已冻结：窃得其密钥者也能制作此简码；请索取完整二维码"),
                format!(
                    "series {series} is frozen: whoever took its key could have made this code; ask for the full one"
                ),
            ),
            Self::NoReceipt => Bilingual::new(
                "简码不含登记凭证；请索取完整二维码",
                "a small code carries no receipt; ask for the full one",
            ),
            Self::NotRequired => Bilingual::new("未要求证明登记", "a receipt was not asked for"),
            Self::HolderNotAsked => {
                Bilingual::new("未要求持证人证明", "the holder was not asked to show that it is theirs")
            }
            Self::HolderSigned { time_ms, audience } => {
                let (time, whom) = (moment(*time_ms), audience_words(audience.as_deref()));
                say(
                    format!(
                        "持证人密钥于 {time} 签署{}；您未给出随机数，可能是以前出示的副本",
                        whom.zh
                    ),
                    format!(
                        "signed by the holder's key at {time}{}; you gave no nonce, so it may be a copy of an earlier one",
                        whom.en
                    ),
                )
            }
            Self::HolderShown { time_ms, audience } => {
                let (time, whom) = (moment(*time_ms), audience_words(audience.as_deref()));
                say(
                    format!("持证人密钥于 {time} 按您的随机数签署{}", whom.zh),
                    format!("signed by the holder's key with your nonce at {time}{}", whom.en),
                )
            }
            Self::NoHolderKey => Bilingual::new(
                "证照未载明持证人密钥，无法证明由本人出示；请以其他方式核对身份",
                "the credential names no key of its holder, so none can show it; check who the bearer is in another way",
            ),
            Self::NotPresented => Bilingual::new(
                "文件不含持证人的签署；请持证人按您的随机数出示（concord present）",
                "it came without its holder's statement; ask the holder to present it with your nonce (concord present)",
            ),
            Self::HolderNotSigned => Bilingual::new(
                "出示的签署不是持证人密钥所签",
                "the key of the holder did not sign the presentation",
            ),
            Self::PresentsAnother => Bilingual::new(
                "持证人签署的是另一份证照，或签署后内容有增减",
                "the holder signed for another certificate, or for other claims of this one",
            ),
            Self::OtherNonce { time_ms } => {
                let time = moment(*time_ms);
                say(
                    format!("持证人于 {time} 签署的是另一个随机数，可能是以前出示的副本"),
                    format!("the holder signed another nonce at {time}: perhaps a copy of an earlier presentation"),
                )
            }
            Self::OtherAudience { audience } => {
                let whom = audience.as_deref();
                say(
                    whom.map_or_else(
                        || "持证人未写明出示给谁".to_owned(),
                        |whom| format!("持证人是出示给“{whom}”的"),
                    ),
                    whom.map_or_else(
                        || "the holder named nobody to whom it is presented".to_owned(),
                        |whom| format!("the holder presented it to {whom}"),
                    ),
                )
            }
            Self::PresentedTooOld { time_ms } => {
                let time = moment(*time_ms);
                say(
                    format!("持证人于 {time} 签署，已超过允许的时间；请重新出示"),
                    format!("the holder signed at {time}, longer ago than is allowed; ask for a new presentation"),
                )
            }
            Self::PresentedAhead { time_ms } => {
                let time = moment(*time_ms);
                say(
                    format!("持证人设备时钟过快（{time}）；请校准后重新出示"),
                    format!("the holder's clock is ahead ({time}); ask to set it and to present again"),
                )
            }
            Self::StatusShown { block, time_ms } => say(
                format!("状态取自区块 {block}，{}，比数据新", moment(*time_ms)),
                format!(
                    "the status is of block {block}, sealed at {}, newer than the data",
                    moment(*time_ms)
                ),
            ),
            Self::StatusNotNewer { block, height } => say(
                format!("状态证明为区块 {block} 的，不比高度 {height} 的数据新，未采用"),
                format!(
                    "the status proof is of block {block}, not newer than the data of height {height}: it was not used"
                ),
            ),
            Self::StatusUnread { detail } => say(
                format!("不是状态证明，或已损坏；请重新获取，或不带它再验（{detail}）"),
                format!("it is no status proof or is damaged: {detail}; get a new one, or verify without it"),
            ),
            Self::StatusBroken { what } => broken_status(*what),
            Self::StatusNotCarried => Bilingual::new(
                "数据包不含该类型该地区的状态；请取含有它的数据包",
                "the bundle does not carry the status of this type and region; get one that does",
            ),
            Self::NoStatusYet { height } => say(
                format!("至高度 {height} 尚无状态"),
                format!("no status yet as of height {height}"),
            ),
            Self::Clear { height } => say(
                format!("至高度 {height} 无不利状态"),
                format!("nothing against it as of height {height}"),
            ),
            Self::Revoked { height } => say(
                format!("至高度 {height} 已吊销"),
                format!("revoked as of height {height}"),
            ),
            Self::Annulled { height } => say(
                format!("至高度 {height} 已撤销"),
                format!("annulled as of height {height}"),
            ),
            Self::Suspended { height } => say(
                format!("至高度 {height} 暂扣中"),
                format!("suspended as of height {height}"),
            ),
            Self::Superseded { height } => say(
                format!("至高度 {height} 已更替"),
                format!("superseded as of height {height}"),
            ),
            Self::Annotated { height } => say(
                format!("至高度 {height} 有加注，此处不显示其内容；请向出证机关查询"),
                format!("annotated as of height {height}; the annotation is not shown here: ask the office"),
            ),
            Self::InForce { dates } | Self::NotYet { dates } | Self::Over { dates } => days(*dates),
            Self::NoRegion => Bilingual::new("未指明验证者所在地区", "the verifier's region was not given"),
            Self::OwnRegion => Bilingual::new("由本地区签发", "issued in this region"),
            Self::OutOfReach { office, region } => say(
                format!("机关 {office} 的证照在地区 {region} 无效"),
                format!("credentials of office {office} are not valid in region {region}"),
            ),
            Self::Declared { region, declaration } => say(
                format!("地区 {region} 第 {declaration} 号互认声明"),
                format!("recognised by declaration {declaration} of region {region}"),
            ),
            Self::NotDeclared { region, source, of } => say(
                format!("地区 {region} 没有声明认可地区 {source} 的 {of}"),
                format!("region {region} has declared no recognition of {of} of region {source}"),
            ),
            Self::NotCovered { region, declarations } => {
                let told = |known: &NotCovering| {
                    let (number, why) = (known.declaration, unmet(&known.unmet));
                    Bilingual {
                        zh: format!("地区 {region} 第 {number} 号互认声明：{}", why.zh),
                        en: format!("declaration {number} of region {region}: {}", why.en),
                    }
                };
                let all: Vec<Bilingual> = declarations.iter().map(told).collect();
                let joined = |of: fn(&Bilingual) -> &str, by: &str| all.iter().map(of).collect::<Vec<_>>().join(by);
                say(joined(|one| &one.zh, "；"), joined(|one| &one.en, "; "))
            }
            Self::SettledBefore => Bilingual::new("前项检查已得出结论", "an earlier check settled the verdict"),
            Self::NothingToCheck => Bilingual::new("没有可检查的内容", "there was nothing to check"),
        }
    }
}

fn audience_words(audience: Option<&str>) -> Bilingual {
    audience.map_or_else(
        || Bilingual::new("", ""),
        |whom| Bilingual::new(format!("，出示给“{whom}”"), format!(", for {whom}")),
    )
}

fn days(dates: Dates) -> Bilingual {
    let from = dates.from;
    dates.until.map_or_else(
        || {
            Bilingual::new(
                format!("自 {from} 起，长期有效"),
                format!("valid from {from} without end"),
            )
        },
        |until| {
            Bilingual::new(
                format!("自 {from} 至 {until}（含当日）"),
                format!("valid from {from} until {until}, that day included"),
            )
        },
    )
}

fn broken_status(what: BrokenStatus) -> Bilingual {
    let (zh, en) = match what {
        BrokenStatus::Other => (
            "状态证明属于另一证照；请取本证照的",
            "the status proof is of another credential: get that of this one",
        ),
        BrokenStatus::Section => (
            "状态证明属于另一类型或地区",
            "the status proof is of another type or region",
        ),
        BrokenStatus::Time => (
            "状态证明：该高度的区块不可能是该时间的",
            "the status proof's block of that height cannot be of that time",
        ),
        BrokenStatus::Path => (
            "状态证明的路径不符；请重新获取",
            "a path of the status proof does not fit: get a new one",
        ),
    };
    Bilingual::new(zh, en)
}

fn broken(what: Broken) -> Bilingual {
    let (zh, en) = match what {
        Broken::Batch => (
            "证照不在凭证所指的批次中",
            "the credential is not in the batch of its receipt",
        ),
        Broken::SignedLater => (
            "证照签署时间晚于所称登记区块",
            "it was signed after the block that is to record it",
        ),
        Broken::NoBlock => ("不存在区块 0", "there is no block 0"),
        Broken::Time => (
            "该高度的区块不可能是该时间的",
            "a block of that height cannot be of that time",
        ),
        Broken::Path => (
            "批次不在凭证所指的区块中",
            "the batch is not in the block of its receipt",
        ),
        Broken::History => (
            "该区块不在所称较新区块的历史中",
            "the block is not of the history of the later one that it is seen through",
        ),
        Broken::Seal => (
            "区块的印鉴不是当时各地区所加",
            "the seal is not of the regions in force at that height",
        ),
    };
    Bilingual::new(zh, en)
}

fn unmet(unmet: &Unmet) -> Bilingual {
    let zh = match unmet {
        Unmet::Other => "涉及其他类型或地区".to_owned(),
        Unmet::Version(version) => format!("只认可该类型第 {version} 版及以后"),
        Unmet::IssuedBefore(day) => format!("只认可 {day} 及以后签发的"),
        Unmet::IssuedAfter(day) => format!("只认可 {day} 及以前签发的"),
        Unmet::NotYet => "尚未开始认可".to_owned(),
        Unmet::Over => "已停止认可".to_owned(),
        Unmet::TooOld(days) => format!("须在签发后 {days} 天内"),
        Unmet::Purpose(purposes) => format!("仅限用途：{purposes}"),
    };
    Bilingual::new(zh, unmet.to_string())
}
