//! The window without a display: what it shows, and what comes of a click or a key.

mod accounts;
mod bin;
mod list;
mod reading;
mod remote;
mod schedule;
mod search;

use std::sync::LazyLock;

use iced::Size;
use iced::advanced::widget::Tree;
use iced::keyboard::Key;
use iced::keyboard::key::Named;

use super::Start;
use super::desk::{Desk, Message};
use super::fixtures::{ANNA, Bench, OFFICE, stock};
use super::library::{Health, Stock};
use super::live::Live;
use super::reader::{self, saving};
use super::theme::Choice;
use crate::fetch::Event;
use crate::job::Progress;

const WIDE: Size = Size::new(1360.0, 860.0);

fn fetched(desk: &Desk) -> bool {
    desk.library.fetching.is_empty() && desk.library.counts.all == 65 && desk.library.counts.to_index == 0
}

/// The subject of the newest message of the sample mailbox, which names the month.
fn newest() -> &'static str {
    static SUBJECT: LazyLock<String> = LazyLock::new(|| {
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
        format!("{} arrivals, and a seat by the stove", today.strftime("%B"))
    });
    &SUBJECT
}

/// The sample mailbox, fetched from the server inside the program.
fn sample() -> Live {
    let mut live = Live::start(Start::Demo);
    live.until_desk("the sample is fetched", fetched);
    live.until_shown("Harbour Books");
    live
}

#[test]
fn the_sample_is_fetched_read_searched_and_starred() {
    let mut live = sample();
    assert!(live.shows("Sample mailbox"));

    live.click(newest());
    live.until_desk("the message is open and read", |desk| desk.reader.is_shown() && desk.library.counts.unread == 64);
    assert!(live.shows("programme.pdf"), "its attachments are listed");
    assert!(live.shows("not yet in a backup"), "its copies are told");

    live.letter("s");
    live.until_desk("it is starred", |desk| desk.library.counts.starred == 1);
    live.letter("u");
    live.until_desk("it is unread again", |desk| desk.library.counts.unread == 65);
    live.letter("j");
    live.until_desk("the next one is read", |desk| desk.library.counts.unread == 64);

    live.type_into(super::bars::SEARCH, "from:harbour");
    live.until_shown("6 messages in All mail");
    assert!(!live.shows("Island Ferry"));
    live.press(Key::Named(Named::Escape));
    live.until_shown("Newest first");
    live.until_shown("Island Ferry");
}

#[test]
fn leaving_no_copy_is_asked_first_and_done_at_the_next_check() {
    let mut live = sample();
    live.click("Leave a copy on server");
    live.until_shown("The next check will remove 65 messages from the server");
    live.click("Keep leaving copies");
    assert!(!live.shows("Remove without a backup"));
    assert!(live.desk().library.accounts.iter().all(|account| account.retention.leaves_copy()));

    live.click("Leave a copy on server");
    live.until_shown("Remove without a backup");
    live.click("Remove without a backup");
    live.until_desk("the account is changed", |desk| {
        desk.library.accounts.iter().all(|account| !account.retention.leaves_copy()) && !desk.is_writing()
    });
    assert_eq!(live.desk().library.counts.on_server, 65, "nothing is removed before the next check");

    live.press(Key::Named(Named::F5));
    live.until_desk("the server is empty", |desk| {
        desk.library.fetching.is_empty() && desk.library.counts.on_server == 0
    });
    assert_eq!(live.desk().library.counts.all, 65, "everything is here");
}

#[test]
fn the_first_start_offers_four_ways() {
    let mut bench = Bench::empty();
    for way in ["Add a mailbox", "I have a backup", "Import from a file", "Try the sample mailbox"] {
        assert!(bench.shows(way), "{way}");
    }
    bench.click("Add a mailbox");
    assert!(bench.shows("E-mail address"));
}

#[test]
fn a_fetch_shows_its_progress_and_can_be_cancelled() {
    let mut bench = Bench::full();
    let (sender, mut requests) = futures::channel::mpsc::unbounded();
    bench.update(Message::Worker(Event::Ready(sender)));
    bench.update(Message::Worker(Event::Started(ANNA)));
    let progress = Progress { done: 128, total: Some(312), octets: 4_200_000, octets_total: Some(11_000_000) };
    bench.update(Message::Worker(Event::Progress(ANNA, progress)));
    assert!(bench.shows("anna@example.org: 128 of 312 messages, 4.2 of 11 MB"));
    assert!(bench.shows("38%"), "beside the account");

    bench.click("Cancel");
    let asked: Vec<String> =
        std::iter::from_fn(|| requests.try_recv().ok()).map(|request| format!("{request:?}")).collect();
    assert_eq!(asked, ["Cancel(AccountId(1))"]);
}

#[test]
fn closing_while_a_fetch_runs_says_that_it_is_safe() {
    let mut bench = Bench::full();
    assert!(!bench.desk.is_busy());
    bench.update(Message::Worker(Event::Started(ANNA)));
    assert!(bench.desk.is_busy());
    bench.desk.ask_to_quit();
    assert!(bench.shows("It is safe to quit now"));
}

#[test]
fn the_copies_card_counts_each_place() {
    let bench = Bench::full();
    for text in ["Your copies", "12,480", "12,412", "1,206", "Back up now", "Last verified yesterday, 21:04 · USB disk"]
    {
        assert!(bench.shows(text), "{text}");
    }
}

#[test]
fn damage_that_was_found_is_told_and_repaired_from_the_last_backup() {
    let health = |damaged| Health { damaged, read: Some("2026-11-03T08:00:00Z".parse().unwrap()) };
    let bench = |damaged| Bench::with(Stock { health: health(damaged), ..stock() });
    assert!(bench(0).shows("All read through, whole, on 3 Nov"));
    let mut bench = bench(2);
    assert!(bench.shows("2 messages here are damaged. A backup may have them."));
    assert!(!bench.shows("All read through, whole, on 3 Nov"));
    bench.picture("damage.png", WIDE, Choice::Light);
    bench.click("Repair");
    assert!(bench.shows("Repair from a backup"));
    bench.picture("repair.png", WIDE, Choice::Dark);
}

#[test]
fn what_became_of_a_password_stays_until_it_is_closed() {
    let mut bench = Bench::full();
    let said = "Postkeep remembers the password only until you close the window.";
    let account = Box::new(super::fixtures::account(ANNA, "anna@example.org"));
    bench.want(super::dialog::Intent::Saved(account, Some(said.to_owned())));
    bench.update(Message::Worker(Event::Started(ANNA)));
    assert!(bench.shows(said));
    bench.click("Close");
    assert!(!bench.shows(said));
}

#[test]
fn pictures() {
    let bench = Bench::full();
    bench.picture("mailbox-light.png", WIDE, Choice::Light);
    bench.picture("mailbox-dark.png", WIDE, Choice::Dark);
    bench.picture("mailbox-900.png", Size::new(900.0, 700.0), Choice::Light);
    bench.picture("mailbox-700.png", Size::new(700.0, 700.0), Choice::Light);
    Bench::empty().picture("welcome.png", WIDE, Choice::Light);

    let mut bench = Bench::full();
    let list = |message| Message::List(super::list::Message::Seen(message));
    let shift = iced::keyboard::Modifiers::SHIFT;
    bench.update(list(super::widget::message_list::Event::Pressed(3, shift)));
    bench.picture("selected-light.png", WIDE, Choice::Light);
    bench.update(list(super::widget::message_list::Event::Menu(2, iced::Point::new(120.0, 200.0))));
    bench.picture("menu-dark.png", WIDE, Choice::Dark);
    bench.picture("menu-700.png", Size::new(700.0, 700.0), Choice::Light);
}

#[test]
fn a_password_that_was_refused_is_asked_for_with_the_reason_and_nothing_stays_behind() {
    let mut bench = Bench::full();
    let refused = || {
        let error = crate::secrets::SecretsError::TimedOut;
        Event::Finished(ANNA, Default::default(), Some(std::sync::Arc::new(error.into())))
    };
    bench.update(Message::Worker(Event::Started(ANNA)));
    bench.update(Message::Worker(Event::PasswordWanted(ANNA)));
    bench.update(Message::Worker(refused()));
    assert!(bench.shows("The system's keyring did not answer."), "in the dialog");
    bench.click("Not now");
    assert!(!bench.shows("The system's keyring did not answer."));

    // Without the question it stays, until the next visit.
    bench.update(Message::Worker(refused()));
    assert!(bench.shows("anna@example.org: The system's keyring did not answer."));
    bench.update(Message::Worker(Event::Started(OFFICE)));
    assert!(bench.shows("anna@example.org: The system's keyring did not answer."));
    bench.update(Message::Worker(Event::Started(ANNA)));
    assert!(!bench.shows("anna@example.org: The system's keyring did not answer."));
}

#[test]
fn an_attachment_is_saved_where_the_field_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut live = sample();
    live.click("Re: keys for the boat house");
    live.until_desk("the message is open", |desk| desk.reader.is_shown());
    live.click("Save");
    live.until_shown("Save boat house plan.png in");
    let typed = saving::Message::Folder(folder.path().display().to_string());
    live.tell(Message::Reader(reader::Message::Saving(typed)));
    live.click("Save here");
    let path = folder.path().join("boat house plan.png");
    live.until_shown(&format!("Saved as {}.", path.display()));
    assert_eq!(std::fs::metadata(path).unwrap().len(), 747);
}

/// What is scrolled, selected and typed belongs to the widget at its place in the tree.
#[test]
fn a_dialog_moves_nothing_of_what_is_below_it() {
    fn kept(before: &Tree, after: &Tree) {
        assert!(before.tag == after.tag, "another widget at a place: its state would be lost");
        assert!(before.children.len() <= after.children.len(), "a widget is gone");
        before.children.iter().zip(&after.children).for_each(|(before, after)| kept(before, after));
    }
    let mut bench = Bench::full();
    let tree = |bench: &Bench| Tree::new(bench.view(1360.0, Choice::Light));
    let before = tree(&bench);
    bench.update(Message::Top(super::bars::Message::Settings));
    assert!(bench.shows("Appearance"), "the dialog is open");
    kept(&before, &tree(&bench));
}
