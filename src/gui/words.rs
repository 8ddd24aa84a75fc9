//! Numbers, sizes and times as people read them, in local time.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use unicode_normalization::UnicodeNormalization as _;

use crate::settings;

/// A letter as it is compared where something is looked for: any case, with accents and without, each sigma and each blank
/// alike. Nothing of an accent that stands by itself.
pub fn alike(letter: char) -> impl Iterator<Item = char> {
    // A syllable of Hangul would fall into letters, and be found by a part of them.
    let is_whole = letter.is_ascii() || ('\u{ac00}'..='\u{d7a3}').contains(&letter);
    let (whole, apart) = if is_whole { (Some(letter), None) } else { (None, Some(letter)) };
    let letters = whole.into_iter().chain(apart.into_iter().nfd());
    letters.filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).flat_map(char::to_lowercase).map(|letter| {
        match letter {
            'ς' => 'σ',
            '\u{a0}' => ' ',
            letter => letter,
        }
    })
}

/// Now and here: what "today" means. Lent to every view; the time is renewed once a minute, and the zone behind it.
#[derive(Clone, Debug)]
pub struct Clock {
    pub now: Timestamp,
    pub zone: TimeZone,
}

impl Clock {
    /// The system's. Reads the time zone's file: call it off the thread that draws, or at the start.
    pub fn system() -> Clock {
        Clock { now: Timestamp::now(), zone: settings::time_zone() }
    }

    pub fn today(&self) -> Date {
        self.day(self.now)
    }

    pub fn day(&self, when: Timestamp) -> Date {
        when.to_zoned(self.zone.clone()).date()
    }

    fn is_within_a_week(&self, day: Date) -> bool {
        day <= self.today() && self.today().saturating_sub(7.days()) < day
    }

    fn shown(&self, when: Timestamp, format: &str) -> String {
        when.to_zoned(self.zone.clone()).strftime(format).to_string()
    }

    /// For a row of the list: `09:41`, `Sat 18:30`, `Thu`, `12 Nov`, `12 Nov 2019`.
    pub fn brief(&self, when: Timestamp) -> String {
        let (day, today) = (self.day(when), self.today());
        let format = if day == today {
            "%H:%M"
        } else if Some(day) == today.yesterday().ok() {
            "%a %H:%M"
        } else if self.is_within_a_week(day) {
            "%a"
        } else if day.year() == today.year() {
            "%-d %b"
        } else {
            "%-d %b %Y"
        };
        self.shown(when, format)
    }

    /// For the reader: `Today, 09:41`, `Yesterday, 21:04`, `Thu 12 November 2026, 09:41`.
    pub fn full(&self, when: Timestamp) -> String {
        let (day, today) = (self.day(when), self.today());
        if day == today {
            self.shown(when, "Today, %H:%M")
        } else if Some(day) == today.yesterday().ok() {
            self.shown(when, "Yesterday, %H:%M")
        } else {
            self.shown(when, "%a %-d %B %Y, %H:%M")
        }
    }

    /// Over a quotation: `On Thu 12 November 2026, 09:41`.
    pub fn dated(&self, when: Timestamp) -> String {
        self.shown(when, "On %a %-d %B %Y, %H:%M")
    }

    /// The time on the clock of someone who is so far from Greenwich, where it is another than here:
    /// `18:41 there (+09:00)`, with the day where that is another.
    pub fn elsewhere(&self, when: Timestamp, offset: Offset) -> Option<String> {
        let there = when.to_zoned(offset.to_time_zone());
        let here = when.to_zoned(self.zone.clone());
        if there.offset() == here.offset() {
            return None;
        }
        let format = if there.date() == here.date() { "%H:%M there (%:z)" } else { "%a %-d %b, %H:%M there (%:z)" };
        Some(there.strftime(format).to_string())
    }

    /// A day named in a sentence: `24 December`, `24 December 2027`.
    pub fn day_named(&self, when: Timestamp) -> String {
        let format = if self.day(when).year() == self.today().year() { "%-d %B" } else { "%-d %B %Y" };
        self.shown(when, format)
    }

    /// After “since”: `today, 09:41`, `yesterday, 21:04`, `12 Nov`.
    pub fn since(&self, when: Timestamp) -> String {
        let spoken = self.spoken(when);
        spoken.strip_prefix("on ").map(str::to_owned).unwrap_or(spoken)
    }

    /// Inside a sentence: `today, 21:04`, `yesterday, 21:04`, `on 12 Nov`, `on 12 Nov 2019`.
    pub fn spoken(&self, when: Timestamp) -> String {
        let (day, today) = (self.day(when), self.today());
        if day == today {
            self.shown(when, "today, %H:%M")
        } else if Some(day) == today.yesterday().ok() {
            self.shown(when, "yesterday, %H:%M")
        } else if day.year() == today.year() {
            self.shown(when, "on %-d %b")
        } else {
            self.shown(when, "on %-d %b %Y")
        }
    }
}

/// `12,480`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 message`, `12,480 messages`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `1 message`, `12,480 messages`.
pub fn messages(number: u64) -> String {
    counted(number, "message", "messages")
}

/// `812 bytes`, `34 KB`, `4.2 MB`, `84 MB`: by thousands, as file managers count.
pub fn size(octets: u64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let scaled = |unit: u64| octets as f64 / unit as f64;
    let in_unit = |unit: u64, name: &str| {
        let value = scaled(unit);
        if value < 9.95 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
    };
    match octets {
        0..1_000 => counted(octets, "byte", "bytes"),
        1_000..999_500 => format!("{:.0} KB", scaled(1_000).max(1.0)),
        999_500..999_500_000 => in_unit(1_000_000, "MB"),
        _ => in_unit(1_000_000_000, "GB"),
    }
}

/// `4.2 of 11 MB`: both in the unit of the whole where that reads well.
pub fn size_of(done: u64, total: u64) -> String {
    let (part, whole) = (size(done), size(total));
    match (part.rsplit_once(' '), whole.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, of))) if unit == of => format!("{number} of {whole}"),
        _ => format!("{part} of {whole}"),
    }
}

/// One or two letters for an avatar.
pub fn initials(name: &str) -> String {
    let letters = |word: &str| word.chars().find(|letter| letter.is_alphanumeric());
    let mut words = name.split([' ', '.', '-', '_', '@']).filter_map(letters);
    let first = words.next();
    let last = words.next();
    // Two letters of a script that is written without spaces, or joined, say nothing together.
    let latin = first.is_some_and(|letter| letter.len_utf8() <= 2 && !('\u{590}'..='\u{8ff}').contains(&letter));
    match (first, last) {
        (Some(first), Some(last)) if latin => first.to_uppercase().chain(last.to_uppercase()).collect(),
        (Some(first), _) => first.to_uppercase().collect(),
        (None, _) => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, TimeZone, count, initials, size, size_of};

    fn clock() -> Clock {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        Clock { now: "2026-11-22T10:00:00Z".parse().unwrap(), zone }
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_480, "12,480"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(number), expected);
        }
    }

    #[test]
    fn sizes_take_the_unit_that_reads_well() {
        for (octets, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1 KB"),
            (34_100, "34 KB"),
            (999_499, "999 KB"),
            (999_600, "1.0 MB"),
            (4_200_000, "4.2 MB"),
            (84_000_000, "84 MB"),
            (1_500_000_000, "1.5 GB"),
        ] {
            assert_eq!(size(octets), expected);
        }
        assert_eq!(size_of(4_200_000, 11_000_000), "4.2 of 11 MB");
        assert_eq!(size_of(800_000, 11_000_000), "800 KB of 11 MB");
    }

    #[test]
    fn times_are_local_and_as_short_as_they_can_be() {
        let clock = clock();
        for (when, brief, full) in [
            ("2026-11-22T08:41:00Z", "09:41", "Today, 09:41"),
            ("2026-11-21T23:30:00Z", "00:30", "Today, 00:30"),
            ("2026-11-21T17:30:00Z", "Sat 18:30", "Yesterday, 18:30"),
            ("2026-11-19T12:00:00Z", "Thu", "Thu 19 November 2026, 13:00"),
            ("2026-11-15T12:00:00Z", "15 Nov", "Sun 15 November 2026, 13:00"),
            ("2019-01-02T12:00:00Z", "2 Jan 2019", "Wed 2 January 2019, 13:00"),
        ] {
            let when = when.parse().unwrap();
            assert_eq!(clock.brief(when), brief);
            assert_eq!(clock.full(when), full);
        }
    }

    #[test]
    fn the_senders_own_time_is_told_where_it_is_another() {
        let when = "2026-11-21T22:04:00Z".parse().unwrap();
        for (hours, expected) in [
            (1, None),
            (0, Some("22:04 there (+00:00)")),
            (-5, Some("17:04 there (-05:00)")),
            (9, Some("Sun 22 Nov, 07:04 there (+09:00)")),
        ] {
            assert_eq!(clock().elsewhere(when, jiff::tz::offset(hours)).as_deref(), expected);
        }
    }

    #[test]
    fn initials_are_one_or_two_letters() {
        for (name, expected) in [
            ("Harbour Books", "HB"),
            ("marek dvořák", "MD"),
            ("山田 花子", "山"),
            ("أحمد المنصوري", "أ"),
            ("anna@example.org", "AE"),
            ("", "?"),
            ("\"\"", "?"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
