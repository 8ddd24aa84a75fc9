//! Which clock a calendar's times are by: names of the zone database, else the rules that the calendar brings along.

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Moment;
use crate::message::content_lines::Line;

/// Zones that one calendar may define, and rules of one zone.
const MOST_ZONES: usize = 50;
const MOST_RULES: usize = 200;

/// The zones that a calendar defines.
#[derive(Debug, Default)]
pub(super) struct Zones {
    defined: Vec<(String, TimeZone)>,
}

impl Zones {
    pub fn read(lines: &[Line]) -> Zones {
        let mut zones = Zones::default();
        let mut open: Option<Definition> = None;
        for line in lines {
            let value = line.value.trim();
            match (line.name.as_str(), value.to_ascii_uppercase().as_str(), &mut open) {
                ("BEGIN", "VTIMEZONE", _) => open = Some(Definition::default()),
                ("END", "VTIMEZONE", definition) => {
                    let done =
                        definition.take().and_then(|definition| Some((definition.id.clone(), definition.zone()?)));
                    zones.defined.extend(done.filter(|_| zones.defined.len() < MOST_ZONES));
                }
                (name, _, Some(definition)) => definition.line(name, value),
                _ => (),
            }
        }
        zones
    }

    /// The moment that a DTSTART or DTEND names.
    pub fn moment(&self, line: &Line) -> Option<Moment> {
        let value = line.value.trim();
        let date = date(value)?;
        let Some((_, clock)) = value.split_once('T') else { return Some(Moment::Day(date)) };
        let when = DateTime::from_parts(date, time(clock)?);
        if clock.ends_with('Z') {
            return Some(Moment::At(when.to_zoned(TimeZone::UTC).ok()?));
        }
        let zone = line.parameter("TZID").and_then(|id| self.zone(id));
        Some(match zone.and_then(|zone| when.to_zoned(zone).ok()) {
            Some(zoned) => Moment::At(zoned),
            None => Moment::Floating(when),
        })
    }

    fn zone(&self, id: &str) -> Option<TimeZone> {
        let database = TimeZoneDatabase::bundled();
        // Some programs put their own name before it: /example.org/20260101/Europe/London.
        let pieces: Vec<&str> = id.rsplitn(3, '/').collect();
        let tail = match pieces.as_slice() {
            [city, region, _] => format!("{region}/{city}"),
            _ => id.to_owned(),
        };
        let known = |name: &str| database.get(name).ok();
        let defined = || self.defined.iter().find(|(known, _)| known == id).map(|(_, zone)| zone.clone());
        known(id).or_else(|| known(&tail)).or_else(defined)
    }
}

/// `20261126`, with or without a time behind it.
pub(super) fn date(value: &str) -> Option<Date> {
    let digits = value.get(..8).filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    let number = |range: Range<usize>| digits.get(range)?.parse::<i16>().ok();
    Date::new(number(0..4)?, i8::try_from(number(4..6)?).ok()?, i8::try_from(number(6..8)?).ok()?).ok()
}

/// `183000`, `1830`.
fn time(clock: &str) -> Option<Time> {
    let number = |range: Range<usize>| clock.get(range)?.parse::<i8>().ok();
    // A leap second is no time of day here.
    Time::new(number(0..2)?, number(2..4)?, number(4..6).unwrap_or(0).min(59), 0).ok()
}

/// A VTIMEZONE: its rules, each of which holds from some day on.
#[derive(Debug, Default)]
struct Definition {
    id: String,
    rules: Vec<Rule>,
    inside: bool,
}

#[derive(Clone, Debug, Default)]
struct Rule {
    daylight: bool,
    since: String,
    /// Seconds east of UTC.
    to: i32,
    recurrence: String,
}

impl Definition {
    fn line(&mut self, name: &str, value: &str) {
        match name {
            "TZID" if !self.inside => self.id = value.to_owned(),
            "BEGIN" if self.rules.len() < MOST_RULES => {
                self.inside = true;
                self.rules.push(Rule { daylight: value.eq_ignore_ascii_case("DAYLIGHT"), ..Rule::default() });
            }
            _ => (),
        }
        let Some(rule) = self.rules.last_mut().filter(|_| self.inside) else { return };
        match name {
            "DTSTART" => rule.since = value.to_owned(),
            "TZOFFSETTO" => rule.to = offset(value).unwrap_or(0),
            "RRULE" => rule.recurrence = value.to_ascii_uppercase(),
            _ => (),
        }
    }

    /// The rules that hold last, as POSIX writes them; an offset alone where the clocks never change.
    fn zone(&self) -> Option<TimeZone> {
        let latest =
            |daylight: bool| self.rules.iter().filter(|rule| rule.daylight == daylight).max_by_key(|rule| &rule.since);
        let standard = latest(false).or_else(|| latest(true))?;
        let base = format!("<STD>{}", posix_offset(standard.to));
        let changes = latest(true).and_then(|daylight| {
            let (begins, ends) = (change(daylight)?, change(standard)?);
            Some(format!("{base}<DST>{},{begins},{ends}", posix_offset(daylight.to)))
        });
        TimeZone::posix(&changes.unwrap_or(base)).ok()
    }
}

/// The day and hour of the year when a rule begins to hold: `M3.5.0/2`.
fn change(rule: &Rule) -> Option<String> {
    let part = |key: &str| rule.recurrence.split(';').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
    let month: u8 = part("BYMONTH")?.parse().ok()?;
    let by_day = part("BYDAY")?;
    let (place, day) = by_day.split_at_checked(by_day.len().checked_sub(2)?)?;
    let day = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"].iter().position(|known| *known == day)?;
    let week = match place.parse::<i8>().ok()? {
        -1 | 5 => 5,
        week @ 1..=4 => week,
        _ => return None,
    };
    let clock = rule.since.split_once('T').and_then(|(_, clock)| time(clock))?;
    Some(format!("M{month}.{week}.{day}/{}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second()))
}

/// `+0130`, `-053000`: seconds east of UTC.
fn offset(value: &str) -> Option<i32> {
    let (sign, digits) = match value.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, value.strip_prefix('+').unwrap_or(value)),
    };
    let number = |range: Range<usize>| digits.get(range)?.parse::<i32>().ok();
    let hours = number(0..2)?.checked_mul(3600)?;
    let seconds = hours.checked_add(number(2..4)?.checked_mul(60)?)?.checked_add(number(4..6).unwrap_or(0))?;
    seconds.checked_mul(sign)
}

/// POSIX counts westwards.
fn posix_offset(east: i32) -> String {
    let sign = if east > 0 { "-" } else { "" };
    let seconds = east.unsigned_abs();
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{sign}{}:{:02}:{seconds:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::content_lines::lines;

    fn at(definition: &str, when: &str) -> String {
        let lines =
            lines(&format!("BEGIN:VTIMEZONE\nTZID:Here\n{definition}\nEND:VTIMEZONE\nDTSTART;TZID=Here:{when}\n"));
        match Zones::read(&lines).moment(lines.last().unwrap()) {
            Some(Moment::At(zoned)) => zoned.timestamp().to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn zones_that_a_calendar_defines() {
        let eastern = "BEGIN:STANDARD\nDTSTART:19671029T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRRULE:FREQ=YEARLY;UNTIL=20061029T060000Z;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n\
                       BEGIN:STANDARD\nDTSTART:20071104T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\nEND:STANDARD\n\
                       BEGIN:DAYLIGHT\nDTSTART:20070311T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\nEND:DAYLIGHT";
        assert_eq!(at(eastern, "20260701T120000"), "2026-07-01T16:00:00Z");
        assert_eq!(at(eastern, "20261103T120000"), "2026-11-03T17:00:00Z");
        let india = "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD";
        assert_eq!(at(india, "20260701T120000"), "2026-07-01T06:30:00Z");
        // Nonsense: the time stands as it is written.
        assert!(at("TZOFFSETTO:+9999", "20260701T120000").starts_with("Some(Floating"));
        assert!(at("BEGIN:STANDARD\nTZOFFSETTO:+9999\nEND:STANDARD", "20260701T120000").starts_with("Some(Floating"));
        assert_eq!(at(india, "20261301T120000"), "None");
    }
}
