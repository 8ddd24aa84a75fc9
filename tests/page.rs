//! The page of a message in the reader's pane, with the real worker process: it arrives and is drawn, scrolled, searched,
//! laid out anew; a worker that is killed is started again, and where there is none the text stands in the page's place.
#![cfg(feature = "gui")]
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod frames;

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use frames::Frames;
use iced::keyboard::key::{Named, Physical};
use iced::keyboard::{self, Key, Location, Modifiers};
use iced::{Event, Size, mouse};
use jiff::Timestamp;
use postkeep::account::MessageId;
use postkeep::archive::{Archive, Incoming, Marks, Origin};
use postkeep::gui::measured::{Look, OfPage, OfPart, Read, Reading, Stands};
use postkeep::job::Cancel;
use postkeep::render::{Limits, Picture, Worker, write_png};

const PANE: Size = Size::new(756.0, 600.0);

/// The pane over an archive with these pages, the first one chosen; slower limits than what is shipped.
fn window(pages: &[&str], program: &str) -> (Frames, Vec<MessageId>, tempfile::TempDir) {
    let parts = |(number, html): (usize, &&str)| {
        format!(
            "Content-Type: multipart/alternative; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe text of page {number}.\r\n\
             --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b--\r\n"
        )
    };
    window_of(pages.iter().enumerate().map(parts).collect(), program)
}

/// The same over messages with these bodies, each behind the fields that say what it is.
fn window_of(bodies: Vec<String>, program: &str) -> (Frames, Vec<MessageId>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    let ids: Vec<MessageId> = (1..).map(MessageId).take(bodies.len()).collect();
    let mail = (1..).zip(bodies).map(|(day, body)| {
        let text = format!(
            "From: Ann <ann@example.org>\r\nSubject: page {}\r\nDate: {day} Nov 2026 10:00:00 +0000\r\n\
             MIME-Version: 1.0\r\n{body}",
            day - 1
        );
        Incoming {
            bytes: text.into_bytes(),
            arrived: Timestamp::now(),
            marks: Marks::default(),
            from: Origin::File { account: None },
        }
    });
    archive.ingest(mail.collect()).unwrap();
    archive.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
    let limits = Limits { time: Duration::from_secs(30), ..Limits::default() };
    let reading = Reading::new(archive, Worker::new(PathBuf::from(program), limits));
    let mut frames = Frames::new(reading, PANE);
    frames.frame(&[]);
    open(&mut frames, ids[0]);
    (frames, ids, folder)
}

fn open(frames: &mut Frames, id: MessageId) {
    let task = frames.reading.open(id);
    frames.run(task);
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_postkeep");

fn page_size(frames: &Frames) -> (f32, f32) {
    match frames.reading.stands() {
        Stands::Page(width, height, _) => (width, height),
        other => panic!("{other:?}"),
    }
}

/// Stripes of four points, each of another colour, in order: whole pixels at every scale that is tried.
fn stripes(count: u32) -> String {
    let row = |number: u32| {
        format!("<div style='height:4px;background:rgb({},{},{})'></div>", number % 251, number / 251, 77)
    };
    format!("<body style='margin:0'>{}<p>The end.</p></body>", (0..count).map(row).collect::<String>())
}

#[test]
fn a_page_arrives_and_is_drawn_and_another_width_is_another_layout() {
    let words = "word ".repeat(300);
    let html = format!("<body style='margin:0;background:#0a6'><p style='color:#fff'>Hello page. {words}</p></body>");
    let (mut frames, _, _folder) = window(&[&html], PROGRAM);
    let drawn = frames.until_page();
    assert!(frames.says("Hello page.") && !frames.says("The text of page 0."));
    let green = drawn.rgba.chunks_exact(4).filter(|pixel| pixel[..3] == [0, 0xaa, 0x66]).count();
    assert!(green > 50_000, "{green} pixels of the page's ground");

    let (width, height) = page_size(&frames);
    frames.size = Size::new(456.0, 600.0);
    frames.frame(&[]);
    frames.until("it is narrower", |reading| matches!(reading.stands(), Stands::Page(w, _, true) if w < width));
    assert!(page_size(&frames).1 > height * 1.3, "and longer");
    frames.tell(Read::Page(OfPage::Zoom(Some(true))));
    let (_, before) = page_size(&frames);
    frames.until("it is larger", |reading| matches!(reading.stands(), Stands::Page(_, h, true) if h > before * 1.05));
}

#[test]
fn a_worker_that_was_killed_is_started_again_and_one_that_cannot_be_leaves_the_text() {
    let page = "<body style='background:#0a6'><p>First.</p>";
    let tall = format!("<p>Second.</p>{}", "<p>more</p>".repeat(400));
    let (mut frames, ids, folder) = window(&[page, &tall], PROGRAM);
    frames.until_page();
    let (process, starts) = frames.reading.worker();
    let kill = |process: Option<u32>| {
        let process = process.expect("a worker").to_string();
        assert!(std::process::Command::new("kill").args(["-9", &process]).status().unwrap().success());
    };
    kill(process);
    // It waited: the next page is drawn by another, and nothing is said.
    open(&mut frames, ids[1]);
    frames.until_page();
    assert!(frames.says("Second.") && !frames.says("could not be drawn"));
    let (again, more) = frames.reading.worker();
    assert!(again.is_some() && again != process && more == starts + 1, "{again:?} after {process:?}: {more}");
    // What is scrolled to was not painted by the one that is gone.
    kill(again);
    frames.cursor = mouse::Cursor::Available(iced::Point::new(300.0, 400.0));
    let delta = mouse::ScrollDelta::Pixels { x: 0.0, y: -6_000.0 };
    frames.frame(&[Event::Mouse(mouse::Event::WheelScrolled { delta })]);
    frames.until_page();
    assert!(!frames.says("could not be drawn") && frames.reading.worker().1 == more + 1);

    // A program that is no worker: never a page, always the text.
    drop((frames, folder));
    let (mut frames, _, _folder) = window(&[page], "/bin/false");
    frames.until("the text is there", |reading| reading.stands() == Stands::Text);
    assert!(frames.says("The text of page 0."));
}

#[test]
fn no_row_of_pixels_is_lost_or_doubled_wherever_it_is_scrolled() {
    let html = stripes(400);
    for scale in [1.0, 1.25, 1.5, 2.0] {
        let (mut frames, _, _folder) = window(&[&html], PROGRAM);
        frames.scale = scale;
        frames.tell(Read::Page(OfPage::Scale(scale)));
        frames.until_page();
        frames.cursor = mouse::Cursor::Available(iced::Point::new(300.0, 400.0));
        for step in [3.0, 98.0, 61.0, 250.0, 301.0, 7.0] {
            let delta = mouse::ScrollDelta::Pixels { x: 0.0, y: -step };
            frames.frame(&[Event::Mouse(mouse::Event::WheelScrolled { delta })]);
            let drawn = frames.until_page();
            let (height, x) = (drawn.rgba.len() / 4 / drawn.width, drawn.width / 2);
            // Each stripe, and how many rows it has on the screen.
            let mut seen: Vec<(u32, u32)> = Vec::new();
            for [red, green, _] in (0..height).map(|y| drawn.pixel(x, y)).filter(|[_, _, blue]| *blue == 77) {
                let number = u32::from(red) + u32::from(green) * 251;
                match seen.last_mut().filter(|last| last.0 == number) {
                    Some(last) => last.1 += 1,
                    None => seen.push((number, 1)),
                }
            }
            assert!(seen.len() > 50, "{} stripes at {scale}", seen.len());
            assert!(seen.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0), "{seen:?}");
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let rows = (4.0 * scale) as u32;
            // The first and the last are cut by the pane.
            let whole = &seen[1..seen.len() - 1];
            let wrong: Vec<_> = whole.iter().filter(|(_, each)| *each != rows).collect();
            assert!(wrong.is_empty(), "scale {scale}, scrolled by {step}: {wrong:?}, each of {rows} rows");
        }
    }
}

fn typed(text: &str) -> Vec<Event> {
    let press = |letter: char| {
        let key = Key::Character(letter.to_string().into());
        Event::Keyboard(keyboard::Event::KeyPressed {
            modified_key: key.clone(),
            key,
            physical_key: Physical::Unidentified(keyboard::key::NativeCode::Unidentified),
            location: Location::Standard,
            modifiers: Modifiers::empty(),
            text: Some(letter.to_string().into()),
            repeat: false,
        })
    };
    text.chars().map(press).collect()
}

fn enter(modifiers: Modifiers) -> Event {
    pressed(Key::Named(Named::Enter), modifiers)
}

fn pressed(key: Key, modifiers: Modifiers) -> Event {
    Event::Keyboard(keyboard::Event::KeyPressed {
        modified_key: key.clone(),
        key,
        physical_key: Physical::Unidentified(keyboard::key::NativeCode::Unidentified),
        location: Location::Standard,
        modifiers,
        text: None,
        repeat: false,
    })
}

/// Frames until the pane says it.
fn until_says(frames: &mut Frames, words: &str) {
    for _ in 0..2_000 {
        frames.frame(&[]);
        if frames.says(words) {
            return;
        }
        frames.hears(Duration::from_millis(20));
    }
    panic!("waited in vain for {words}");
}

#[test]
fn words_are_found_in_a_page_and_in_its_folded_tail() {
    let filler = "<p>nothing here</p>".repeat(80);
    let html = format!(
        "<body><p>Needle one.</p>{filler}<p>A needle, two.</p>\
         <div class='gmail_quote'><div class='gmail_attr'>On Sat, 21 Nov 2026, Bee wrote:</div>\
         <blockquote class='gmail_quote'><p>The third NEEDLE.</p><p>And more of it.</p></blockquote></div></body>"
    );
    let (mut frames, _, _folder) = window(&[&html], PROGRAM);
    frames.until_page();
    assert!(!frames.says("The third NEEDLE."), "the tail is folded");
    let (_, folded) = page_size(&frames);

    frames.tell(Read::Looking(Look::Open));
    // All that it asks of the field, before anything is typed into it.
    while frames.hears(Duration::from_secs(1)) {}
    frames.frame(&[]);
    for event in typed("needle") {
        frames.frame(&[event]);
    }
    until_says(&mut frames, "1 of 3");
    assert!(!frames.says("The third NEEDLE."), "it stays folded until a person turns to it");
    let top = |frames: &mut Frames| frames.frame(&[]).rgba;
    let first = top(&mut frames);
    frames.frame(&[enter(Modifiers::empty())]);
    until_says(&mut frames, "2 of 3");
    until_moved(&mut frames, &first, "it is scrolled to the second");
    frames.frame(&[enter(Modifiers::empty())]);
    until_says(&mut frames, "The third NEEDLE.");
    until_says(&mut frames, "3 of 3");
    assert!(page_size(&frames).1 > folded, "unfolded");
    frames.frame(&[enter(Modifiers::SHIFT)]);
    until_says(&mut frames, "2 of 3");

    for event in typed("s") {
        frames.frame(&[event]);
    }
    until_says(&mut frames, "not found");

    // The text in the page's place is searched as well.
    for _ in 0.."needles".len() {
        frames.frame(&[pressed(Key::Named(Named::Backspace), Modifiers::empty())]);
    }
    for event in typed("text of") {
        frames.frame(&[event]);
    }
    until_says(&mut frames, "not found");
    frames.tell(Read::Page(OfPage::Plain));
    until_says(&mut frames, "1 of 1");
    frames.tell(Read::Looking(Look::Close));
    assert!(!frames.says("1 of 1"));
}

/// Pixels of the frame that are white under the ground of a hit.
fn marked(frames: &mut Frames) -> usize {
    let near = |pixel: &[u8]| pixel[0] == 255 && pixel[1].abs_diff(240) < 3 && pixel[2].abs_diff(179) < 3;
    frames.frame(&[]).rgba.chunks_exact(4).filter(|pixel| near(pixel)).count()
}

#[test]
fn what_a_search_hit_is_marked_in_a_page_and_is_the_first_that_is_looked_for() {
    let filler = "<p>nothing here</p>".repeat(80);
    let html = format!(
        "<body style='background:#fff'><p>A lantern festival.</p><p>The second Lántern, and the mark.</p>{filler}\
         <p>Lantern three</p></body>"
    );
    let (mut frames, _, _folder) = window(&[&html], PROGRAM);
    frames.until_page();
    assert_eq!(marked(&mut frames), 0);
    frames.reading.search("festival");
    let one = marked(&mut frames);
    assert!(one > 100, "{one} pixels of a ground");
    frames.reading.search("lantern");
    let two = marked(&mut frames);
    assert!(two > one * 3 / 2, "{two} pixels for two words, accents and capitals alike, {one} for one");
    for nothing in ["from:lantern", "-lantern", ""] {
        frames.reading.search(nothing);
        assert_eq!(marked(&mut frames), 0, "{nothing}");
    }

    // The field for finding begins with it, and while it is open the places are marked that it tells.
    frames.reading.search("fest*");
    frames.tell(Read::Looking(Look::Open));
    until_says(&mut frames, "1 of 1");
    frames.tell(Read::Looking(Look::Close));
    // Another search is another beginning, and what a person typed stays.
    frames.reading.search("lantern");
    frames.tell(Read::Looking(Look::Step(true)));
    until_says(&mut frames, "1 of 3");
    frames.tell(Read::Looking(Look::For("mark".to_owned())));
    until_says(&mut frames, "1 of 1");
    frames.tell(Read::Looking(Look::Close));
    frames.tell(Read::Looking(Look::Open));
    until_says(&mut frames, "1 of 1");
    frames.tell(Read::Looking(Look::Close));
    assert!(marked(&mut frames) > one, "the search's own are marked again");
}

fn until_moved(frames: &mut Frames, before: &[u8], what: &str) {
    let changed = |now: &[u8]| now.iter().zip(before).filter(|(now, before)| now != before).count();
    for _ in 0..200 {
        let now = frames.frame(&[]).rgba;
        if changed(&now) > before.len() / 100 {
            return;
        }
        frames.hears(Duration::from_millis(20));
    }
    panic!("waited in vain until {what}");
}

#[test]
fn the_sideways_bar_of_a_wide_page_is_dragged() {
    let html = "<body style='margin:0'><div style='width:1400px;height:300px;background:linear-gradient(#fff,#fff)'>\
                <div style='float:left;width:700px;height:300px;background:#a00'></div>\
                <div style='float:left;width:700px;height:300px;background:#00a'></div></div><p>Below.</p></body>";
    let (mut frames, _, _folder) = window(&[html], PROGRAM);
    let drawn = frames.until_page();
    assert_eq!(page_size(&frames).0, 1_400.0);
    let top = (0..600).find(|y| drawn.pixel(60, *y) == [0xaa, 0, 0]).expect("the left half is seen");
    // At the foot of the page, which is in sight.
    #[allow(clippy::cast_precision_loss)]
    let bar = top as f32 + page_size(&frames).1 - 5.0;
    assert!(bar < PANE.height);
    frames.moves_to(100.0, bar);
    frames.frame(&[Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left))]);
    let drawn = frames.moves_to(700.0, bar);
    frames.frame(&[Event::Mouse(mouse::Event::ButtonReleased(mouse::Button::Left))]);
    assert_eq!(drawn.pixel(60, top + 100), [0, 0, 0xaa], "the right half");
    let stays = frames.moves_to(100.0, bar - 50.0);
    assert_eq!(stays.pixel(60, top + 100), [0, 0, 0xaa], "it was let go");
}

/// Presses where these words begin, and lets go.
fn click_before(frames: &mut Frames, words: &str) {
    let place = frames.place(words).unwrap_or_else(|| panic!("{words}"));
    // In its first row.
    frames.moves_to(place.x + 1.0, place.y + 8.0);
    frames.frame(&[Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left))]);
    frames.frame(&[Event::Mouse(mouse::Event::ButtonReleased(mouse::Button::Left))]);
}

/// What is copied after each of these keys, pressed with Shift and more.
fn copied_after(frames: &mut Frames, keys: &[(Named, Modifiers)]) -> Vec<String> {
    let mut all = Vec::new();
    for (key, modifiers) in keys {
        frames.frame(&[pressed(Key::Named(*key), Modifiers::SHIFT | *modifiers)]);
        frames.frame(&[pressed(Key::Character("c".into()), Modifiers::COMMAND)]);
        all.push(frames.copied());
    }
    all
}

#[test]
fn keys_extend_what_the_mouse_selected_in_a_page_and_in_its_text() {
    let (none, ctrl, alt) = (Modifiers::empty(), Modifiers::CTRL, Modifiers::ALT);
    let html = "<p>One two three</p><p>Four five</p>";
    let words = "word ".repeat(60);
    let body = format!(
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSix seven {words}last\r\nEight.\r\n\
         --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b--\r\n"
    );
    let (mut frames, _, _folder) = window_of(vec![body], PROGRAM);
    frames.until_page();
    assert_eq!(copied_after(&mut frames, &[(Named::ArrowRight, none)]), [""], "nothing was selected");
    click_before(&mut frames, "One two three");
    let keys = [
        (Named::ArrowRight, none),
        (Named::ArrowRight, ctrl),
        (Named::ArrowRight, alt),
        (Named::ArrowLeft, none),
        (Named::End, none),
        (Named::ArrowRight, none),
        (Named::ArrowRight, alt),
        (Named::ArrowUp, none),
        (Named::ArrowDown, none),
        (Named::ArrowDown, none),
        (Named::Home, none),
        (Named::Home, ctrl),
    ];
    let expected = [
        "O",
        "One",
        "One two",
        "One tw",
        "One two three",
        "One two three\n\n",
        "One two three\n\nFour",
        "One ",
        "One two three\n\nFour",
        "One two three\n\nFour five",
        "One two three\n\n",
        "",
    ];
    let copied = copied_after(&mut frames, &keys);
    // How far right a row is left depends on the letters.
    assert!("One two three".starts_with(&copied[7]) && copied[7].len() > 2, "{}", copied[7]);
    assert_eq!((&copied[..7], &copied[8..]), (&expected.map(str::to_owned)[..7], &expected.map(str::to_owned)[8..]));

    frames.tell(Read::Page(OfPage::Plain));
    frames.frame(&[]);
    assert_eq!(copied_after(&mut frames, &[(Named::ArrowRight, none)]), [""], "another widget");
    click_before(&mut frames, "Six seven");
    let copied = copied_after(
        &mut frames,
        &[
            (Named::ArrowRight, alt),
            (Named::ArrowDown, none),
            (Named::ArrowUp, none),
            (Named::End, none),
            (Named::End, none),
            (Named::End, ctrl),
            (Named::ArrowLeft, none),
            (Named::Home, none),
        ],
    );
    let whole = format!("Six seven {words}last");
    assert_eq!((copied[0].as_str(), copied[2].as_str()), ("Six", "Six"), "a row down and back");
    assert!(copied[1].len() > 60 && whole.starts_with(&copied[1]), "one row: {}", copied[1]);
    assert!(copied[3].ends_with("word") && copied[3].len() < 200, "to the end of its row: {}", copied[3]);
    assert_eq!(copied[4], copied[3], "and no further");
    assert_eq!(copied[5..], [format!("{whole}\nEight."), format!("{whole}\nEight"), format!("{whole}\n")]);
}

#[test]
fn an_attached_picture_is_decoded_by_a_worker_of_its_own() {
    let png = |rgba: [u8; 4]| {
        let mut out = Vec::new();
        let picture = Picture { width: 60, height: 40, rgba: rgba.repeat(60 * 40) };
        write_png(&mut out, &[picture]).unwrap();
        out
    };
    let part = |name: &str, content: &[u8]| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(content);
        format!(
            "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename={name}\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n"
        )
    };
    let green = png([0, 0xaa, 0x66, 255]);
    let bomb = [&green[..16], &[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50], &green[24..]].concat();
    let body = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>See below.</p>\r\n\
         {}{}--b--\r\n",
        part("map.png", &green),
        part("huge.png", &bomb)
    );
    let (mut frames, _, _folder) = window_of(vec![body], PROGRAM);
    frames.until_page();
    let worker = frames.reading.worker();
    let is_green = |drawn: &frames::Drawn| {
        drawn.rgba.chunks_exact(4).filter(|pixel| pixel[..3] == [0, 0xaa, 0x66]).count() >= 60 * 40
    };
    frames.tell(Read::Parts(OfPart::Look(0)));
    let mut drawn = frames.frame(&[]);
    for _ in 0..2_000 {
        if is_green(&drawn) {
            break;
        }
        frames.hears(Duration::from_millis(20));
        drawn = frames.frame(&[]);
    }
    assert!(is_green(&drawn), "the picture is shown");
    frames.tell(Read::Parts(OfPart::Look(1)));
    until_says(&mut frames, "This picture is not shown: it could not be decoded. It can be saved.");
    assert_eq!(frames.reading.worker(), worker, "the page's own worker had nothing to do with it");

    // Where there is no worker it is said, and not blamed on the picture.
    let body = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n", part("map.png", &green));
    let (mut frames, _, _folder) = window_of(vec![body], "/nonexistent/postkeep");
    until_says(&mut frames, "map.png");
    frames.tell(Read::Parts(OfPart::Look(0)));
    until_says(&mut frames, "The part of Postkeep that draws pages could not be started");
}
