//! Messages on paper: what the worker makes is read back by another program (`pdftotext`), which must find every line once,
//! whole, on a sheet, and in the order in which it is read.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postkeep::render::{Limits, Page, Paper, Pdf, Print, Worker};

fn worker() -> Worker {
    Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), Limits::PRINT)
}

fn mail(fields: &str, body: &str) -> Vec<u8> {
    format!("From: Marek Nowak <marek@example.org>\nTo: anna@example.org\nSubject: The tide table\n{fields}\n{body}")
        .into_bytes()
}

fn html(body: &str) -> Vec<u8> {
    mail("MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n", body)
}

fn paper(original: &[u8], paper: Paper) -> Pdf {
    worker().paper(original, "2 March 2026, 10:00", paper, Vec::new()).unwrap()
}

/// What another program reads.
fn read(pdf: &Pdf, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    std::fs::write(&path, &pdf.octets).unwrap();
    let output = Command::new("pdftotext").args(arguments).arg(path).arg("-").output().expect("pdftotext");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sheets(pdf: &Pdf) -> Vec<String> {
    let text = read(pdf, &["-layout"]);
    text.split('\u{c}').map(str::to_owned).filter(|sheet| !sheet.is_empty()).collect()
}

/// For each word its text and where it stands: left, top, right, bottom in points; sheet after sheet.
fn words(pdf: &Pdf) -> Vec<(String, [f32; 4])> {
    let boxes = read(pdf, &["-bbox"]);
    let side = |line: &str, name: &str| {
        let (_, after) = line.split_once(&format!("{name}=\"")).unwrap();
        after.split('"').next().unwrap().parse::<f32>().unwrap()
    };
    let word = |line: &str| {
        let (_, after) = line.split_once('>').unwrap();
        let sides = ["xMin", "yMin", "xMax", "yMax"].map(|name| side(line, name));
        (after.trim_end_matches("</word>").to_owned(), sides)
    };
    boxes.lines().filter(|line| line.contains("<word ")).map(word).collect()
}

fn count(pdf: &Pdf, octets: &[u8]) -> usize {
    pdf.octets.windows(octets.len()).filter(|window| *window == octets).count()
}

#[test]
fn a_long_text_has_every_line_once_and_whole_under_one_head() {
    let body: String = (0..300).map(|number| format!("Row {number:03} of the table, and its end\n")).collect();
    for size in [Paper::A4, Paper::LETTER] {
        let pdf = paper(&mail("", &body), size);
        let sheets = sheets(&pdf);
        assert!(pdf.sheets >= 4 && sheets.len() == pdf.sheets, "{} sheets, {} read", pdf.sheets, sheets.len());
        let all = sheets.concat();
        for number in 0..300 {
            assert_eq!(all.matches(&format!("Row {number:03} of the table, and its end")).count(), 1, "row {number}");
        }
        for (index, sheet) in sheets.iter().enumerate() {
            assert_eq!(sheet.contains("The tide table"), index == 0, "the head is on the first sheet");
            assert!(sheet.contains(&format!("{} of {}", index + 1, pdf.sheets)), "{sheet}");
        }
        for named in ["Marek Nowak <marek@example.org>", "anna@example.org", "2 March 2026, 10:00"] {
            assert!(sheets[0].contains(named), "{named}");
        }
        for (word, [left, top, right, bottom]) in words(&pdf) {
            let inside = left >= 40.0 && right <= size.width - 40.0 && top >= 40.0 && bottom <= size.height - 20.0;
            assert!(inside, "{word} at {left} {top} {right} {bottom}");
        }
    }
}

#[test]
fn text_is_text_in_any_script_and_says_what_is_seen() {
    let body = "<p style='font-family:serif'>office affluent</p><p>na\u{ef}ve e\u{301}t\u{e9}</p><p>\u{65e5}\u{672c}\u{8a9e}</p>\
                <p dir=rtl>\u{634}\u{643}\u{631}\u{627} \u{5e9}\u{5dc}\u{5d5}\u{5dd}</p><p style='text-transform:uppercase'>loud</p>\
                <p style='font-style:italic'>slanted</p><p style='opacity:.5'>faint</p>\
                <p style='display:none'>hidden</p><p style='font-size:1px'>tiny</p>";
    let text = read(&paper(&html(body), Paper::A4), &[]);
    let seen = ["office affluent", "na\u{ef}ve", "t\u{e9}", "\u{65e5}\u{672c}\u{8a9e}", "LOUD", "slanted", "faint"];
    for word in seen.into_iter().chain(["\u{634}\u{643}\u{631}\u{627}", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}"]) {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("hidden") && !text.contains("tiny"), "{text}");
}

#[test]
fn a_page_keeps_its_pictures_its_grounds_and_links_that_do_not_lie() {
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
    let body = format!(
        "<table bgcolor=red width=100%><tr><td>on red</td></tr></table><img width=80 height=40 src='data:image/png;base64,{pixel}'>\
         <a href='https://good.example/a'>a link</a> <a href='https://evil.example/'>www.bank.example</a>\
         <div style='box-shadow:0 0 9px #000,inset 0 0 9px #000;background:linear-gradient(red,blue)'>shade</div>"
    );
    let pdf = paper(&html(&body), Paper::A4);
    assert_eq!(count(&pdf, b"/Subtype/Image") + count(&pdf, b"/Subtype /Image"), 2, "the picture and its alpha");
    assert_eq!(count(&pdf, b"https://good.example/a"), 1);
    assert_eq!(count(&pdf, b"evil.example"), 0, "a document cannot warn of a link");
    assert!(read(&pdf, &[]).contains("on red"));
}

#[test]
fn a_cut_goes_neither_through_a_line_nor_a_picture_nor_a_button() {
    let rows: String = (0..120)
        .map(|number| {
            format!(
                "<table width=100% cellspacing=9><tr><td width=50%>left {number}<br>two<td>right {number}<tr>\
                 <td colspan=2><a style='display:inline-block;background:#246;padding:20px' href='https://a.example/{number}'>\
                 press {number}</a></table>"
            )
        })
        .collect();
    let pdf = paper(&html(&rows), Paper::A4);
    let text = read(&pdf, &[]);
    for number in 0..120 {
        for word in ["left", "right", "press"] {
            let line = format!("{word} {number}");
            assert_eq!(text.lines().filter(|each| each.trim() == line).count(), 1, "{line}");
        }
    }
    // 20 points of ground around the word of a button, on the same sheet.
    let [least, most] = [42.5 + 15.0 - 1.0, Paper::A4.height - 42.5 - 15.0 + 1.0];
    for (_, [_, top, _, bottom]) in words(&pdf).into_iter().filter(|(word, _)| word == "press") {
        assert!(top >= least && bottom <= most, "{top} {bottom}");
    }
}

#[test]
fn a_page_that_is_too_wide_is_made_smaller_and_an_empty_one_is_a_sheet() {
    let words = words(&paper(&html("<div style='width:1100px;text-align:right'>the end</div>"), Paper::A4));
    let (_, [_, _, right, _]) = words.iter().find(|(word, _)| word == "end").expect("the last word");
    assert!(*right < Paper::A4.width - 40.0 && *right > Paper::A4.width - 60.0, "{right}");
    let empty = worker().pdf(&Page::default(), &Print { head: String::new(), title: String::new(), paper: Paper::A4 });
    assert_eq!(empty.unwrap().sheets, 1);
}

#[test]
fn what_is_far_too_long_is_cut_and_said() {
    let pdf = paper(&html("<div style='height:60000px'>x</div><br>".repeat(9).as_str()), Paper::A4);
    assert_eq!(pdf.sheets, 300);
    assert!(pdf.notes.iter().any(|note| note.contains("first 300 sheets")), "{:?}", pdf.notes);
}

#[test]
fn a_page_that_is_shown_stays_while_another_is_put_on_paper() {
    let mut worker = worker();
    let page = |html: &str| Page { html: html.to_owned(), ..Page::default() };
    worker.lay(&page("<p>shown")).unwrap();
    let print = Print { head: String::new(), title: "t".to_owned(), paper: Paper::A4 };
    worker.pdf(&page("<p>printed"), &print).unwrap();
    assert_eq!(worker.again(postkeep::render::View::default(), &[]).unwrap().lines[0].text, "shown");
    assert_eq!(worker.starts(), 1);
}

fn postkeep(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postkeep"));
    let output = command.current_dir(folder).args(arguments).env("LC_ALL", "en_US.UTF-8").stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_command_line_writes_a_new_file_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.eml"), mail("", "Low water\n")).unwrap();
    std::fs::write(folder.path().join("tide.pdf"), b"mine").unwrap();
    let said = postkeep(folder.path(), &["render", "a.eml", "--pdf", "tide.pdf"]);
    assert_eq!(said.trim(), "./tide (2).pdf");
    assert_eq!(std::fs::read(folder.path().join("tide.pdf")).unwrap(), b"mine");
    let octets = std::fs::read(folder.path().join("tide (2).pdf")).unwrap();
    let pdf = Pdf { octets, ..Pdf::default() };
    assert!(read(&pdf, &[]).contains("Low water"));
    let size = words(&pdf).iter().map(|(_, sides)| sides[2]).fold(0.0, f32::max);
    assert!(size < Paper::LETTER.width && read(&pdf, &["-bbox"]).contains("width=\"612.000000\""));
    postkeep(folder.path(), &["import", "a.eml", "--archive", "archive"]);
    let said = postkeep(folder.path(), &["show", "1", "--pdf", "b.pdf", "--archive", "archive"]);
    assert_eq!(said.trim(), "./b.pdf");
}
