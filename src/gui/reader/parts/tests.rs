//! The parts of a message in the window: clicked, opened, looked at, refused.

use base64::Engine as _;
use futures::StreamExt as _;
use iced::keyboard::Key;
use iced::keyboard::key::Named;
use iced_test::runtime::task::into_stream;
use jiff::Timestamp;

use super::super::parts;
use super::Message;
use super::opening::Handed;
use crate::archive::{Archive, Incoming, Marks, Origin};
use crate::gui::desk;
use crate::gui::fixtures::clock;
use crate::gui::live::Live;
use crate::gui::{Start, reader};
use crate::message;
use crate::problem::Problem;

/// A part: its header fields, and its content, which is encoded.
type Part<'a> = (&'a str, &'a [u8]);

fn mail(subject: &str, text: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut mail = format!(
        "From: Marek <marek@example.org>\r\nTo: anna@example.org\r\nSubject: {subject}\r\n\
         Date: Sun, 22 Nov 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    );
    for (fields, content) in parts {
        let encoded = base64::engine::general_purpose::STANDARD.encode(content);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        mail.push_str(&format!(
            "--b\r\n{fields}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            lines.join("\r\n")
        ));
    }
    mail.push_str("--b--\r\n");
    mail.into_bytes()
}

fn named(name: &str) -> String {
    format!("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{name}\"")
}

/// The window over an archive with these messages, the one with this subject open.
fn opened(mails: &[Vec<u8>], subject: &str) -> (Live, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    {
        let archive = Archive::open(folder.path()).unwrap();
        let arrived: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let incoming = |bytes: &Vec<u8>| Incoming {
            bytes: bytes.clone(),
            arrived,
            marks: Marks::default(),
            from: Origin::File { account: None },
        };
        archive.ingest(mails.iter().map(incoming).collect()).unwrap();
    }
    let mut live = Live::start(Start::Archive(folder.path().to_owned()));
    live.until_shown(subject);
    live.click(subject);
    live.until_desk("the message is open", |desk| desk.reader.is_shown());
    (live, folder)
}

fn tell(live: &mut Live, message: Message) {
    live.tell(desk::Message::Reader(reader::Message::Parts(message)));
}

#[test]
fn an_attachment_is_opened_from_a_private_folder_and_a_program_is_refused() {
    let disguised = b"MZ\x90\0".as_slice();
    let parts: [Part<'_>; 3] =
        [(&named("plan.pdf"), b"%PDF"), (&named("invoice.pdf.exe"), b"MZ"), (&named("notes.odt"), disguised)];
    let (mut live, _folder) = opened(&[mail("Files", "see below", &parts)], "Files");
    live.click("plan.pdf");
    live.until_shown(
        "plan.pdf was given to the program that opens such files. If nothing opened, save it and open it there.",
    );
    let copies = live.desk().reader.opened.path().expect("there is a copy");
    assert_eq!(std::fs::read(copies.join("plan.pdf")).unwrap(), b"%PDF");

    live.click("invoice.pdf.exe");
    let refused =
        |name| format!("{name} is a program or can start one: Postkeep does not open such files. It can be saved.");
    live.until_shown(&refused("invoice.pdf.exe"));
    // Called a document; its first octets say what it is.
    live.click("notes.odt");
    live.until_shown(&refused("notes.odt"));
    assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 1, "only the document was copied");
    drop(live);
    assert!(!copies.exists(), "the copies go with the window");
}

#[test]
fn texts_are_looked_at_inside_the_window() {
    let text: [Part<'_>; 1] = [(&named("list.txt"), "Äpfel\u{202e} and pears".as_bytes())];
    let (mut live, _folder) = opened(&[mail("Fruit", "see below", &text)], "Fruit");
    tell(&mut live, Message::Menu(0));
    live.until_desk("its menu is open", |desk| {
        desk.reader.open.as_ref().is_some_and(|open| open.parts.menu == Some(0))
    });
    live.press(Key::Named(Named::Escape));
    let menu = |live: &Live| live.desk().reader.open.as_ref().map(|open| open.parts.menu);
    assert_eq!(menu(&live), Some(None), "Esc closes it, and nothing else");
    tell(&mut live, Message::Look(0));
    live.until_shown("Äpfel and pears");
    tell(&mut live, Message::CloseLook);
    assert!(!live.shows("Äpfel and pears"));
}

#[test]
fn an_attached_message_is_shown_with_a_way_back() {
    let inner = mail("The inner one", "inside", &[(&named("deep.txt"), b"deep")]);
    let middle = mail("The middle one", "between", &[("Content-Type: message/rfc822", &inner)]);
    let (mut live, _folder) =
        opened(&[mail("The outer one", "around", &[("Content-Type: message/rfc822", &middle)])], "The outer one");
    live.click("The middle one.eml");
    live.until_shown("The middle one");
    assert!(live.shows("This message is attached to another one."));
    live.click("The inner one.eml");
    live.until_shown("The inner one");
    // Its attachments are its own.
    let folder = tempfile::tempdir().unwrap();
    tell(&mut live, Message::Save(Some(0)));
    let typed = reader::saving::Message::Folder(folder.path().display().to_string());
    live.tell(desk::Message::Reader(reader::Message::Saving(typed)));
    live.click("Save here");
    live.until_shown(&format!("Saved as {}.", folder.path().join("deep.txt").display()));
    assert_eq!(std::fs::read(folder.path().join("deep.txt")).unwrap(), b"deep");
    live.letter("v");
    live.until_desk("the source is shown", |desk| {
        desk.reader.open.as_ref().is_some_and(|open| open.body.shows == reader::Shows::Source)
    });
    let source = live.desk().reader.open.as_ref().map(|open| open.body.whole().clone()).unwrap();
    assert!(source.contains("Subject: The inner one") && !source.contains("The outer one"));

    // The star is that of the message in the list.
    live.letter("v");
    live.letter("s");
    live.until_desk("it is starred", |desk| desk.library.counts.starred == 1);
    live.click("Back to the message around it");
    assert!(live.shows("The middle one") && live.shows("This message is attached to another one."));
    live.press(Key::Named(Named::Escape));
    assert!(!live.shows("This message is attached to another one."), "Escape leads back, too");
    assert!(live.desk().reader.open.as_ref().is_some_and(|open| open.row.marks.starred && open.path.is_empty()));
}

#[test]
fn nothing_is_begun_for_a_look_that_is_over() {
    let texts: [Part<'_>; 2] = [(&named("one.txt"), b"one"), (&named("two.txt"), b"two")];
    let (mut live, folder) = opened(&[mail("Texts", "see below", &texts)], "Texts");
    let archive = Archive::open_read_only(folder.path()).unwrap();
    let mut told = |message| {
        let reader = live.app.reader_mut().unwrap();
        match reader.update(reader::Message::Parts(message), &archive, &clock()) {
            reader::Action::Run(task) => Some(task),
            _ => None,
        }
    };
    let first = told(Message::Look(0)).unwrap();
    let second = told(Message::Look(1)).unwrap();
    let third = told(Message::Look(0)).unwrap();
    told(Message::CloseLook);
    let last = told(Message::Look(1)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers = [first, second, third, last].map(|task| runtime.block_on(into_stream(task).unwrap().count()));
    assert_eq!(answers, [0, 0, 0, 1]);
}

fn whose(live: &Live) -> reader::Whose {
    live.desk().reader.open.as_ref().expect("a message is open").whose()
}

fn unmade() -> Problem {
    let said = |says: &str| says.to_owned();
    Problem { summary: said("It could not be made."), mail: said("Nothing was lost."), advice: said("Try again.") }
}

/// A message with another one attached.
fn around(subject: &str) -> Vec<u8> {
    mail(subject, "see below", &[("Content-Type: message/rfc822", &mail("The inner one", "inside", &[]))])
}

#[test]
fn what_comes_of_an_attachment_stands_with_its_own_message() {
    let (mut live, _folder) = opened(&[around("First"), around("Second")], "First");
    let first = whose(&live);
    let given = || Message::Opened(first.clone(), Ok(Handed::Over("plan.pdf".to_owned())));
    let says = "plan.pdf was given to the program that opens such files. If nothing opened, save it and open it there.";
    tell(&mut live, given());
    assert!(live.shows(says), "where it is shown");

    live.click("Second");
    live.until_desk("the second is open", |desk| {
        desk.reader.is_shown() && desk.reader.open.as_ref().is_some_and(|open| open.row.subject == "Second")
    });
    tell(&mut live, given());
    assert!(!live.shows(says) && live.shows(&format!("“First”: {says}")));
    tell(&mut live, Message::Opened(first.clone(), Err(unmade())));
    assert!(!live.shows("It could not be made.") && live.shows("“First”: It could not be made. Try again."));
    let unread = "The attached message could not be read. It can be saved.";
    tell(&mut live, Message::Entered(first.clone(), 0, Ok(None)));
    assert!(!live.shows(unread) && live.shows(&format!("“First”: {unread}")));
    tell(&mut live, Message::Entered(first.clone(), 0, Err(unmade())));
    assert!(!live.shows("It could not be made.") && live.shows("“First”: It could not be made. Try again."));

    let second = whose(&live);
    tell(&mut live, Message::Entered(second, 0, Ok(None)));
    assert!(live.shows(unread));
}

#[test]
fn the_source_of_a_message_is_not_shown_as_that_of_one_inside_it() {
    let (mut live, _folder) = opened(&[around("The outer one")], "The outer one");
    let outer = whose(&live);
    tell(&mut live, Message::Enter(0));
    live.until_shown("This message is attached to another one.");
    let inner = whose(&live);
    let source = |whose: &reader::Whose| {
        desk::Message::Reader(reader::Message::Raw(whose.clone(), reader::Shows::Source, Ok("the source".into())))
    };
    let shows = |live: &Live| live.desk().reader.open.as_ref().map(|open| open.body.shows);
    live.tell(source(&outer));
    assert_eq!(shows(&live), Some(reader::Shows::Text), "it was asked for of the one around");
    live.tell(source(&inner));
    assert_eq!(shows(&live), Some(reader::Shows::Source));
    tell(&mut live, Message::Leave);
    live.tell(source(&inner));
    assert_eq!(shows(&live), Some(reader::Shows::Text), "it was asked for of the one inside");
    live.tell(source(&outer));
    assert_eq!(shows(&live), Some(reader::Shows::Source));
}

#[test]
fn messages_in_messages_are_opened_to_a_depth() {
    let mut letter = mail("Level 0", "innermost", &[]);
    for level in 1..=parts::DEEPEST + 1 {
        letter = mail(&format!("Level {level}"), "around", &[("Content-Type: message/rfc822", &letter)]);
    }
    let (mut live, _folder) = opened(&[letter], &format!("Level {}", parts::DEEPEST + 1));
    for level in (1..=parts::DEEPEST).rev() {
        tell(&mut live, Message::Enter(0));
        live.until_shown(&format!("Level {level}"));
    }
    tell(&mut live, Message::Enter(0));
    live.until_shown("Messages nested deeper than this are not opened here. They can be saved.");
}

#[test]
fn invitations_contacts_reports_and_seals_are_cards() {
    let invitation = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Tea on the quay\r\nDTSTART;VALUE=DATE:20261126\r\n\
        RRULE:FREQ=WEEKLY\r\nLOCATION:Quay 3\r\nORGANIZER;CN=Ann:mailto:ann@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let contact =
        b"BEGIN:VCARD\r\nFN:Ann Lee\r\nTITLE:Clerk\r\nORG:Harbour Books\r\nTEL;TYPE=cell:+1 555 0101\r\nEND:VCARD\r\n";
    let report =
        b"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; bee@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n\
        Diagnostic-Code: smtp; 552 full\r\n";
    let cards: [Part<'_>; 3] = [
        ("Content-Type: text/calendar; method=REQUEST", invitation),
        ("Content-Type: text/vcard", contact),
        ("Content-Type: message/delivery-status", report),
    ];
    let encrypted = b"From: m@example.org\r\nSubject: Sealed\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\r\nx\r\n";
    let (mut live, _folder) = opened(&[mail("Cards", "see above", &cards), encrypted.to_vec()], "Cards");
    for text in [
        "Invitation",
        "Tea on the quay",
        "Thursday 26 November 2026, all day",
        "Repeats every week on Thursday",
        "Quay 3",
        "From Ann <ann@example.org>",
        "Ann Lee",
        "Clerk, Harbour Books",
        "+1 555 0101",
        "The message to bee@example.org could not be delivered: the mailbox is full (5.2.2).",
        "The server said: 552 full",
    ] {
        assert!(live.shows(text), "{text}");
    }
    live.click("Sealed");
    live.until_shown(
        "Encrypted with S/MIME: it cannot be read here. Save the message as .eml and open it in the program that has your key.",
    );
    let folder = tempfile::tempdir().unwrap();
    live.click("Save the message");
    live.until_shown("Save Sealed.eml in");
    let typed = reader::saving::Message::Folder(folder.path().display().to_string());
    live.tell(desk::Message::Reader(reader::Message::Saving(typed)));
    live.click("Save here");
    live.until_shown(&format!("Saved as {}.", folder.path().join("Sealed.eml").display()));
    assert_eq!(std::fs::read(folder.path().join("Sealed.eml")).unwrap(), encrypted);
}

#[test]
fn what_is_in_a_winmail_dat_stands_where_it_stood() {
    let stream = message::tnef_example();
    let (mut live, _folder) = opened(
        &[mail("Packed", "see below", &[("Content-Type: application/ms-tnef; name=winmail.dat", &stream)])],
        "Packed",
    );
    assert!(live.shows("Programme für Anna.pdf") && !live.shows("winmail.dat"));
    live.click("A letter.eml");
    live.until_shown("This message is attached to another one.");
    assert!(live.shows("deep.txt"));
}
