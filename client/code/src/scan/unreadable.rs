//! Why a file, an image or a code gave no certificate: one sentence each, which says what to do next.

use std::fmt;
use std::io;

use super::{MAX_FILE_BYTES, MAX_PIXELS};
use concord_spec::verify::Bilingual;

/// Why nothing could be read. The verdict is UNREADABLE, but for [`Unreadable::NewerCode`]: NEEDS NEWER SOFTWARE.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The system could not read the file.
    #[error("the file cannot be read: {0}")]
    File(#[from] io::Error),
    /// A directory where a file should be.
    #[error("this is a directory, not a file; name the files in it")]
    Directory,
    /// No bytes.
    #[error("the file is empty; copy it again from where it came")]
    Empty,
    /// More bytes than any certificate or photograph of one needs. It was not read.
    #[error("the file has {}, and nothing over {} MiB is read; a certificate is a few kilobytes", Size(*bytes), MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// Bytes; `None` where the system does not say (a pipe).
        bytes: Option<u64>,
    },
    /// Neither a certificate file nor text nor an image.
    #[error("the file is neither a certificate (.concord) nor a PNG or JPEG image nor the text of a code")]
    UnknownFormat,
    /// A known kind of file that is not read.
    #[error("{0} files are not read; take a photograph or a screenshot of the code as PNG or JPEG")]
    OtherFormat(&'static str),
    /// An image whose file is damaged.
    #[error("the image is damaged and cannot be opened ({0}); copy it again or take another photograph")]
    BrokenImage(String),
    /// An image with more pixels than are opened. It was not decoded.
    #[error("the image has {width} x {height} pixels, and nothing over {} million is opened; make it smaller", MAX_PIXELS / 1_000_000)]
    TooManyPixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// An image in which no code was found.
    #[error(
        "no QR code was found in the image; the whole code and its white frame must be in it, sharp and evenly lit"
    )]
    NoCode,
    /// Two or more different certificates in one image.
    #[error("the image shows {0} different certificates; photograph them one at a time")]
    SeveralCertificates(usize),
    /// A code of somebody else.
    #[error("this is no certificate of this federation but {0}")]
    OtherSystem(OtherSystem),
    /// `CC2:` to `CC9:`.
    #[error("this code starts with {0}, which only a newer version of this software reads")]
    NewerCode(String),
    /// The prefix is ours, but the rest is not base45 (RFC 9285).
    #[error("the code is damaged: what follows {0} is not base45; scan it again")]
    Base45(&'static str),
    /// A prefix and nothing behind it.
    #[error("the code holds nothing behind {0}; scan it again")]
    Nothing(&'static str),
}

impl Unreadable {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Directory => "directory",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too-large",
            Self::UnknownFormat => "unknown-format",
            Self::OtherFormat(_) => "other-format",
            Self::BrokenImage(_) => "broken-image",
            Self::TooManyPixels { .. } => "too-many-pixels",
            Self::NoCode => "no-code",
            Self::SeveralCertificates(_) => "several-certificates",
            Self::OtherSystem(_) => "other-system",
            Self::NewerCode(_) => "newer-code",
            Self::Base45(_) => "base45",
            Self::Nothing(_) => "nothing",
        }
    }

    /// The sentence in both languages.
    #[must_use]
    pub fn words(&self) -> Bilingual {
        Bilingual {
            zh: self.chinese(),
            en: self.to_string(),
        }
    }

    fn chinese(&self) -> String {
        let most = MAX_FILE_BYTES >> 20;
        match self {
            Self::File(error) => format!("无法读取文件：{error}"),
            Self::Directory => "这是目录，不是文件；请指明其中的文件".to_owned(),
            Self::Empty => "文件为空；请从来源重新复制".to_owned(),
            Self::TooLarge { .. } => format!("文件超过 {most} MiB，不予读取；证照只有几千字节"),
            Self::UnknownFormat => "文件不是证照（.concord），也不是 PNG 或 JPEG 图片或二维码文本".to_owned(),
            Self::OtherFormat(kind) => format!("不支持 {kind} 文件；请将二维码拍照或截图为 PNG 或 JPEG"),
            Self::BrokenImage(why) => format!("图片损坏，无法打开（{why}）；请重新复制或重拍"),
            Self::TooManyPixels { width, height } => {
                let most = MAX_PIXELS / 10_000;
                format!("图片有 {width} x {height} 像素，超过 {most} 万；请缩小")
            }
            Self::NoCode => "图片中没有找到二维码；请拍入完整二维码及其白边，清晰且光线均匀".to_owned(),
            Self::SeveralCertificates(count) => format!("图片中有 {count} 个不同证照；请逐一拍摄"),
            Self::OtherSystem(system) => format!("这不是本联盟的证照，而是{}", system.chinese()),
            Self::NewerCode(prefix) => format!("此码以 {prefix} 开头，需要更新版本的软件"),
            Self::Base45(prefix) => format!("二维码损坏：{prefix} 之后不是 base45；请重新扫描"),
            Self::Nothing(prefix) => format!("{prefix} 之后没有内容；请重新扫描"),
        }
    }

    /// Whether newer software might read it.
    #[must_use]
    pub fn needs_newer_software(&self) -> bool {
        matches!(self, Self::NewerCode(_))
    }
}

/// Whose code it is instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSystem {
    /// `HC1:`, EU Digital COVID Certificate.
    EuHealthCertificate,
    /// `shc:/`, SMART Health Card.
    SmartHealthCard,
    /// `http:` or `https:`.
    WebAddress,
    /// Anything else.
    Unknown,
}

impl OtherSystem {
    fn chinese(self) -> &'static str {
        match self {
            Self::EuHealthCertificate => "欧盟健康证明（HC1:）",
            Self::SmartHealthCard => "SMART 健康卡（shc:/）",
            Self::WebAddress => "一个网址；不要因为二维码指向某网站就相信它",
            Self::Unknown => "其他系统的码；本系统的码以 CC1: 或 CC0: 开头",
        }
    }
}

impl fmt::Display for OtherSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EuHealthCertificate => "an EU health certificate (HC1:)",
            Self::SmartHealthCard => "a SMART Health Card (shc:/)",
            Self::WebAddress => "a web address; do not trust a site only because a code leads to it",
            Self::Unknown => "a code of an unknown system; ours start with CC1: or CC0:",
        })
    }
}

/// Bytes for people.
struct Size(Option<u64>);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
            None => f.write_str("no end in sight"),
        }
    }
}
