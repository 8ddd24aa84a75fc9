//! How often an event comes again, as a person says it (RFC 5545 section 3.3.10): "every 2 weeks on Monday and
//! Wednesday, until 5 May 2027".

use jiff::civil::Weekday;

use super::{Moment, zone};

/// The words of a rule; `None` where it names no interval.
pub(super) fn words(rule: &str, start: Option<&Moment>) -> Option<String> {
    let rule = rule.trim().to_ascii_uppercase();
    let part = |key: &str| rule.split(';').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
    let (one, many) = match part("FREQ")? {
        "SECONDLY" => ("second", "seconds"),
        "MINUTELY" => ("minute", "minutes"),
        "HOURLY" => ("hour", "hours"),
        "DAILY" => ("day", "days"),
        "WEEKLY" => ("week", "weeks"),
        "MONTHLY" => ("month", "months"),
        "YEARLY" => ("year", "years"),
        _ => return None,
    };
    let interval: u32 = part("INTERVAL").and_then(|number| number.parse().ok()).unwrap_or(1);
    let mut words = if interval <= 1 { format!("every {one}") } else { format!("every {interval} {many}") };
    let first = start.map(|moment| match moment {
        Moment::Day(day) => day.weekday(),
        Moment::Floating(when) => when.weekday(),
        Moment::At(when) => when.weekday(),
    });
    let days: Vec<String> = part("BYDAY").unwrap_or_default().split(',').take(14).filter_map(by_day).collect();
    if !days.is_empty() {
        words.push_str(&format!(" on {}", joined(&days)));
    } else if let (Some(day), "week") = (first, one) {
        words.push_str(&format!(" on {}", named(day)));
    } else if let Some(day) = part("BYMONTHDAY").filter(|days| days.bytes().all(|octet| octet.is_ascii_digit())) {
        words.push_str(&format!(" on day {day}"));
    }
    if let Some(count) = part("COUNT").and_then(|count| count.parse::<u32>().ok()) {
        words.push_str(&if count == 1 { ", once".to_owned() } else { format!(", {count} times") });
    } else if let Some(until) = part("UNTIL").and_then(zone::date) {
        words.push_str(&format!(", until {}", until.strftime("%-d %B %Y")));
    }
    Some(words)
}

/// `MO`, `2TU`, `-1FR`.
fn by_day(text: &str) -> Option<String> {
    let text = text.trim();
    let (place, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let day = named(match day {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    });
    Some(match place.trim_start_matches('+') {
        "" => day.to_owned(),
        "1" => format!("the first {day}"),
        "2" => format!("the second {day}"),
        "3" => format!("the third {day}"),
        "4" => format!("the fourth {day}"),
        "-1" => format!("the last {day}"),
        _ => return None,
    })
}

fn named(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn joined(days: &[String]) -> String {
    match days {
        [days @ .., last] if !days.is_empty() => format!("{} and {last}", days.join(", ")),
        days => days.join(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_words() {
        let start = Moment::Day(jiff::civil::date(2026, 11, 26));
        for (rule, expected) in [
            ("FREQ=WEEKLY", Some("every week on Thursday")),
            ("FREQ=DAILY;COUNT=3", Some("every day, 3 times")),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR", Some("every 2 weeks on Monday, Wednesday and Friday")),
            (
                "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20270505T000000Z",
                Some("every month on the last Friday, until 5 May 2027"),
            ),
            ("freq=yearly", Some("every year")),
            ("FREQ=MONTHLY;BYMONTHDAY=15", Some("every month on day 15")),
            ("FREQ=SOMETIMES", None),
            ("", None),
        ] {
            assert_eq!(words(rule, Some(&start)).as_deref(), expected, "{rule}");
        }
        assert_eq!(words("FREQ=WEEKLY", None).as_deref(), Some("every week"));
    }
}
