//! The format of bundles: whatever goes in comes out, also of what is left of it; and nothing else ever does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::archive::codec::bundle::{self, Bundle, Opened, PIECE, PIECES, SPARE, mended, pack, sound};

fn packed(originals: &[Vec<u8>]) -> Vec<Bundle> {
    pack(&originals.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

/// All pieces of a bundle, those to spare at the end.
fn pieces(bundle: &Bundle) -> Vec<Vec<u8>> {
    bundle.pieces().chain(bundle.spare()).map(<[u8]>::to_vec).collect()
}

fn content(pieces: &[Vec<u8>]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| sound(piece).unwrap().1.to_vec()).collect()
}

/// What a bundle's pieces say of its members, which are of these lengths.
fn unpacked(pieces: &[Vec<u8>], octets: impl Iterator<Item = usize>) -> Vec<Option<Vec<u8>>> {
    let content = content(&pieces[..pieces.len() - SPARE]);
    let opened = Opened::of(&content[bundle::front(&content[bundle::BEGINNING]).unwrap()]).unwrap();
    let member = |(member, octets)| opened.member(member, &content[opened.base64(member).unwrap()], octets);
    octets.enumerate().map(member).collect()
}

/// The pieces of a bundle without those at these places, made out of the others.
fn mended_without(pieces: &[Vec<u8>], lost: &[usize]) -> Vec<Option<Vec<u8>>> {
    let data = pieces.len() - SPARE;
    mended(|number| {
        let place = if number < data { number } else { (number.checked_sub(PIECES)?) + data };
        pieces.get(place).filter(|_| !lost.contains(&place)).cloned()
    })
}

#[track_caller]
fn round_trip(originals: &[Vec<u8>]) -> Vec<Bundle> {
    let bundles = packed(originals);
    let mut rest = originals;
    for bundle in &bundles {
        let (here, after) = rest.split_at(bundle.members);
        rest = after;
        let pieces = pieces(bundle);
        assert_eq!(bundle.octets(), pieces.iter().map(Vec::len).sum::<usize>());
        let back = unpacked(&pieces, here.iter().map(Vec::len));
        assert!(back.iter().map(Option::as_deref).eq(here.iter().map(|bytes| Some(bytes.as_slice()))));
    }
    assert!(rest.is_empty());
    bundles
}

/// A message with so many octets under base64.
fn attached(seed: usize, octets: usize) -> Vec<u8> {
    let mut message = mail(&format!("attached {seed}"));
    for line in noise(octets + seed * 3).split_off(seed * 3).chunks(57) {
        message.extend(STANDARD.encode(line).bytes());
        message.extend(b"\r\n");
    }
    message
}

#[test]
fn bundles_of_any_size_come_back() {
    let few = |count: usize, octets: usize| (0..count).map(|seed| attached(seed, octets)).collect::<Vec<_>>();
    for originals in
        [few(1, 0), few(2, 57 * 4), few(3, 100_000), vec![vec![]], vec![vec![]; 5], vec![vec![0; 100_000]; 2]]
    {
        assert_eq!(round_trip(&originals).len(), 1);
    }
    assert!(packed(&[]).is_empty());
    // As many as there is room for, by their number and by their text.
    let tiny: Vec<Vec<u8>> = (0..5_000).map(|number| mail(&number.to_string())).collect();
    assert_eq!(round_trip(&tiny).len(), 2);
    let text = "words that come again, and others. ".repeat(30_000);
    let long: Vec<Vec<u8>> = (0..5).map(|number| mail(&format!("{number} {text}"))).collect();
    let members: Vec<usize> = round_trip(&long).iter().map(|bundle| bundle.members).collect();
    assert_eq!(members, [3, 2]);
}

/// With one piece, where both kinds are not there yet, and with more; the last one of any length.
#[test]
fn any_piece_and_any_two_neighbours_are_made_again_exactly() {
    for octets in [0, 4_000, 20_000, 30_000, 40_000, 48_300, 60_000, 100_000] {
        let whole = pieces(&packed(&[attached(1, octets), mail("another")])[0]);
        let expected: Vec<_> = whole.iter().cloned().map(Some).collect();
        assert!(whole.iter().all(|piece| piece.len() <= PIECE));
        let data = whole.len() - SPARE;
        assert!(mended_without(&whole, &[]) == expected);
        for lost in 0..whole.len() {
            assert!(mended_without(&whole, &[lost]) == expected, "{octets}: {lost} of {}", whole.len());
            // Of the two to spare and of two data pieces side by side each is of another kind.
            if lost + 1 != data && lost + 1 < whole.len() {
                assert!(mended_without(&whole, &[lost, lost + 1]) == expected, "{octets}: {lost} and the next");
            }
        }
    }
}

#[test]
fn what_cannot_be_made_again_is_not_made_up() {
    let whole = pieces(&packed(&[attached(1, 100_000), attached(2, 50_000)])[0]);
    let data = whole.len() - SPARE;
    for first in 0..data {
        for lost in
            [vec![first, (first + 2) % data], vec![first, data + first % SPARE], (0..data).collect(), vec![first]]
        {
            for (place, piece) in mended_without(&whole, &lost).into_iter().enumerate() {
                assert!(piece.is_none_or(|piece| piece == whole[place]), "{place} without {lost:?}");
            }
        }
    }
    assert_eq!(mended_without(&whole, &(0..whole.len()).collect::<Vec<_>>()), Vec::new());
    assert_eq!(mended(|_| Some(Vec::new())), Vec::new());
    // A piece of a bundle that has none.
    let mut none = vec![0; 6];
    none[..4].copy_from_slice(&crc32fast::hash(&[0, 0]).to_le_bytes());
    assert_eq!(mended(|_| Some(none.clone())), Vec::new());
}

#[test]
fn a_piece_tells_that_it_is_not_what_it_was() {
    let piece = pieces(&packed(&[attached(1, 4_000)])[0]).swap_remove(0);
    assert!(sound(&piece).is_some());
    for at in 0..piece.len() {
        let mut rotten = piece.clone();
        rotten[at] ^= 1 << (at % 8);
        assert_eq!(sound(&rotten), None, "octet {at}");
        assert_eq!(sound(&piece[..at]), None, "cut to {at}");
    }
    assert_eq!(sound(&[&piece[..], b"\0"].concat()), None);
}

#[test]
fn other_texts_have_another_stamp() {
    let stamps = |originals: &[Vec<u8>]| packed(originals)[0].stamp;
    let first = stamps(&[mail("one"), mail("two")]);
    assert_eq!(first, stamps(&[mail("one"), mail("two")]));
    for other in
        [&[mail("two"), mail("one")][..], &[mail("one")], &[mail("one"), mail("two"), vec![]], &[vec![], vec![]]]
    {
        assert_ne!(first, stamps(other));
    }
    assert_ne!(stamps(&[attached(1, 4_000)]), stamps(&[attached(2, 4_000)]));
}

/// As the format has it: seven bits an octet.
fn number(mut value: u64) -> Vec<u8> {
    let mut octets = Vec::new();
    while value >= 0x80 {
        octets.push(value as u8 | 0x80);
        value >>= 7;
    }
    octets.push(value as u8);
    octets
}

/// A front of one member that says it has so many octets of shape, text and base64.
fn front(lengths: [u64; 3], raw: &[u8]) -> Vec<u8> {
    let numbers = lengths.into_iter().flat_map(number);
    [vec![1], numbers.collect(), zstd::bulk::compress(raw, 3).unwrap()].concat()
}

#[test]
fn a_bomb_is_refused_before_it_is_made() {
    let zeros = vec![0; 65 << 20];
    let gigabytes = 30 << 30;
    for lengths in
        [[0, gigabytes, 0], [gigabytes, 0, 0], [1, 65 << 20, 0], [3, 100, 0], [0, 0, 0], [0, (65 << 20) - 1, 0]]
    {
        assert!(Opened::of(&front(lengths, &zeros)).is_none(), "{lengths:?}");
    }
    // More members than there can be.
    assert!(Opened::of(&[number(4_097), vec![0; 30_000]].concat()).is_none());
    assert!(Opened::of(&[number(1 << 34), vec![0; 30_000]].concat()).is_none());
    // A member that says it is gigabytes, as text, as zeros under base64, and as lines that are not there.
    let octets = usize::try_from(gigabytes).unwrap();
    let lines = gigabytes / 78;
    for (shape, says) in [
        ([number(gigabytes), vec![0, 0]].concat(), octets),
        ([vec![0, 1, 0], number(76 * 2 + 1), number(lines), vec![0]].concat(), (lines * 78) as usize),
        ([vec![3, 0, 1], number(75 * 4), number((1 << 35) - 1)].concat(), 3),
    ] {
        let raw = [&shape[..], b"abc"].concat();
        let opened = Opened::of(&front([shape.len() as u64, 3, 0], &raw)).unwrap();
        assert_eq!(opened.member(0, &[], says), None, "{shape:?}");
        let base64 = [vec![1], zstd::bulk::compress(&zeros, 3).unwrap()].concat();
        assert_eq!(opened.member(0, &base64, says), None, "{shape:?}");
    }
    assert!(Opened::of(&[0]).is_none_or(|opened| opened.members() == 0 && opened.base64(0).is_none()));
}

#[test]
fn what_is_asked_of_a_front_is_there_or_none() {
    let originals = [attached(1, 10_000), vec![], mail("three")];
    let pieces = pieces(&packed(&originals)[0]);
    let content = content(&pieces[..pieces.len() - SPARE]);
    let front = &content[bundle::front(&content).unwrap()];
    let opened = Opened::of(front).unwrap();
    assert_eq!(opened.members(), 3);
    for none in [3, 4, usize::MAX] {
        assert_eq!((opened.base64(none), opened.member(none, &[], 0)), (None, None));
    }
    let base64 = &content[opened.base64(0).unwrap()];
    let length = originals[0].len();
    assert!(opened.member(0, base64, length).as_ref() == Some(&originals[0]));
    for wrong in [0, 1, length - 1, length + 1, length * 1_000, usize::MAX] {
        assert_eq!(opened.member(0, base64, wrong), None, "{wrong} octets");
    }
    for cut in (0..base64.len()).step_by(97) {
        assert_eq!(opened.member(0, &base64[..cut], length), None, "cut to {cut}");
    }
    for cut in 0..front.len() {
        assert!(Opened::of(&front[..cut]).is_none(), "cut to {cut}");
    }
}

/// Octets of any kind, lines of base64 and of quoted-printable.
fn any_mail() -> impl Strategy<Value = Vec<u8>> {
    let lines =
        ("[A-Za-z0-9+/]{76}|[A-Za-z0-9+/=]{0,80}|([ -~]{73}=3D=|[ -~]{75}=|[ -~]{0,80})", "\n|\r\n|\r|", 1_usize..8);
    let lines = proptest::collection::vec(lines, 0..12);
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..2_000),
        lines.prop_map(|lines| {
            lines
                .iter()
                .map(|(line, ending, times)| format!("{line}{ending}").repeat(*times))
                .collect::<String>()
                .into()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mail_comes_back(originals in proptest::collection::vec(any_mail(), 1..20), lost in any::<prop::sample::Index>()) {
        for bundle in round_trip(&originals) {
            let whole = pieces(&bundle);
            let lost = lost.index(whole.len());
            prop_assert!(mended_without(&whole, &[lost]).into_iter().eq(whole.into_iter().map(Some)));
        }
    }

    #[test]
    fn any_octets_are_a_front_or_none(octets in proptest::collection::vec(any::<u8>(), 0..400), says in 0_usize..5_000) {
        let _ = bundle::front(&octets);
        if let Some(opened) = Opened::of(&octets) {
            for member in 0..=opened.members() {
                prop_assert!(opened.member(member, &octets, says).is_none_or(|bytes| bytes.len() == says));
            }
        }
    }

    /// Of a shape that reads like one.
    #[test]
    fn any_shape_is_a_member_of_its_length_or_none(
        shape in proptest::collection::vec(prop_oneof![0_u8..6, any::<u8>()], 0..24),
        text in "[a=\r\n]{0,200}", base64 in proptest::collection::vec(any::<u8>(), 0..300), says in 0_usize..2_000,
    ) {
        let raw = [&shape[..], text.as_bytes()].concat();
        let opened = Opened::of(&front([shape.len() as u64, text.len() as u64, base64.len() as u64], &raw)).unwrap();
        prop_assert!(opened.member(0, &base64, says).is_none_or(|bytes| bytes.len() == says));
    }

    #[test]
    fn a_changed_front_is_none_or_of_its_lengths(at in any::<prop::sample::Index>(), with in 1_u8..) {
        let originals = [attached(1, 500), mail("two")];
        let content = content(&packed(&originals)[0].pieces().map(<[u8]>::to_vec).collect::<Vec<_>>());
        let mut front = content[bundle::front(&content).unwrap()].to_vec();
        let at = at.index(front.len());
        front[at] ^= with;
        if let Some(opened) = Opened::of(&front) {
            for (member, original) in originals.iter().enumerate().take(opened.members()) {
                let base64 = opened.base64(member).and_then(|range| content.get(range)).unwrap_or_default();
                prop_assert!(opened.member(member, base64, original.len()).is_none_or(|bytes| bytes.len() == original.len()));
            }
        }
    }

    #[test]
    fn any_pieces_are_mended_or_none(found in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..9)) {
        let answer = mended(|number| found.get(number % 11).cloned());
        prop_assert!(answer.len() <= PIECES + SPARE);
    }
}

/// Shorter ones would share a page with each other or with what they are to make good for.
#[test]
fn each_piece_to_spare_fills_a_page() {
    for originals in [vec![mail("one"), mail("two")], vec![attached(1, 40_000), mail("two")]] {
        for bundle in packed(&originals) {
            assert!(bundle.spare().all(|piece| piece.len() == PIECE), "{}", bundle.pieces().count());
            let before_last = bundle.pieces().take(bundle.pieces().count() - 1).collect::<Vec<_>>();
            assert!(before_last.iter().all(|piece| piece.len() == PIECE));
        }
    }
}

/// What an earlier version bundled is in people's archives, and no later one may read it otherwise.
#[test]
fn what_was_bundled_once_is_read_for_ever() {
    let data = STANDARD.decode(GOLDEN).unwrap();
    let whole = mended(|number| (number == 0).then(|| data.clone()));
    let pieces: Vec<Vec<u8>> = whole.into_iter().map(Option::unwrap).collect();
    assert_eq!(pieces.len(), 1 + SPARE);
    let back = unpacked(&pieces, golden().iter().map(Vec::len));
    assert!(back.into_iter().eq(golden().into_iter().map(Some)));
    for lost in 0..pieces.len() {
        assert!(mended_without(&pieces, &[lost]).into_iter().eq(pieces.iter().cloned().map(Some)), "{lost}");
    }
}

/// Text, soft line breaks, a part in base64 and nothing.
fn golden() -> Vec<Vec<u8>> {
    let soft = "Gr=C3=BC=C3=9Fe aus K=C3=B6ln, und noch viel mehr W=C3=B6rter, die =C3=BCbe=\r\nr die Zeile gehen.\r\n";
    let mut attached = b"From: Anna <anna@example.org>\r\nContent-Transfer-Encoding: base64\r\n\r\n".to_vec();
    let octets: Vec<u8> = (0u32..600).map(|number| (number * number % 251) as u8).collect();
    for line in STANDARD.encode(octets).as_bytes().chunks(76) {
        attached.extend(line);
        attached.extend(b"\r\n");
    }
    vec![
        b"Subject: the key to the boat house\r\n\r\nIt is under the stone.\r\n".to_vec(),
        soft.into(),
        attached,
        vec![],
    ]
}

/// Its one piece of data.
const GOLDEN: &str = concat!(
    "RWP8FgEAiAIEAz4ABl8AB26OAgMAACi1L/0AAI0HADJPNS1Aa5wDw4CoKgrs4uhd65V0of+b/0m5tzCrbdVE4xtVUSmTwlzDgHDMwVVy",
    "IwEwSogFgo4h4g5MIpXpkqyog1QSB+midFBD1dTJhxlBDZcpIG8nxQ7WmkWrjjTqL9uzThq3f5s+MD6wSptvE5ZJ8YPZPQ14diOwY6E1",
    "grHpZ8f4m3ZKPcXXLGbU3yonrtktvF27cFbRZkZvUoEtN/lRwQNxBDyOKoGxedNr663m2Gp8E2CE8ZajGd9JKXq54hL87LJzq1coTnrv",
    "PchYQEw/gAvmUe89AgkAjs9EjLmDwOODW1QZsdlHyloFJcO+ChkBKLUv/QAAJQgAtA8AAQQJEBkkMUBRZHmQqcThBSZJbpW+6RtKe67j",
    "H1iT0BRVmN0pcr0PXq8HXLMRbMktjvFbwjCbDXztZdpWz0/MUNFZ3mrzgxWkOs1nA5w82X0jxnAcxXUn1oxE+bVzM/C0ekIM06FxQxfo",
    "wJp2VDQW9dvDrZmHd2ldU0tFQT8/QUVLU11pd4eZrcPb9RY0VHaawOgXQ3Gh0wxCerTwM3O1+USM1id1xRxwxiN92TycA2fNOqQVg/Nq",
    "3lnRUMxPz1baZe18DZswwlvxji3JbBGzXAevXg+9cindmFUU0JNYH+Oue0ob6b6VbkkmBeHEqZB5ZFFAMSQZEAkEAQEAex6/aqQ=",
);
