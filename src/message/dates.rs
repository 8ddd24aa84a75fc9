//! The Date field (RFC 5322 sections 3.3 and 4.3) and the shapes that programs write instead: without a weekday, zone or
//! seconds, with two-digit years, the C library's order, ISO 8601.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// The moment that a Date field names; `None` when it names none.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    parse_with_offset(text).map(|(moment, _)| moment)
}

/// The same, and the sender's distance from Greenwich. `-0000` says that it is not known (RFC 5322 section 3.3).
pub(super) fn parse_with_offset(text: &str) -> Option<(Timestamp, Option<Offset>)> {
    let unknown = text.contains("-0000");
    let text = without_comments(text);
    let mut found = Found::default();
    for token in tokens(&text) {
        found.take(token);
    }
    let offset = found.zone.filter(|_| !unknown).and_then(|seconds| Offset::from_seconds(seconds).ok());
    found.finish().map(|moment| (moment, offset))
}

/// `text` without its comments, and no longer than any date is.
fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let keep = |character: &char| match character {
        '(' => {
            depth = depth.saturating_add(1);
            false
        }
        ')' => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    };
    text.chars().filter(keep).take(200).collect()
}

/// Words, with "02-Jan-2006" and "12:00:00+0200" taken apart.
fn tokens(text: &str) -> Vec<&str> {
    text.split(|character: char| character.is_whitespace() || character == ',').flat_map(pieces).collect()
}

fn pieces(word: &str) -> Vec<&str> {
    if let Some((date, time)) = word.split_once(['T', 't'])
        && date.len() >= 8
        && date.starts_with(|first: char| first.is_ascii_digit())
    {
        return date.split('-').chain(pieces(time)).collect();
    }
    if word.contains(':') {
        let sign = word.find(['+', '-', 'Z', 'z']).filter(|&at| at > 0);
        let (time, zone) = sign.and_then(|at| word.split_at_checked(at)).unwrap_or((word, ""));
        return vec![time, zone];
    }
    let begins_with_digit = word.starts_with(|first: char| first.is_ascii_digit());
    if begins_with_digit && word.contains(['-', '/']) {
        return word.split(['-', '/']).collect();
    }
    vec![word]
}

/// What has been recognised so far, in the order of appearance.
#[derive(Default)]
struct Found {
    month: Option<i8>,
    /// Numbers that are day or year (or, in ISO 8601, year, month, day).
    numbers: Vec<(i16, usize)>,
    time: Option<Time>,
    afternoon: Option<bool>,
    zone: Option<i32>,
}

impl Found {
    fn take(&mut self, token: &str) {
        if token.is_empty() {
        } else if token.contains(':') && self.zone_from(token).is_none() {
            self.time = self.time.or_else(|| clock(token));
        } else if let Some(zone) = self.zone_from(token) {
            self.zone = self.zone.or(Some(zone));
        } else if let Some(half) = half_of_day(token) {
            self.afternoon = Some(half);
        } else if let Some(month) = month(token) {
            self.month = self.month.or(Some(month));
        } else if let Ok(number) = token.trim_end_matches('.').parse::<i16>() {
            self.numbers.push((number, token.trim_end_matches('.').len()));
        }
    }

    /// Seconds east of Greenwich. A zone comes after the time.
    fn zone_from(&self, token: &str) -> Option<i32> {
        self.time?;
        numeric_zone(token).or_else(|| named_zone(token))
    }

    fn finish(self) -> Option<Timestamp> {
        let (year, month, day) = self.date()?;
        let date = Date::new(year, month, day).ok()?;
        let mut time = self.time.unwrap_or_default();
        if let Some(afternoon) = self.afternoon {
            let hour = time.hour().checked_rem(12)?.checked_add(if afternoon { 12 } else { 0 })?;
            time = Time::new(hour, time.minute(), time.second(), 0).ok()?;
        }
        let offset = Offset::from_seconds(self.zone.unwrap_or(0)).ok()?;
        offset.to_timestamp(date.to_datetime(time)).ok()
    }

    fn date(&self) -> Option<(i16, i8, i8)> {
        let (year, month, day) = match (self.month, self.numbers.as_slice()) {
            (Some(month), [first, second, ..]) if first.1 >= 3 => (*first, month, second.0),
            (Some(month), [day, year, ..]) => (*year, month, day.0),
            (None, [year, month, day, ..]) if year.1 == 4 => (*year, i8::try_from(month.0).ok()?, day.0),
            _ => return None,
        };
        let full = match year {
            (short @ 0..=49, 1..=2) => short.checked_add(2000)?,
            (short, 1..=3) => short.checked_add(1900)?,
            (full, _) => full,
        };
        Some((full, month, i8::try_from(day).ok()?))
    }
}

/// "23:59", "23:59:60", "23:59:59.123", "23:59:59AM"
fn clock(token: &str) -> Option<Time> {
    let mut numbers = token.split([':', '.']).map(|piece| piece.parse::<i8>().ok());
    let hour = numbers.next()??;
    let minute = numbers.next()??;
    let second = match numbers.next() {
        Some(second) => second?,
        None => 0,
    };
    Time::new(hour, minute, second.min(59), 0).ok()
}

fn half_of_day(token: &str) -> Option<bool> {
    match token.to_ascii_lowercase().as_str() {
        "am" => Some(false),
        "pm" => Some(true),
        _ => None,
    }
}

fn month(token: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?.to_ascii_lowercase();
    let letters = token.trim_end_matches('.').bytes().all(|octet| octet.is_ascii_alphabetic());
    (1..).zip(MONTHS).find(|(_, name)| letters && *name == start).map(|(number, _)| number)
}

/// "+0200", "-05:30", "+2", "GMT+0100"
fn numeric_zone(token: &str) -> Option<i32> {
    let token = token.strip_prefix("GMT").or_else(|| token.strip_prefix("UTC")).unwrap_or(token);
    let (sign, digits) = match token.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, token.strip_prefix('-')?),
    };
    let digits: String = digits.chars().filter(|&character| character != ':').collect();
    let number: i32 = digits.parse().ok().filter(|_| digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number, 0),
        3 | 4 => (number.checked_div(100)?, number.checked_rem(100)?),
        _ => return None,
    };
    hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_mul(sign)
}

fn named_zone(token: &str) -> Option<i32> {
    let hours = match token.to_ascii_uppercase().as_str() {
        "UT" | "UTC" | "GMT" | "Z" | "WET" => 0,
        "EDT" | "AST" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "BST" | "CET" | "MET" => 1,
        "CEST" | "MEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        _ => return None,
    };
    i32::checked_mul(hours, 3600)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shapes_of_dates() {
        for (text, expected) in [
            ("Mon, 2 Jan 2006 15:04:05 -0700", "2006-01-02T22:04:05Z"),
            ("2 Jan 2006 15:04 +0530", "2006-01-02T09:34:00Z"),
            ("Mon,  2 Jan 06 15:04:05 GMT (a (nested) comment)", "2006-01-02T15:04:05Z"),
            ("Mon, 2 Jan 2006 15:04:05 EST", "2006-01-02T20:04:05Z"),
            ("Mon Jan  2 15:04:05 2006", "2006-01-02T15:04:05Z"),
            ("Mon Jan  2 15:04:05 PST 2006", "2006-01-02T23:04:05Z"),
            ("Mon, 02-Jan-2006 15:04:05 +0000", "2006-01-02T15:04:05Z"),
            ("2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z"),
            ("2006-01-02 15:04:05 +0100", "2006-01-02T14:04:05Z"),
            ("2006-01-02T15:04:05.123+01:00", "2006-01-02T14:04:05Z"),
            ("Mon, 2 Jan 1998 15:04:60 -0000", "1998-01-02T15:04:59Z"),
            ("Mon, 2 January 98 15:04:05", "1998-01-02T15:04:05Z"),
            ("Mon, 2 Jan 2006 3:04:05 PM +0000", "2006-01-02T15:04:05Z"),
            ("Mon, 2 Jan 2006 15:04:05 GMT+0100", "2006-01-02T14:04:05Z"),
        ] {
            assert_eq!(parse(text).map(|date| date.to_string()).as_deref(), Some(expected), "{text}");
        }
        for nonsense in ["", "yesterday", "Mon, 31 Feb 2006 15:04:05 +0000", "99 Jan 2006", "Jan", "12:00"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ -~]{0,80}") {
            let _ = parse(&text);
        }
    }
}
