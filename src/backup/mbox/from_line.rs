//! The line that begins a message in an mbox, told from a sentence that begins with the same word.
//!
//! A line that begins with `From ` counts when two of these three hold: it starts the file or follows a blank line; the
//! line after it looks like a header field; it ends in a date as `asctime` writes it, or is the bare `From -` of old
//! Mozilla files. Where it has no date, it must look like a sender all the same: one word, or a time of day in it.

use jiff::Timestamp;
use jiff::civil;

/// How much is looked at: a `From ` line and the line after it must fit, or the line does not count.
pub const WINDOW: usize = 8 * 1024;

/// Whether `head`, the beginning of a file, is that of an mbox.
pub fn is_mbox(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let blanks = head.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    begins_message(head.get(blanks..).unwrap_or_default(), true).is_some()
}

/// The rule of the module's head: `Some` with the line's date when `text` begins with a line that begins a message.
pub fn begins_message(text: &[u8], after_blank: bool) -> Option<Option<Timestamp>> {
    let rest = text.strip_prefix(b"From ")?;
    let text = text.get(..text.len().min(WINDOW))?;
    let end = text.iter().position(|&octet| octet == b'\n').unwrap_or(text.len());
    let line = rest.get(..end.saturating_sub(5))?;
    let date = from_line_date(line);
    let header_follows = text.get(end + 1..).is_some_and(is_header_field);
    let well_formed = date.is_some() || line.trim_ascii() == b"-";
    let signs = u8::from(after_blank) + u8::from(header_follows) + u8::from(well_formed);
    (signs >= 2 && (well_formed || names_a_sender(line))).then_some(date)
}

/// Whether the rest of a `From ` line can be a sender, with or without a date in words that are not known: one word, or
/// a time of day somewhere behind it.
fn names_a_sender(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.next();
    let mut others = words.peekable();
    others.peek().is_none() || others.any(is_time)
}

/// `9:15`, `09:15`, `09:15:00`.
fn is_time(word: &[u8]) -> bool {
    matches!(word, [b'0'..=b'9', b':', b'0'..=b'9', ..] | [b'0'..=b'9', b'0'..=b'9', b':', b'0'..=b'9', ..])
}

/// Whether a text begins like a header field (RFC 5322 section 2.2): a name of printable ASCII, then a colon; blanks
/// before the colon as the obsolete syntax allows.
pub fn is_header_field(text: &[u8]) -> bool {
    let name = text.iter().take_while(|octet| matches!(octet, b'!'..=b'9' | b';'..=b'~')).count();
    let after = text.get(name..).unwrap_or_default();
    let blanks = after.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    name > 0 && after.get(blanks) == Some(&b':')
}

/// The date at the end of a `From ` line: `Sun Nov 22 09:15:00 2026`, with or without a zone before or after the year.
/// The zone is not looked at: few writers put one, and fewer the right one.
fn from_line_date(line: &[u8]) -> Option<Timestamp> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = std::str::from_utf8(line.get(..line.len().min(1024))?).ok()?.split_whitespace().collect();
    let day_name = words.iter().rposition(|word| DAYS.contains(word))?;
    let [month, day, time, rest @ ..] = words.get(day_name + 1..)? else { return None };
    let month = MONTHS.iter().position(|name| name == month)? as i8 + 1;
    let mut clock = time.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?);
    let year = rest.iter().take(2).find(|word| word.len() == 4 && word.bytes().all(|octet| octet.is_ascii_digit()))?;
    let date = civil::DateTime::new(year.parse().ok()?, month, day.parse().ok()?, hour, minute, second, 0).ok()?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
