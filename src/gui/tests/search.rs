//! Searching while one types: what is found, what is offered, what is marked.

use iced::keyboard::Key;
use iced::keyboard::key::Named;
use iced::{Size, keyboard};

use super::{newest, sample};
use crate::archive::{Archive, Counts, Incoming, Marks, Origin, Sender};
use crate::gui::Start;
use crate::gui::bars::{self, SEARCH};
use crate::gui::desk::{Desk, Message};
use crate::gui::fixtures::{Bench, simulator, stock};
use crate::gui::library::Stock;
use crate::gui::list;
use crate::gui::live::Live;
use crate::gui::theme::Choice;
use jiff::Timestamp;

fn settled(desk: &Desk) -> bool {
    !desk.is_writing() && desk.list.is_whole()
}

/// Whether the window shows a text while the search field has the focus.
fn offers(bench: &Bench, text: &str) -> bool {
    let mut simulator = simulator(Size::new(1360.0, 860.0), bench.view(1360.0, Choice::Light));
    simulator.click(iced::widget::Id::new(SEARCH)).unwrap();
    simulator.find(text).is_ok()
}

/// What comes of a key in the search field.
fn key(bench: &mut Bench, key: Named) {
    let messages: Vec<_> = {
        let mut simulator = simulator(Size::new(1360.0, 860.0), bench.view(1360.0, Choice::Light));
        simulator.click(iced::widget::Id::new(SEARCH)).unwrap();
        simulator.tap_key(Key::Named(key));
        simulator.into_messages().collect()
    };
    for message in messages {
        if let crate::gui::desk::view::Seen::Desk(message) = message {
            bench.update(message);
        }
    }
}

fn senders() -> Vec<Sender> {
    let sender = |name: &str, address: &str| Sender { name: name.to_owned(), address: address.to_owned(), messages: 3 };
    vec![sender("Harbour Books", "letters@harbour-books.example"), sender("Harold", "harold@example.org")]
}

fn type_into(bench: &mut Bench, query: &str) {
    bench.update(Message::Top(bars::Message::Search(query.to_owned())));
}

#[test]
fn each_key_narrows_the_search_and_escape_ends_it() {
    let mut live = sample();
    live.until_desk("all is listed", settled);
    live.type_into(SEARCH, "from:harb");
    live.until_shown("6 messages in All mail");
    // A word that is not finished yet is looked for by its beginning: Enter takes nothing away that was found by it, a blank
    // says that it is whole. A field without its word is not looked for yet.
    live.tell(Message::Top(bars::Message::Searched));
    assert!(live.desk().offer.hidden && live.shows("6 messages in All mail"));
    live.type_into(SEARCH, " ");
    live.until_shown("Nothing found");
    live.tell(Message::Top(bars::Message::Search("from:harbour is:".to_owned())));
    live.until_shown("6 messages in All mail");
    live.press(Key::Named(Named::Escape));
    live.until_desk("all is listed again", |desk| settled(desk) && desk.list.query.is_empty());
    live.until_shown("Island Ferry");
}

#[test]
fn what_was_found_is_told_below_the_field_too() {
    let mut live = sample();
    live.until_desk("all is listed", settled);
    live.type_into(SEARCH, "from:harbour");
    live.until_shown("6 messages in All mail");
    // Then the head of the list says something else.
    live.tell(Message::List(list::Message::Move(list::Move::First, false)));
    live.tell(Message::List(list::Message::Move(list::Move::Last, true)));
    live.until_shown("6 selected");
    assert!(!live.shows("6 messages in All mail") && live.shows_in(SEARCH, "6 messages in All mail"));
}

#[test]
fn down_leads_from_the_field_to_the_first_message_that_was_found() {
    let mut bench = Bench::full();
    type_into(&mut bench, "from:harbour");
    let leads = |bench: &Bench| matches!(bench.desk.offer.key(Named::ArrowDown), Some(bars::Message::IntoList));
    assert!(!leads(&bench), "senders are still looked up");
    bench.update(Message::Offered(bench.desk.offer.asked, senders()));
    assert!(!leads(&bench), "a sender is chosen first");
    key(&mut bench, Named::Enter);
    assert!(leads(&bench) && !offers(&bench, "has:attachment"), "it is all that is typed");

    let mut live = sample();
    live.until_desk("all is listed", settled);
    // Another one is open before, and is found, too.
    live.type_into(SEARCH, "from:harbour");
    live.until_shown("6 messages in All mail");
    live.tell(Message::List(list::Message::Move(list::Move::Last, false)));
    live.until_desk("the last is open", |desk| desk.reader.is_shown());
    live.tell(Message::Top(bars::Message::IntoList));
    live.until_desk("the first is open", |desk| {
        desk.reader.open.as_ref().is_some_and(|open| open.row.subject == newest())
    });
    // What is listed is not yet what is searched for.
    live.tell(Message::Top(bars::Message::Search("from:ferry".to_owned())));
    assert!(!live.desk().list.is_listed());
}

#[test]
fn a_row_says_the_words_that_its_message_was_found_by() {
    let folder = tempfile::tempdir().unwrap();
    {
        let archive = Archive::open(folder.path()).unwrap();
        let mail = |subject: &str, body: &str| {
            let text = format!("From: a@b.example\r\nSubject: {subject}\r\n\r\n{body}\r\n");
            let from = Origin::File { account: None };
            Incoming { bytes: text.into_bytes(), arrived: Timestamp::now(), marks: Marks::default(), from }
        };
        let deep =
            format!("It begins so. {}The keeper of the Lighthouse is away.", "And on and on it goes. ".repeat(40));
        archive.ingest(vec![mail("Deep", &deep), mail("Lighthouse", "Also so it begins.")]).unwrap();
    }
    let mut live = Live::start(Start::Archive(folder.path().to_owned()));
    live.until_desk("all is listed", |desk| {
        settled(desk) && desk.library.counts.all == 2 && desk.library.counts.to_index == 0
    });
    live.until_shown("Deep");
    let preview = |live: &Live, subject: &str| {
        let rows = live.desk().list.rows.values();
        rows.filter(|row| row.subject == subject).map(|row| row.preview.clone()).next().unwrap_or_default()
    };
    assert!(preview(&live, "Deep").starts_with("It begins so."));
    live.type_into(SEARCH, "lightho");
    live.until_desk("its words are there", |desk| {
        desk.list.rows.values().any(|row| row.preview.contains("the Lighthouse"))
    });
    assert!(preview(&live, "Deep").starts_with("… "), "{}", preview(&live, "Deep"));
    assert!(preview(&live, "Lighthouse").starts_with("Also so it begins."), "its subject says it");
    live.press(Key::Named(Named::Escape));
    live.until_desk("its first words are back", |desk| {
        desk.list.rows.values().any(|row| row.preview.starts_with("It begins so."))
    });
}

#[test]
fn only_the_last_of_many_searches_is_shown() {
    let mut live = sample();
    live.until_desk("all is listed", settled);
    for query in ["h", "ha", "har", "harb", "harbo", "zzzz", "island"] {
        live.tell(Message::Top(bars::Message::Search(query.to_owned())));
    }
    live.until_desk("the last one is done", |desk| {
        settled(desk) && desk.list.shows("Your 14:20 sailing does not run today")
    });
    assert_eq!(live.desk().list.sought(), "island*");
}

#[test]
fn operators_and_senders_are_offered_below_the_field() {
    let mut bench = Bench::full();
    assert!(!bench.shows("has:attachment"), "not before one goes there");
    for text in ["from:", "has:attachment", "is:unread", "before:", "larger:5M", "Index complete"] {
        assert!(offers(&bench, text), "{text}");
    }
    type_into(&mut bench, "boat har");
    bench.update(Message::Offered(bench.desk.offer.asked, senders()));
    assert!(offers(&bench, "Harold") && offers(&bench, "harold@example.org"));

    key(&mut bench, Named::ArrowDown);
    key(&mut bench, Named::ArrowDown);
    key(&mut bench, Named::Enter);
    assert_eq!(bench.desk.list.query, "boat from:harold@example.org ");
    assert!(!offers(&bench, "Harold"), "it was taken");

    type_into(&mut bench, "boat har");
    bench.update(Message::Offered(0, senders()));
    assert!(!offers(&bench, "Harold"), "an older answer is dropped");
}

#[test]
fn a_press_puts_the_operator_into_the_field() {
    let mut bench = Bench::full();
    type_into(&mut bench, "boat");
    let messages: Vec<_> = {
        let mut simulator = simulator(Size::new(1360.0, 860.0), bench.view(1360.0, Choice::Light));
        simulator.click(iced::widget::Id::new(SEARCH)).unwrap();
        simulator.click("has:attachment").unwrap();
        simulator.into_messages().collect()
    };
    let told = messages.into_iter().any(|message| {
        matches!(message, crate::gui::desk::view::Seen::Desk(Message::Top(bars::Message::Operator("has:attachment"))))
    });
    assert!(told);
    bench.update(Message::Top(bars::Message::Operator("has:attachment")));
    assert_eq!(bench.desk.list.query, "boat has:attachment ");
}

#[test]
fn what_is_not_indexed_yet_is_said_where_one_searches() {
    let counts = Counts { to_index: 3_120, ..stock().counts };
    let bench = Bench::with(Stock { counts, ..stock() });
    assert!(bench.shows("3,120 messages still to index"), "in the bar");
    assert!(offers(&bench, "3,120 messages still to index"), "below the field");
}

#[test]
fn escape_in_the_field_goes_to_the_window_as_well() {
    let mut live = sample();
    live.type_into(SEARCH, "harbour");
    live.update(crate::gui::app::Message::Key(Key::Named(Named::Escape), keyboard::Modifiers::empty(), true));
    assert!(live.desk().list.query.is_empty());
}
