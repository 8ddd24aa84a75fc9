//! What is asked before it is done, where there is a terminal: removing mail from a server, and whether a mailbox that
//! moved is the same one. Without a terminal what the command line says is the consent.

use secrecy::SecretString;

use super::failure::Failure;
use super::fetch::{self, password_of};
use super::interrupt::cancel_on_signal;
use super::print;
use crate::account::{Account, Retention};
use crate::archive::Archive;
use crate::fetch::{Summary, dry_run};
use crate::problem::log::{counted, number};

/// Whether `after` can remove what `before` left on the server.
pub fn removes_more(before: Retention, after: Retention) -> bool {
    match (before, after) {
        (before, after) if before == after => false,
        (_, Retention::LeaveCopy) | (Retention::RemoveOnceStored, _) => false,
        (Retention::Days(before), Retention::Days(after)) => after < before,
        (Retention::NewestMessages(before), Retention::NewestMessages(after)) => after < before,
        (Retention::NewestOctets(before), Retention::NewestOctets(after)) => after < before,
        _ => true,
    }
}

/// Whether the user agreed, on this computer, to removals from the account's mailbox.
pub fn has_agreed(archive: &Archive, account: &Account) -> Result<bool, Failure> {
    let Some(maildrop) = archive.maildrop(account)? else { return Ok(false) };
    Ok(archive.maildrop_state(maildrop, jiff::Timestamp::now())?.agreed)
}

/// Says how many messages the next fetch removes from the server by the account's retention, and asks.
pub fn to_removal(archive: &Archive, account: &Account, password: Option<&SecretString>) -> Result<bool, Failure> {
    if !print::can_ask() {
        return Ok(true);
    }
    let given = password.cloned().map_or_else(|| password_of(account), Ok);
    let summary = given.and_then(|password| {
        Ok(fetch::runtime()?.block_on(dry_run(archive, account, &password, &cancel_on_signal()))?)
    });
    match summary {
        Ok(summary) => print::say(&ahead(&summary)),
        Err(failure) => {
            print::say("How many messages the next fetch would remove from the server could not be found out.");
            print::say(failure.sentence().unwrap_or_default());
        }
    }
    Ok(print::agrees("May they be removed from the server?"))
}

/// What the next fetch removes, were it agreed to.
fn ahead(summary: &Summary) -> String {
    let removed = summary.removable + summary.new_removable;
    if removed == 0 {
        return "The next fetch removes no message from the server; later ones will, as mail comes and ages."
            .to_owned();
    }
    let unsaved = removed.saturating_sub(summary.removable_in_backup);
    let backup = match unsaved {
        0 => "all of them are in a verified backup".to_owned(),
        1 => "1 of them is in no backup".to_owned(),
        unsaved => format!("{} of them are in no backup", number(unsaved)),
    };
    format!(
        "The next fetch removes {} from the server, each only once it is proved to be stored here; {backup}.",
        counted(removed)
    )
}

/// Whether the mailbox at the account's new server or user is the one it had before (quirk 50). `said` on the command
/// line; without a word and a terminal it is another.
pub fn same_mailbox(archive: &Archive, before: &Account, after: &Account, said: Option<bool>) -> Result<bool, Failure> {
    let moved = !before.server.host.trim().eq_ignore_ascii_case(after.server.host.trim())
        || before.server.user != after.server.user;
    if !moved || archive.maildrop(before)?.is_none() {
        return Ok(false);
    }
    if let Some(same) = said {
        return Ok(same);
    }
    if print::can_ask() {
        print::say("If it is the same mailbox under another name, what is stored here is not fetched again.");
        return Ok(print::agrees("Is it the same mailbox as before?"));
    }
    print::say(
        "The mailbox at the new server or user counts as another one: all its mail is new. \
         If it is the same as before, say --same-mailbox on.",
    );
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_removes_more_is_asked() {
        use Retention::{Days, LeaveCopy, NewestMessages, NewestOctets, RemoveOnceStored, UntilBackedUp, UntilDeleted};
        let more = [
            (LeaveCopy, Days(30)),
            (LeaveCopy, UntilDeleted),
            (Days(30), Days(29)),
            (Days(30), RemoveOnceStored),
            (UntilDeleted, UntilBackedUp),
            (NewestMessages(500), NewestMessages(499)),
            (NewestOctets(500), NewestOctets(499)),
            (NewestMessages(500), NewestOctets(500)),
        ];
        for (before, after) in more {
            assert!(removes_more(before, after), "{before} {after}");
        }
        let not_more = [
            (Days(30), LeaveCopy),
            (Days(30), Days(31)),
            (RemoveOnceStored, Days(1)),
            (NewestMessages(5), NewestMessages(6)),
            (UntilBackedUp, UntilBackedUp),
        ];
        for (before, after) in not_more {
            assert!(!removes_more(before, after), "{before} {after}");
        }
    }

    #[test]
    fn what_comes_is_said_in_numbers() {
        let summary = |removable, new_removable, removable_in_backup| Summary {
            removable,
            new_removable,
            removable_in_backup,
            ..Summary::default()
        };
        assert!(ahead(&summary(3_400, 12, 3_400)).contains("removes 3,412 messages from the server"));
        assert!(ahead(&summary(3_400, 12, 3_400)).contains("12 of them are in no backup"));
        assert!(ahead(&summary(1, 0, 0)).contains("removes 1 message"));
        assert!(ahead(&summary(2, 0, 2)).contains("all of them are in a verified backup"));
        assert!(ahead(&summary(0, 0, 0)).contains("no message"));
    }
}
