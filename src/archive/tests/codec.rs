//! How originals are stored: whatever goes in comes out, and nothing else ever does.

use std::borrow::Cow;

use base64::Engine as _;
use proptest::prelude::*;

use super::*;
use crate::archive::codec::{AS_RECEIVED, BEGINNING, PACKED, Packer, decode, stored_length};

fn encode(original: &[u8]) -> (i64, Vec<u8>) {
    let (codec, stored) = Packer::new().unwrap().encode(original);
    assert_eq!(matches!(stored, Cow::Borrowed(_)), codec == AS_RECEIVED);
    (codec, stored.into_owned())
}

/// The codec that it was stored by; it came back.
#[track_caller]
fn round_trip(original: &[u8]) -> i64 {
    let octets = original.len() as u64;
    let (codec, stored) = encode(original);
    let beginning = &stored[..stored.len().min(BEGINNING)];
    assert_eq!(stored_length(codec, beginning, octets), Some(stored.len() as u64));
    assert!(stored.len() <= original.len());
    assert!(decode(codec, stored, octets).as_deref() == Some(original));
    codec
}

/// A line of base64 of so many characters.
fn base64(length: usize, seed: usize) -> Vec<u8> {
    let octets = noise(length + seed).split_off(seed);
    let mut text = base64::engine::general_purpose::STANDARD.encode(octets).into_bytes();
    text.truncate(length);
    text
}

/// A message with a run of base64 of such lines, and what follows it.
fn with_base64(line: usize, lines: usize, ending: &str, rest: &str) -> Vec<u8> {
    let mut message = mail("an attachment");
    for number in 0..lines {
        message.extend(base64(line, number * 7));
        message.extend(ending.bytes());
    }
    message.extend(rest.bytes());
    message
}

#[test]
fn base64_comes_back_however_it_is_broken() {
    for ending in ["\n", "\r\n", "\r\r\n", "\n\n", "", " \r\n"] {
        for line in [1, 15, 16, 60, 72, 75, 76, 77, 78, 1024, 1028] {
            for lines in [1, 3, 4, 5, 40] {
                for rest in ["", "\n", "\r\n", "QQ==", "QQ==\r\n", "Q\r\n", "====", "--x--\r\n"] {
                    round_trip(&with_base64(line, lines, ending, rest));
                }
            }
        }
    }
}

/// Two ways to write the same octets: what a decoder would lose stays as it was.
#[test]
fn base64_that_is_not_the_usual_one_comes_back() {
    let whole = with_base64(76, 40, "\r\n", "");
    for (at, octet) in
        [(400, b'='), (475, b'='), (476, b'='), (400, b'-'), (401, b'_'), (402, b' '), (403, 0), (404, 0xFF)]
    {
        let mut message = whole.clone();
        message[at] = octet;
        round_trip(&message);
    }
    for remove in 380..480 {
        let mut message = whole.clone();
        message.remove(remove);
        round_trip(&message);
    }
}

#[test]
fn what_is_packed_and_what_is_not() {
    for (what, original, codec) in [
        ("nothing", vec![], AS_RECEIVED),
        ("a few octets", b"Subject: a\r\n\r\nb\r\n".to_vec(), AS_RECEIVED),
        ("noise", noise(100_000), AS_RECEIVED),
        ("an ordinary mail", mail(&"words ".repeat(50)), PACKED),
        ("an attachment", with_base64(76, 1_000, "\r\n", "QQ==\r\n"), PACKED),
        ("zeros", vec![0; 1 << 20], PACKED),
        ("one line", vec![b'A'; 1 << 20], PACKED),
    ] {
        assert_eq!(round_trip(&original), codec, "{what}");
    }
    let attachment = with_base64(76, 1_000, "\r\n", "");
    let (_, stored) = encode(&attachment);
    assert!(stored.len() * 100 < attachment.len() * 75, "{} of {}", stored.len(), attachment.len());
}

/// What an original is stored as never changes its meaning: these were written by the first version.
#[test]
fn what_was_stored_once_can_be_read_for_ever() {
    let dictionary = include_bytes!("../../../assets/dictionary-1.bin");
    assert_eq!(
        Digest::of(dictionary).to_string(),
        "bd553fcfb92010fbebbf609d7a4e2488fda2f35d68e3710f0b522c52073c9995",
        "every archive depends on it: make another codec, and keep this one"
    );
}

#[test]
fn another_length_another_codec_and_a_cut_are_refused() {
    let original = with_base64(76, 20, "\r\n", &"and words ".repeat(40));
    let octets = original.len() as u64;
    let (codec, stored) = encode(&original);
    assert_eq!(codec, PACKED);
    for wrong in [0, 1, octets - 1, octets + 1, octets * 1000, 1_000_000_001, u64::MAX] {
        assert_eq!(decode(codec, stored.clone(), wrong), None, "{wrong} octets");
    }
    for unknown in [-1, 3, 4, i64::MAX] {
        assert_eq!(decode(unknown, stored.clone(), octets), None);
        assert_eq!(stored_length(unknown, &stored, octets), None);
    }
    for cut in 0..stored.len() {
        assert_eq!(decode(codec, stored[..cut].to_vec(), octets), None, "cut to {cut}");
        let beginning = &stored[..cut.min(BEGINNING)];
        assert_ne!(stored_length(codec, beginning, octets), Some(cut as u64), "cut to {cut}");
    }
}

/// A few octets that unpack to a gigabyte, in an archive that says they are a short mail.
/// What unpacks is kept from one message to the next.
#[test]
fn after_one_that_rotted_the_next_comes_back() {
    let original = with_base64(76, 40, "\r\n", &"Words that are said again, and again. ".repeat(40));
    let (codec, stored) = encode(&original);
    assert_eq!(codec, PACKED);
    let mut refused = 0;
    for at in 0..stored.len() {
        let mut rotten = stored.clone();
        rotten[at] ^= 0xFF;
        refused += usize::from(decode(codec, rotten, original.len() as u64).is_none());
        let whole = decode(codec, stored.clone(), original.len() as u64);
        assert!(whole.as_deref() == Some(original.as_slice()), "after octet {at}");
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn a_bomb_is_refused_before_it_is_made() {
    let zeros = vec![0; 64 << 20];
    let (codec, bomb) = encode(&zeros);
    assert!(codec == PACKED && bomb.len() < 10_000);
    for octets in [0, 300, 1 << 20, (64 << 20) - 1, (64 << 20) + 1] {
        assert_eq!(decode(codec, bomb.clone(), octets), None, "{octets}");
    }
    assert!(decode(codec, bomb, 64 << 20).as_ref() == Some(&zeros));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_come_back(original in proptest::collection::vec(any::<u8>(), 0..5_000)) {
        round_trip(&original);
    }

    /// Of pieces that look like what is looked for.
    #[test]
    fn anything_like_mail_comes_back(pieces in proptest::collection::vec(
        ("[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{16}|[A-Za-z0-9+/=]{0,80}|[ -~]{0,80}", "\n|\r\n|\r|", 1_usize..8), 0..20,
    )) {
        let lines = pieces.iter().map(|(line, ending, times)| format!("{line}{ending}").repeat(*times));
        round_trip(lines.collect::<String>().as_bytes());
    }

    /// No octets in the table of bytes make anything but an answer of the right length, or none.
    #[test]
    fn anything_stored_is_an_answer_of_the_right_length_or_none(
        stored in proptest::collection::vec(any::<u8>(), 0..400), octets in 0_u64..10_000,
    ) {
        let answer = decode(PACKED, stored, octets);
        prop_assert!(answer.is_none_or(|answer| answer.len() as u64 == octets));
    }

    #[test]
    fn a_changed_octet_makes_another_message_of_the_same_length_or_none(at in any::<prop::sample::Index>(), with in 1_u8..) {
        let original = with_base64(76, 8, "\r\n", &"and words ".repeat(40));
        let (codec, mut stored) = encode(&original);
        let at = at.index(stored.len());
        stored[at] ^= with;
        let answer = decode(codec, stored, original.len() as u64);
        prop_assert!(answer.is_none_or(|answer| answer.len() == original.len()));
    }
}

/// What an earlier version packed is in people's archives, and no later one may read it otherwise.
#[test]
fn what_was_packed_once_is_read_for_ever() {
    let original = golden();
    let stored = base64::engine::general_purpose::STANDARD.decode(GOLDEN).unwrap();
    assert!(decode(PACKED, stored, original.len() as u64).as_deref() == Some(original.as_slice()));
}

/// A message with a part in base64, all of it long enough to be packed.
fn golden() -> Vec<u8> {
    let mut message =
        b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: Anna <anna@example.org>\r\nTo: ben@example.org\r\n\
        Subject: the key to the boat house\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n"
            .to_vec();
    let octets: Vec<u8> = (0u32..600).map(|number| (number * number % 251) as u8).collect();
    for line in base64::engine::general_purpose::STANDARD.encode(octets).as_bytes().chunks(76) {
        message.extend(line);
        message.extend(b"\r\n");
    }
    message
}

const GOLDEN: &str = concat!(
    "sgOJAgHfAZkBCpoBKLUv/QAAjQQAckYYHUBzczDSCIaC1cpbQP4LYsxbA8J+3HuTxKi4The4KpkjEYgKSAMeB8ojOYkTDRGC4aRI",
    "bNyiJ7KGOm2BUZUqcy8TfG+F0Pf1YT+zle9rXogwsUBl1sGVucDWesOTu2BbWw4A/K4OYNKqh6UMqHoFAvIhQKFUfvipYXP4SKaD",
    "eMYqyEgEfmgBL7px+UT4AgEotS/9AAAlCAC0DwABBAkQGSQxQFFkeZCpxOEFJklulb7pG0p7ruMfWJPQFFWY3SlyvQ9erwdcsxFs",
    "yS2O8VvCMJsNfO1l2lbPT8xQ0VneavODFaQ6zWcDnDzZfSPGcBzFdSfWjET5tXMz8LR6QgzToXFDF+jAmnZUNBb128OtmYd3aV1T",
    "S0VBPz9BRUtTXWl3h5mtw9v1FjRUdprA6BdDcaHTDEJ6tPAzc7X5RIzWJ3XFHHDGI33ZPJwDZ806pBWD82reWdFQzE/PVtpl7XwN",
    "mzDCW/GOLclsEbNcB69eD71yKd2YVRTQk1gf4657ShvpvpVuSSYF4cSpkHlkUUAxJBkQCQQBAQB7Hr9qpA==",
);
