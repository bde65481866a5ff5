//! Calendar days: legal dates, in the issuing office's zone (DESIGN 4.2).
//! Not here: instants ([`UnixMillis`](crate::id::UnixMillis)).

use crate::codec::{CodecError, Reader, Wire, Writer};
use jiff::civil::Date;

/// A calendar day of the years 1 to 9999, encoded as days since 1970-01-01 (RFC 8943 section 1.1, without its tag).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// Text that is not a calendar day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a calendar day written as YYYY-MM-DD: {0:?}")]
pub struct DayError(String);

const EPOCH: Date = Date::constant(1970, 1, 1);
const SECONDS_PER_DAY: i64 = 86_400;

impl Day {
    /// A day that stands in a program.
    ///
    /// # Panics
    /// Where there is no such day: for constants, when the program is compiled.
    #[must_use]
    pub const fn constant(year: i16, month: i8, day: i8) -> Self {
        Self(Date::constant(year, month, day))
    }

    /// The day `days` after 1970-01-01; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_epoch_days(days: i64) -> Option<Self> {
        let date = EPOCH.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        (date.year() >= 1).then_some(Self(date))
    }

    /// Days since 1970-01-01, negative before.
    #[must_use]
    pub fn epoch_days(self) -> i64 {
        EPOCH.until(self.0).map_or(0, |span| i64::from(span.get_days()))
    }

    /// The Unix second at which this day begins where clocks are `offset_minutes` ahead of UTC.
    #[must_use]
    pub fn begins_at(self, offset_minutes: i16) -> i64 {
        let local = self.epoch_days().saturating_mul(SECONDS_PER_DAY);
        local.saturating_sub(i64::from(offset_minutes).saturating_mul(60))
    }

    /// The Unix second at which this day is over: the next one's beginning, so that the last day is included.
    #[must_use]
    pub fn ends_at(self, offset_minutes: i16) -> i64 {
        self.begins_at(offset_minutes).saturating_add(SECONDS_PER_DAY)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::str::FromStr for Day {
    type Err = DayError;
    fn from_str(text: &str) -> Result<Self, DayError> {
        let refuse = || DayError(text.chars().take(32).collect());
        // Exactly YYYY-MM-DD: the library accepts more forms than a sheet or a paper should hold.
        let date: Date = if text.len() == 10 {
            text.parse().map_err(|_| refuse())?
        } else {
            return Err(refuse());
        };
        let day = Self(date);
        if date.year() >= 1 && day.to_string() == text {
            Ok(day)
        } else {
            Err(refuse())
        }
    }
}

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Wire for Day {
    fn encode(&self, w: &mut Writer) {
        w.int(self.epoch_days());
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        Self::from_epoch_days(r.int()?).ok_or(CodecError::Invalid { what: "day" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_when_the_next_begins_in_the_offices_zone() {
        let day: Day = "2026-11-23".parse().unwrap();
        assert_eq!(day.epoch_days(), 20_780);
        assert_eq!(day.begins_at(480), 20_780 * 86_400 - 8 * 3_600);
        assert_eq!(day.ends_at(480), Day::from_epoch_days(20_781).unwrap().begins_at(480));
    }

    #[test]
    fn only_real_days_in_one_form_are_days() {
        for text in [
            "2025-02-29",
            "2026-1-1",
            "20261123",
            "2026-11-23T00",
            "0000-01-01",
            "",
            "2026-13-01",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!("2024-02-29".parse::<Day>().unwrap().to_string(), "2024-02-29");
    }

    #[test]
    fn days_out_of_range_are_refused_and_do_not_panic() {
        for days in [i64::MIN, i64::MAX, -719_163, 2_932_897] {
            assert_eq!(Day::from_epoch_days(days), None, "{days}");
        }
    }
}
