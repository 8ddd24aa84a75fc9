//! Words for people: any error as what happened, what it means for the mail, and what to do. The only module that
//! writes such sentences; one file for each module whose errors it explains.

mod archive;
mod backup;
mod fetch;
pub mod log;
pub mod remote;
mod render;
mod secrets;
mod transport;

use std::io;

use crate::job::Cancelled;

/// An error as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What happened, one sentence; where the server said something, its words in a second one.
    pub summary: String,
    /// What it means for the mail, one sentence.
    pub mail: String,
    /// What to do next, one sentence.
    pub advice: String,
}

impl Problem {
    fn new(summary: impl Into<String>, mail: impl Into<String>, advice: impl Into<String>) -> Problem {
        Problem { summary: summary.into(), mail: mail.into(), advice: advice.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} {}", self.summary, self.mail, self.advice)
    }
}

impl From<&Cancelled> for Problem {
    fn from(_: &Cancelled) -> Problem {
        Problem::new(
            "It was stopped, as you asked.",
            "What was finished until then is kept, and nothing was lost.",
            "Start it again whenever you like: it goes on where it stopped.",
        )
    }
}

/// The server's own words, made harmless and at most 200 characters long: ` The server says: "...".`, or nothing when it
/// said nothing.
fn server_says(text: &str) -> String {
    let words = quotable(text);
    if words.is_empty() { String::new() } else { format!(" The server says: \"{words}\".") }
}

/// One line that can stand between quotation marks: no control or direction characters, no quotation marks of its own.
fn quotable(text: &str) -> String {
    let harmless = |letter: &char| {
        let turns = matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}');
        !letter.is_control() && !turns
    };
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String =
        words.chars().filter(harmless).map(|letter| if letter == '"' { '\'' } else { letter }).collect();
    if words.chars().count() <= 200 {
        return words;
    }
    words.chars().take(199).chain(['\u{2026}']).collect()
}

/// An answer of the operating system in words, for the end of a sentence: no numbers of errors.
fn cause(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let words = match error.kind() {
        Kind::NotFound => "it is not there",
        Kind::PermissionDenied => "this program is not allowed to",
        Kind::AlreadyExists => "something is there already",
        Kind::StorageFull => "the disk is full",
        Kind::QuotaExceeded => "your share of the disk is used up",
        Kind::FileTooLarge => "the file is too large for that disk",
        Kind::ReadOnlyFilesystem => "that disk cannot be written",
        Kind::NotADirectory => "a file stands where a folder should be",
        Kind::IsADirectory => "a folder stands where a file should be",
        Kind::InvalidFilename => "that disk does not take such a name",
        Kind::TimedOut => "nothing answered in time",
        Kind::UnexpectedEof => "it ended too early",
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => "the other side hung up",
        Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::NetworkDown => "there is no way to it",
        _ => return numberless(&error.to_string()),
    };
    words.to_owned()
}

/// Without the trailing ` (os error 5)`, in lower case at the start.
fn numberless(text: &str) -> String {
    let text = quotable(text.split(" (os error").next().unwrap_or_default());
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string());
    first.unwrap_or_else(|| "it gave no reason".to_owned()) + letters.as_str()
}

/// A duration in whole minutes or seconds: `2 minutes`, `30 seconds`.
fn lasting(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 1) => "1 second".to_owned(),
        (1, 0) => "1 minute".to_owned(),
        (minutes, 0) if minutes > 0 => format!("{minutes} minutes"),
        _ => format!("{seconds} seconds"),
    }
}

/// Octets for people: `812 bytes`, `4.2 MB`; in thousands, as on the label of a disk.
pub fn size(octets: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    #[allow(clippy::cast_precision_loss)]
    let mut value = octets as f64;
    let mut unit = "bytes";
    for larger in units.into_iter().skip(1) {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "bytes" || value >= 99.95 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// What every test of this module asks of sentences.
#[cfg(test)]
fn assert_sound(problems: &[Problem]) {
    let mut seen = std::collections::HashSet::new();
    for problem in problems {
        for sentence in [&problem.summary, &problem.mail, &problem.advice] {
            assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "no full stop: {sentence}");
            assert!(sentence.starts_with(|first: char| first.is_uppercase()), "no capital: {sentence}");
            for debris in ["{", "}", "Error", "Os ", "::", "os error", "Some(", "None", "  "] {
                assert!(!sentence.contains(debris), "{debris:?} in: {sentence}");
            }
            assert!(sentence.chars().count() < 420, "too long: {sentence}");
        }
        assert!(seen.insert(&problem.summary), "said twice: {}", problem.summary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_are_quoted_harmlessly() {
        assert_eq!(server_says(""), "");
        assert_eq!(server_says("\r\n"), "");
        let hostile = "say \"hi\"\x1b[2J\u{202e} twice\r\n";
        assert_eq!(server_says(hostile), " The server says: \"say 'hi'[2J twice\".");
        assert!(server_says(&"x".repeat(10_000)).chars().count() < 230);
    }

    #[test]
    fn causes_have_no_numbers() {
        for number in 1..=133 {
            let words = cause(&io::Error::from_raw_os_error(number));
            assert!(!words.contains("os error") && !words.ends_with('.') && !words.is_empty(), "{number}: {words}");
        }
        assert_eq!(cause(&io::Error::from_raw_os_error(5)), "input/output error");
    }

    #[test]
    fn sizes_and_times_read_well() {
        let sizes =
            [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (4_249_000, "4.2 MB"), (123_456_789, "123 MB")];
        for (octets, text) in sizes {
            assert_eq!(size(octets), text);
        }
        assert_eq!(size(u64::MAX), "18446744 TB");
        for (seconds, text) in
            [(1, "1 second"), (30, "30 seconds"), (60, "1 minute"), (90, "90 seconds"), (120, "2 minutes")]
        {
            assert_eq!(lasting(std::time::Duration::from_secs(seconds)), text);
        }
    }
}
