//! Deleting, undoing, putting back, erasing, with a real server and a real archive behind the window.

use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};

use super::newest;
use crate::account::{Fetching, Retention};
use crate::archive::View;
use crate::demo;
use crate::gui::app::Message as Whole;
use crate::gui::desk::{Desk, Message};
use crate::gui::live::{Live, Mailbox};
use crate::gui::{reader, sidebar};

const SECOND: &str = "Re: keys for the boat house";

/// The sample's mail in an archive of its own, by this retention.
fn mailbox(retention: Retention) -> (Live, Mailbox) {
    let mailbox = Mailbox::new(demo::Options::default(), retention, Fetching::default());
    let mut live = mailbox.open();
    live.until_desk("everything is fetched", settled);
    live.until_shown(newest());
    (live, mailbox)
}

fn settled(desk: &Desk) -> bool {
    desk.library.fetching.is_empty() && !desk.is_writing() && desk.library.counts.to_index == 0 && {
        desk.library.counts.all + desk.library.counts.bin == 65
    }
}

fn delete(live: &mut Live) {
    live.press(Key::Named(Named::Delete));
}

fn open_newest(live: &mut Live) {
    live.click(newest());
    live.until_desk("it is open", |desk| desk.reader.is_shown() && settled(desk));
}

#[test]
fn a_deletion_is_done_at_once_told_and_taken_back() {
    let (mut live, mailbox) = mailbox(Retention::LeaveCopy);
    open_newest(&mut live);
    delete(&mut live);
    assert!(!live.desk().list.shows(newest()), "out of the list at once");
    assert!(live.shows("Deleted. Its copy on the server stays."));
    assert_eq!(live.desk().list.selected_row().map(|row| row.subject.as_str()), Some(SECOND), "the next is chosen");
    live.until_desk("it is in the bin", |desk| settled(desk) && desk.library.counts.bin == 1);

    live.click("Undo");
    live.until_desk("it is back", |desk| settled(desk) && desk.library.counts.bin == 0 && desk.list.shows(newest()));

    delete(&mut live);
    live.until_desk("the next is in the bin", |desk| settled(desk) && desk.library.counts.bin == 1);
    live.update(Whole::Key(Key::Character("z".into()), Modifiers::COMMAND, false));
    live.until_desk("Ctrl+Z took it back", |desk| settled(desk) && desk.library.counts.bin == 0);
    assert_eq!(mailbox.server.removed(), 0);
}

#[test]
fn there_too_removes_it_at_the_next_check() {
    let (mut live, mailbox) = mailbox(Retention::LeaveCopy);
    open_newest(&mut live);
    delete(&mut live);
    live.click("Delete it there too");
    live.until_desk("it is noted", settled);
    assert!(live.shows("Deleted. Its copy on the server goes at the next check."));
    assert_eq!(mailbox.server.removed(), 0, "nothing goes before the next check");
    live.press(Key::Named(Named::F5));
    live.until("the server has removed it", |_| mailbox.server.removed() == 1);
    live.until_desk("the visit is over", |desk| settled(desk) && desk.library.counts.on_server == 64);
}

#[test]
fn until_deleted_says_that_the_servers_copy_goes() {
    let (mut live, mailbox) = mailbox(Retention::UntilDeleted);
    open_newest(&mut live);
    delete(&mut live);
    assert!(live.shows("Deleted. Its copy on the server goes at the next check."));
    assert!(!live.shows("Delete it there too"));
    live.until_desk("it is in the bin", |desk| settled(desk) && desk.library.counts.bin == 1);
    live.press(Key::Named(Named::F5));
    live.until("the server has removed it", |_| mailbox.server.removed() == 1);
}

#[test]
fn the_bin_gives_back_and_erases_only_when_asked_twice() {
    let (mut live, _mailbox) = mailbox(Retention::LeaveCopy);
    open_newest(&mut live);
    delete(&mut live);
    delete(&mut live);
    live.until_desk("two are in the bin", |desk| settled(desk) && desk.library.counts.bin == 2);
    live.tell(Message::Sidebar(sidebar::Message::Show(View::Bin)));
    live.until_desk("the bin shows", |desk| desk.list.shows(newest()) && desk.list.shows(SECOND));

    live.click(SECOND);
    live.until_shown("Put back");
    live.until_desk("nothing is on its way", settled);
    live.click("Put back");
    live.until_desk("one is left", |desk| settled(desk) && desk.library.counts.bin == 1);
    assert!(!live.desk().list.shows(SECOND));

    live.until_desk("the other is open", |desk| desk.reader.is_shown());
    live.tell(Message::Reader(reader::Message::Delete));
    assert!(live.shows("Erase this message for ever?"));
    live.click("Keep it");
    assert_eq!(live.desk().library.counts.bin, 1);
    live.click("Erase now");
    live.click("Erase for ever");
    live.until_desk("it is gone", |desk| desk.library.counts.bin == 0 && !desk.is_writing());
    assert!(live.shows("1 message was erased for ever."));
    assert_eq!(live.desk().library.counts.all, 64);
    live.until_shown("The bin is empty");
}

#[test]
fn emptying_the_bin_leaves_what_waits_for_the_server_until_one_insists() {
    let (mut live, mailbox) = mailbox(Retention::LeaveCopy);
    open_newest(&mut live);
    delete(&mut live);
    live.click("Delete it there too");
    live.until_desk("it is noted", |desk| settled(desk) && desk.library.counts.bin == 1);
    delete(&mut live);
    live.until_desk("another is in the bin", |desk| settled(desk) && desk.library.counts.bin == 2);
    live.tell(Message::Sidebar(sidebar::Message::Show(View::Bin)));
    live.until_shown("Empty the bin");
    live.click("Empty the bin");
    live.until_shown("Empty the bin?");
    live.click("Erase for ever");
    live.until_shown("1 message waits");
    live.until_desk("the other is gone", |desk| desk.library.counts.bin == 1);
    live.click("Erase them now too");
    live.until_desk("the bin is empty", |desk| desk.library.counts.bin == 0 && !desk.is_writing());
    assert_eq!(mailbox.server.removed(), 0, "the copy on the server stays");
}
