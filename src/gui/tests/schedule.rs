//! When the next check is, what is quiet and what is not.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::archive::MaildropState;
use crate::fetch::{Due, Event, FetchError, Why};
use crate::gui::desk::Message;
use crate::gui::fixtures::{ANNA, Bench, OFFICE, stock};
use crate::transport::TransportError;

fn due(bench: &mut Bench, seconds: i64, why: Why) {
    let at = bench.clock.now + SignedDuration::from_secs(seconds);
    bench.update(Message::Worker(Event::Due(ANNA, Some(Due { at, why }))));
}

fn no_network(bench: &mut Bench) {
    let error = FetchError::Transport(TransportError::Closed);
    bench.update(Message::Worker(Event::Started(ANNA)));
    bench.update(Message::Worker(Event::Finished(ANNA, Default::default(), Some(Arc::new(error)))));
}

fn words_of_trouble() -> String {
    let error = FetchError::Transport(TransportError::Closed);
    format!("anna@example.org: {}", crate::problem::Problem::from(&error).summary)
}

#[test]
fn the_next_check_is_counted_down() {
    let mut bench = Bench::full();
    due(&mut bench, 252, Why::Interval);
    assert!(bench.shows("Next check in 4:12"));
    bench.clock.now += SignedDuration::from_secs(3);
    assert!(bench.shows("Next check in 4:09"));
    bench.update(Message::Worker(Event::Due(ANNA, None)));
    assert!(!bench.shows("Next check in 4:09"));
}

#[test]
fn being_offline_is_quiet_unless_somebody_asked() {
    let mut bench = Bench::full();
    no_network(&mut bench);
    due(&mut bench, 300, Why::Network);
    assert!(bench.shows("anna@example.org: No connection. Trying again in 5 min"));
    assert!(!bench.shows(&words_of_trouble()), "nobody asked");
    bench.desk.check_mail();
    no_network(&mut bench);
    assert!(bench.shows(&words_of_trouble()), "it was asked for");
}

#[test]
fn a_refused_login_leads_to_the_password_and_stays_until_it_is_mended() {
    let mut stock = stock();
    stock.standing.insert(ANNA, MaildropState { login_refused: true, ..MaildropState::default() });
    let mut bench = Bench::with(stock);
    let strip = "anna@example.org: the server refused the name or the password. Postkeep does not try again by itself, so \
                 that the account is not locked.";
    assert!(bench.shows(strip));
    bench.click("Enter the password");
    assert!(bench.shows("Use this password"));
    bench.update(Message::Stocked(Ok(crate::gui::fixtures::stock()), false));
    assert!(!bench.shows(strip));
}

#[test]
fn the_check_button_counts_down_where_the_server_wants_it() {
    let mut stock = stock();
    let last_login = Some(crate::gui::fixtures::clock().now - SignedDuration::from_secs(48));
    let delayed = MaildropState { last_login, login_delay: Some(300), ..MaildropState::default() };
    stock.standing.extend([(ANNA, delayed), (OFFICE, delayed)]);
    let mut bench = Bench::with(stock);
    assert!(bench.shows("Check in 4:12"));
    bench.clock.now += SignedDuration::from_secs(252);
    assert!(bench.shows("Check mail"));
}

#[test]
fn hovering_the_lights_says_where_the_copies_are() {
    let bench = Bench::full();
    let mut window = bench.simulate(iced::Size::new(1360.0, 860.0));
    assert!(window.find("Not yet in a backup").is_err());
    // The lights of the first row: below the top bar, the list's head and a group's title, at the right of the list.
    let at = iced::Point::new(232.0 + 372.0 - 27.0, 53.0 + 41.0 + 30.0 + 54.0);
    window.point_at(at);
    window.simulate([iced::Event::Mouse(iced::mouse::Event::CursorMoved { position: at })]);
    for text in ["On the server", "On this computer", "Not yet in a backup"] {
        assert!(window.find(text).is_ok(), "{text}");
    }
}

#[test]
fn the_trash_of_a_row_deletes_its_message() {
    let mut bench = Bench::full();
    let at = iced::Point::new(232.0 + 372.0 - 22.0, 53.0 + 41.0 + 30.0 + 70.0 + 17.0);
    let messages: Vec<_> = {
        let mut window = bench.simulate(iced::Size::new(1360.0, 860.0));
        window.point_at(at);
        window.simulate([iced::Event::Mouse(iced::mouse::Event::ButtonPressed(iced::mouse::Button::Left))]);
        window.into_messages().collect()
    };
    for message in messages {
        if let crate::gui::desk::view::Seen::Desk(message) = message {
            bench.update(message);
        }
    }
    assert!(!bench.desk.list.shows("Re: keys for the boat house"));
    assert!(bench.shows("Deleted. Its copy on the server stays."));
    assert!(bench.shows("November arrivals, and a seat by the stove"), "what was open stays open");
}
