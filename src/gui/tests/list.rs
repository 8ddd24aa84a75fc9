//! The list: selecting, marking and deleting many at once, taking it back, sorting, the menus.

use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};
use iced::{Event as Input, Point, Size, mouse};

use jiff::Timestamp;

use super::{newest, sample};
use crate::account::MessageId;
use crate::archive::{Archive, Incoming, Marks, Origin, Row, SortKey};
use crate::gui::Start;
use crate::gui::desk::Desk;
use crate::gui::desk::view::Seen;
use crate::gui::fixtures::{Bench, rows, simulator};
use crate::gui::live::Live;
use crate::gui::theme::Choice;

const SECOND: &str = "Re: keys for the boat house";

fn settled(desk: &Desk) -> bool {
    !desk.is_writing() && desk.list.is_whole()
}

/// The sample, once nothing more is on its way.
fn still() -> Live {
    let mut live = sample();
    live.until_desk("all is listed", settled);
    live
}

fn with(live: &mut Live, key: Named, modifiers: Modifiers) {
    live.press_with(Key::Named(key), modifiers);
}

fn undo(live: &mut Live) {
    live.press_with(Key::Character("z".into()), Modifiers::COMMAND);
}

fn select_all(live: &mut Live) {
    live.press_with(Key::Character("a".into()), Modifiers::COMMAND);
}

#[test]
fn rows_are_selected_with_the_mouse() {
    let mut live = still();
    live.click(newest());
    assert_eq!(live.desk().list.selected(), 1);
    let third = live.desk().list.subjects()[2].to_owned();
    let fourth = live.desk().list.subjects()[3].to_owned();
    live.click_with(&fourth, Modifiers::SHIFT);
    assert!(live.shows("4 selected"));
    live.click_with(SECOND, Modifiers::COMMAND);
    assert!(live.shows("3 selected"), "one is taken out");
    live.click_with(&third, Modifiers::COMMAND);
    assert_eq!(live.desk().list.selected(), 2);
    live.click(&third);
    assert_eq!(live.desk().list.selected(), 1, "a plain click selects one");
}

#[test]
fn rows_are_selected_with_the_keyboard() {
    let mut live = still();
    let last = live.desk().list.subjects().len();
    live.press(Key::Named(Named::Home));
    with(&mut live, Named::ArrowDown, Modifiers::SHIFT);
    with(&mut live, Named::ArrowDown, Modifiers::SHIFT);
    assert_eq!(live.desk().list.selected(), 3);
    with(&mut live, Named::ArrowUp, Modifiers::SHIFT);
    assert_eq!(live.desk().list.selected(), 2, "it shrinks again");
    with(&mut live, Named::End, Modifiers::SHIFT);
    assert_eq!(live.desk().list.selected(), 65);
    with(&mut live, Named::Home, Modifiers::SHIFT);
    assert_eq!(live.desk().list.selected(), 1);
    with(&mut live, Named::PageDown, Modifiers::SHIFT);
    let page = live.desk().list.selected();
    assert!((5..30).contains(&page), "{page} of {last}");
    select_all(&mut live);
    assert!(live.shows("65 selected"));
    live.press(Key::Named(Named::Escape));
    assert_eq!(live.desk().list.selected(), 1);
}

#[test]
fn what_is_selected_is_marked_at_once_and_taken_back() {
    let mut live = still();
    // One of them is read before: that stays as it was.
    live.click(newest());
    live.until_desk("the first is read", |desk| settled(desk) && desk.library.counts.unread == 64);
    select_all(&mut live);
    live.press_with(Key::Character("U".into()), Modifiers::SHIFT);
    assert!(live.shows("65 messages marked as read."));
    assert!(live.desk().list.selected_row().unwrap().marks.read, "on the screen at once");
    live.until_desk("all are read", |desk| settled(desk) && desk.library.counts.unread == 0);
    // Once more changes nothing, and so is nothing to be taken back.
    live.press_with(Key::Character("U".into()), Modifiers::SHIFT);
    live.until_desk("nothing is changed", |desk| settled(desk) && desk.library.counts.unread == 0);
    live.click("Undo");
    live.until_desk("they are unread again", |desk| settled(desk) && desk.library.counts.unread == 64);

    select_all(&mut live);
    live.letter("s");
    live.until_desk("all are starred", |desk| settled(desk) && desk.library.counts.starred == 65);
    undo(&mut live);
    live.until_desk("none is", |desk| settled(desk) && desk.library.counts.starred == 0);
}

/// The right mouse button selects a row and opens nothing: the reader goes on showing another message.
#[test]
fn keys_act_on_the_row_that_is_selected() {
    let mut live = still();
    live.click(newest());
    live.until_desk("it is open", |desk| settled(desk) && desk.reader.is_shown() && desk.library.counts.unread == 64);
    live.right_click(SECOND);
    live.letter("s");
    live.until_desk("one is starred", |desk| settled(desk) && desk.library.counts.starred == 1);
    let selected = live.desk().list.selected_row().cloned().unwrap();
    assert_eq!((selected.subject.as_str(), selected.marks.starred), (SECOND, true));
    live.letter("s");
    live.until_desk("none is", |desk| settled(desk) && desk.library.counts.starred == 0);
    live.right_click(SECOND);
    live.press(Key::Named(Named::Delete));
    live.until_desk("it is in the bin", |desk| settled(desk) && desk.library.counts.bin == 1);
    assert!(!live.desk().list.shows(SECOND) && live.desk().list.shows(newest()));
    assert!(!live.shows("All from this sender"), "the menu of a row that is gone");
}

/// An archive of so many messages, number 1 the oldest.
fn of_many(count: i64) -> (Live, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    {
        let archive = Archive::open(folder.path()).unwrap();
        let incoming = (1..=count).map(|number| {
            let date =
                Timestamp::from_second(1_700_000_000 + number * 3_600).unwrap().strftime("%a, %d %b %Y %T +0000");
            let text = format!("From: a@b.example\r\nDate: {date}\r\nSubject: number {number}\r\n\r\nword{number}\r\n");
            let from = Origin::File { account: None };
            Incoming { bytes: text.into_bytes(), arrived: Timestamp::now(), marks: Marks::default(), from }
        });
        archive.ingest(incoming.collect()).unwrap();
    }
    let mut live = Live::start(Start::Archive(folder.path().to_owned()));
    live.until_desk("all is listed", |desk| {
        settled(desk) && desk.library.counts.all == count as u64 && desk.library.counts.to_index == 0
    });
    live.until_desk("all is listed", |desk| settled(desk) && desk.list.height_of_all() > 70.0 * count as f64);
    (live, folder)
}

#[test]
fn a_page_that_comes_first_costs_nothing_of_what_is_selected() {
    let (mut live, _folder) = of_many(150);
    select_all(&mut live);
    assert!(live.shows("150 selected"));
    for (key, first) in [(Named::ArrowDown, "number 1"), (Named::ArrowUp, "number 150")] {
        live.letter("o");
        live.press(Key::Named(key));
        live.press(Key::Named(Named::Enter));
        live.until_desk("it is turned", |desk| settled(desk) && desk.list.subjects().first() == Some(&first));
        assert_eq!(live.desk().list.selected(), 150);
    }
    live.press(Key::Named(Named::Escape));

    // What was found and opened is selected, and in sight, when the search is over.
    live.type_into(crate::gui::bars::SEARCH, "word7 ");
    live.until_desk("it is found", |desk| settled(desk) && desk.list.subjects() == ["number 7"]);
    live.tell(crate::gui::desk::Message::List(crate::gui::list::Message::Move(crate::gui::list::Move::First, false)));
    live.until_desk("it is open", |desk| settled(desk) && desk.reader.is_shown());
    live.tell(crate::gui::desk::Message::Top(crate::gui::bars::Message::Search(String::new())));
    live.until_desk("all is listed again", |desk| settled(desk) && desk.list.height_of_all() > 70.0 * 150.0);
    live.until_desk("it is in sight", |desk| desk.list.selected_row().is_some_and(|row| row.subject == "number 7"));
    assert!(live.desk().list.offset > 1_000.0);
}

#[test]
fn the_open_message_stays_among_the_unread_until_another_is_opened() {
    let (mut live, _folder) = of_many(5);
    live.click("Unread");
    live.until_desk("they are listed", |desk| settled(desk) && desk.list.view == crate::archive::View::Unread);
    live.until_shown("number 4");
    live.click("number 4");
    live.until_desk("it is read", |desk| settled(desk) && desk.library.counts.unread == 4);
    let again = |live: &mut Live| {
        live.tell(crate::gui::desk::Message::Indexed);
        live.until_desk("it is listed again", settled);
    };
    again(&mut live);
    assert_eq!(live.desk().list.subjects(), ["number 5", "number 4", "number 3", "number 2", "number 1"]);
    assert_eq!(live.desk().list.selected_row().map(|row| row.subject.as_str()), Some("number 4"));
    live.letter("j");
    live.until_desk("the next is read", |desk| settled(desk) && desk.library.counts.unread == 3);
    again(&mut live);
    assert_eq!(live.desk().list.subjects(), ["number 5", "number 3", "number 2", "number 1"]);
}

#[test]
fn nothing_is_selected_behind_a_message_that_fills_the_window() {
    let (mut live, _folder) = of_many(5);
    live.update(crate::gui::app::Message::Resized(iced::window::Id::unique(), Size::new(640.0, 800.0)));
    live.until_shown("number 4");
    live.click("number 4");
    live.until_desk("it is open", |desk| settled(desk) && desk.reader.is_shown());
    select_all(&mut live);
    with(&mut live, Named::ArrowDown, Modifiers::SHIFT);
    live.letter("o");
    assert_eq!((live.desk().list.selected(), live.desk().list.menu.is_some()), (1, false));
}

#[test]
fn an_undo_waits_for_what_it_takes_back() {
    let mut live = still();
    select_all(&mut live);
    live.letter("s");
    undo(&mut live);
    live.until_desk("as before", |desk| settled(desk) && desk.library.counts.starred == 0);
    undo(&mut live);
    assert!(settled(live.desk()), "there is nothing more to take back");
}

#[test]
fn all_of_a_search_is_marked_as_read_and_no_other() {
    let mut live = still();
    live.type_into(crate::gui::bars::SEARCH, "from:harbour");
    live.until_shown("6 messages in All mail");
    live.tell(crate::gui::desk::Message::List(crate::gui::list::Message::AllRead));
    live.until_desk("six are read", |desk| settled(desk) && desk.library.counts.unread == 59);
    undo(&mut live);
    live.until_desk("none is", |desk| settled(desk) && desk.library.counts.unread == 65);
}

#[test]
fn many_are_deleted_and_put_back() {
    let mut live = still();
    live.click(newest());
    live.until_desk("it is open", |desk| settled(desk) && desk.reader.is_shown() && desk.library.counts.unread == 64);
    let fifth = live.desk().list.subjects()[4].to_owned();
    let fourth = live.desk().list.subjects()[3].to_owned();
    live.click_with(&fourth, Modifiers::SHIFT);
    live.press(Key::Named(Named::Delete));
    assert!(live.shows("4 messages moved to the bin."));
    assert!(!live.desk().list.shows(newest()) && !live.desk().list.shows(SECOND));
    assert_eq!(live.desk().list.selected_row().map(|row| row.subject.clone()), Some(fifth), "what stands there now");
    live.until_desk("they are in the bin", |desk| settled(desk) && desk.library.counts.bin == 4);
    live.click("Undo");
    live.until_desk("they are back", |desk| settled(desk) && desk.library.counts.bin == 0 && desk.list.shows(newest()));
}

/// In the bin, what is selected is erased, and what is not stays.
#[test]
fn only_what_is_selected_is_erased_from_the_bin() {
    let mut live = still();
    live.click(newest());
    let fourth = live.desk().list.subjects()[3].to_owned();
    live.click_with(&fourth, Modifiers::SHIFT);
    live.press(Key::Named(Named::Delete));
    live.until_desk("they are in the bin", |desk| settled(desk) && desk.library.counts.bin == 4);
    live.click("Bin");
    live.until_desk("the bin is listed", |desk| settled(desk) && desk.list.shows(newest()) && desk.list.shows(&fourth));
    live.click(newest());
    live.click_with(SECOND, Modifiers::SHIFT);
    live.press(Key::Named(Named::Delete));
    live.until_shown("Erase 2 messages for ever?");
    live.click("Erase for ever");
    live.until_desk("two are gone", |desk| {
        settled(desk) && desk.library.counts.bin == 2 && !desk.list.shows(newest()) && !desk.list.shows(SECOND)
    });
    assert!(live.desk().list.shows(&fourth), "it was not selected");
}

#[test]
fn the_list_is_sorted_from_its_head() {
    let mut live = still();
    live.click("Newest first");
    live.click("Subject, A to Z");
    live.until_desk("it is sorted", |desk| {
        settled(desk) && !desk.list.shows(newest()) || desk.list.subjects()[0] != newest()
    });
    live.until_shown("Subject, A to Z");
    live.until_desk("rows are there", |desk| settled(desk) && desk.list.subjects().len() > 20);
    let subjects: Vec<String> = live.desk().list.subjects().iter().map(|subject| subject.to_lowercase()).collect();
    let latin = |text: &&String| text.is_ascii() && text.starts_with(|letter: char| letter.is_alphabetic());
    let plain: Vec<&str> =
        subjects.iter().filter(latin).map(|text| text.trim_start_matches("re: ").trim_start_matches("fwd: ")).collect();
    assert!(plain.is_sorted(), "{plain:?}");
    assert!(plain.len() > 10);

    // By keyboard, and back.
    live.letter("o");
    live.press(Key::Named(Named::Home));
    live.press(Key::Named(Named::Escape));
    live.letter("o");
    for _ in 0..4 {
        live.press(Key::Named(Named::ArrowUp));
    }
    live.press(Key::Named(Named::Enter));
    live.until_shown("Newest first");
    live.until_desk("the newest is first again", |desk| {
        settled(desk) && desk.list.subjects().first() == Some(&newest())
    });
}

#[test]
fn what_is_selected_stays_selected_in_another_order() {
    let mut live = still();
    live.click(newest());
    live.click_with(SECOND, Modifiers::SHIFT);
    let before = live.desk().list.selected_ids();
    live.letter("o");
    live.press(Key::Named(Named::ArrowDown));
    live.press(Key::Named(Named::Enter));
    live.until_desk("it is turned", |desk| {
        settled(desk) && desk.list.subjects().first().is_some_and(|first| *first != newest())
    });
    assert_eq!(live.desk().list.selected_ids(), before);
    assert_eq!(before.len(), 2);
}

#[test]
fn the_right_mouse_button_opens_a_menu() {
    let mut live = still();
    live.right_click(SECOND);
    for item in ["Open", "Mark as read", "Star", "Delete", "Copy the sender’s address", "All from this sender"] {
        assert!(live.shows(item), "{item}");
    }
    assert!(!live.desk().reader.is_open(), "nothing is opened by it");
    live.click("Mark as read");
    live.until_desk("it is read", |desk| settled(desk) && desk.library.counts.unread == 64);
    assert!(!live.shows("Copy the sender’s address"), "the menu is closed");

    live.right_click(SECOND);
    live.click("All from this sender");
    live.until_desk("the search is done", |desk| settled(desk) && desk.list.query.starts_with("from:"));
    assert!(live.desk().list.shows(SECOND) && !live.desk().list.shows(newest()));
}

#[test]
fn the_menu_key_opens_the_menu_and_arrows_go_through_it() {
    let mut live = still();
    live.press(Key::Named(Named::Home));
    with(&mut live, Named::ArrowDown, Modifiers::SHIFT);
    with(&mut live, Named::F10, Modifiers::SHIFT);
    assert!(live.shows("Delete 2 messages"));
    live.press(Key::Named(Named::Escape));
    assert!(!live.shows("Delete 2 messages"));
    assert_eq!(live.desk().list.selected(), 2, "Esc closes the menu only");

    live.press(Key::Named(Named::ContextMenu));
    live.press(Key::Named(Named::ArrowUp));
    live.press(Key::Named(Named::Enter));
    live.until_desk("both are in the bin", |desk| settled(desk) && desk.library.counts.bin == 2);

    // A press beside it closes it and does nothing else.
    let [first, seventh] = [0, 6].map(|place| live.desk().list.subjects()[place].to_owned());
    live.right_click(&first);
    let before = live.desk().list.selected_row().map(|row| row.id);
    live.click(&seventh);
    assert!(!live.shows("All from this sender"));
    assert_eq!(live.desk().list.selected_row().map(|row| row.id), before);
}

#[test]
fn the_scroll_bar_says_the_day_under_the_hand() {
    let mut bench = Bench::full();
    let keys = (1..=1_000_i64).map(|day| row_of(1_800_000_000 - day * 86_400, day)).collect();
    bench.list(keys);
    let mut simulator = simulator(Size::new(1360.0, 860.0), bench.view(1360.0, Choice::Light));
    let list = simulator.find("Row 1").unwrap().visible_bounds().unwrap();
    simulator.point_at(Point::new(list.x + list.width - 5.0, 500.0));
    simulator.simulate([Input::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left))]);
    let scrolled: Vec<_> = simulator.into_messages().collect();
    for message in scrolled {
        if let Seen::Desk(message) = message {
            bench.update(message);
        }
    }
    let subjects = bench.desk.list.whereabouts(&bench.clock);
    assert!(subjects.is_some_and(|day| day.ends_with("2025")), "half of the way down");
}

fn row_of(second: i64, id: i64) -> Row {
    let row = rows().remove(0);
    let date = jiff::Timestamp::from_second(second).unwrap();
    Row { key: SortKey(second << 29 | id), id: MessageId(id), date, subject: format!("Row {id}"), ..row }
}

/// After an update of the program, a crash, or damage: with no visit to a server, all is listed.
#[test]
fn what_is_not_indexed_is_indexed_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    {
        let archive = Archive::open(folder.path()).unwrap();
        let bytes = b"From: a@b.example\r\nSubject: Kept before\r\n\r\nhello\r\n".to_vec();
        let from = Origin::File { account: None };
        archive.ingest(vec![Incoming { bytes, arrived: Timestamp::now(), marks: Marks::default(), from }]).unwrap();
    }
    let mut live = Live::start(Start::Archive(folder.path().to_owned()));
    live.until_desk("it is listed", |desk| settled(desk) && desk.list.shows("Kept before"));
}
