//! Reading a message: folding, links, headers and source, the sender's line, the keys. No address is opened here: what would
//! be is only asked for.

use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};
use iced::{Size, mouse};
use jiff::Timestamp;

use crate::archive::{Archive, Incoming, Marks, Origin};
use crate::gui::Start;
use crate::gui::desk::view::Seen;
use crate::gui::desk::{Action, Desk, Message};
use crate::gui::fixtures::{Bench, letter, rows};
use crate::gui::live::Live;
use crate::gui::reader::{self, Shows};
use crate::gui::theme::Choice;
use crate::message;
use crate::problem::Problem;

const REPLY: &str = "From: \"service@bank.example\" <ann@evil.example>\n\
Reply-To: <elsewhere@other.example>\n\
To: anna@example.org, b@example.org, c@example.org, d@example.org, e@example.org, f@example.org\n\
Cc: Gee <g@example.org>\n\
Subject: Re: the boat house\n\
Date: Sat, 21 Nov 2026 18:30:00 +0900\n\
Authentication-Results: mx.example.org; dkim=pass header.d=evil.example\n\
Received: from x by mx.example.org; Sat, 21 Nov 2026 09:30:01 +0000\n\
\n\
See https://bank.example@evil.example/login or https://example.org/plan.\n\
And the odd one: https://[::1\n\
\n\
On 20 Nov 2026, Bee wrote:\n\
> Where are the keys?\n\
> > Behind the door.\n\
> Which door?\n\
\n\
-- \n\
Ann, Harbour Street\n";

pub(super) fn settled(desk: &Desk) -> bool {
    desk.library.fetching.is_empty() && !desk.is_writing() && desk.library.counts.to_index == 0
}

/// A window over an archive with these messages, the newest last.
pub(super) fn window(messages: &[String]) -> (Live, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    let incoming = messages.iter().map(|text| Incoming {
        bytes: text.replace('\n', "\r\n").into_bytes(),
        arrived: Timestamp::now(),
        marks: Marks::default(),
        from: Origin::File { account: None },
    });
    archive.ingest(incoming.collect()).unwrap();
    drop(archive);
    let mut live = Live::start(Start::Archive(folder.path().to_owned()));
    let count = messages.len() as u64;
    live.until_desk("all is listed", |desk| settled(desk) && desk.library.counts.all == count);
    (live, folder)
}

fn plain(subject: &str, day: u32) -> String {
    format!(
        "From: Ann <ann@example.org>\nSubject: {subject}\nDate: {day} Nov 2026 10:00:00 +0000\n\nText of {subject}.\n"
    )
}

fn open_reply() -> (Live, tempfile::TempDir) {
    let (mut live, folder) = window(&[REPLY.to_owned()]);
    live.until_shown("Re: the boat house");
    live.click("Re: the boat house");
    live.until_desk("it is open", |desk| desk.reader.is_shown() && settled(desk));
    (live, folder)
}

#[test]
fn quotations_fold_and_unfold() {
    let (mut live, _folder) = open_reply();
    assert!(live.shows("▸ 3 quoted lines") && !live.shows("Where are the keys?"));
    live.click("▸ 3 quoted lines");
    assert!(live.shows("▾ 3 quoted lines") && live.shows("Where are the keys?") && live.shows("Behind the door."));
    live.letter("q");
    assert!(live.shows("▸ 3 quoted lines") && !live.shows("Which door?"));
}

#[test]
fn the_heading_says_who_wrote_from_where_and_to_whom() {
    let (mut live, _folder) = open_reply();
    assert!(live.shows("<ann@evil.example>"), "the true address");
    assert!(live.shows("The sender’s name holds an address, service@bank.example, that is not the sender’s. It came under ann@evil.example."));
    assert!(live.shows("An answer would go to elsewhere@other.example, which is elsewhere than the sender."));
    assert!(live.shows("answers to elsewhere@other.example") && live.shows("cc Gee <g@example.org>"));
    assert!(live.shows("The server mx.example.org says: signed by evil.example (DKIM pass)."));
    assert!(live.shows("and 2 more"));
    live.click("and 2 more");
    assert!(
        live.shows("to anna@example.org, b@example.org, c@example.org, d@example.org, e@example.org, f@example.org")
    );
    live.click("show fewer");
    assert!(live.shows("and 2 more"));
}

#[test]
fn a_link_that_is_not_what_it_seems_is_asked_about() {
    let (mut live, _folder) = open_reply();
    live.click("https://bank.example@evil.example/login");
    assert!(live.shows("Open this link?"));
    assert!(live.shows("What stands before the @ (“bank.example”) is a user’s name. The link leads to evil.example."));
    live.click("Cancel");
    assert!(!live.shows("Open this link?"));

    live.click("https://bank.example@evil.example/login");
    live.letter("j");
    assert!(live.shows("Open this link?"), "no key goes on behind the question");
    live.click("Copy");
    assert!(!live.shows("Open this link?") && live.shows("The address was copied."));

    live.click("https://bank.example@evil.example/login");
    live.press(Key::Named(Named::Escape));
    assert!(!live.shows("Open this link?"));

    live.click("https://[::1");
    assert!(live.shows("This link is not opened. It is not an address that leads anywhere outside of this message."));
}

/// The message of the sheets, with another text.
fn bench(text: &str) -> Bench {
    let mut bench = Bench::full();
    let row = rows().remove(0);
    bench.desk.reader.close();
    bench.update(Message::List(crate::gui::list::Message::Enter));
    let message = message::Message { text: text.to_owned(), ..letter() };
    let loaded = reader::Loaded::new(row.clone(), reader::Dates::default(), message);
    bench.update(Message::Reader(reader::Message::Loaded(row.id, Ok(Some(loaded)))));
    bench
}

/// Moves the mouse to what says `text`.
fn point(bench: &mut Bench, text: &str) {
    let messages: Vec<Seen> = {
        let mut simulator = bench.simulate(Size::new(1360.0, 860.0));
        let found = simulator.find(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let position = found.visible_bounds().unwrap().center();
        simulator.point_at(position);
        simulator.simulate([iced::Event::Mouse(mouse::Event::CursorMoved { position })]);
        simulator.into_messages().collect()
    };
    for message in messages {
        if let Seen::Desk(message) = message {
            bench.update(message);
        }
    }
}

#[test]
fn a_link_shows_where_it_leads_before_it_is_pressed() {
    let mut bench = bench("Look at www.example.org/plan?x=1, please.\nOr write to ann@example.org");
    assert!(!bench.shows("http://www.example.org/plan?x=1"));
    point(&mut bench, "www.example.org/plan?x=1");
    assert!(bench.shows("http://www.example.org/plan?x=1"), "at the foot");
    point(&mut bench, "ann@example.org");
    assert!(bench.shows("mailto:ann@example.org"));

    let pressed = bench.click("www.example.org/plan?x=1");
    assert!(matches!(pressed, Action::Run(_)) && !bench.shows("Open this link?"), "an honest link is opened at once");
}

#[test]
fn headers_and_source_are_one_key_away_and_can_be_searched() {
    let (mut live, _folder) = open_reply();
    live.letter("h");
    live.until_shown("All headers, as the server sent them. Characters that could deceive are not shown here.");
    assert!(live.shows("Reply-To: <elsewhere@other.example>") && !live.shows("Ann, Harbour Street"));
    live.letter("v");
    live.until_shown("The source, as the server sent it. Characters that could deceive are not shown here.");
    assert!(live.shows("> Where are the keys?"), "nothing is folded in the source");

    live.type_into("look-for", "DOOR");
    live.until_shown("1 of 2");
    live.tell(Message::Reader(reader::Message::Looking(reader::looking::Message::Step(true))));
    assert!(live.shows("2 of 2"));
    live.type_into("look-for", "s without end");
    live.until_shown("not found");

    live.press(Key::Named(Named::Escape));
    assert!(live.desk().reader.open.as_ref().is_some_and(|open| open.body.shows == Shows::Text));
    live.letter("v");
    live.until_shown("Find in the source");
    live.letter("v");
    assert!(live.shows("▸ 3 quoted lines"), "the same key leads back");
}

#[test]
fn words_are_found_in_the_text_and_what_is_folded_is_unfolded_for_them() {
    let (mut live, _folder) = open_reply();
    live.press_with(Key::Character("f".into()), Modifiers::COMMAND);
    assert!(live.shows("Find in the message"));
    live.type_into("look-for", "PLAN");
    assert!(!live.shows("not found") && !live.shows("0 of 0"), "no answer is there yet");
    live.until_shown("1 of 1");
    // Another word, and the answer to the last is none to it.
    live.tell(Message::Reader(reader::Message::Looking(reader::looking::Message::For("plans".to_owned()))));
    assert!(!live.shows("1 of 1") && !live.shows("not found"));
    live.until_shown("not found");
    live.tell(Message::Reader(reader::Message::Looking(reader::looking::Message::For("plan".to_owned()))));
    assert!(!live.shows("not found"));
    live.until_shown("1 of 1");
    assert!(live.shows("▸ 3 quoted lines"), "nothing is unfolded for what is not in it");
    for _ in 0..4 {
        live.tell(Message::Reader(reader::Message::Looking(reader::looking::Message::For(String::new()))));
    }
    live.type_into("look-for", "door");
    live.until_shown("1 of 2");
    assert!(live.shows("▾ 3 quoted lines") && live.shows("Behind the door."));
    let marks =
        |live: &Live| live.desk().reader.open.as_ref().map(|open| (open.body.page.marks.len(), open.body.page.current));
    assert_eq!(marks(&live), Some((2, Some(0))));
    live.press(Key::Named(Named::F3));
    assert!(live.shows("2 of 2"));
    live.press_with(Key::Named(Named::F3), Modifiers::SHIFT);
    assert!(live.shows("1 of 2"));
    live.type_into("look-for", "nails");
    live.until_shown("not found");
    live.press(Key::Named(Named::Escape));
    assert!(!live.shows("not found") && live.desk().reader.is_shown(), "the field is closed, the message is not");
    assert_eq!(marks(&live), Some((0, None)));

    // With no message it is the search over all.
    live.letter("e");
    live.until_desk("it is in the bin", |desk| settled(desk) && desk.library.counts.bin == 1);
    live.press_with(Key::Character("f".into()), Modifiers::COMMAND);
    assert!(!live.shows("Find in the message"));
}

#[test]
fn what_comes_of_an_act_stands_over_its_own_message() {
    let (mut live, _folder) = window(&[plain("one", 1), plain("two", 2)]);
    live.until_shown("two");
    let open = |live: &mut Live, key: &str, subject: &'static str| {
        live.letter(key);
        live.until_desk(subject, |desk| {
            desk.reader.is_shown() && desk.reader.open.as_ref().is_some_and(|open| open.row.subject == subject)
        });
    };
    open(&mut live, "j", "two");
    let whose = live.desk().reader.open.as_ref().unwrap().whose();
    let failed = || {
        let said = |says: &str| says.to_owned();
        let problem = Problem {
            summary: said("It could not be made."),
            mail: said("Nothing was lost."),
            advice: said("Try again."),
        };
        Message::Reader(reader::Message::Noted(whose.clone(), reader::Note::Failed(problem)))
    };
    let told = |told| Message::Reader(reader::Message::Told(whose.clone(), told));
    let kept = || reader::Told::Kept("/tmp/two.pdf".into());

    open(&mut live, "j", "one");
    live.tell(failed());
    assert!(!live.shows("It could not be made.") && live.shows("“two”: It could not be made. Try again."));
    live.tell(told(kept()));
    assert!(!live.shows("Open its folder") && live.shows("“two”: Saved as /tmp/two.pdf."));
    live.tell(told(reader::Told::Forwarded("It was forwarded.".to_owned())));
    assert!(!live.shows("Save as a file") && live.shows("“two”: It was forwarded."), "that would save another");

    open(&mut live, "k", "two");
    live.tell(failed());
    assert!(live.shows("It could not be made."));
    live.tell(told(kept()));
    assert!(
        !live.shows("It could not be made.") && live.shows("Saved as /tmp/two.pdf.") && live.shows("Open its folder")
    );
    live.tell(Message::Reader(reader::Message::Back));
    live.tell(told(kept()));
    assert!(live.shows("“two”: Saved as /tmp/two.pdf."), "where none is open as well");
}

#[test]
fn letters_of_equal_width_stay_until_they_are_switched_off() {
    let (mut live, _folder) = window(&[plain("one", 1), plain("two", 2)]);
    live.until_shown("two");
    let monospace = |live: &Live| live.desk().reader.open.as_ref().is_some_and(|open| open.body.monospace);
    live.letter("j");
    live.until_desk("it is open", |desk| desk.reader.is_shown());
    live.letter("m");
    assert!(monospace(&live));
    live.letter("j");
    live.until_desk("the next is open", |desk| {
        desk.reader.is_shown() && desk.reader.open.as_ref().is_some_and(|open| open.row.subject == "one")
    });
    assert!(monospace(&live), "for the next message as well");
    live.letter("m");
    assert!(!monospace(&live));
}

#[test]
fn keys_lead_through_the_list_and_to_what_is_unread() {
    let (mut live, _folder) = window(&[plain("one", 1), plain("two", 2), plain("three", 3), plain("four", 4)]);
    live.until_shown("four");
    let shown = |live: &mut Live, subject: &'static str| {
        live.until_desk(subject, |desk| {
            desk.reader.is_shown()
                && settled(desk)
                && desk.reader.open.as_ref().is_some_and(|open| open.row.subject == subject)
        });
    };
    live.letter("n");
    shown(&mut live, "four");
    live.letter("n");
    shown(&mut live, "three");
    live.letter("p");
    shown(&mut live, "four");
    live.press_with(Key::Character("N".into()), Modifiers::SHIFT);
    shown(&mut live, "two");
    // The end of a message, by the space bar.
    live.tell(Message::Reader(reader::Message::Paged(false, false)));
    shown(&mut live, "one");
    live.tell(Message::Reader(reader::Message::Paged(true, false)));
    shown(&mut live, "two");
    live.tell(Message::Reader(reader::Message::Paged(false, true)));
    shown(&mut live, "two");
    live.letter("e");
    live.until_desk("it is in the bin", |desk| settled(desk) && desk.library.counts.bin == 1);
}

#[test]
fn a_question_mark_shows_the_keys() {
    let (mut live, _folder) = window(&[plain("one", 1)]);
    live.letter("?");
    assert!(live.shows("the next unread message") && live.shows("Shift+Space") && live.shows("find in the message"));
    live.letter("j");
    assert!(!live.desk().reader.is_open(), "no key goes on behind it");
    live.press(Key::Named(Named::Escape));
    assert!(!live.shows("the next unread message"));
}

#[test]
fn what_is_seldom_done_is_in_a_menu() {
    let mut bench = bench("short");
    bench.update(Message::Reader(reader::Message::Menu(true)));
    for item in
        ["Find in the message", "Reply to all", "Copy as text", "All headers", "View source", "Letters of equal width"]
    {
        assert!(bench.shows(item), "{item}");
    }
    bench.click("Letters of equal width");
    assert!(!bench.shows("Reply to all"), "it closes");
    bench.update(Message::Reader(reader::Message::CopyText));
    assert!(bench.shows("The message was copied as text."));
}

/// A menu is drawn above all else, and must not stand over a dialog that a key has opened.
#[test]
fn a_dialog_closes_the_menus() {
    let (mut live, _folder) = window(&[REPLY.to_owned()]);
    live.until_shown("Re: the boat house");
    live.letter("j");
    live.until_desk("it is open", |desk| desk.reader.is_shown());
    live.tell(Message::Reader(reader::Message::Menu(true)));
    assert!(live.shows("Letters of equal width"));
    live.letter("?");
    assert!(live.shows("the next unread message"), "the dialog is open");
    assert!(!live.shows("Letters of equal width"));
    live.press(Key::Named(Named::Escape));
    assert!(!live.shows("Letters of equal width") && !live.shows("the next unread message"));
}

const THREAD: &str = "Dear Anna,\n\nthe plan is at https://harbour.example/plan?house=2 and the key behind the second door. \
Mind the step, it is loose again, and call me when you are there so that I can tell you about the lights.\n\n\
> Is the lower door open?\n\nNo, only on Sundays.\n\nOn Sat 21 November 2026, 18:30, Marek Dvořák <marek@example.org> wrote:\n\
> They hang behind the second door.\n> > Where are the keys?\n> > > Which?\n> Bye\n> M.\n\n-- \nHarbour Books, 5 Quay Street\nwww.harbour-books.example";

#[test]
fn pictures_of_the_reader() {
    let mut bench = bench(THREAD);
    let wide = Size::new(1360.0, 860.0);
    bench.picture("reading-light", wide, Choice::Light);
    bench.update(Message::Reader(reader::Message::FoldAll));
    bench.picture("reading-unfolded", wide, Choice::Light);
    bench.picture("reading-dark", wide, Choice::Dark);
    bench.picture("reading-narrow", Size::new(700.0, 860.0), Choice::Light);
    let _ = bench.desk.open(crate::gui::dialog::Which::Keys);
    bench.picture("reading-keys", wide, Choice::Light);
}
