//! Whole messages through the public functions.

mod parts;

use proptest::prelude::*;

use super::*;

const MIXED: &str = "\
From: =?utf-8?Q?Bj=C3=B6rn?= <bjorn@example.org>
To: Ann <ann@example.org>, bee@example.org
Subject: =?utf-8?Q?Fotos_?=
 =?utf-8?Q?f=C3=BCr_dich?=
Date: Mon, 2 Jan 2006 15:04:05 +0100
Message-ID: <1@example.org>
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: multipart/alternative; boundary=i

--i
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6n!
--i
Content-Type: text/html

<p>Sch&ouml;n!</p>
--i--
--o
Content-Type: image/png; name=\"../foto.png\"
Content-Transfer-Encoding: base64

aGVsbG8=
--o
Content-Type: message/rfc822

Subject: inner

text
--o
Content-Type: text/plain

a footer
--o--
";

#[test]
fn a_message_is_read_whatever_its_line_ends() {
    for original in [MIXED.to_owned(), MIXED.replace('\n', "\r\n"), MIXED.replace('\n', "\r"), format!("\n\n{MIXED}")] {
        let original = original.as_bytes();
        let message = read(original);
        assert_eq!(message.envelope, envelope(original));
        assert_eq!(message.envelope.subject, "Fotos für dich");
        assert_eq!(message.envelope.from, Mailbox { name: "Björn".into(), address: "bjorn@example.org".into() });
        assert_eq!(message.envelope.to.len(), 2);
        assert_eq!(message.envelope.date.map(|date| date.to_string()).as_deref(), Some("2006-01-02T14:04:05Z"));
        assert_eq!(message.envelope.message_id.as_deref(), Some("1@example.org"));
        assert_eq!(message.text, "Schön!\n\na footer");
        assert!(!message.text_is_from_html && message.notes.is_empty(), "{:?}", message.notes);
        let names: Vec<(&str, &str, &str, u64)> = message
            .attachments
            .iter()
            .map(|each| (each.name.as_str(), each.safe_name.as_str(), each.media_type.as_str(), each.size))
            .collect();
        let inner = if original.windows(2).any(|two| two == b"\r\n") { 22 } else { 20 };
        assert_eq!(names, [("../foto.png", "foto.png", "image/png", 5), ("", "inner.eml", "message/rfc822", inner),]);
        assert_eq!(attachment(original, 0).as_deref(), Some(b"hello".as_slice()));
        assert!(attachment(original, 1).is_some_and(|inner| inner.starts_with(b"Subject: inner")));
        assert_eq!(attachment(original, 2), None);
    }
}

#[test]
fn an_mbox_line_is_skipped_and_stays_in_the_source() {
    let with_line = format!("From ann@example.org Mon Jan  2 15:04:05 2006\n{MIXED}");
    assert_eq!(read(with_line.as_bytes()), read(MIXED.as_bytes()));
    assert!(headers(with_line.as_bytes()).starts_with("From ann@example.org"));
}

#[test]
fn what_is_no_message_is_shown_as_it_is() {
    let message = read(b"just some text\nwithout a header\n");
    assert_eq!(message.text, "just some text\nwithout a header");
    assert_eq!((message.notes.len(), message.envelope), (1, Envelope::default()));
    assert_eq!(read(b""), Message::default());
    assert_eq!(attachment(b"\0\x01\x02", 0), None);
}

#[test]
fn html_alone_and_html_beside_a_blank_text() {
    let alone = read(b"Subject: x\nContent-Type: text/html\n\n<p>one<p>two");
    assert_eq!((alone.text.as_str(), alone.text_is_from_html), ("one\n\ntwo", true));
    let beside = read(
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n<b>yes</b>\n--b--\n",
    );
    assert_eq!((beside.text.as_str(), beside.text_is_from_html), ("yes", true));
    let meta = read(b"Content-Type: text/html\n\n<meta charset=\"koi8-r\">\xf0\xd2\xc9");
    assert_eq!(meta.text, "При");
}

#[test]
fn a_header_that_runs_into_the_body_loses_nothing() {
    let message = read(b"Subject: x\nFrom: a@b.example\nDear Ann,\n\nhow are you?\n");
    assert_eq!((message.envelope.subject.as_str(), message.text.as_str()), ("x", "Dear Ann,\n\nhow are you?"));
    let junk = envelope(b"Subject: x\njunk line\nFrom: a@b.example\n\n");
    assert_eq!(junk.from.address, "a@b.example");
}

#[test]
fn long_text_and_long_fields_are_cut() {
    let long = read(format!("Subject: {}\n\n{}", "s".repeat(1 << 20), "word ".repeat(1 << 20)).as_bytes());
    assert!(long.envelope.subject.len() <= 64 * 1024);
    assert!(long.text.len() <= 2 * 1024 * 1024 && long.notes.len() == 1, "{:?}", long.notes);
}

#[test]
fn senders_without_an_address() {
    for (from, name, address) in [
        ("From: Mailer Daemon", "Mailer Daemon", ""),
        ("From: undisclosed-recipients:;", "", ""),
        ("From: undisclosed-recipients:;\nSender: a@b.example", "", "a@b.example"),
        ("From: Ann, bee@example.org", "", "bee@example.org"),
        ("Sender: a@b.example", "", "a@b.example"),
        ("X: y", "", ""),
    ] {
        let from_field = envelope(format!("{from}\n\n").as_bytes()).from;
        assert_eq!((from_field.name.as_str(), from_field.address.as_str()), (name, address), "{from}");
    }
}

#[test]
fn previews() {
    for (text, longest, expected) in [
        ("Dear Ann,\n\n  how are   you?", 100, "Dear Ann, how are you?"),
        ("Dear Ann", 6, "Dear A"),
        ("Dear Ann", 5, "Dear"),
        ("> quoted\nown words\n> more", 100, "own words"),
        ("> only quoted", 100, "> only quoted"),
        ("", 10, ""),
        ("x", 0, ""),
        ("äöü", 2, "äö"),
    ] {
        assert_eq!(preview(text, longest), expected, "{text:?}");
    }
}

#[test]
fn header_text_is_safe_to_show() {
    assert_eq!(headers(b"A: b\r\n c\r\nD: \x1b[31m\xe9\r\n\r\nbody"), "A: b\n c\nD: [31mé");
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "\n",
            "\r\n",
            "\r",
            "\n\n",
            "From ",
            "From: ",
            "Subject: ",
            "Date: ",
            "To: ",
            "Content-Type: ",
            "text/plain",
            "text/html",
            "multipart/mixed",
            "multipart/alternative",
            "message/rfc822",
            "; boundary=b",
            "; charset=",
            "utf-16",
            "iso-2022-jp",
            "utf-7",
            "big5",
            "gb18030",
            "\n--b\n",
            "\n--b--\n",
            "Content-Transfer-Encoding: ",
            "base64",
            "quoted-printable",
            "x-uuencode",
            "=?utf-8?Q?",
            "=?iso-2022-jp?B?",
            "?=",
            "=E4",
            "Content-Disposition: attachment",
            "; filename=\"",
            "; filename*0*=",
            "utf-8''%E4",
            "<",
            ">",
            "\"",
            "(",
            ")",
            "\\",
            ",",
            ";",
            ":",
            "@",
            " ",
            "\t",
            "\nbegin 644 x\n",
            "#0V%T\n",
            "`\nend\n",
            "\n=ybegin line=1 size=2 name=y\n",
            "\n=yend size=2\n",
            "application/ms-tnef",
            "application/pkcs7-mime; smime-type=signed-data",
            "multipart/signed",
            "text/calendar",
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
            "text/vcard",
            "message/delivery-status",
            "\nFinal-Recipient: x\nAction: failed\n",
            "<p>",
            "<style>",
            "&amp;",
            "\0",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_bytes_give_an_answer(original in pieces()) {
        // The inner functions, so that a panic is seen and not guarded.
        let message = body::read(&original);
        prop_assert_eq!(&visible(&message.text), &message.text);
        for index in 0..message.attachments.len() {
            let content = body::attachment(&original, index).map(|content| content.len() as u64);
            prop_assert_eq!(content, message.attachments.get(index).map(|each| each.size));
        }
        prop_assert_eq!(body::attachment(&original, message.attachments.len()), None);
        envelope::headers(&original);
        likeness(&original);
        if !message.notes.iter().any(|note| note.contains("no header")) {
            prop_assert_eq!(message.envelope, envelope::envelope(&original));
        }
    }
}
