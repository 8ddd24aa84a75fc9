//! The sync log in sentences: what a visit saw and did, and what that means for the mail.

use super::{Problem, quotable, size};
use crate::archive::{Habit, Left, LogEntry, Withheld};

/// One entry as a person reads it.
pub fn sentence(entry: &LogEntry) -> String {
    match entry {
        LogEntry::Listed { messages: 0, .. } => "The mailbox on the server was empty.".to_owned(),
        LogEntry::Listed { messages, unknown: 0 } => format!("{} on the server, none of them new.", counted(*messages)),
        LogEntry::Listed { messages, unknown } => {
            format!("{} on the server, {} not seen before.", counted(*messages), number(*unknown))
        }
        LogEntry::Recognised { messages } => format!(
            "The server had renumbered its mail: {} recognised as stored here already, so not fetched again.",
            were(*messages)
        ),
        LogEntry::Retrieved { messages, octets } => {
            format!("{} fetched and stored ({}).", were(*messages), size(*octets))
        }
        LogEntry::Left { messages, octets, why } => left(*messages, *octets, *why),
        LogEntry::Failed { message, tries } => format!(
            "The message {} could not be fetched, {}; it is still on the server and is tried again.",
            quotable(message),
            if *tries > 1 { format!("by now {} times", number(*tries)) } else { "for the first time".to_owned() }
        ),
        LogEntry::Removed { messages } => {
            format!("{} removed from the server; each had just been read back here and compared.", were(*messages))
        }
        LogEntry::Unconfirmed { messages } => format!(
            "The server did not confirm the removal of {}: stored here, and the next visit shows what it still has.",
            counted(*messages)
        ),
        LogEntry::Withheld { why } => {
            let Problem { summary, mail, advice } = (*why).into();
            format!("{summary} {mail} {advice}")
        }
        LogEntry::Vanished { messages } => {
            format!("{} gone from the server, removed by someone else; the copies here stay.", are(*messages))
        }
        LogEntry::Returned { messages } => format!(
            "{} on the server again after it had confirmed their removal, as with a trash folder; left alone.",
            are(*messages)
        ),
        LogEntry::NotProved { messages } => format!(
            "{} not removed from the server, for the copies here could not be proved to be whole. Run a full check.",
            were(*messages)
        ),
        LogEntry::Replaced { messages } => format!(
            "{} on the server under a known number but with other content: fetched as new, and nothing of it removed.",
            are(*messages)
        ),
        LogEntry::Again => {
            "The server was visited once more at once, for it had more to fetch or to remove.".to_owned()
        }
        LogEntry::Learnt { habit } => learnt(*habit).to_owned(),
        LogEntry::Unknown => "Something that only a newer version of Postkeep can explain.".to_owned(),
    }
}

/// Why messages were not fetched.
fn left(messages: u64, octets: u64, why: Left) -> String {
    let size = size(octets);
    match why {
        Left::TooLarge => format!(
            "{} left on the server, larger than Postkeep fetches at all ({size}). Web mail can show them.",
            were(messages)
        ),
        Left::HeaderFirst => format!(
            "{} left on the server because of the size ({size}); the headers are here, and the whole comes when asked for.",
            were(messages)
        ),
        Left::OverBudget => {
            format!("{} left for the next visit ({size}): more than this visit was to bring.", were(messages))
        }
        Left::Erased => format!("{} not fetched, because deleted here for good.", were(messages)),
        Left::Refused => format!(
            "{} not asked for this time after failing again and again; still on the server, tried at every eighth visit.",
            were(messages)
        ),
    }
}

/// Why nothing was removed from the server, what that means, and what to do.
impl From<Withheld> for Problem {
    fn from(why: Withheld) -> Problem {
        const STAYS: &str = "Nothing was removed from the server.";
        match why {
            Withheld::NewHere => Problem::new(
                "This computer is new to the mailbox, and nobody has agreed here that mail is removed from it.",
                STAYS,
                "Look at the dry run, and set how long copies stay on the server once more to agree.",
            ),
            Withheld::Renumbered => Problem::new(
                "Most messages on the server have new numbers, as after a move to another server.",
                "Nothing was removed from the server, and what is known is not stored twice.",
                "There is nothing to do: the next visit removes what it recognises.",
            ),
            Withheld::Clock => Problem::new(
                "This computer's clock went back, or on by more than two days, so days cannot be counted by it.",
                STAYS,
                "Check the clock; the next visit counts again.",
            ),
            Withheld::RecentMode => Problem::new(
                "The user name asks the server for the last thirty days only (recent:), which is no mailbox to remove from.",
                STAYS,
                "To have mail removed, take the word recent: out of the account's user name.",
            ),
        }
    }
}

/// What was found out about the server.
fn learnt(habit: Habit) -> &'static str {
    match habit {
        Habit::NoCapa => "The server hangs up when it is asked what it can do, so it is not asked any more.",
        Habit::NoPipelining => {
            "The server hangs up on several commands at a time, so it gets one after the other from now on."
        }
        Habit::NoUtf8 => "The server lets nobody in after the command UTF8, so it is not sent any more.",
    }
}

/// A number with its thousands apart: `3,412`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 message`, `3,412 messages`.
pub fn counted(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{} messages", number(messages)) }
}

fn were(messages: u64) -> String {
    format!("{} {}", counted(messages), if messages == 1 { "was" } else { "were" })
}

fn are(messages: u64) -> String {
    format!("{} {}", counted(messages), if messages == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::assert_sound;
    use super::*;

    const LEFT: [Left; 5] = [Left::TooLarge, Left::HeaderFirst, Left::OverBudget, Left::Erased, Left::Refused];
    const WITHHELD: [Withheld; 4] = [Withheld::NewHere, Withheld::Renumbered, Withheld::Clock, Withheld::RecentMode];
    const HABITS: [Habit; 3] = [Habit::NoCapa, Habit::NoPipelining, Habit::NoUtf8];

    fn entries(messages: u64) -> Vec<LogEntry> {
        let mut entries = vec![
            LogEntry::Listed { messages, unknown: 0 },
            LogEntry::Listed { messages, unknown: messages },
            LogEntry::Recognised { messages },
            LogEntry::Retrieved { messages, octets: 4_249_000 },
            LogEntry::Failed { message: "1a2b3c4d".into(), tries: messages },
            LogEntry::Removed { messages },
            LogEntry::Unconfirmed { messages },
            LogEntry::Vanished { messages },
            LogEntry::Returned { messages },
            LogEntry::NotProved { messages },
            LogEntry::Replaced { messages },
            LogEntry::Again,
            LogEntry::Unknown,
        ];
        entries.extend(LEFT.map(|why| LogEntry::Left { messages, octets: 300_000_000, why }));
        entries.extend(WITHHELD.map(|why| LogEntry::Withheld { why }));
        entries.extend(HABITS.map(|habit| LogEntry::Learnt { habit }));
        entries
    }

    #[test]
    fn every_entry_has_its_sentence() {
        for messages in [1, 3_412] {
            let mut seen = HashSet::new();
            for entry in entries(messages) {
                let sentence = sentence(&entry);
                assert!(sentence.ends_with('.') && !sentence.contains(".."), "{sentence}");
                assert!(sentence.starts_with(|first: char| first.is_uppercase() || first.is_numeric()), "{sentence}");
                for debris in ["{", "}", "::", "Some(", "None", "  ", "1 messages", "1 message were", "3412"] {
                    assert!(!sentence.contains(debris), "{debris:?} in: {sentence}");
                }
                assert!(sentence.chars().count() < 300, "too long: {sentence}");
                assert!(seen.insert(sentence.clone()), "said twice: {sentence}");
            }
        }
        let empty = sentence(&LogEntry::Listed { messages: 0, unknown: 0 });
        assert_eq!(empty, "The mailbox on the server was empty.");
    }

    #[test]
    fn what_withholds_removals_says_what_to_do() {
        assert_sound(&WITHHELD.map(Problem::from));
        for why in WITHHELD {
            assert!(Problem::from(why).mail.contains("Nothing was removed"), "{why:?}");
        }
    }

    #[test]
    fn no_word_of_a_server_commands_a_terminal() {
        let failed = sentence(&LogEntry::Failed { message: "\u{1b}[2J\u{202e}x\r\n".into(), tries: 1 });
        assert!(!failed.contains(|letter: char| letter.is_control() || letter == '\u{202e}'), "{failed}");
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (3_412, "3,412"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
    }
}
