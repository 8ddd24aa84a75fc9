//! A message's page, through the real worker process: every real page gives a picture, no bomb costs more than a page,
//! a worker that dies is started again, and nothing in a page is an address that anything could fetch.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postkeep::job::Cancel;
use postkeep::message;
use postkeep::render::{
    After, Blocked, Colours, Failure, Given, Laid, Limits, Normalised, Page, Part, Picture, Piece, Unseen, View,
    Worker, normalise,
};
use proptest::prelude::*;

#[path = "support/leaks.rs"]
mod leaks;
use leaks::leaks;

/// Slower than what is shipped: the tests' program is hardly optimised, and shares its processors.
fn limits() -> Limits {
    Limits { time: Duration::from_secs(30), ..Limits::default() }
}

fn worker() -> Worker {
    Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), limits())
}

fn page(html: &str) -> Page {
    Page { html: html.to_owned(), ..Page::default() }
}

fn lay(worker: &mut Worker, html: &str) -> Laid {
    worker.lay(&page(html)).unwrap_or_else(|failure| panic!("{failure}: {}", html.get(..200).unwrap_or(html)))
}

fn texts(laid: &Laid) -> Vec<&str> {
    laid.lines.iter().map(|line| line.text.trim()).collect()
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 4] {
    let at = ((y * picture.width + x) * 4) as usize;
    picture.rgba[at..at + 4].try_into().unwrap()
}

const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\xff\xff\xff!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

#[test]
fn a_page_is_laid_out_painted_and_read() {
    let mut worker = worker();
    let html = "<body style='margin:0;background:#00f'><p style='margin:10px;color:#fff'>One <a href='https://x.example/a'>link \
                text</a> here<br>next</p><table cellpadding=0 cellspacing=0><tr><td bgcolor=red width=50 height=40>a<td>b</table>";
    let laid = lay(&mut worker, html);
    assert_eq!(laid.width, 700.0);
    assert_eq!(laid.ground, [0, 0, 255]);
    assert_eq!(texts(&laid), ["One link text here", "next", "a", "b"]);
    let after: Vec<After> = laid.lines.iter().map(|line| line.after).collect();
    assert_eq!(after, [After::Block, After::Break, After::Block, After::Cell]);
    let [link] = laid.links.as_slice() else { panic!("{:?}", laid.links) };
    assert_eq!((link.address.as_str(), link.text.as_str()), ("https://x.example/a", "link text"));
    let line = &laid.lines[0];
    assert_eq!(line.graphemes.len(), line.text.chars().count());
    let [area] = link.areas.as_slice() else { panic!("{:?}", link.areas) };
    let begin = line.graphemes[4][0];
    assert!((area.left - begin).abs() < 1.0, "the link begins with its first character: {area:?} {begin}");
    assert!(line.graphemes.windows(2).all(|two| two[0][1] <= two[1][0] + 0.1), "from left to right");
    let picture = worker.paint(Part { left: 0.0, top: 0.0, width: 700.0, height: laid.height }).unwrap();
    assert_eq!((picture.width, picture.height), (700, laid.height.round() as u32));
    assert_eq!(pixel(&picture, 690, 3), [0, 0, 255, 255]);
    assert_eq!(pixel(&picture, 40, picture.height - 5), [255, 0, 0, 255]);
}

#[test]
fn the_text_of_a_missing_picture_stands_inside_of_its_place() {
    let mut worker = worker();
    let image = "<img src='https://x.example/0.png' width=140 height=60 alt='Knot'>";
    for around in ["<p>P</p>", "<table><tr><td>P</table>", "<div style='line-height:0'>P</div>", "P"] {
        let laid = lay(&mut worker, &around.replace('P', image));
        let place = laid.blocked.pictures[0].area.expect("a place");
        let [line] = laid.lines.as_slice() else { panic!("{around}: {:?}", laid.lines) };
        assert!(line.area.top >= place.top - 1.0 && line.area.height > 10.0, "{around}: {:?} in {place:?}", line.area);
    }
}

#[test]
fn what_stands_in_the_middle_of_nothing_is_seen() {
    let mut worker = worker();
    let html = "<style>a{position:absolute;top:50%;left:50%;transform:translate(-50%,-50%);width:200px;height:60px}</style>\
                <a href='https://x.example/'>Button</a>";
    let laid = lay(&mut worker, html);
    let [link] = laid.links.as_slice() else { panic!("{:?}", laid.links) };
    for area in &link.areas {
        assert!(area.top >= 0.0 && area.top + area.height <= laid.height, "{area:?} of {}", laid.height);
    }
    for empty in ["", "<p style='display:none'>x", "<div style='position:absolute'></div>"] {
        assert!(lay(&mut worker, empty).height < 50.0, "{empty}");
    }
}

#[test]
fn rows_of_a_table_follow_each_other_without_an_empty_line() {
    let mut worker = worker();
    let html =
        "<p>before<table><thead><tr><th>name<th>sum</thead><tr><td>a<td>1<tr><td>b<td>2<tr><td><p>c</table><p>after";
    let laid = lay(&mut worker, html);
    let after: Vec<(&str, After)> = laid.lines.iter().map(|line| (line.text.trim(), line.after)).collect();
    let expected = [
        ("before", After::Block),
        ("name", After::Block),
        ("sum", After::Cell),
        ("a", After::Break),
        ("1", After::Cell),
        ("b", After::Break),
        ("2", After::Cell),
        ("c", After::Block),
        ("after", After::Block),
    ];
    assert_eq!(after, expected);
}

#[test]
fn the_same_page_for_another_view() {
    let mut worker = worker();
    let html = format!("<p>{}</p>", "word ".repeat(200));
    let first = lay(&mut worker, &html);
    let narrow = worker.again(View { width: 300.0, ..View::default() }, &[]).unwrap();
    assert!(narrow.lines.len() > first.lines.len() * 2 && narrow.height > first.height * 2.0);
    let large = worker.again(View { zoom: 2.0, scale: 2.0, ..View::default() }, &[]).unwrap();
    assert!(large.lines[0].area.height > first.lines[0].area.height * 1.8);
    assert!(large.lines.iter().all(|line| line.area.left + line.area.width <= 702.0));
    let picture = worker.paint(Part { left: 0.0, top: 100.0, width: 350.0, height: 100.0 }).unwrap();
    assert_eq!((picture.width, picture.height), (700, 200));
}

#[test]
fn pictures_come_from_the_message_or_from_the_user_s_word() {
    let mut worker = worker();
    let html = "<body style='margin:0'><img src='cid:a@b' width=30 height=30><br><img src='https://x.example/p.png' width=40 height=40 alt=gone>\
                <img src='https://t.example/open?id=1' width=1 height=1><div style='background:url(https://x.example/bg.png)'>x</div>";
    let own = Given { address: "cid:a@b".to_owned(), octets: GIF.to_vec() };
    let laid = worker.lay(&Page { pictures: vec![own], ..page(html) }).unwrap();
    let Blocked { pictures, backgrounds: 1, others: 0, broken: 0 } = &laid.blocked else {
        panic!("{:?}", laid.blocked)
    };
    let addresses: Vec<&str> = pictures.iter().map(|picture| picture.address.as_str()).collect();
    assert_eq!(addresses, ["https://x.example/p.png", "https://t.example/open?id=1"]);
    assert_eq!(laid.blocked.trackers(), 1);
    let area = pictures[0].area.expect("it has a place");
    assert_eq!((area.width, area.height), (40.0, 40.0));
    assert!(texts(&laid).contains(&"gone"));
    let shown = worker.paint(Part { left: 0.0, top: 0.0, width: 100.0, height: 100.0 }).unwrap();
    assert_eq!(pixel(&shown, 10, 10), [255, 0, 0, 255]);
    let come = Given { address: "https://x.example/p.png".to_owned(), octets: GIF.to_vec() };
    let laid = worker.again(View::default(), &[come]).unwrap();
    assert_eq!(laid.blocked.pictures.len(), 1);
    assert!(!texts(&laid).contains(&"gone"));
    let shown = worker.paint(Part { left: 0.0, top: 0.0, width: 100.0, height: 100.0 }).unwrap();
    assert_eq!(pixel(&shown, 20, area.top as u32 + 20), [255, 0, 0, 255]);
}

#[test]
fn a_quoted_tail_is_folded_away() {
    let mut worker = worker();
    for (html, has_tail) in [
        ("<p>answer</p><div class=gmail_quote>On Monday<blockquote>old</blockquote></div>", true),
        ("<p>answer</p><blockquote type=cite>old</blockquote>", true),
        ("<p>answer</p><hr><div id=divRplyFwdMsg>From: x</div><div>old</div>", true),
        ("<p>answer</p><div class=moz-cite-prefix>On Monday</div><blockquote type=cite>old</blockquote>", true),
        ("<div class=gmail_quote>passed on: old</div>", false),
        ("<blockquote type=cite>old</blockquote><p>answer below</p>", false),
        ("<p>a</p><blockquote type=cite>old</blockquote><p>answer below</p>", false),
        ("<p>no quotation, but old</p>", false),
    ] {
        let whole = lay(&mut worker, html);
        assert_eq!(whole.tail.is_some(), has_tail, "{html}");
        assert!(texts(&whole).iter().any(|text| text.contains("old")), "{html}");
        let folded = worker.again(View { folded: true, ..View::default() }, &[]).unwrap();
        assert_eq!(texts(&folded).iter().any(|text| text.contains("old")), !has_tail, "{html}");
        assert_eq!(folded.tail.is_some(), has_tail);
    }
}

#[test]
fn a_dark_window_gets_dark_pages() {
    let mut worker = worker();
    let dark = View { colours: Colours::Dark, ..View::default() };
    for (html, own) in [
        ("plain", false),
        ("<body bgcolor=white text=black><table bgcolor='#fff'><tr><td style='color:#222'>x</table>", false),
        ("<style>@media (prefers-color-scheme:dark){body{background:#123}}</style>x", true),
    ] {
        let laid = worker.lay(&Page { view: dark, ..page(html) }).unwrap();
        assert_eq!(laid.own_dark_style, own, "{html}");
        assert!(laid.ground.iter().all(|value| *value < 64), "{html}: {:?}", laid.ground);
        let shown = worker.paint(Part { left: 0.0, top: 0.0, width: 60.0, height: 40.0 }).unwrap();
        let brightest = shown.rgba.chunks(4).map(|pixel| pixel[1]).max().unwrap();
        assert!(own || brightest > 180, "{html}: the text is light");
    }
}

#[test]
fn hidden_text_is_not_read_and_right_to_left_is() {
    let mut worker = worker();
    let html = "<div style='display:none;max-height:0'>preheader</div><div style='max-height:0;overflow:hidden'>clipped</div>\
                <span style='visibility:hidden'>unseen</span><div style='opacity:0'>clear</div><p style='font-size:1px'>tiny</p>\
                <p dir=rtl>\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e2}\u{5d5}\u{5dc}\u{5dd}</p>";
    let laid = lay(&mut worker, html);
    let [line] = laid.lines.as_slice() else { panic!("{:?}", texts(&laid)) };
    assert_eq!(line.text, "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e2}\u{5d5}\u{5dc}\u{5dd}");
    assert!(line.graphemes[0][0] > line.graphemes[0][1], "it begins at its right");
    assert!(line.graphemes[0][0] > line.graphemes[8][0]);
    assert!(line.area.left > 500.0);
}

#[test]
fn picture_bombs_are_refused_before_they_are_decoded() {
    let mut worker = worker();
    let mut gif = GIF.to_vec();
    gif[6..10].copy_from_slice(&[0x50, 0xc3, 0x50, 0xc3]);
    let frames: Vec<u8> =
        GIF[..19].iter().chain(std::iter::repeat_n(&GIF[19..GIF.len() - 1], 100_000).flatten()).copied().collect();
    let given = |address: &str, octets: Vec<u8>| Given { address: address.to_owned(), octets };
    let pictures =
        vec![given("cid:large", gif), given("cid:frames", frames), given("cid:junk", b"\x89PNG\r\n\x1a\n".to_vec())];
    let html = "<img src='cid:large'><img src='cid:frames'><img src='cid:junk'>end";
    let laid = worker.lay(&Page { pictures, ..page(html) }).unwrap();
    assert!(texts(&laid).contains(&"end"));
    assert!(laid.blocked.broken >= 2, "{:?}", laid.blocked);
    assert_eq!(laid.notes.len(), 1, "{:?}", laid.notes);
    let many: String = (0..80).map(|each| format!("<img src='cid:{each}'>")).collect();
    let pictures = (0..80).map(|each| given(&format!("cid:{each}"), GIF.to_vec())).collect();
    let laid = worker.lay(&Page { pictures, ..page(&many) }).unwrap();
    assert_eq!(laid.blocked.broken, 30);
    assert_eq!(worker.starts(), 1);
}

#[cfg(unix)]
fn kill(worker: &Worker) {
    let process = i32::try_from(worker.process().expect("it runs")).unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_worker_that_dies_is_started_again() {
    let mut worker = worker();
    let part = Part { left: 0.0, top: 0.0, width: 10.0, height: 10.0 };
    assert!(matches!(worker.paint(part), Err(Failure::NoPage)));
    assert_eq!(texts(&lay(&mut worker, "one")), ["one"]);
    #[cfg(unix)]
    {
        kill(&worker);
        assert_eq!(texts(&lay(&mut worker, "two")), ["two"], "no fault of this page");
        kill(&worker);
        assert!(matches!(worker.again(View::default(), &[]), Err(Failure::NoPage)), "its page is gone with it");
        kill(&worker);
        assert!(matches!(worker.paint(part), Err(Failure::NoPage)));
        assert_eq!(worker.starts(), 4);
    }
    let mut none = Worker::new(PathBuf::from("/nonexistent/postkeep"), limits());
    assert!(matches!(none.lay(&page("x")), Err(Failure::NotStarted(_))));
    let mut hurried =
        Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), Limits { time: Duration::ZERO, ..limits() });
    assert!(matches!(hurried.lay(&page("x")), Err(Failure::TooSlow)));
    let mut poor = Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), Limits { memory: 0, ..limits() });
    assert!(matches!(poor.lay(&page("x")), Err(Failure::Died)));
    assert_eq!(poor.starts(), 1, "no process would do better");
}

/// What nobody wants any more is not waited for: the process that was at it is ended.
#[cfg(unix)]
#[test]
fn a_worker_is_stopped_when_its_answer_is_not_wanted_any_more() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mute = folder.path().join("mute");
    std::fs::write(&mute, "#!/bin/sh\nexec sleep 100000\n").unwrap();
    std::fs::set_permissions(&mute, std::fs::Permissions::from_mode(0o700)).unwrap();
    let stop = Cancel::new();
    let mut worker = Worker::new(mute, Limits { time: Duration::from_secs(60), ..limits() }).until(stop.clone());
    let looked = std::thread::scope(|scope| {
        let looking = scope.spawn(|| (worker.look(vec![0]), worker.process()));
        stop.cancel();
        looking.join().unwrap()
    });
    assert!(matches!(looked, (Err(Failure::Stopped), None)), "{looked:?}");
}

/// A page that is too much for the worker is not drawn twice, whether it finds one that runs or starts the first.
#[cfg(target_os = "linux")]
#[test]
fn a_page_that_ends_the_worker_is_asked_for_once() {
    let cells = format!("<table>{}</table>", "<tr><td>a<td>b<td>c<td>d".repeat(100_000));
    let little = Limits { memory: 24 << 20, ..limits() };
    let mut worker = Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), little);
    for starts in [1, 2] {
        assert!(matches!(worker.lay(&page(&cells)), Err(Failure::Died)));
        assert_eq!(worker.starts(), starts);
        assert_eq!(texts(&lay(&mut worker, "next")), ["next"]);
        assert_eq!(worker.starts(), starts + 1);
    }
}

/// A picture alone is measured before it is decoded, is made no larger than a page, and ends only its own worker.
#[test]
fn a_picture_is_looked_at_alone() {
    let mut worker = worker();
    let png = |width: u32, height: u32| {
        let mut out = Vec::new();
        let rgba = vec![200; width as usize * height as usize * 4];
        postkeep::render::write_png(&mut out, &[Picture { width, height, rgba }]).unwrap();
        out
    };
    let picture = worker.look(png(30, 20)).unwrap().unwrap();
    assert_eq!((picture.width, picture.height, pixel(&picture, 3, 3)), (30, 20, [200; 4]));
    let large = worker.look(png(3_200, 100)).unwrap().unwrap();
    assert_eq!((large.width, large.height), (1_600, 50));
    assert_eq!(worker.look(b"BM\0\0".to_vec()).unwrap(), Err(Unseen::Kind));
    assert_eq!(worker.look(b"<svg/>".to_vec()).unwrap(), Err(Unseen::Broken));
    assert_eq!(texts(&lay(&mut worker, "page")), ["page"]);
    assert_eq!(worker.starts(), 1);
    #[cfg(target_os = "linux")]
    {
        let mut poor = worker.within(Limits { memory: 24 << 20, ..limits() });
        assert!(matches!(poor.look(png(4_000, 4_000)), Err(Failure::Died)));
        assert!(poor.look(png(30, 20)).unwrap().is_ok());
    }
}

#[test]
fn a_line_is_as_high_as_its_letters() {
    let pictures = vec![Given { address: "cid:a".to_owned(), octets: GIF.to_vec() }];
    let html = "<p style='font-size:16px'><img src='cid:a' width=20 height=100> words <a href='https://x.example/'>link</a></p>";
    let laid = worker().lay(&Page { pictures, ..page(html) }).unwrap();
    let (line, link) = (laid.lines[0].area, laid.links[0].areas[0]);
    assert!((14.0..26.0).contains(&line.height) && line.top > 80.0, "{line:?}");
    assert!((link.top - line.top).abs() < 0.5 && (link.height - line.height).abs() < 0.5, "{link:?}");
}

/// What a letter of a set width is too wide for goes to the right, where one can go to it: not the letter, nor any
/// of its words, ends before its box.
#[test]
fn a_letter_that_is_too_wide_for_its_place_is_whole() {
    let mut worker = worker();
    let html = "<body style='margin:0'><table width='100%' cellpadding=0 cellspacing=0><tr><td align=center style='padding:24px'>\
        <table width=480 cellpadding=0 cellspacing=0 bgcolor='#ffffff'><tr><td style='padding:28px'>Some words</td></tr>\
        <tr><td><img src='https://p.example/a.jpg' width=480 height=96 style='display:block'></td></tr>\
        <tr><td align=right>the end</td></tr></table></table>";
    // 480 and 24 on both sides.
    for (zoom, width) in [(1.0, 700.0), (1.5, 528.0 * 1.5), (2.5, 528.0 * 2.5)] {
        let view = View { width: 700.0, zoom, ..View::default() };
        let laid = worker.lay(&Page { view, ..page(html) }).unwrap();
        let right = laid.lines.iter().map(|line| line.area.left + line.area.width).fold(0.0, f32::max);
        assert!((laid.width - width).abs() < 2.0 && right <= laid.width, "{zoom}: {} of {width}, {right}", laid.width);
    }
    // Nothing to go to: a blank at which a line was full, what is cut off.
    let words = format!("<p>{}</p>", "word ".repeat(400));
    let cut =
        "<div style='overflow:hidden;width:300px'><div style='width:2000px;height:20px;background:red'>a</div></div>";
    for html in [words.as_str(), cut] {
        assert_eq!(lay(&mut worker, html).width, 700.0, "{}", &html[..40]);
    }
}

#[test]
fn no_page_holds_an_address() {
    let vectors = leaks();
    assert!(vectors.len() >= 120, "{}", vectors.len());
    for html in &vectors {
        let normal = normalise(&page(html));
        let skeleton = skeleton(&normal);
        assert!(!skeleton.contains("leak.example"), "{html}\nbecame\n{skeleton}");
        assert_harmless(&normal, html);
    }
}

#[test]
fn nothing_of_a_hostile_page_runs_and_its_links_are_dead() {
    for html in [
        "<script>alert(1)</script>x",
        "<p onclick=alert(1) onload=x>x</p>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\nscript:alert(1)'>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<a href='data:text/html,<script>x</script>'>x</a>",
        "<a href='file:///etc/passwd'>x</a><a href='smb://h/x'>x</a><a href='\\\\h\\x'>x</a><a href='x.html'>x</a>",
        "<svg><script>alert(1)</script><a xlink:href='javascript:x'>x</a></svg>",
        "<math><mi xlink:href='javascript:x'>x</mi></math>",
        "<p style='width:expression(alert(1))'>x</p>",
        "<form action='http://x/'><input type=submit><button>x</button></form>",
        "<meta http-equiv=refresh content='0;url=http://x/'>x",
        "<base href='http://x/'><a href='y'>x</a>",
        "<template><script>x</script></template>x",
        "<iframe srcdoc='<script>x</script>'></iframe>x",
    ] {
        let normal = normalise(&page(html));
        assert!(normal.links.is_empty(), "{html}: {:?}", normal.links);
        assert_harmless(&normal, html);
    }
}

/// What of a page is no text: its elements, their attributes, and its styles.
fn skeleton(normal: &Normalised) -> String {
    let mut out = normal.styles.concat();
    for piece in &normal.pieces {
        if let Piece::Open { name, attributes } = piece {
            out.push_str(&format!("\n<{name}"));
            attributes.iter().for_each(|(name, value)| out.push_str(&format!("\n {name}=\"{value}\"")));
        }
    }
    out.to_ascii_lowercase()
}

/// No element, attribute or function that could load or run anything.
fn assert_harmless(normal: &Normalised, html: &str) {
    let skeleton = skeleton(normal);
    for word in [
        "<script",
        "<iframe",
        "<object",
        "<embed",
        "<link",
        "<meta",
        "<base",
        "<form",
        "<svg",
        "<math",
        "<video",
        "<audio",
        "<template",
        "<frame",
        "@import",
        "@font-face",
        "expression(",
        "image-set(",
    ] {
        assert!(!skeleton.contains(word), "{word} in {html}\nbecame\n{skeleton}");
    }
    for (at, _) in skeleton.match_indices("url(") {
        assert!(skeleton[at..].starts_with("url(picture:"), "{html}\nbecame\n{skeleton}");
    }
    for attribute in ["src", "href", "background", "poster", "srcset", "action", "data", "ping", "cite", "on"] {
        for (at, _) in skeleton.match_indices(&format!("\n {attribute}=\"")) {
            let value = &skeleton[at + attribute.len() + 4..];
            assert!(
                value.starts_with("picture:") || value.starts_with("link:"),
                "{attribute}: {html}\nbecame\n{skeleton}"
            );
        }
    }
}

/// The worker asks the kernel for no socket and reaches no other program, whatever it draws.
#[test]
#[cfg(target_os = "linux")]
fn the_worker_opens_no_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: there is no strace here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (trace, traced) = (folder.path().join("trace"), folder.path().join("traced"));
    let program = env!("CARGO_BIN_EXE_postkeep");
    let script =
        format!("#!/bin/sh\nexec strace -f -qq -e trace=network,execve -o {} {program} \"$@\"\n", trace.display());
    fs::write(&traced, script).unwrap();
    fs::set_permissions(&traced, fs::Permissions::from_mode(0o700)).unwrap();
    let mut worker = Worker::new(traced, Limits { time: Duration::from_secs(120), ..limits() });
    for chunk in leaks().chunks(40) {
        worker.lay(&page(&chunk.concat())).unwrap();
        worker.paint(Part { left: 0.0, top: 0.0, width: 700.0, height: 400.0 }).unwrap();
    }
    drop(worker);
    let calls = fs::read_to_string(&trace).unwrap();
    let strange: Vec<&str> =
        calls.lines().filter(|line| line.contains('(') && !line.contains(&format!("execve(\"{program}\""))).collect();
    assert!(calls.contains("execve("), "the trace is there");
    assert!(strange.is_empty(), "{strange:#?}");
}

fn html_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn draw(worker: &mut Worker, page: &message::Page, path: &Path, colours: Colours) {
    let pictures =
        page.pictures.iter().map(|(id, octets)| Given { address: format!("cid:{id}"), octets: octets.clone() });
    let view = View { colours, ..View::default() };
    let page = Page { html: page.html.clone(), view, pictures: pictures.collect() };
    let laid = worker.lay(&page).unwrap_or_else(|failure| panic!("{failure}: {}", path.display()));
    assert!(laid.lines.iter().all(|line| line.graphemes.len()
        == unicode_segmentation::UnicodeSegmentation::graphemes(line.text.as_str(), true).count()));
    let part = Part { left: 0.0, top: 0.0, width: 700.0, height: laid.height.clamp(1.0, 800.0) };
    let picture = worker.paint(part).unwrap_or_else(|failure| panic!("{failure}: {}", path.display()));
    assert_eq!(picture.width, 700);
}

#[test]
fn every_real_page_is_drawn_and_no_worker_dies() {
    let pages =
        html_files("/work/shared/html").into_iter().filter(|path| path.extension().is_some_and(|name| name == "html"));
    let pages: Vec<PathBuf> = pages.collect();
    if pages.is_empty() {
        println!("skipped: there are no real pages here");
        return;
    }
    let mut worker = worker();
    for path in &pages {
        draw(&mut worker, &message::page_of_html(&fs::read(path).unwrap()), path, Colours::Original);
    }
    assert_eq!(worker.starts(), 1);
    println!("{} pages", pages.len());
}

#[test]
fn every_real_message_with_html_is_drawn_and_no_worker_dies() {
    let files = html_files("/work/shared/corpus");
    if files.is_empty() {
        println!("skipped: there is no real mail here");
        return;
    }
    let mut worker = worker();
    let mut drawn = 0;
    for path in files
        .iter()
        .filter(|path| !path.to_string_lossy().ends_with(".md") && !path.to_string_lossy().ends_with(".jsonl"))
    {
        let page = message::page(&fs::read(path).unwrap());
        if page.is_html {
            draw(&mut worker, &page, path, if drawn % 2 == 0 { Colours::Original } else { Colours::Dark });
            drawn += 1;
        }
    }
    assert_eq!(worker.starts(), 1);
    println!("{drawn} messages");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_octets_are_made_harmless(octets in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        assert_harmless(&normalise(&page(&String::from_utf8_lossy(&octets))), "random octets");
    }

    #[test]
    fn any_tags_are_made_harmless_and_stay_so(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60),
        dark in any::<bool>(), folded in any::<bool>(),
    ) {
        let html = pieces.concat();
        let colours = if dark { Colours::Dark } else { Colours::Original };
        let view = View { colours, folded, ..View::default() };
        let once = normalise(&Page { view, ..page(&html) });
        assert_harmless(&once, &html);
        // Read again it is as harmless: nothing that was text became a tag.
        let again = normalise(&page(&once.html()));
        assert_harmless(&again, &html);
        prop_assert_eq!(words(&once.html()), words(&again.html()));
    }
}

/// The text without white space.
fn words(html: &str) -> String {
    message::text_of_html(html).split_whitespace().filter(|word| *word != "-" && *word != ">").collect()
}

const PIECES: &[&str] = &[
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</table>",
    "<a href='http://x/'>",
    "</a>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "p{background:url(http://x)}",
    "<img src=http://x alt='a b'>",
    "<!--",
    "-->",
    "<![if !mso]>",
    "<svg>",
    "</svg>",
    "<math>",
    "<mtext>",
    "<title>",
    "</title>",
    "<textarea>",
    "<select>",
    "<template>",
    "<plaintext>",
    "<form>",
    "<frameset>",
    "<noscript>",
    "text",
    " ",
    "&lt;script&gt;",
    "&",
    "\"",
    "'",
    ">",
    "<",
    "<p style='color:red;background:url(x)'>",
    "<div class=gmail_quote>",
    "<blockquote type=cite>",
    "<br>",
    "<hr>",
    "<xmp>",
    "\u{1f600}",
    "\u{202e}",
    "<body bgcolor=red>",
    "<html>",
    "<base href=http://x>",
    "<font color=red size=7>",
    "<li>",
    "<ul>",
    "<iframe src=http://x>",
    "<pre>\n",
    "<o:p>",
    "<a/onclick=x>",
    "\0",
];

/// The filter of calls is in force in every thread of the worker, not merely asked for.
#[cfg(target_os = "linux")]
#[test]
fn the_worker_is_behind_its_fence() {
    let mut worker =
        postkeep::render::Worker::new(env!("CARGO_BIN_EXE_postkeep").into(), postkeep::render::Limits::default());
    worker.warm().unwrap();
    let threads = format!("/proc/{}/task", worker.process().unwrap());
    let mut seen = 0;
    for thread in std::fs::read_dir(threads).unwrap() {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(status.lines().any(|line| line == "Seccomp:\t2"), "{status}");
        seen += 1;
    }
    assert!(seen >= 2, "its main thread and the one that lays out");
}

/// A window that was killed leaves no worker behind, even one whose input stays open.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_ends_when_its_parent_does() {
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    let start = "exec 3<&0; \"$0\" --render-worker 335544320 <&3 >/dev/null & echo $!; exec 1>&-; sleep 2";
    let mut parent = Command::new("sh")
        .args(["-c", start, env!("CARGO_BIN_EXE_postkeep")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = parent.stdin.take();
    let mut number = String::new();
    parent.stdout.take().unwrap().read_to_string(&mut number).unwrap();
    let worker = format!("/proc/{}/stat", number.trim());
    assert!(std::path::Path::new(&worker).exists(), "it runs while its parent does");
    parent.wait().unwrap();
    // One that ended may stand there until somebody asks after it.
    let gone = || std::fs::read_to_string(&worker).map_or(true, |stat| stat.contains(") Z "));
    for _ in 0..600 {
        if gone() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(gone(), "it outlived its parent");
    drop(input);
}
