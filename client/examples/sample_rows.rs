//! Writes the sheet that the repository ships: `cargo run -p concord-client --example sample_rows > client/samples/drivers-licences.csv`.
//!
//! All persons are invented. Their resident ids have correct check characters and the code of a whole province, which no
//! person has: true ones name a county or district.

use std::error::Error;

use concord_client::desk::identifier::resident_id_check;
use jiff::ToSpan;
use jiff::civil::Date;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// Rows of the sheet.
const ROWS: u32 = 256;
/// The same number, the same sheet.
const SEED: u64 = 20_260_101;
/// Every n-th holder came from abroad.
const FOREIGN_EVERY: u32 = 16;
/// Every n-th holder has a name of two parts.
const TWO_PART_EVERY: u32 = 21;

const SURNAMES: &[(&str, &str)] = &[
    ("王", "WANG"),
    ("李", "LI"),
    ("张", "ZHANG"),
    ("刘", "LIU"),
    ("陈", "CHEN"),
    ("杨", "YANG"),
    ("黄", "HUANG"),
    ("赵", "ZHAO"),
    ("吴", "WU"),
    ("周", "ZHOU"),
    ("徐", "XU"),
    ("孙", "SUN"),
    ("马", "MA"),
    ("朱", "ZHU"),
    ("胡", "HU"),
    ("郭", "GUO"),
    ("何", "HE"),
    ("林", "LIN"),
    ("高", "GAO"),
    ("罗", "LUO"),
    ("郑", "ZHENG"),
    ("梁", "LIANG"),
    ("谢", "XIE"),
    ("宋", "SONG"),
    ("唐", "TANG"),
    ("许", "XU"),
    ("邓", "DENG"),
    ("韩", "HAN"),
    ("冯", "FENG"),
    ("曹", "CAO"),
    ("吕", "LYU"),
    ("欧阳", "OUYANG"),
    ("诸葛", "ZHUGE"),
    ("司徒", "SITU"),
];
const FEMALE: &[(&str, &str)] = &[
    ("芳", "fang"),
    ("娜", "na"),
    ("敏", "min"),
    ("静", "jing"),
    ("丽", "li"),
    ("艳", "yan"),
    ("娟", "juan"),
    ("霞", "xia"),
    ("秀英", "xiuying"),
    ("桂兰", "guilan"),
    ("雨桐", "yutong"),
    ("欣怡", "xinyi"),
    ("梓涵", "zihan"),
    ("诗琪", "shiqi"),
    ("晓燕", "xiaoyan"),
    ("玉梅", "yumei"),
    ("佳慧", "jiahui"),
    ("思远", "siyuan"),
    ("绿萍", "lyuping"),
];
const MALE: &[(&str, &str)] = &[
    ("伟", "wei"),
    ("强", "qiang"),
    ("磊", "lei"),
    ("军", "jun"),
    ("勇", "yong"),
    ("杰", "jie"),
    ("涛", "tao"),
    ("明", "ming"),
    ("建国", "jianguo"),
    ("志强", "zhiqiang"),
    ("浩然", "haoran"),
    ("子轩", "zixuan"),
    ("宇航", "yuhang"),
    ("文博", "wenbo"),
    ("国华", "guohua"),
    ("海波", "haibo"),
    ("俊杰", "junjie"),
    ("思远", "siyuan"),
    ("晓东", "xiaodong"),
];
/// Names of two parts: Chinese letters, Latin letters, sex.
const TWO_PART: &[(&str, &str, &str)] = &[
    ("买买提·吐尔逊", "Maimaiti Tuerxun", "M"),
    ("阿依古丽·艾合买提", "Ayiguli Aihemaiti", "F"),
    ("扎西次仁", "Zhaxi Ciren", "M"),
    ("阿卜杜热合曼·阿卜杜克热木", "Abudureheman Abudukeremu", "M"),
    ("央金卓玛", "Yangjin Zhuoma", "F"),
    ("巴特尔·苏和", "Bateer Suhe", "M"),
];
/// Chinese and Latin name, sex, nationality.
const FOREIGN: &[(&str, &str, &str, &str)] = &[
    ("汉斯·穆勒", "MÜLLER Hans", "M", "DEU"),
    ("克莱尔·杜邦", "DUPONT Claire", "F", "FRA"),
    ("何塞·加西亚·努涅斯", "GARCÍA NÚÑEZ José", "M", "ESP"),
    ("艾玛·汤普森-赖特", "THOMPSON-WRIGHT Emma", "F", "GBR"),
    ("阮氏芳", "NGUYỄN Thị Phương", "F", "VNM"),
    ("陈文雄", "TRẦN Văn Hùng", "M", "VNM"),
    ("阿依达娜·努尔兰", "NURLAN Aidana", "F", "KAZ"),
    ("肖恩·奥尼尔", "O'NEILL Sean", "M", "GBR"),
];
/// Code of the province, code of the city that writes the file numbers, address up to the road.
const PLACES: &[(&str, &str, &str)] = &[
    ("310000", "310000", "上海市徐汇区"),
    ("320000", "320100", "江苏省南京市鼓楼区"),
    ("330000", "330100", "浙江省杭州市西湖区"),
    ("330000", "330200", "浙江省宁波市海曙区"),
    ("340000", "340100", "安徽省合肥市蜀山区"),
    ("350000", "350200", "福建省厦门市思明区"),
];
const ROADS: &[&str] = &["青松路", "明月街", "梧桐巷", "望湖路", "春晓大道", "石桥弄", "新民路"];
/// Class, and of a hundred rows how many have it.
const CLASSES: &[(&str, u32)] = &[
    ("C1", 46),
    ("C2", 22),
    ("B2", 7),
    ("A2", 5),
    ("A1", 4),
    ("B1", 3),
    ("A3", 2),
    ("C3", 2),
    ("C4", 1),
    ("C5", 1),
    ("C6", 2),
    ("D", 2),
    ("E", 2),
    ("F", 1),
];

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", sheet()?);
    Ok(())
}

/// The whole sheet.
///
/// # Errors
/// A date outside of the calendar, which no seed gives.
pub(crate) fn sheet() -> Result<String, Box<dyn Error>> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut sheet =
        "printed_number,holder_name,holder_latin_name,holder_code_type,holder_code,birth_date,sex,nationality,\
                     licence_class,first_issued_on,issued_on,valid_from,valid_until,address,remarks\n"
            .to_owned();
    for index in 0..ROWS {
        sheet += &row(index, &mut random)?;
    }
    Ok(sheet)
}

struct Person {
    name: String,
    latin: String,
    sex: &'static str,
    nationality: &'static str,
}

fn row(index: u32, random: &mut StdRng) -> Result<String, Box<dyn Error>> {
    let person = person(index, random);
    let (province, city, address) = pick(PLACES, random);
    // Drivers between 19 and 67 at the day of issue, which is in the eighteen months from July 2023 on.
    let issued: Date = Date::constant(2023, 7, 1).checked_add(random.gen_range(0..540i64).days())?;
    let birth = issued.checked_sub(random.gen_range(19 * 366..67 * 365i64).days())?;
    let driving_days = random.gen_range(0..=(issued.duration_since(birth.checked_add(18.years())?).as_hours() / 24));
    let first = issued.checked_sub(driving_days.min(30 * 365).days())?;
    let (first, until) = match first.until((jiff::Unit::Year, issued))?.get_years() {
        // The first licence is for six years, the second for ten, the third has no end.
        0..6 => (issued, issued.checked_add(6.years())?.to_string()),
        6..16 => (first, issued.checked_add(10.years())?.to_string()),
        _ => (first, "长期".to_owned()),
    };
    let (code_type, code) = match person.nationality {
        "CHN" => ("resident-id", resident_id(province, birth, person.sex, random)?),
        _ => (
            "passport",
            format!(
                "{}{:08}",
                char::from(random.gen_range(b'A'..=b'N')),
                random.gen_range(0..100_000_000u32)
            ),
        ),
    };
    let class = class(random);
    let remarks = if class == "C5" {
        "驾驶时应使用上肢辅助装置"
    } else if index % 9 == 4 {
        "驾驶时应佩戴矫正镜"
    } else {
        ""
    };
    let home = format!(
        "{address}{}{}号{}室",
        pick(ROADS, random),
        random.gen_range(1..400),
        random.gen_range(101..2_604)
    );
    let number = format!("{city}{:06}", 480_000 + index * 37 + random.gen_range(0..37));
    let Person {
        name,
        latin,
        sex,
        nationality,
    } = person;
    Ok(format!(
        "{number},{name},{latin},{code_type},{code},{birth},{sex},{nationality},{class},{first},{issued},{issued},{until},{home},{remarks}\n"
    ))
}

fn person(index: u32, random: &mut StdRng) -> Person {
    if index % FOREIGN_EVERY == FOREIGN_EVERY - 1 {
        let (name, latin, sex, nationality) = pick(FOREIGN, random);
        return Person {
            name: name.to_owned(),
            latin: latin.to_owned(),
            sex,
            nationality,
        };
    }
    if index % TWO_PART_EVERY == TWO_PART_EVERY - 1 {
        let (name, latin, sex) = pick(TWO_PART, random);
        return Person {
            name: name.to_owned(),
            latin: latin.to_owned(),
            sex,
            nationality: "CHN",
        };
    }
    let (surname, latin_surname) = pick(SURNAMES, random);
    let (sex, given_names) = pick(&[("F", FEMALE), ("M", MALE)], random);
    let (given, latin_given) = pick(given_names, random);
    let (head, tail) = latin_given.split_at(1);
    let latin = format!("{latin_surname} {}{tail}", head.to_uppercase());
    Person {
        name: format!("{surname}{given}"),
        latin,
        sex,
        nationality: "CHN",
    }
}

/// An odd third digit behind the date of birth is a man's, an even one a woman's (GB 11643).
fn resident_id(province: &str, birth: Date, sex: &str, random: &mut StdRng) -> Result<String, Box<dyn Error>> {
    let order = random.gen_range(1..480u32) * 2 + u32::from(sex == "M");
    let body = format!("{province}{}{order:03}", birth.strftime("%Y%m%d"));
    let check = resident_id_check(&body).ok_or("a resident id has digits only")?;
    Ok(format!("{body}{check}"))
}

fn class(random: &mut StdRng) -> &'static str {
    let mut ticket = random.gen_range(0..CLASSES.iter().map(|(_, share)| share).sum());
    for (class, share) in CLASSES {
        match ticket.checked_sub(*share) {
            Some(rest) => ticket = rest,
            None => return class,
        }
    }
    "C1"
}

fn pick<T: Copy>(from: &[T], random: &mut StdRng) -> T {
    // The tables above are not empty.
    from.choose(random).copied().unwrap_or_else(|| unreachable!())
}
