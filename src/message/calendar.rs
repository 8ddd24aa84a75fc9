//! Calendar invitations (RFC 5545, 5546): what, when, where, who. A card to read, never an answer and never an entry
//! anywhere.

mod recurrence;
mod zone;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};

use super::Mailbox;
use super::content_lines::{Line, lines};
use super::visible::{visible_line, visible_text};
use zone::Zones;

/// Events of one calendar that become cards, and guests of one event.
const MOST_EVENTS: usize = 20;
const MOST_GUESTS: usize = 200;

/// What a calendar part wants to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// REQUEST: the reader is asked to come.
    Invitation,
    /// REPLY: a guest answers.
    Reply,
    Cancelled,
    /// PUBLISH, or nothing said: an event to know about.
    #[default]
    Event,
    /// A guest proposes another time.
    Counter,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub purpose: Purpose,
    pub title: String,
    pub start: Option<Moment>,
    /// Of days: the last of them.
    pub end: Option<Moment>,
    /// How often it comes again, in words.
    pub repeats: Option<String>,
    pub place: String,
    pub organizer: Option<Mailbox>,
    pub guests: Vec<Guest>,
    pub description: String,
}

/// Who is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    pub who: Mailbox,
    pub answer: Answer,
}

/// What a guest answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    #[default]
    None,
    Accepted,
    Declined,
    Tentative,
}

/// When an event begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// All of a day.
    Day(Date),
    /// Wherever one is, or in a zone that is not known here.
    Floating(DateTime),
    /// In the zone of whoever wrote it.
    At(Zoned),
}

impl Event {
    /// When it is, in the zone given: `Thursday 26 November 2026, 18:00 to 19:30`. Empty where nothing is said.
    pub fn when(&self, here: &TimeZone) -> String {
        let local = |moment: &Moment| match moment {
            Moment::At(zoned) => Some(zoned.with_time_zone(here.clone()).datetime()),
            Moment::Floating(when) => Some(*when),
            Moment::Day(_) => None,
        };
        let Some(start) = &self.start else { return String::new() };
        match (start, local(start), &self.end, self.end.as_ref().and_then(local)) {
            (Moment::Day(first), _, Some(Moment::Day(last)), _) if last > first => {
                format!("{} to {}, all day", day(*first), day(*last))
            }
            (Moment::Day(first), ..) => format!("{}, all day", day(*first)),
            (_, Some(from), _, Some(to)) if to > from => {
                format!("{}{}", span(from, to), if matches!(start, Moment::Floating(_)) { FLOATING } else { "" })
            }
            (_, Some(from), ..) => {
                format!(
                    "{}, {}{}",
                    day(from.date()),
                    clock(from),
                    if matches!(start, Moment::Floating(_)) { FLOATING } else { "" }
                )
            }
            _ => String::new(),
        }
    }

    /// The same in the zone of whoever wrote it, where clocks show something else there.
    pub fn when_there(&self, here: &TimeZone) -> Option<String> {
        let Some(Moment::At(start)) = &self.start else { return None };
        let theirs = start.datetime();
        if theirs == start.with_time_zone(here.clone()).datetime() || start.time_zone() == &TimeZone::UTC {
            return None;
        }
        let name = start.time_zone().iana_name().map_or_else(
            || format!("at UTC{}", start.strftime("%:z")),
            |name| format!("in {}", name.rsplit('/').next().unwrap_or(name).replace('_', " ")),
        );
        let when = match &self.end {
            Some(Moment::At(end)) if end > start => {
                span(theirs, end.with_time_zone(start.time_zone().clone()).datetime())
            }
            _ => format!("{}, {}", day(theirs.date()), clock(theirs)),
        };
        Some(format!("{when} {name}"))
    }

    /// What it is, in a word or a sentence.
    pub fn heading(&self) -> String {
        let guest = || self.guests.first();
        let named =
            |guest: &Guest| if guest.who.name.is_empty() { guest.who.address.clone() } else { guest.who.name.clone() };
        match self.purpose {
            Purpose::Invitation => "Invitation".to_owned(),
            Purpose::Cancelled => "Cancelled".to_owned(),
            Purpose::Event => "Event".to_owned(),
            Purpose::Counter => guest().map_or("Another time is proposed".to_owned(), |guest| {
                format!("{} proposes another time", named(guest))
            }),
            Purpose::Reply => guest().map_or("An answer".to_owned(), |guest| {
                let answer = match guest.answer {
                    Answer::Accepted => "accepts",
                    Answer::Declined => "declines",
                    Answer::Tentative => "may come",
                    Answer::None => "answers",
                };
                format!("{} {answer}", named(guest))
            }),
        }
    }
}

const FLOATING: &str = " (no time zone is given)";

fn day(date: Date) -> String {
    date.strftime("%A %-d %B %Y").to_string()
}

fn clock(when: DateTime) -> String {
    when.strftime("%H:%M").to_string()
}

fn span(from: DateTime, to: DateTime) -> String {
    if from.date() == to.date() {
        format!("{}, {} to {}", day(from.date()), clock(from), clock(to))
    } else {
        format!("{}, {} to {}, {}", day(from.date()), clock(from), day(to.date()), clock(to))
    }
}

/// The events of a calendar, the first of them, and how many more there are.
pub(super) fn events(text: &str) -> (Vec<Event>, usize) {
    let lines = lines(text);
    if !lines.iter().any(|line| line.name == "BEGIN" && line.value.trim().eq_ignore_ascii_case("VCALENDAR")) {
        return (Vec::new(), 0);
    }
    let zones = Zones::read(&lines);
    let of_calendar =
        |name: &str| lines.iter().find(|line| line.name == name).map(|line| line.value.trim().to_ascii_uppercase());
    let purpose = match of_calendar("METHOD").unwrap_or_default().as_str() {
        "REQUEST" | "ADD" => Purpose::Invitation,
        "REPLY" => Purpose::Reply,
        "CANCEL" => Purpose::Cancelled,
        "COUNTER" => Purpose::Counter,
        _ => Purpose::Event,
    };
    let mut events = Vec::new();
    let mut more = 0_usize;
    for block in blocks(&lines, "VEVENT") {
        if events.len() < MOST_EVENTS {
            events.push(event(&block, purpose, &zones));
        } else {
            more = more.saturating_add(1);
        }
    }
    (events, more)
}

/// The lines between BEGIN and END of components of this name, without those of components inside them.
fn blocks<'a>(lines: &'a [Line], name: &str) -> Vec<Vec<&'a Line>> {
    let mut found = Vec::new();
    let mut open: Option<Vec<&Line>> = None;
    let mut deeper = 0_usize;
    for line in lines {
        let is_this = || line.value.trim().eq_ignore_ascii_case(name);
        match (line.name.as_str(), &mut open) {
            ("BEGIN", None) if is_this() => open = Some(Vec::new()),
            ("BEGIN", Some(_)) => deeper = deeper.saturating_add(1),
            ("END", Some(_)) if deeper > 0 => deeper = deeper.saturating_sub(1),
            ("END", Some(_)) => found.extend(open.take()),
            (_, Some(block)) if deeper == 0 => block.push(line),
            _ => (),
        }
    }
    found.extend(open);
    found
}

fn event(block: &[&Line], purpose: Purpose, zones: &Zones) -> Event {
    let first = |name: &str| block.iter().find(|line| line.name == name).copied();
    let text = |name: &str| first(name).map(|line| visible_line(&line.text())).unwrap_or_default();
    let start = first("DTSTART").and_then(|line| zones.moment(line));
    let end = first("DTEND").and_then(|line| zones.moment(line)).and_then(last_day);
    let end = end.or_else(|| lasting(start.as_ref()?, first("DURATION")?.value.trim()));
    let is_cancelled = text("STATUS").eq_ignore_ascii_case("CANCELLED");
    Event {
        purpose: if is_cancelled { Purpose::Cancelled } else { purpose },
        title: text("SUMMARY"),
        repeats: first("RRULE").and_then(|line| recurrence::words(&line.value, start.as_ref())),
        start,
        end,
        place: text("LOCATION"),
        organizer: first("ORGANIZER").map(person),
        guests: block.iter().filter(|line| line.name == "ATTENDEE").take(MOST_GUESTS).map(|line| guest(line)).collect(),
        description: first("DESCRIPTION").map(|line| visible_text(&line.text()).trim().to_owned()).unwrap_or_default(),
    }
}

/// An end that is a day is the day behind the last.
fn last_day(end: Moment) -> Option<Moment> {
    match end {
        Moment::Day(day) => Some(Moment::Day(day.yesterday().ok()?)),
        other => Some(other),
    }
}

/// The end of what begins so and lasts so long.
fn lasting(start: &Moment, duration: &str) -> Option<Moment> {
    let duration = length(duration)?;
    Some(match start {
        Moment::Day(day) => {
            let days = duration.as_hours().checked_div(24)?.saturating_sub(1);
            Moment::Day(day.checked_add(SignedDuration::from_hours(days.max(0).checked_mul(24)?)).ok()?)
        }
        Moment::Floating(when) => Moment::Floating(when.checked_add(duration).ok()?),
        Moment::At(when) => Moment::At(when.checked_add(duration).ok()?),
    })
}

/// `PT1H30M`, `P2D`, `P1W`.
fn length(text: &str) -> Option<SignedDuration> {
    let mut seconds = 0_i64;
    let mut number = String::new();
    for character in text.trim_start_matches('+').strip_prefix('P')?.chars().take(40) {
        let unit = match character {
            '0'..='9' => {
                number.push(character);
                continue;
            }
            'T' => continue,
            'W' => 604_800,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        let count: i64 = number.parse().ok()?;
        number.clear();
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
    }
    Some(SignedDuration::from_secs(seconds))
}

fn guest(line: &Line) -> Guest {
    let answer = match line.parameter("PARTSTAT").unwrap_or_default().to_ascii_uppercase().as_str() {
        "ACCEPTED" => Answer::Accepted,
        "DECLINED" => Answer::Declined,
        "TENTATIVE" => Answer::Tentative,
        _ => Answer::None,
    };
    Guest { who: person(line), answer }
}

/// A calendar address with the name beside it.
fn person(line: &Line) -> Mailbox {
    let value = line.value.trim();
    let is_mail = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let address =
        if is_mail { value.get(7..).unwrap_or_default() } else { line.parameter("EMAIL").unwrap_or_default() };
    let name = visible_line(line.parameter("CN").unwrap_or_default());
    let address = visible_line(address);
    // Outlook writes the address as the name, in quotes.
    let name = if name.trim_matches('\'').eq_ignore_ascii_case(&address) { String::new() } else { name };
    Mailbox { name, address }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INVITATION: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\n\
        BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n\
        RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\n\
        TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\n\
        END:VTIMEZONE\r\nBEGIN:VEVENT\r\nSUMMARY:Board\\, and tea\r\nDTSTART;TZID=W. Europe Standard Time:20260715T180000\r\n\
        DTEND;TZID=W. Europe Standard Time:20260715T193000\r\nLOCATION:Room 4\r\nORGANIZER;CN=Ann Lee:MAILTO:ann@example.org\r\n\
        ATTENDEE;PARTSTAT=ACCEPTED;CN='bee@example.org':mailto:bee@example.org\r\nATTENDEE:mailto:cee@example.org\r\n\
        RRULE:FREQ=WEEKLY;COUNT=10\r\nDESCRIPTION:Bring\\nthe plan.\r\nBEGIN:VALARM\r\nDESCRIPTION:Reminder\r\nSUMMARY:no\r\n\
        END:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    fn zone(name: &str) -> TimeZone {
        jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap()
    }

    #[test]
    fn an_invitation() {
        let (events, more) = events(INVITATION);
        let [event] = events.as_slice() else { panic!("one event") };
        assert_eq!((more, event.heading().as_str(), event.title.as_str()), (0, "Invitation", "Board, and tea"));
        assert_eq!(event.when(&TimeZone::UTC), "Wednesday 15 July 2026, 16:00 to 17:30");
        assert_eq!(event.when_there(&TimeZone::UTC).unwrap(), "Wednesday 15 July 2026, 18:00 to 19:30 at UTC+02:00");
        assert_eq!(event.when_there(&zone("Europe/Berlin")), None, "the same clocks");
        assert_eq!(event.repeats.as_deref(), Some("every week on Wednesday, 10 times"));
        assert_eq!((event.place.as_str(), event.description.as_str()), ("Room 4", "Bring\nthe plan."));
        let organizer = event.organizer.clone().unwrap();
        assert_eq!((organizer.name.as_str(), organizer.address.as_str()), ("Ann Lee", "ann@example.org"));
        let guests: Vec<_> = event
            .guests
            .iter()
            .map(|guest| (guest.who.name.as_str(), guest.who.address.as_str(), guest.answer))
            .collect();
        assert_eq!(guests, [("", "bee@example.org", Answer::Accepted), ("", "cee@example.org", Answer::None)]);
    }

    #[test]
    fn when() {
        let new_york = zone("America/New_York");
        for (lines, here, there) in [
            ("DTSTART;VALUE=DATE:20261126\nDTEND;VALUE=DATE:20261127", "Thursday 26 November 2026, all day", None),
            ("DTSTART;VALUE=DATE:20261126", "Thursday 26 November 2026, all day", None),
            (
                "DTSTART;VALUE=DATE:20261126\nDURATION:P3D",
                "Thursday 26 November 2026 to Saturday 28 November 2026, all day",
                None,
            ),
            ("DTSTART:20261126T230000Z\nDURATION:PT1H30M", "Thursday 26 November 2026, 18:00 to 19:30", None),
            (
                "DTSTART;TZID=Europe/London:20261126T190000\nDTEND;TZID=Europe/London:20261126T203000",
                "Thursday 26 November 2026, 14:00 to 15:30",
                Some("Thursday 26 November 2026, 19:00 to 20:30 in London"),
            ),
            (
                "DTSTART;TZID=/freeassociation.sourceforge.net/Europe/London:20260726T190000",
                "Sunday 26 July 2026, 14:00",
                Some("Sunday 26 July 2026, 19:00 in London"),
            ),
            (
                "DTSTART:20261126T190000\nDTEND:20261127T020000",
                "Thursday 26 November 2026, 19:00 to Friday 27 November 2026, 02:00 (no time zone is given)",
                None,
            ),
            ("DTSTART;TZID=Nowhere:20261126T190000", "Thursday 26 November 2026, 19:00 (no time zone is given)", None),
            ("DTSTART:nonsense", "", None),
            ("SUMMARY:x", "", None),
        ] {
            let (events, _) = events(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"));
            assert_eq!(events[0].when(&new_york), here, "{lines}");
            assert_eq!(events[0].when_there(&new_york).as_deref(), there, "{lines}");
        }
    }

    #[test]
    fn replies_cancellations_and_long_calendars() {
        let reply = "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=DECLINED;CN=Marek:mailto:m@b.example\nEND:VEVENT";
        assert_eq!(events(reply).0[0].heading(), "Marek declines");
        let cancelled = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSTATUS:CANCELLED\nEND:VEVENT";
        assert_eq!(events(cancelled).0[0].heading(), "Cancelled");
        let many = format!("BEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\nEND:VEVENT\n".repeat(50));
        assert_eq!((events(&many).0.len(), events(&many).1), (MOST_EVENTS, 30));
        assert_eq!(events("no calendar"), (Vec::new(), 0));
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "(BEGIN:VCALENDAR\n|BEGIN:(VEVENT|VTIMEZONE|STANDARD)\n|END:(VEVENT|STANDARD)\n|DTSTART(;TZID=x)?:[0-9]{6,9}(T[0-9]{5,7}Z?)?\n|DURATION:P[0-9]{1,20}[WDHMS]\n|RRULE:(FREQ=[A-Z]{5,8}|;BYDAY=[-0-9A-Z,]{0,9}|;INTERVAL=[0-9]{0,12}|;UNTIL=[0-9T]{0,9}){0,4}\n|TZOFFSETTO:[-+0-9]{0,9}\n|TZID:x\n|\\PC{0,9}\n){0,30}") {
            for event in events(&format!("BEGIN:VCALENDAR\n{text}")).0 {
                event.when(&TimeZone::UTC);
                event.when_there(&TimeZone::UTC);
                event.heading();
            }
        }
    }
}
