//! FAULTS.md 61: what a stranger wrote, on its way to the eye. Whole messages, header sections, file names and links are
//! read, and pages are made harmless and drawn in the real worker: none of it may panic, not even where the panic is
//! caught, none may show what could deceive, and none may cost a worker its life.
//!
//! `tests/soak fuzz-mail COUNT` and `tests/soak fuzz-page COUNT` play so many generated ones. The saved ones in
//! `tests/fuzz/mail` and some generated from them are played in every run. What was found once is added there.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, Instant};

use cssparser::{ParseError, Parser, Token};
use postkeep::message::{self, links, links::Target};
use postkeep::render::{Colours, Limits, Page, Part, Piece, View, Worker, normalise};
use support::Dice;

const SEED: u64 = 0x5eed_2026;
/// A generated message is not longer than this.
const LONGEST: usize = 16_000;

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the panics of this thread, also those that are caught.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            before(info);
        }));
    });
}

fn panics() -> usize {
    PANICS.with(Cell::get)
}

/// The saved ones of one kind, by the end of their names. In `.txt` each line is one.
fn saved(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/mail");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("the corpus").map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let chosen = paths.iter().filter(|path| path.to_string_lossy().ends_with(kind));
    let all: Vec<Vec<u8>> = chosen.map(|path| fs::read(path).expect("readable")).collect();
    if !kind.ends_with(".txt") {
        return all;
    }
    let text = String::from_utf8(all.concat()).expect("UTF-8");
    text.lines().map(|line| line.replace("\\n", "\n").replace("\\0", "\0").into_bytes()).collect()
}

/// What means something to a reader of messages or of pages.
const TOKENS: &[&str] = &[
    "\r\n",
    "\n",
    "\n\n",
    "\n ",
    "\t",
    " ",
    "\0",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{e0041}",
    "é",
    "日本",
    "\u{1f600}",
    "--b\n",
    "--b--\n",
    "--",
    "=",
    "==",
    "=?utf-8?B?",
    "=?utf-8?Q?=",
    "?=",
    "=?iso-2022-jp?b?GyRC?=",
    "=\n",
    "=0",
    "=3D",
    "Content-Type: multipart/mixed; boundary=b\n",
    "Content-Type: text/html; charset=",
    "Content-Type: message/rfc822\n\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "format=flowed; delsp=yes",
    "Content-Disposition: attachment; filename=",
    "filename*0*=utf-8''%",
    "filename*1=",
    "begin 644 x\n",
    "=ybegin line=1 size=9 name=x\n",
    "From: ",
    "To: ",
    "Date: ",
    "Subject: ",
    "Received: ",
    "Authentication-Results: x; dkim=pass",
    "@",
    "<",
    ">",
    "\"",
    "(",
    ")",
    ":",
    ";",
    ",",
    "\\",
    "/",
    "..",
    "%",
    "%2e%2e",
    "CON",
    ".exe",
    "utf-7",
    "utf-16",
    "gb18030",
    "+ADw-",
    "~{",
    "\x1b$B",
    "BEGIN:VCALENDAR\n",
    "BEGIN:VEVENT\nDTSTART:",
    "RRULE:FREQ=",
    "TZID=",
    "BEGIN:VCARD\n",
    "99999999999999999999",
    "-1",
    "<div>",
    "</div>",
    "<table>",
    "<tr>",
    "<td colspan=9",
    "</td>",
    "<b>",
    "<i>",
    "<p style='",
    "'>",
    "<style>",
    "</style>",
    "<img src=\"",
    "\" width=",
    "<a href=\"",
    "</a>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<svg>",
    "<math>",
    "<select>",
    "<template>",
    "<title>",
    "<textarea>",
    "<plaintext>",
    "<body bgcolor=",
    "<font size=",
    "&#x",
    "&amp;",
    "&nbsp;",
    "position:absolute;",
    "float:left;",
    "display:grid;",
    "display:flex;",
    "width:100%;",
    "width:1e30px;",
    "margin:-99999px;",
    "font:",
    "calc(1px/0)",
    "@media (max-width:",
    "{",
    "}",
    "url(",
    "!important",
    "var(--x)",
    "--x:var(--x)",
    "transform:rotate(1turn)",
    "rtl",
    "<ol><li>",
    "http://",
    "https:\\",
    "//",
    "javascript:",
    "mailto:",
    "data:",
    "cid:",
    "xn--",
    "a@b",
    "?",
    "#",
    "&",
    "[::1]",
    "0x7f.1",
];

fn token(dice: &mut Dice) -> &'static [u8] {
    TOKENS[dice.below(TOKENS.len() as u64) as usize].as_bytes()
}

/// One of the saved ones, changed in several places.
fn generated(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let seed = |dice: &mut Dice| seeds[dice.below(seeds.len() as u64) as usize].clone();
    let mut out = seed(dice);
    for _ in 0..=dice.below(6) {
        let at = dice.below(out.len() as u64 + 1) as usize;
        let to = at + dice.below((out.len() - at).min(200) as u64 + 1) as usize;
        match dice.below(10) {
            0 => _ = out.drain(at..to),
            1 => {
                let piece = out[at..to].to_vec();
                (0..=dice.below(12)).for_each(|_| _ = out.splice(at..at, piece.iter().copied()));
            }
            2 => {
                let other = seed(dice);
                let from = dice.below(other.len() as u64 + 1) as usize;
                out.truncate(at);
                out.extend_from_slice(&other[from..]);
            }
            3 => out.truncate(at),
            4 | 5 => {
                if let Some(octet) = out.get_mut(at) {
                    *octet = dice.below(256) as u8;
                }
            }
            6 => (0..=dice.below(40)).for_each(|_| _ = out.splice(at..at, token(dice).iter().copied())),
            _ => _ = out.splice(at..to, token(dice).iter().copied()),
        }
    }
    out.truncate(LONGEST);
    out
}

/// Text on one line that cannot deceive.
fn assert_line(text: &str, what: &str) {
    assert_eq!(message::visible_line(text), text, "{what}");
}

fn safe(name: &str) {
    let safe = message::safe_name(name, "file.bin");
    let path = Path::new(&safe);
    assert!(!safe.is_empty() && safe.len() <= 120 + "file.bin".len(), "{safe:?}");
    assert_eq!(path.components().count(), 1, "{safe:?}");
    assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(safe.as_str()));
    assert!(!safe.starts_with(['.', '-', '~', ' ']) && !safe.ends_with(['.', ' ']), "{safe:?}");
    assert!(!safe.contains(['/', '\\', ':', '\0', '<', '>', '|', '"', '?', '*']), "{safe:?}");
    assert_line(&safe, "a file name");
    assert_eq!(message::safe_name(&safe, "x"), safe, "it stays what it is");
    _ = message::is_program(name, "application/octet-stream", name.as_bytes());
}

fn target(target: &str, text: &str) {
    match links::link(target, text) {
        Target::Open(link) => {
            let address = link.address.as_str();
            assert!(["http://", "https://", "mailto:"].iter().any(|scheme| address.starts_with(scheme)), "{address}");
            assert!(address.len() <= links::LONGEST && address.bytes().all(|octet| octet.is_ascii_graphic()));
            assert_line(&link.shown.to_string(), "an address");
        }
        Target::Dead { shown, why } => {
            assert_line(&shown, "an address that is not opened");
            assert!(why.ends_with('.'));
        }
    }
}

/// Everything that the window and the command line ask of a message.
fn display(original: &[u8]) {
    let before = panics();
    let unsealed = message::unsealed(original);
    let (read, further) = message::read_for_search(&unsealed);
    let head = message::head(&unsealed);
    assert!(further.iter().map(String::len).sum::<usize>() < 8_000_000);
    for (line, what) in [
        (&read.envelope.subject, "the subject"),
        (&read.envelope.from.name, "the name"),
        (&read.envelope.from.address, "the address"),
        (&head.sender.name, "the sender's name"),
        (&head.sender.address, "the sender's address"),
    ] {
        assert_line(line, what);
    }
    assert!(!head.sender.called().is_empty(), "somebody is named");
    for (index, attachment) in read.attachments.iter().enumerate().take(20) {
        assert_line(&attachment.name, "an attachment");
        safe(&attachment.safe_name);
        let content = message::attachment(&unsealed, index);
        assert!(content.as_ref().is_none_or(|content| content.len() as u64 == attachment.size || attachment.unpacked));
    }
    assert!(!read.text.chars().any(|each| matches!(each, '\0' | '\x1b' | '\u{202a}'..='\u{202e}')), "the text");
    _ = message::outline::outline(&read.text);
    for found in links::find_links(&read.text) {
        _ = format!("{found:?}");
    }
    _ = message::gist(&read, 100);
    _ = message::headers(original);
    safe(&message::file_name(&message::envelope(original)));
    harmless(&message::page(&unsealed).html);
    assert_eq!(panics(), before, "a panic that was caught: {}", original.escape_ascii());
}

fn harmless(html: &str) {
    let page = Page { html: html.to_owned(), ..Page::default() };
    let normal = normalise(&page);
    let mut open = 0_usize;
    for piece in &normal.pieces {
        match piece {
            Piece::Open { attributes, .. } => {
                open += 1;
                for (name, value) in attributes {
                    let counted = value.starts_with("picture:") || value.starts_with("link:");
                    assert!(!matches!(*name, "src" | "href") || counted, "{name}={value}");
                    assert!(!name.starts_with("on"), "{name}");
                    if *name == "style" {
                        assert_urls(value);
                    }
                }
            }
            Piece::Close => open = open.checked_sub(1).expect("what is closed was opened"),
            Piece::Text(_) => {}
        }
    }
    assert_eq!(open, 0, "all is closed");
    normal.styles.iter().for_each(|style| assert_urls(style));
}

/// No style names an address, as the engine reads it: `90deurl(` is a unit and a bracket, `#url(` a name and a bracket.
fn assert_urls(style: &str) {
    assert_tokens(&mut Parser::new(style), style);
}

fn assert_tokens(parser: &mut Parser<'_>, style: &str) {
    while let Ok(token) = parser.next_including_whitespace_and_comments().cloned() {
        let refused = match &token {
            Token::UnquotedUrl(address) => !address.starts_with("picture:"),
            Token::BadUrl(_) => true,
            Token::Function(name) => {
                name.eq_ignore_ascii_case("url") || name.to_ascii_lowercase().contains("image-set")
            }
            Token::AtKeyword(name) => name.eq_ignore_ascii_case("import"),
            _ => false,
        };
        assert!(!refused, "{token:?}: {style}");
        if let Token::Function(_) | Token::ParenthesisBlock | Token::SquareBracketBlock | Token::CurlyBracketBlock =
            token
        {
            let nested = |parser: &mut Parser<'_>| {
                assert_tokens(parser, style);
                Ok::<_, ParseError<()>>(())
            };
            let _ = parser.parse_nested_block(nested);
        }
    }
}

fn one(seeds: &[Vec<Vec<u8>>; 4], dice: &mut Dice) {
    let [mails, pages, names, addresses] = seeds;
    let before = panics();
    match dice.below(8) {
        0 => {
            let name = generated(names, dice);
            safe(&String::from_utf8_lossy(&name));
        }
        1 | 2 => {
            let (address, text) = (generated(addresses, dice), generated(addresses, dice));
            target(&String::from_utf8_lossy(&address), &String::from_utf8_lossy(&text));
        }
        3 | 4 => harmless(&String::from_utf8_lossy(&generated(pages, dice))),
        5 => {
            let mail = generated(mails, dice);
            let end = mail.windows(2).position(|two| two == b"\n\n").unwrap_or(mail.len());
            display(&mail[..end]);
        }
        _ => display(&generated(mails, dice)),
    }
    assert_eq!(panics(), before, "a panic that was caught");
}

fn seeds() -> [Vec<Vec<u8>>; 4] {
    let seeds = [saved(".eml"), saved(".html"), saved("names.txt"), saved("links.txt")];
    assert!(seeds.iter().all(|seeds| seeds.len() >= 8), "{:?}", seeds.each_ref().map(Vec::len));
    seeds
}

fn draw(worker: &mut Worker, html: &str, dice: &mut Dice) {
    let colours = if dice.below(2) == 0 { Colours::Original } else { Colours::Dark };
    let view = View { width: 100.0 + dice.below(900) as f32, colours, folded: dice.below(2) == 0, ..View::default() };
    let page = Page { html: html.to_owned(), view, ..Page::default() };
    let laid = worker.lay(&page).unwrap_or_else(|failure| panic!("{failure}: {}", html.escape_default()));
    assert!(laid.width.is_finite() && laid.height.is_finite());
    let part = Part { left: 0.0, top: 0.0, width: view.width, height: laid.height.clamp(1.0, 600.0) };
    worker.paint(part).unwrap_or_else(|failure| panic!("painting: {failure}: {}", html.escape_default()));
}

fn worker() -> Worker {
    let built = std::env::var_os("POSTKEEP_PROGRAM").map(PathBuf::from);
    let program = built.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_postkeep")));
    Worker::new(program, Limits { time: Duration::from_secs(30), ..Limits::default() })
}

#[test]
fn saved_messages_names_and_links() {
    count_panics();
    let [mails, pages, names, addresses] = seeds();
    mails.iter().for_each(|mail| display(mail));
    pages.iter().for_each(|page| harmless(&String::from_utf8_lossy(page)));
    names.iter().for_each(|name| safe(&String::from_utf8_lossy(name)));
    for (number, address) in addresses.iter().enumerate() {
        let text = &addresses[(number + 1) % addresses.len()];
        target(&String::from_utf8_lossy(address), &String::from_utf8_lossy(text));
    }
    assert_eq!(panics(), 0);
}

#[test]
fn saved_pages_in_the_worker() {
    let (mut worker, mut dice) = (worker(), Dice(SEED));
    for page in &saved(".html") {
        draw(&mut worker, &String::from_utf8_lossy(page), &mut dice);
    }
    for mail in &saved(".eml") {
        draw(&mut worker, &message::page(mail).html, &mut dice);
    }
    assert_eq!(worker.starts(), 1);
}

#[test]
fn generated_messages_names_and_links() {
    count_panics();
    let (seeds, mut dice) = (seeds(), Dice(SEED));
    (0..3_000).for_each(|_| one(&seeds, &mut dice));
}

#[test]
fn generated_pages_in_the_worker() {
    let (pages, mut worker, mut dice) = (saved(".html"), worker(), Dice(SEED));
    for _ in 0..120 {
        draw(&mut worker, &String::from_utf8_lossy(&generated(&pages, &mut dice)), &mut dice);
    }
    assert_eq!(worker.starts(), 1);
}

/// Plays `POSTKEEP_SOAK` of them from `POSTKEEP_SEED` on.
fn soak(mut play: impl FnMut(&mut Dice)) {
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let (count, seed) = (number("POSTKEEP_SOAK", 100_000), number("POSTKEEP_SEED", SEED));
    let mut dice = Dice(seed.max(1));
    let begun = Instant::now();
    for played in 1..=count {
        // So that one can be played again by itself.
        let state = dice.0;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&mut dice)));
        assert!(outcome.is_ok(), "number {played}: seed {state}");
        if played % 100_000 == 0 || played == count {
            let seconds = begun.elapsed().as_secs_f64();
            println!("{played} played, seed {seed:#x}, {:.0} a second", played as f64 / seconds);
        }
    }
}

#[test]
#[ignore = "a soak test"]
fn soak_fuzz_mail() {
    count_panics();
    let seeds = seeds();
    soak(|dice| one(&seeds, dice));
}

#[test]
#[ignore = "a soak test"]
fn soak_fuzz_page() {
    let (pages, mut worker) = (saved(".html"), worker());
    soak(|dice| {
        let page = generated(&pages, dice);
        draw(&mut worker, &String::from_utf8_lossy(&page), dice);
    });
}
