//! When the next check is, in words: for the bar at the foot and the Check button.

use jiff::Timestamp;

use super::library::Library;
use super::words::Clock;
use crate::account::AccountId;
use crate::fetch::{Due, Why, earliest};

/// Below so many seconds a wait is counted in seconds.
const COUNTED: i64 = 300;

/// `4:12` below five minutes, `12 min` above.
pub fn countdown(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..COUNTED => format!("{}:{:02}", seconds / 60, seconds % 60),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

fn seconds_until(when: Timestamp, now: Timestamp) -> i64 {
    // Counted up, so that it ends with the wait and not before.
    (when.duration_since(now).as_millis().max(0) + 999).try_into().map_or(i64::MAX, |millis: i64| millis / 1000)
}

/// The check that comes next by itself, and of which account.
fn next(library: &Library) -> Option<(AccountId, Due)> {
    let idle = library.due.iter().filter(|(id, _)| !library.fetching.contains_key(id));
    idle.min_by_key(|(_, due)| due.at).map(|(id, due)| (*id, *due))
}

/// What the foot says of the next check.
pub fn says(library: &Library, clock: &Clock) -> Option<String> {
    let (account, due) = next(library)?;
    let left = countdown(seconds_until(due.at, clock.now));
    let sentence = match due.why {
        Why::Start | Why::Interval | Why::Woke | Why::NetworkBack => return Some(format!("Next check in {left}")),
        Why::Network => format!("No connection. Trying again in {left}"),
        Why::Server => format!("The server had trouble. Trying again in {left}"),
        Why::InUse => format!("Another program has the mailbox open. Trying again in {left}"),
        Why::LoginDelay => format!("The server takes the next check in {left}"),
    };
    let named = library.accounts.len() > 1;
    Some(if named { format!("{}: {sentence}", library.name(account)) } else { sentence })
}

/// How long the Check button would do nothing because no server lets anybody in before.
pub fn barred(library: &Library, clock: &Clock) -> Option<String> {
    let mut all = Vec::new();
    for account in &library.accounts {
        let standing = library.standing.get(&account.id)?;
        all.push(earliest(standing, account, clock.now)?);
    }
    let first = all.into_iter().min()?;
    Some(format!("Check in {}", countdown(seconds_until(first, clock.now))))
}

/// Whether what is shown changes from second to second.
pub fn counts_seconds(library: &Library, clock: &Clock) -> bool {
    let soon = next(library).is_some_and(|(_, due)| seconds_until(due.at, clock.now) <= COUNTED + 30);
    soon || barred(library, clock).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Due, Library, Why, barred, countdown, counts_seconds, says};
    use crate::archive::MaildropState;
    use crate::gui::fixtures::{ANNA, OFFICE, account, clock};

    fn library() -> Library {
        Library {
            accounts: vec![account(ANNA, "anna@example.org"), account(OFFICE, "office@b.example")],
            ..Library::default()
        }
    }

    #[test]
    fn waits_are_counted_in_seconds_once_they_are_short() {
        for (seconds, expected) in [
            (0, "0:00"),
            (-3, "0:00"),
            (7, "0:07"),
            (252, "4:12"),
            (299, "4:59"),
            (300, "5 min"),
            (899, "15 min"),
            (721, "12 min"),
        ] {
            assert_eq!(countdown(seconds), expected);
        }
    }

    #[test]
    fn the_next_check_is_the_first_of_all_accounts() {
        let mut library = library();
        let clock = clock();
        let due = |seconds: i64, why| Due { at: clock.now + jiff::SignedDuration::from_secs(seconds), why };
        assert_eq!(says(&library, &clock), None);
        library.due.insert(ANNA, due(700, Why::Interval));
        assert_eq!(says(&library, &clock).as_deref(), Some("Next check in 12 min"));
        assert!(!counts_seconds(&library, &clock));
        library.due.insert(OFFICE, due(252, Why::Network));
        assert_eq!(says(&library, &clock).as_deref(), Some("office@b.example: No connection. Trying again in 4:12"));
        assert!(counts_seconds(&library, &clock));
        library.fetching.insert(OFFICE, Default::default());
        assert_eq!(says(&library, &clock).as_deref(), Some("Next check in 12 min"), "that one is going on");
    }

    #[test]
    fn the_button_counts_down_only_where_no_server_lets_anybody_in() {
        let mut library = library();
        let clock = clock();
        let before = clock.now - jiff::SignedDuration::from_secs(48);
        let delayed = MaildropState { last_login: Some(before), login_delay: Some(300), ..MaildropState::default() };
        library.standing.insert(ANNA, delayed);
        assert_eq!(barred(&library, &clock), None, "the other may be asked");
        library.standing.insert(OFFICE, delayed);
        assert_eq!(barred(&library, &clock).as_deref(), Some("Check in 4:12"));
        library.standing.insert(OFFICE, MaildropState { login_delay: Some(60), ..delayed });
        assert_eq!(barred(&library, &clock).as_deref(), Some("Check in 0:12"));
    }
}
