//! The sample mailbox: the mail of Anna Lindqvist, who exists nowhere else, written for Postkeep. One file a message
//! under `assets/sample`, byte for byte as it is served but for `{{...}}`, which becomes a date when the server starts,
//! so that the mailbox always looks alive:
//!
//! | written | becomes |
//! |---|---|
//! | `{{date 12m +0100}}` | RFC 5322 date and time, 12 minutes ago, in that zone |
//! | `{{date 1d 18:30 +0100}}` | yesterday at 18:30 in that zone |
//! | `{{date last-06-20 21:30 +0200}}` | the last 20 June before today at 21:30 |
//! | `{{day 4}}` | `Saturday, 28 November`, four days ahead (`-4`: ago) |
//! | `{{ymd 4}}` | `20261128` |
//! | `{{month -1}}` | `October`, last month's name |

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

/// One message of the sample mailbox.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The file's name without `.eml`.
    pub name: &'static str,
    /// The message, CRLF.
    pub bytes: Vec<u8>,
}

/// All of them, oldest first, as of `now`.
pub fn messages(now: Timestamp) -> Vec<Sample> {
    let mut dated: Vec<(Timestamp, Sample)> = FILES
        .iter()
        .map(|(name, template)| {
            let bytes = fill(template, now);
            (date_of(&bytes), Sample { name, bytes })
        })
        .collect();
    dated.sort_by_key(|(date, sample)| (*date, sample.name));
    dated.into_iter().map(|(_, sample)| sample).collect()
}

/// The Date field; the epoch where it cannot be read.
fn date_of(message: &[u8]) -> Timestamp {
    let lines = message.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii);
    let value = lines.take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(b"Date:"));
    let text = value.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    jiff::fmt::rfc2822::parse(text.trim()).map_or(Timestamp::UNIX_EPOCH, |date| date.timestamp())
}

/// Puts dates where `{{...}}` stands; what is not understood stays.
fn fill(template: &[u8], now: Timestamp) -> Vec<u8> {
    let mut filled = Vec::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, words, after)) = split_at_braces(rest) {
        filled.extend_from_slice(before);
        match std::str::from_utf8(words).ok().and_then(|words| moment(words, now)) {
            Some(text) => filled.extend_from_slice(text.as_bytes()),
            None => filled.extend_from_slice(&[b"{{", words, b"}}"].concat()),
        }
        rest = after;
    }
    filled.extend_from_slice(rest);
    filled
}

fn split_at_braces(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let open = text.windows(2).position(|pair| pair == b"{{")?;
    let (before, inside) = (text.get(..open)?, text.get(open + 2..)?);
    let close = inside.windows(2).position(|pair| pair == b"}}")?;
    Some((before, inside.get(..close)?, inside.get(close + 2..)?))
}

fn moment(words: &str, now: Timestamp) -> Option<String> {
    let words: Vec<&str> = words.split(' ').collect();
    let today = now.to_zoned(TimeZone::UTC).date();
    let ahead = |days: &str| today.checked_add(Span::new().try_days(days.parse::<i32>().ok()?).ok()?).ok();
    match words[..] {
        ["date", ago, zone] => {
            let minutes: i64 = ago.strip_suffix('m')?.parse().ok()?;
            let then = now.checked_sub(Span::new().try_minutes(minutes).ok()?).ok()?;
            jiff::fmt::rfc2822::to_string(&then.to_zoned(offset(zone)?)).ok()
        }
        ["date", ago, clock, zone] => {
            let zone = offset(zone)?;
            let date = day_ago(ago, now.to_zoned(zone.clone()).date())?;
            let clock: jiff::civil::Time = clock.parse().ok()?;
            jiff::fmt::rfc2822::to_string(&date.to_datetime(clock).to_zoned(zone).ok()?).ok()
        }
        ["day", days] => Some(ahead(days)?.strftime("%A, %-d %B").to_string()),
        ["ymd", days] => Some(ahead(days)?.strftime("%Y%m%d").to_string()),
        ["month", months] => {
            let months = Span::new().try_months(months.parse::<i32>().ok()?).ok()?;
            Some(today.checked_add(months).ok()?.strftime("%B").to_string())
        }
        _ => None,
    }
}

/// `3d`: three days before today; `last-06-20`: the last such day before today.
fn day_ago(ago: &str, today: Date) -> Option<Date> {
    if let Some(days) = ago.strip_suffix('d') {
        return today.checked_sub(Span::new().try_days(days.parse::<i32>().ok()?).ok()?).ok();
    }
    let (month, day) = ago.strip_prefix("last-")?.split_once('-')?;
    let this_year = Date::new(today.year(), month.parse().ok()?, day.parse().ok()?).ok()?;
    if this_year < today { Some(this_year) } else { this_year.checked_sub(Span::new().years(1)).ok() }
}

/// `+0530` as a zone.
fn offset(zone: &str) -> Option<TimeZone> {
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = (zone.get(1..3)?.parse::<i32>().ok()?, zone.get(3..5)?.parse::<i32>().ok()?);
    Some(Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?.to_time_zone())
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../assets/sample/", $name, ".eml")))),*]
    };
}

const FILES: &[(&str, &[u8])] = files! {
    "ahmed-coast"
    "apples-1"
    "apples-2"
    "apples-3"
    "bank-phishing"
    "boat-house-keys"
    "boat-house-question"
    "boat-is-ours"
    "bounce"
    "chess-board-three"
    "chess-ines"
    "chess-result"
    "chess-tomasz"
    "choir-scores"
    "dentist"
    "dimitar-1251"
    "dinner-invitation"
    "emil-seven"
    "ferry-cancelled"
    "forwarded-landlord"
    "freja-emoji"
    "gallery-opening"
    "giorgos-greek"
    "grandfather-lighthouse"
    "harbour-books-november"
    "insurance"
    "irina-koi8"
    "knitting-from"
    "lantern-walk"
    "lea-recipe"
    "library-code"
    "library-due"
    "long-encoded-subject"
    "long-subject"
    "marek-photo"
    "meiling-big5"
    "minjun-euckr"
    "mother-telephone"
    "museum-html-1252"
    "new-year"
    "no-subject"
    "noa-hebrew"
    "parcel-delivered"
    "pekka-euro"
    "postcard-raw-utf8"
    "print-shop"
    "priya-hindi"
    "sabine-overview"
    "sato-sjis"
    "scanner-empty"
    "seed-order"
    "somchai-thai"
    "swimmers-digest"
    "thu-ha-vietnamese"
    "tide-table"
    "tjorven-midsummer"
    "tomasz-signed"
    "train-ticket"
    "ulf-1999"
    "wang-gb18030"
    "water-statement"
    "weekly-knot"
    "welcome-home"
    "yamada-photos"
    "zofia-polish"
};

#[cfg(test)]
mod tests {
    use super::{FILES, date_of, fill, messages};

    fn now() -> jiff::Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn dates_are_filled_in() {
        let cases = [
            ("{{date 12m +0100}}", "Mon, 23 Nov 2026 10:48:00 +0100"),
            ("{{date 1d 18:30 -0500}}", "Sun, 22 Nov 2026 18:30:00 -0500"),
            ("{{date last-06-20 21:30 +0200}}", "Sat, 20 Jun 2026 21:30:00 +0200"),
            ("{{date last-11-23 00:07 +0000}}", "Sun, 23 Nov 2025 00:07:00 +0000"),
            ("on {{day 5}}.", "on Saturday, 28 November."),
            ("{{ymd -23}}", "20261031"),
            ("{{month -1}}{{month 0}}", "OctoberNovember"),
            ("{{what}} {{date 1x +0100}} {{", "{{what}} {{date 1x +0100}} {{"),
        ];
        for (template, expected) in cases {
            assert_eq!(String::from_utf8(fill(template.as_bytes(), now())).unwrap(), expected);
        }
    }

    #[test]
    fn every_file_is_in_the_list_and_every_message_is_whole() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sample");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|file| Some(file.unwrap().file_name().to_str()?.strip_suffix(".eml")?.to_owned()))
            .collect();
        names.sort();
        assert_eq!(names, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for sample in messages(now()) {
            let name = sample.name;
            assert!(sample.bytes.ends_with(b"\r\n"), "{name} does not end its last line");
            assert!(!sample.bytes.windows(2).any(|pair| pair == b"{{"), "{name} has a date that was not understood");
            let date = date_of(&sample.bytes);
            assert!(date > "1990-01-01T00:00:00Z".parse().unwrap() && date <= now(), "{name}: {date}");
            let lone = sample.bytes.split(|octet| *octet == b'\n').filter(|line| !line.ends_with(b"\r")).count();
            assert_eq!(lone, 1, "{name} has a line that ends in LF alone");
        }
    }
}
