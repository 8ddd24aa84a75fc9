//! How long copies stay, whether removals were agreed to, what waits and what is logged, with a real server behind the
//! window.

use crate::account::{Fetching, Retention};
use crate::archive::{Archive, MaildropState};
use crate::demo;
use crate::fetch::{Event, Summary};
use crate::gui::desk::{Desk, Message};
use crate::gui::dialog::{Message as Dialog, account, log};
use crate::gui::live::{Live, Mailbox};
use crate::gui::sidebar;

fn fetched(desk: &Desk) -> bool {
    desk.library.fetching.is_empty() && !desk.is_writing() && desk.library.counts.all == 65
}

fn agreed(desk: &Desk) -> bool {
    desk.library.standing.values().all(|standing| standing.agreed)
}

#[test]
fn days_on_the_server_are_chosen_shown_and_agreed_to() {
    let mailbox = Mailbox::new(demo::Options::default(), Retention::LeaveCopy, Fetching::default());
    let mut live = mailbox.open();
    live.until_desk("everything is fetched", fetched);
    let id = live.desk().library.accounts[0].id;
    live.tell(Message::Sidebar(sidebar::Message::Configure(id)));
    live.click("Copies on the server");
    live.click("For some days");
    live.click("Save");
    live.until_shown("Remove older copies from the server?");
    live.until_shown(
        "There is nothing to remove now. What leaves the server later is read back here and compared first.",
    );
    assert_eq!(live.desk().library.accounts[0].retention, Retention::LeaveCopy, "not before the answer");
    live.click("Remove when it is time");
    live.until_desk("it is saved", |desk| !desk.is_writing() && agreed(desk));
    assert_eq!(live.desk().archive.accounts().unwrap()[0].retention, Retention::Days(30));
    assert!(live.shows("30 days"), "on the card");

    // More days remove no more: no question.
    live.tell(Message::Sidebar(sidebar::Message::Configure(id)));
    live.click("Copies on the server");
    live.click("Until I delete it here");
    live.click("Save");
    live.until_shown("Remove older copies from the server?");
    live.click("Change nothing");
    assert_eq!(live.desk().archive.accounts().unwrap()[0].retention, Retention::Days(30));
    assert_eq!(mailbox.server.removed(), 0);
}

/// An account that is to remove mail from a mailbox that nobody on this computer has agreed to.
fn new_here() -> (Live, Mailbox) {
    let mailbox = Mailbox::new(demo::Options::default(), Retention::RemoveOnceStored, Fetching::default());
    let archive = Archive::open(&mailbox.folder()).unwrap();
    let known = archive.accounts().unwrap().remove(0);
    let mut elsewhere = known.clone();
    elsewhere.retention = Retention::LeaveCopy;
    archive.change_account(&elsewhere).unwrap();
    // As a restore does: the retention comes with the backup, the agreement does not.
    elsewhere.server.user = "somebody-else".to_owned();
    elsewhere.retention = Retention::RemoveOnceStored;
    archive.change_account(&elsewhere).unwrap();
    archive.change_account(&known).unwrap();
    drop(archive);
    (mailbox.open(), mailbox)
}

#[test]
fn a_newcomer_removes_nothing_until_the_user_agrees() {
    let (mut live, mailbox) = new_here();
    live.until_desk("everything is fetched", fetched);
    assert!(!agreed(live.desk()));
    assert_eq!(mailbox.server.removed(), 0);
    let address = &live.desk().library.accounts[0].address;
    let strip = format!(
        "{address}: Postkeep is new to this mailbox on this computer. Nothing is removed from the server until you agree."
    );
    live.until_shown(&strip);
    live.click("See what would go");
    live.until_shown("The next check will remove 65 messages from the server");
    live.click("Not now");
    assert!(live.shows(&strip), "nothing was decided");
    live.click("See what would go");
    live.until_shown("The next check will remove 65 messages from the server");
    live.click("Remove without a backup");
    live.until_desk("it is agreed", |desk| !desk.is_writing() && agreed(desk));
    assert!(!live.shows(&strip));
    let account = live.desk().archive.accounts().unwrap().remove(0);
    let maildrop = live.desk().archive.maildrop(&account).unwrap().unwrap();
    let state: MaildropState = live.desk().archive.maildrop_state(maildrop, jiff::Timestamp::now()).unwrap();
    assert!(state.agreed);
}

#[test]
fn what_waits_is_listed_and_fetched_when_asked() {
    let fetching = Fetching { headers_over: Some(1), ..Fetching::default() };
    let mailbox = Mailbox::new(demo::Options::default(), Retention::LeaveCopy, fetching);
    let mut live = mailbox.open();
    live.until_desk("the headers are here", |desk| {
        desk.library.fetching.is_empty() && desk.library.waiting.len() == 65
    });
    live.until_shown("Waiting on the server");
    live.click("Waiting on the server");
    live.until_shown("Harbour Books");
    live.click("Fetch");
    live.until_desk("it is here", |desk| {
        desk.library.fetching.is_empty() && desk.library.counts.all == 1 && desk.library.waiting.len() == 64
    });
}

#[test]
fn the_log_tells_each_visit_and_is_saved_where_the_field_says() {
    let mailbox = Mailbox::new(demo::Options::default(), Retention::LeaveCopy, Fetching::default());
    let mut live = mailbox.open();
    live.until_desk("everything is fetched", fetched);
    live.click("Log");
    live.until_shown("What the checks did");
    live.until_shown("65 messages on the server, 65 not seen before.");
    live.click("Save the log");
    let folder = tempfile::tempdir().unwrap();
    let typed = log::Message::Folder(folder.path().display().to_string());
    live.tell(Message::Dialog(Dialog::Log(typed)));
    live.click("Save here");
    let written = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().metadata().unwrap().len() > 0;
    live.until("the file is written", |_| std::fs::read_dir(folder.path()).unwrap().any(written));
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("65"), "{text}");
    live.until_shown(&format!("Saved as {}.", file.display()));
}

#[test]
fn settings_for_fetching_are_saved() {
    let mailbox = Mailbox::new(demo::Options::default(), Retention::LeaveCopy, Fetching::default());
    let mut live = mailbox.open();
    live.until_desk("everything is fetched", fetched);
    let id = live.desk().library.accounts[0].id;
    live.tell(Message::Sidebar(sidebar::Message::Configure(id)));
    live.tell(Message::Dialog(Dialog::Account(account::Message::Page(account::Page::Fetching))));
    live.click("The connection is slow or breaks off");
    live.click("Limit what one check may bring");
    live.click("Save");
    live.until_shown("Saved. It holds from now on.");
    let fetching = live.desk().archive.accounts().unwrap()[0].fetching;
    assert_eq!(fetching, Fetching { weak_link: true, budget: Some(50_000_000), ..Fetching::default() });
}

#[test]
fn a_plan_that_is_withheld_says_why() {
    let mailbox = Mailbox::new(demo::Options::default(), Retention::LeaveCopy, Fetching::default());
    let mut live = mailbox.open();
    live.until_desk("everything is fetched", fetched);
    live.click("Leave a copy on server");
    live.until_shown("Remove without a backup");
    let id = live.desk().library.accounts[0].id;
    let summary = Summary {
        removable: 3,
        withheld: Some(crate::archive::Withheld::Renumbered),
        waiting: 2,
        deleted_here: 1,
        ..Summary::default()
    };
    live.tell(Message::Worker(Event::Planned(id, Ok(summary))));
    for text in [
        "3 messages would be removed from the server",
        "The server has numbered its messages anew. The next check removes nothing; it finds out what is what first.",
        "Wait on the server, not fetched yet: they stay",
        "Go because you deleted them here",
    ] {
        assert!(live.shows(text), "{text}");
    }
}
