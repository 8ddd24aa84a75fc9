//! Whole messages with something other than text in them: what is packed, signed, encrypted, invited and reported.

use base64::Engine as _;
use jiff::tz::TimeZone;

use super::super::*;

fn base64(content: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(content)
}

fn with_part(media_type: &str, part: &str) -> String {
    format!(
        "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nDear Ann\n--b\nContent-Type: {media_type}\n\
         Content-Transfer-Encoding: base64\n\n{}\n--b--\n",
        base64(part.as_bytes())
    )
}

fn names(message: &Message) -> Vec<(&str, bool, bool)> {
    message.attachments.iter().map(|each| (each.name.as_str(), each.inside, each.unpacked)).collect()
}

fn cards(message: &Message) -> Vec<String> {
    message.cards.iter().map(|card| card.text(&TimeZone::UTC)).collect()
}

fn check_contents(original: &[u8], contents: &[&[u8]]) {
    let message = read(original);
    for (index, content) in contents.iter().enumerate() {
        assert_eq!(attachment(original, index).as_deref(), Some(*content), "{index}");
        assert_eq!(message.attachments[index].size, content.len() as u64, "{index}");
    }
    assert_eq!(attachment(original, contents.len()), None);
    assert_eq!(message.attachments.len(), contents.len());
}

#[test]
fn a_winmail_dat_is_unpacked() {
    let stream = tnef::tests::stream();
    let original = format!(
        "Subject: s\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n{}\n",
        base64(&stream)
    );
    let message = read(original.as_bytes());
    assert_eq!(message.text, "Schön", "the text in it, where there is no other");
    assert_eq!(
        names(&message),
        [("winmail.dat", false, true), ("Programme für Anna.pdf", true, false), ("A letter.eml", true, false)]
    );
    assert_eq!(attachment(original.as_bytes(), 1).unwrap(), b"%PDF");
    // A message in it is read as any other, with what is in that.
    let letter = attachment(original.as_bytes(), 2).unwrap();
    let inner = read(&letter);
    assert_eq!((inner.envelope.subject.as_str(), inner.text.as_str()), ("A letter", "inside"));
    assert_eq!(attachment(&letter, 1).unwrap(), b"deep");

    let beside = read(with_part("application/ms-tnef", "no stream").as_bytes());
    assert_eq!((beside.text.as_str(), names(&beside)), ("Dear Ann", vec![("", false, false)]));
}

#[test]
fn files_in_the_text_are_attachments() {
    let original =
        b"Subject: s\n\nDear Ann,\nbegin 644 cat.txt\n#0V%T\n`\nend\n=ybegin line=128 size=3 part=1 name=y.bin\n\
                     \x8b\x8c\x8d\n=yend size=3\nYours\n";
    let message = read(original);
    assert_eq!(message.text, "Dear Ann,\nYours");
    assert_eq!(names(&message), [("cat.txt", true, false), ("y.bin", true, false)]);
    assert_eq!(message.notes, ["y.bin is part 1 of a file: the others are in other messages."]);
    check_contents(original, &[b"Cat", b"abc"]);
    assert_eq!(message.attachments[0].media_type, "text/plain");
    // Nothing else in it: listed once all the same.
    check_contents(b"Subject: s\n\nbegin 644 cat.txt\n#0V%T\n`\nend\n", &[b"Cat"]);
}

#[test]
fn a_large_file_in_the_text_is_whole() {
    let lines = "M".to_owned() + &"0".repeat(60) + "\n";
    let original = format!("Subject: s\n\nbegin 644 big\n{}`\nend\nafter\n", lines.repeat(60_000));
    let message = read(original.as_bytes());
    assert_eq!((message.text.as_str(), message.notes.len()), ("after", 0));
    assert_eq!(message.attachments[0].size, 45 * 60_000);
}

#[test]
fn an_opaque_signature_is_taken_off() {
    let entity = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n--b--\r\n";
    let original = format!(
        "Subject: s\nFrom: a@b.example\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n\
         Content-Transfer-Encoding: base64\n\n{}\n",
        base64(&sealed::tests::enclosed(entity))
    );
    let message = read(original.as_bytes());
    assert_eq!((message.envelope.subject.as_str(), message.envelope.from.address.as_str()), ("s", "a@b.example"));
    assert_eq!((message.text.as_str(), names(&message)), ("hello", vec![("a.png", false, false)]));
    assert_eq!(message.cards, [Card::Seal(Seal::Signed(Scheme::Smime))]);
    check_contents(original.as_bytes(), &[b"x"]);
    assert_eq!(read_for_search(original.as_bytes()).0, message);
    assert_eq!(read(&unsealed(original.as_bytes())).text, "hello");
    // Broken: it is said, and it can be saved.
    let broken = original
        .replace("MII", "QUI")
        .replace("MIM", "QUI")
        .replace("MIL", "QUI")
        .replace("MIG", "QUI")
        .replace("MII", "QUI");
    let broken = broken.replacen("\n\nM", "\n\nA", 1);
    let message = read(broken.as_bytes());
    assert_eq!(
        (message.cards.as_slice(), names(&message)),
        ([Card::Seal(Seal::Enclosed)].as_slice(), vec![("smime.p7m", false, false)])
    );
}

#[test]
fn what_is_signed_or_encrypted_says_so() {
    for (original, expected) in [
        (
            "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n",
            Seal::Signed(Scheme::OpenPgp),
        ),
        (
            "Content-Type: multipart/signed; protocol=application/x-pkcs7-signature; boundary=b\n\n--b\n\nhi\n--b--\n",
            Seal::Signed(Scheme::Smime),
        ),
        (
            "Content-Type: multipart/encrypted; protocol=application/pgp-encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\nx\n--b--\n",
            Seal::Encrypted(Scheme::OpenPgp),
        ),
        ("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx\n", Seal::Encrypted(Scheme::Smime)),
        (
            "Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nxyz\n-----END PGP MESSAGE-----\n",
            Seal::Encrypted(Scheme::OpenPgp),
        ),
        (
            "Content-Type: text/plain\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhi\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n",
            Seal::Signed(Scheme::OpenPgp),
        ),
    ] {
        let message = read(original.as_bytes());
        assert_eq!(message.cards, [Card::Seal(expected)], "{original}");
    }
    assert_eq!(read(b"Subject: x\n\nsee -----BEGIN PGP MESSAGE-----\n").cards, []);
}

#[test]
fn invitations_contacts_and_reports_become_cards() {
    let calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Tea\nDTSTART:20261126T180000Z\nLOCATION:Quay\n\
                    ORGANIZER;CN=Ann:mailto:ann@b.example\nATTENDEE;PARTSTAT=TENTATIVE:mailto:bee@b.example\nEND:VEVENT\nEND:VCALENDAR\n";
    let message = read(with_part("text/calendar; method=REQUEST", calendar).as_bytes());
    assert_eq!(message.text, "Dear Ann");
    assert_eq!(
        cards(&message),
        ["Invitation: Tea\nWhen: Thursday 26 November 2026, 18:00\nWhere: Quay\nOrganizer: Ann <ann@b.example>\n\
          Guests: bee@b.example (may come)"]
    );
    let alone = read(format!("Content-Type: text/calendar\n\n{calendar}").as_bytes());
    assert_eq!((alone.text.as_str(), gist(&alone, 50).as_str()), ("", "Invitation: Tea"));
    let named = read(with_part("application/octet-stream; name=tea.ICS", calendar).as_bytes());
    assert_eq!(named.cards, message.cards);

    let contact = "BEGIN:VCARD\nFN:Ann\nORG:Books\nTEL;CELL:1\nEND:VCARD\n";
    let message = read(with_part("text/x-vcard", contact).as_bytes());
    assert_eq!(cards(&message), ["Contact: Ann\nBooks\nTelephone (mobile): 1"]);

    let report = "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; bee@b.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n";
    let message = read(with_part("message/delivery-status", report).as_bytes());
    let expected = "The message to bee@b.example could not be delivered: there is no such mailbox (5.1.1).\nThe server said: 550 no";
    assert_eq!(cards(&message), [expected]);
    let shown = "Final-Recipient: rfc822; bee@b.example\nDisposition: manual-action/MDN-sent-manually; displayed\n";
    let message = read(with_part("message/disposition-notification", shown).as_bytes());
    assert!(cards(&message)[0].starts_with("bee@b.example has displayed the message"));
}

#[test]
fn many_and_large_cards_are_bounded() {
    let mut original = "Content-Type: multipart/mixed; boundary=b\n\n".to_owned();
    for number in 0..1_500 {
        original.push_str(&format!(
            "--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:{number}\nEND:VEVENT\n\n"
        ));
    }
    assert_eq!(read(original.as_bytes()).cards.len(), 50);
}

/// Each would be large, slow or deep where something were not counted.
#[test]
fn bombs_give_an_answer_no_larger_than_they_are() {
    let tnef_bomb =
        [&0x223e_9f78_u32.to_le_bytes()[..], b"\x01\0", &b"\x02\x02\x90\x06\0\0\0\0\0\0\0".repeat(200_000)].concat();
    let bombs: [(&str, Vec<u8>); 12] = [
        ("text/plain", b"begin 644 x\n`\nend\n".repeat(100_000)),
        ("text/plain", b"begin 644 x\nM\n".repeat(100_000)),
        ("text/plain", b"begin 644 x\n".repeat(100_000)),
        ("text/plain", b"=ybegin line=1 size=9 name=x\n".repeat(100_000)),
        ("application/ms-tnef", tnef_bomb),
        ("application/pkcs7-mime", b"\x30\x80".repeat(500_000)),
        ("text/calendar", format!("BEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\n".repeat(200_000)).into_bytes()),
        (
            "text/calendar",
            format!("BEGIN:VCALENDAR\n{}", "BEGIN:VTIMEZONE\nBEGIN:STANDARD\n".repeat(100_000)).into_bytes(),
        ),
        (
            "text/calendar",
            format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTENDEE{}:x\n", ";CN=x".repeat(200_000)).into_bytes(),
        ),
        ("text/vcard", b"BEGIN:VCARD\nFN:x\nEND:VCARD\n".repeat(100_000)),
        ("message/delivery-status", b"Final-Recipient: x\nAction: failed\n\n".repeat(100_000)),
        ("message/disposition-notification", b"Disposition: x\n\n".repeat(100_000)),
    ];
    for (media_type, bomb) in bombs {
        let original = [format!("Subject: s\nContent-Type: {media_type}\n\n").as_bytes(), &bomb].concat();
        let message = read(&original);
        let out = message.text.len() + message.attachments.iter().skip(1).map(|each| each.size as usize).sum::<usize>();
        assert!(out <= original.len() && message.attachments.len() <= 501 && message.cards.len() <= 60, "{media_type}");
    }
}
