//! Remote pictures of a page in the window: offered, loaded from a real server over TLS, always for a sender, and no
//! longer. The page itself is laid out by hand: there is no worker in these tests.

use iced::Size;

use super::reading::{settled, window};
use crate::gui::fixtures::{Bench, letter, rows};
use crate::gui::live::Live;
use crate::gui::reader::{self, page};
use crate::gui::theme::Choice;
use crate::gui::{desk, list};
use crate::message;
use crate::problem::Problem;
use crate::remote::{Fetched, Rules};
use crate::render::{Blocked, Failure, Laid, Picture, Rect, RemotePicture, write_png};

#[path = "../../../tests/support/https.rs"]
mod https;
use https::{Web, ok};

fn png() -> Vec<u8> {
    let mut out = Vec::new();
    write_png(&mut out, &[Picture { width: 8, height: 8, rgba: vec![200; 256] }]).unwrap();
    out
}

/// A page with these pictures left out; a name with `hidden` in it has no place, one with `track` is a tracker.
fn blocked(addresses: &[String]) -> Laid {
    let picture = |address: &String| RemotePicture {
        address: address.clone(),
        area: (!address.contains("hidden")).then_some(Rect { left: 0.0, top: 0.0, width: 90.0, height: 40.0 }),
        tracker: address.contains("track"),
    };
    let pictures = addresses.iter().map(picture).collect();
    // Of no height: nothing has to be painted.
    Laid { width: 700.0, height: 0.0, blocked: Blocked { pictures, ..Blocked::default() }, ..Laid::default() }
}

fn mail(subject: &str, from: &str, day: u32) -> String {
    format!(
        "From: {from}\nSubject: {subject}\nDate: {day} Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n\
         Content-Type: text/html\n\n<p>Text of {subject}. <img src=\"https://shop.example/a.png\">\n"
    )
}

/// Opens a message, and lays its page out with these pictures left out.
fn open(live: &mut Live, web: &Web, subject: &'static str, addresses: &[String]) {
    live.until_shown(subject);
    live.click(subject);
    live.until_desk(subject, |desk| {
        let shown = desk.reader.open.as_ref().is_some_and(|open| open.row.subject == subject);
        desk.reader.is_shown() && settled(desk) && shown
    });
    let rules = Rules { ca_file: Some(web.ca_file()), loopback_for_tests: true, ..Rules::default() };
    live.app.reader_mut().unwrap().press.rules = rules;
    live.tell(desk::Message::Reader(reader::Message::Page(page::laid(blocked(addresses)))));
}

fn asked(web: &Web) -> usize {
    web.heard().len()
}

#[test]
fn pictures_are_loaded_once_on_a_person_s_word() {
    let web = Web::start(|_| ok("", &png()));
    let (mut live, _folder) = window(&[mail("Offers", "Shop <news@shop.example>", 1), mail("Other", "b@b.example", 2)]);
    let pictures = [
        web.address("/a.png"),
        web.address("/b.png"),
        web.address("/track.png"),
        web.address("/hidden.png"),
        "http://shop.example/c.png".to_owned(),
    ];
    open(&mut live, &web, "Offers", &pictures);
    assert!(live.shows("5 remote pictures not loaded; 1 looks like a tracker."));
    assert!(live.shows("Load once") && live.shows("Always for news@shop.example"));
    assert_eq!(asked(&web), 0, "nothing is loaded by itself");
    live.click("Load once");
    live.until_shown(
        "1 picture could not be loaded: 1 would come without encryption. 2 remote pictures look like trackers and stay blocked.",
    );
    assert!(!live.shows("Load once"));
    let heard = web.heard().concat();
    assert!(heard.contains("/a.png") && heard.contains("/b.png") && asked(&web) == 2, "{heard}");
    // Another message, and back: it was for once.
    open(&mut live, &web, "Other", &pictures);
    open(&mut live, &web, "Offers", &pictures);
    assert!(live.shows("Load once") && asked(&web) == 2);
}

#[test]
fn pictures_of_a_sender_are_loaded_always_until_that_is_taken_back() {
    let web = Web::start(|_| ok("", &png()));
    let from = "Shop <news@shop.example>";
    let mails = [mail("First", from, 1), mail("Second", "News@Shop.example", 2), mail("Other", "b@b.example", 3)];
    let (mut live, _folder) = window(&mails);
    let pictures = [web.address("/a.png"), web.address("/track.png")];
    open(&mut live, &web, "First", &pictures);
    live.click("Always for news@shop.example");
    live.until_shown("1 remote picture looks like a tracker and stays blocked.");
    assert_eq!(asked(&web), 1);
    open(&mut live, &web, "Other", &pictures);
    assert!(live.shows("Load once") && asked(&web) == 1, "of this sender only");
    open(&mut live, &web, "Second", &pictures);
    live.until_shown("1 remote picture looks like a tracker and stays blocked.");
    assert_eq!(asked(&web), 2, "by itself");
    live.click("No longer load those of News@Shop.example");
    live.until_shown("Always for News@Shop.example");
    open(&mut live, &web, "Other", &pictures);
    open(&mut live, &web, "First", &pictures);
    assert!(live.shows("Load once") && live.shows("Always for news@shop.example") && asked(&web) == 2);
}

#[test]
fn always_is_offered_only_where_the_sender_is_what_he_seems() {
    let web = Web::start(|_| ok("", &png()));
    let elsewhere = "Shop <news@shop.example>\nReply-To: <x@evil.example>";
    let failed = "Authentication-Results: mx.b.example; dmarc=fail header.from=shop.example\nFrom: news@shop.example";
    let mails = [
        mail("A name that lies", "\"service@bank.example\" <news@shop.example>", 1),
        mail("Answers elsewhere", elsewhere, 2),
        mail("Failed", "x", 3).replacen("From: x", failed, 1),
        mail("No address", "Shop", 4),
        mail("Honest", "Shop <news@shop.example>", 5),
    ];
    let (mut live, _folder) = window(&mails);
    let pictures = [web.address("/a.png")];
    open(&mut live, &web, "Honest", &pictures);
    live.click("Always for news@shop.example");
    live.until_shown("No longer load those of news@shop.example");
    live.until_desk("it came", |_| web.heard().len() == 1);
    for subject in ["A name that lies", "Answers elsewhere", "Failed", "No address"] {
        open(&mut live, &web, subject, &pictures);
        assert!(live.shows("Load once"), "{subject}");
        assert!(!live.shows("Always for news@shop.example"), "{subject}");
        assert_eq!(asked(&web), 1, "{subject}: not by itself, though its address is that of the sender");
    }
}

#[test]
fn loading_can_be_stopped() {
    let web = Web::start(|path| match path {
        "/a.png" => ok("", &png()),
        _ => vec![https::Step::Pause(std::time::Duration::from_secs(3_600))],
    });
    let (mut live, _folder) = window(&[mail("Offers", "Shop <news@shop.example>", 1)]);
    let pictures = [web.address("/a.png"), web.address("/slow.png")];
    open(&mut live, &web, "Offers", &pictures);
    live.click("Load once");
    live.until_shown("Loading 1 remote picture…");
    live.click("Stop");
    assert!(live.shows("1 remote picture not loaded.") && live.shows("Load once"));
}

#[test]
fn pictures_that_the_page_cannot_be_drawn_with_are_said_to_be_left_out() {
    let web = Web::start(|_| ok("", &png()));
    let (mut live, _folder) = window(&[mail("Offers", "Shop <news@shop.example>", 1)]);
    let pictures = [web.address("/a.png"), web.address("/b.png")];
    open(&mut live, &web, "Offers", &pictures);
    live.click("Load once");
    live.until_desk("they came", |desk| {
        let sheet = desk.reader.open.as_ref().and_then(|open| open.sheet.as_ref());
        sheet.is_some_and(|sheet| sheet.remote_pictures().len() == 2)
    });
    let page = |message| desk::Message::Reader(reader::Message::Page(message));
    live.tell(page(page::Message::Remote(page::remote::Message::Together(0))));
    live.tell(page(page::Message::Laid(0, Err(Problem::from(&Failure::Died)))));
    live.tell(page(page::laid(blocked(&pictures))));
    assert!(live.shows("2 remote pictures came, but the page could not be drawn with them: they are left out."));
    assert!(!live.shows("Load once"));
    // It may have been the machine, which was busy.
    live.click("Load again");
    live.until_desk("they came again", |desk| {
        let sheet = desk.reader.open.as_ref().and_then(|open| open.sheet.as_ref());
        sheet.is_some_and(|sheet| sheet.remote_pictures().len() == 2)
    });
    live.tell(page(page::laid(blocked(&[]))));
    assert!(live.shows("The remote pictures of this message were loaded.") && asked(&web) == 4);
    live.tell(page(page::Message::Remote(page::remote::Message::Together(0))));
    live.tell(page(page::Message::Laid(0, Err(Problem::from(&Failure::Died)))));
    live.tell(page(page::laid(blocked(&pictures))));
    assert!(live.shows("2 remote pictures came, but the page could not be drawn with them: they are left out."));

    // Where there is no page at all there is nothing to load pictures for.
    live.tell(page(page::Message::Laid(0, Err(Problem::from(&Failure::Died)))));
    assert!(!live.shows("2 remote pictures came, but the page could not be drawn with them: they are left out."));
    assert!(live.shows("This message's page could not be drawn: it wants more memory than is allowed, or is damaged."));
}

#[test]
fn pictures_that_were_not_in_the_page_are_not_blamed() {
    let web = Web::start(|_| ok("", &png()));
    let (mut live, _folder) = window(&[mail("Offers", "Shop <news@shop.example>", 1)]);
    let pictures = [web.address("/a.png"), web.address("/b.png")];
    open(&mut live, &web, "Offers", &pictures);
    let page = |message| desk::Message::Reader(reader::Message::Page(message));
    let came = |address: &String| {
        let fetched = Fetched { address: address.clone(), octets: Ok(png()) };
        page(page::Message::Remote(page::remote::Message::Came(0, fetched)))
    };
    let kept = |live: &Live| {
        let sheet = live.desk().reader.open.as_ref().and_then(|open| open.sheet.as_ref());
        sheet.map(|sheet| sheet.remote_pictures().len())
    };
    let failed = || page(page::Message::Laid(0, Err(Problem::from(&Failure::TooSlow))));
    let together = || page(page::Message::Remote(page::remote::Message::Together(0)));
    live.tell(came(&pictures[0]));
    live.tell(failed());
    assert_eq!(kept(&live), Some(1), "the layout was begun before it came");
    live.tell(together());
    live.tell(came(&pictures[1]));
    live.tell(failed());
    assert_eq!(kept(&live), Some(1), "the one that came later");
    live.tell(page(page::laid(blocked(&pictures[..1]))));
    assert!(live.shows("1 remote picture came, but the page could not be drawn with it: it is left out."));
}

#[test]
fn pictures_of_the_strip() {
    let mut bench = Bench::full();
    let row = rows().remove(0);
    bench.desk.reader.close();
    bench.update(desk::Message::List(list::Message::Enter));
    let loaded = reader::Loaded::new(row.clone(), reader::Dates::default(), message::Message { ..letter() });
    bench.update(desk::Message::Reader(reader::Message::Loaded(row.id, Ok(Some(loaded.with_page())))));
    let pictures: Vec<String> = (0..14).map(|number| format!("https://shop.example/{number}.png")).collect();
    bench.update(desk::Message::Reader(reader::Message::Page(page::laid(blocked(&pictures)))));
    assert!(bench.shows("Load once"));
    let wide = Size::new(1360.0, 860.0);
    bench.picture("pictures-light", wide, Choice::Light);
    bench.picture("pictures-dark", wide, Choice::Dark);
    bench.picture("pictures-narrow", Size::new(700.0, 860.0), Choice::Light);
}
