//! A sheet of pages beside the same pages in Chromium, with a score for each: `cargo test --test compare -- FOLDER [N]
//! [NAME...]`. Takes the first N files of each folder by SHA-256 (20 unless told), or those whose names are given; writes
//! `target/compare/sheet.html` and prints a line for each file, the worst last, and the median.
//!
//! `caniemail FOLDER` judges feature tests instead: see [`caniemail`].
//!
//! What lies behind the lowest scores and is meant to stay: long words and the lines of `<pre>` are broken instead of reaching
//! out of the window (css-word-break, exchange2007_05); addresses break behind a slash (html-body); Japanese breaks before
//! other signs, and each such line counts as one word (bug6188_2); text does not run from top to bottom
//! (css-text-underline-position, css-writing-mode); what only shows on a click is not shown (html-popover, css-selectors-
//! pseudo-classes); a box that `transform` moves is read where it stood before (glowbutton).
//!
//! The score: of the words that are shown, the share that both show in the same order, within 5 % of the page's width of
//! the same place from the left, and within as much of the same distance below the word before. Remote pictures are off
//! in both, and alternative texts are taken away (Chromium does not tell where it draws them). Both use the same font
//! where a page names none, and where it names one that Debian lacks and for which we take another of the same widths.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod caniemail;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postkeep::message;
use postkeep::render::{Limits, Page, Part, View, Worker, write_png};
use sha2::{Digest as _, Sha256};

const WIDTH: f32 = 700.0;
const NEAR: f32 = WIDTH * 0.05;
const HIGHEST: f32 = 4_000.0;

#[derive(Clone, Debug)]
struct Word {
    text: String,
    left: f32,
    top: f32,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let judge = arguments.first().is_some_and(|word| word == "caniemail");
    let arguments = if judge { arguments.into_iter().skip(1).collect() } else { arguments };
    let Some(folder) = arguments.first().map(PathBuf::from).filter(|folder| folder.is_dir()) else {
        println!("compare: skipped, no folder of HTML files was named");
        return;
    };
    if Command::new("chromium").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("compare: skipped, there is no chromium here");
        return;
    }
    let number = arguments.get(1).and_then(|number| number.parse().ok()).unwrap_or(if judge { 1_000 } else { 20 });
    let published = arguments.iter().find(|word| word.ends_with(".json")).map(Path::new);
    let is_name = |word: &&String| word.parse::<usize>().is_err() && !word.ends_with(".json");
    let names: Vec<&String> = arguments.iter().skip(1).filter(is_name).collect();
    let out = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/compare");
    fs::create_dir_all(&out).expect("a folder for the sheet");
    let limits = Limits { time: std::time::Duration::from_secs(20), ..Limits::default() };
    let mut worker = Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), limits);
    let mut scores: Vec<(f64, String)> = Vec::new();
    let mut judged = Vec::new();
    for file in files(&folder, number, &names) {
        let name = file.strip_prefix(&folder).expect("inside").display().to_string().replace('/', "__");
        let score = compare(&mut worker, &file, &out.join(&name), judge);
        if judge {
            let picture = |kind: &str| out.join(&name).with_extension(kind);
            let colours = caniemail::colours(&picture("ours.png"), &picture("chromium.png"));
            println!("{score:.3} {colours:.3} {name}");
            judged.push(caniemail::Judged { name: name.clone(), words: score, colours });
        } else {
            println!("{score:.3} {name}");
        }
        scores.push((score, name));
    }
    scores.sort_by(|one, other| one.0.total_cmp(&other.0));
    fs::write(out.join("sheet.html"), sheet(&scores)).expect("the sheet");
    for (score, name) in scores.iter().take(12).rev() {
        println!("worst: {score:.3} {name}");
    }
    let median = scores.get(scores.len() / 2).map_or(0.0, |(score, _)| *score);
    let good = scores.iter().filter(|(score, _)| *score >= 0.9).count();
    println!(
        "median {median:.3} of {} files, {good} of them at 0.9 or more; {}",
        scores.len(),
        out.join("sheet.html").display()
    );
    if judge {
        println!("{}", caniemail::table(&judged));
        if let Some(data) = published {
            println!("{}", caniemail::beside(&judged, data).expect("the file that caniemail publishes"));
        }
    }
}

/// The first files of each folder by the hash of their content.
fn files(folder: &Path, number: usize, names: &[&String]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = entries(folder).into_iter().filter(|path| path.is_dir()).collect();
    folders.push(folder.to_owned());
    let mut out = Vec::new();
    for folder in folders {
        let html = entries(&folder).into_iter().filter(|path| path.extension().is_some_and(|name| name == "html"));
        let mut hashed: Vec<_> =
            html.map(|path| (Sha256::digest(fs::read(&path).expect("readable")).to_vec(), path)).collect();
        hashed.sort();
        let named = |path: &Path| names.iter().any(|name| path.to_string_lossy().contains(name.as_str()));
        let taken = hashed.into_iter().map(|(_, path)| path);
        match names {
            [] => out.extend(taken.take(number)),
            _ => out.extend(taken.filter(|path| named(path))),
        }
    }
    out
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// `once`: Chromium draws the first 1000 pixels while it says where its words are, which takes half of the time.
fn compare(worker: &mut Worker, file: &Path, out: &Path, once: bool) -> f64 {
    let html = message::page_of_html(&fs::read(file).expect("readable")).html;
    let html = html.replace(" alt=", " data-alt=").replace(" ALT=", " data-alt=").replace("\nalt=", "\ndata-alt=");
    let ours = ours(worker, &html, out);
    let theirs = theirs(&html, out, once);
    let score = score(&ours, &theirs);
    if std::env::var_os("COMPARE_WORDS").is_some() {
        println!("ours: {:?}", ours.iter().take(60).map(|word| (&word.text, word.left, word.top)).collect::<Vec<_>>());
        println!(
            "theirs: {:?}",
            theirs.iter().take(60).map(|word| (&word.text, word.left, word.top)).collect::<Vec<_>>()
        );
    }
    score
}

fn ours(worker: &mut Worker, html: &str, out: &Path) -> Vec<Word> {
    let view = View { width: WIDTH, ..View::default() };
    let Ok(laid) = worker.lay(&Page { html: html.to_owned(), view, ..Page::default() }) else { return Vec::new() };
    let part = Part { left: 0.0, top: 0.0, width: WIDTH, height: laid.height.clamp(10.0, HIGHEST) };
    if let Ok(picture) = worker.paint(part) {
        let mut file = fs::File::create(out.with_extension("ours.png")).expect("a file");
        write_png(&mut file, &[picture]).expect("written");
    }
    let mut words = Vec::new();
    for line in &laid.lines {
        let mut at = 0;
        for word in line.text.split_inclusive(char::is_whitespace) {
            let place = line.graphemes.get(at).map_or(line.area.left, |grapheme| grapheme[0].min(grapheme[1]));
            at += unicode_segmentation::UnicodeSegmentation::graphemes(word, true).count();
            push(&mut words, word, place, line.area.top + line.area.height / 2.0);
        }
    }
    words
}

/// What is not seen as a word in one of the two is none.
fn push(words: &mut Vec<Word>, text: &str, left: f32, top: f32) {
    let invisible = |each: char| {
        matches!(each, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' | '\u{34f}' | '\u{2007}') || each.is_whitespace()
    };
    let text: String = text.chars().filter(|each| !invisible(*each)).collect();
    if !text.is_empty() {
        words.push(Word { text: text.to_lowercase(), left, top });
    }
}

/// What we take for families that are missing (`src/render/normal/css.rs`), so that it is layout that is compared.
const STAND_INS: &[(&str, &str)] = &[("Verdana", "DejaVu Sans"), ("Tahoma", "Liberation Sans")];

/// Runs when everything is loaded: the place of each word, at the end of the document.
const SCRIPT: &str = r#"<script>addEventListener('load', () => {
const out = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
const seen = e => { for (; e && e.nodeType == 1; e = e.parentElement) { const s = getComputedStyle(e);
  if (s.opacity < 0.02) return false; const b = e.getBoundingClientRect();
  if (s.overflow != 'visible' && (b.height < 2 || b.width < 2)) return false; } return true; };
for (let node; node = walker.nextNode();) {
  const parent = node.parentElement; if (!parent || ['SCRIPT','STYLE','TITLE','NOSCRIPT','TEXTAREA','OPTION'].includes(parent.tagName)) continue;
  const style = getComputedStyle(parent); if (style.visibility != 'visible' || parseFloat(style.fontSize) < 2.5 || !seen(parent)) continue;
  for (const m of node.data.matchAll(/\S+/g)) { range.setStart(node, m.index); range.setEnd(node, m.index + m[0].length);
    const box = range.getClientRects()[0]; if (!box || !box.width) continue;
    out.push([style.textTransform == 'uppercase' ? m[0].toUpperCase() : m[0], box.left + scrollX, (box.top + box.bottom) / 2 + scrollY]); } }
const pre = document.createElement('script'); pre.type = 'application/json'; pre.id = 'pk-words'; pre.textContent = JSON.stringify(out).replace(/</g, '\\u003c');
document.documentElement.appendChild(pre); });</script>"#;

fn theirs(html: &str, out: &Path, once: bool) -> Vec<Word> {
    let page = out.with_extension("page.html");
    let doctype =
        html.to_ascii_lowercase().find("<!doctype").and_then(|at| html[at..].find('>').map(|end| at + end + 1));
    let (before, after) = html.split_at(doctype.unwrap_or(0));
    let stand_ins: String = STAND_INS
        .iter()
        .flat_map(|(name, local)| {
            [("normal", ""), ("bold", " Bold")].map(|(weight, face)| {
                format!("@font-face{{font-family:{name};font-weight:{weight};src:local('{local}{face}')}}")
            })
        })
        .collect();
    let style = format!("<meta charset=utf-8><style>html{{font-family:sans-serif}}{stand_ins}</style>");
    fs::write(&page, format!("\u{feff}{before}{style}{after}{SCRIPT}")).expect("written");
    let chromium = |arguments: &[String]| {
        Command::new("timeout")
            .args(["60", "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args([
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--virtual-time-budget=3000",
                "--force-device-scale-factor=1",
            ])
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .stderr(Stdio::null())
            .output()
            .expect("chromium runs")
            .stdout
    };
    let picture = out.with_extension("chromium.png");
    let screenshot = format!("--screenshot={}", picture.display());
    let mut arguments = vec![format!("--window-size={WIDTH},1000"), "--dump-dom".to_owned()];
    if once {
        arguments.push(screenshot.clone());
    }
    let dom = chromium(&arguments);
    let dom = String::from_utf8_lossy(&dom);
    let json = dom
        .split_once("id=\"pk-words\">")
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .map_or("[]", |(json, _)| json);
    let found: Vec<(String, f32, f32)> = serde_json::from_str(json).unwrap_or_default();
    if !once {
        let height = found.iter().map(|(_, _, top)| *top).fold(500.0_f32, f32::max).min(HIGHEST) + 60.0;
        chromium(&[format!("--window-size={WIDTH},{height:.0}"), screenshot]);
    }
    let mut words = Vec::new();
    found.iter().for_each(|(text, left, top)| push(&mut words, text, *left, *top));
    words
}

/// See the head of this file.
fn score(ours: &[Word], theirs: &[Word]) -> f64 {
    let whole = ours.len().max(theirs.len());
    if whole == 0 {
        return 1.0;
    }
    let pairs = aligned(ours, theirs);
    let mut good = 0;
    let mut before: Option<(f32, f32)> = None;
    for (our, their) in pairs {
        let near = (our.left - their.left).abs() <= NEAR;
        let below = before.is_none_or(|(ours, theirs)| ((our.top - ours) - (their.top - theirs)).abs() <= NEAR);
        good += usize::from(near && below);
        before = Some((our.top, their.top));
    }
    #[allow(clippy::cast_precision_loss)]
    let score = good as f64 / whole as f64;
    score
}

/// The words that both have, in order: at each difference the nearest place where both go on alike.
fn aligned<'a>(ours: &'a [Word], theirs: &'a [Word]) -> Vec<(&'a Word, &'a Word)> {
    let (mut one, mut other) = (0, 0);
    let mut out = Vec::new();
    while let (Some(our), Some(their)) = (ours.get(one), theirs.get(other)) {
        if our.text == their.text {
            out.push((our, their));
            (one, other) = (one + 1, other + 1);
            continue;
        }
        let skip = (1..400).find_map(|total| {
            (0..=total).map(|skipped| (skipped, total - skipped)).find(|(a, b)| {
                let same = |ahead: usize| match (ours.get(one + a + ahead), theirs.get(other + b + ahead)) {
                    (Some(our), Some(their)) => our.text == their.text,
                    (None, None) => ahead > 0,
                    _ => false,
                };
                same(0) && same(1)
            })
        });
        let Some((a, b)) = skip else { break };
        (one, other) = (one + a, other + b);
    }
    out
}

fn sheet(scores: &[(f64, String)]) -> String {
    let mut out =
        "<!DOCTYPE html><meta charset=utf-8><title>Ours beside Chromium</title><style>body{font-family:sans-serif}\
                   td{vertical-align:top;border:1px solid #ccc}</style><table><tr><th>Postkeep<th>Chromium"
            .to_owned();
    for (score, name) in scores {
        let stem = Path::new(name);
        let (ours, theirs) = (stem.with_extension("ours.png"), stem.with_extension("chromium.png"));
        let _ = write!(
            out,
            "<tr><td colspan=2>{score:.3} {name}<tr><td><img src='{}'><td><img src='{}'>",
            ours.display(),
            theirs.display()
        );
    }
    out
}
