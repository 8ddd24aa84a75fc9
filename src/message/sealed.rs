//! Mail that is signed or encrypted (RFC 8551, 3156): which of it, and the content of an opaque signature, for which a
//! walk over its DER is enough. Nothing is checked and nothing decrypted: that is for the program with the keys.

use super::parts::{Parts, parts};
use super::transfer;

/// What protects a message, by the little that can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Its text can be read; the signature is not checked.
    Signed(Scheme),
    /// Its content is inside a signature that could not be opened.
    Enclosed,
    Encrypted(Scheme),
}

/// How a message is signed or encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    OpenPgp,
    Smime,
    /// Neither of the two is named.
    Other,
}

impl Seal {
    /// What it means, in a sentence or two.
    pub fn sentence(self) -> String {
        let by = |scheme: Scheme| match scheme {
            Scheme::OpenPgp => " with OpenPGP",
            Scheme::Smime => " with S/MIME",
            Scheme::Other => "",
        };
        match self {
            Seal::Signed(scheme) => {
                format!("Signed{}, not checked: Postkeep does not verify who signed it.", by(scheme))
            }
            Seal::Enclosed => {
                "The content is inside a signature that Postkeep could not open. Save the message as .eml \
                               and open it in a program that reads S/MIME."
                    .to_owned()
            }
            Seal::Encrypted(scheme) => format!(
                "Encrypted{}: it cannot be read here. Save the message as .eml and open it in the program that has your \
                 key.",
                by(scheme)
            ),
        }
    }
}

/// How a message is sealed, as its parts and its text say.
pub(super) fn seals(parts: &Parts<'_>, text: &str) -> Vec<Seal> {
    let mut seals = Vec::new();
    let mut add = |seal: Seal| {
        if !seals.contains(&seal) {
            seals.push(seal);
        }
    };
    for (kind, protocol) in &parts.sealed {
        let scheme = match protocol.as_str() {
            "application/pgp-signature" | "application/pgp-encrypted" => Scheme::OpenPgp,
            "application/pkcs7-signature" | "application/x-pkcs7-signature" => Scheme::Smime,
            _ => Scheme::Other,
        };
        add(if kind == "encrypted" { Seal::Encrypted(scheme) } else { Seal::Signed(scheme) });
    }
    for leaf in parts.leaves.iter().filter(|leaf| is_pkcs7(&leaf.media_type)) {
        let kind = leaf.content_type.plain("smime-type").unwrap_or_default().to_ascii_lowercase();
        let octets = || transfer::decode(leaf.body, leaf.encoding, 4096);
        match kind.as_str() {
            "enveloped-data" | "authenveloped-data" => add(Seal::Encrypted(Scheme::Smime)),
            "certs-only" | "compressed-data" => (),
            "signed-data" => add(Seal::Enclosed),
            // Nothing is declared: its own first words tell.
            _ => match content_type(&octets()) {
                Some(ENVELOPED | AUTH_ENVELOPED) => add(Seal::Encrypted(Scheme::Smime)),
                Some(SIGNED) => add(Seal::Enclosed),
                _ => (),
            },
        }
    }
    let begins = |mark: &str| text.starts_with(mark) || text.lines().take(200).any(|line| line == mark);
    if begins("-----BEGIN PGP MESSAGE-----") {
        add(Seal::Encrypted(Scheme::OpenPgp));
    }
    if begins("-----BEGIN PGP SIGNED MESSAGE-----") {
        add(Seal::Signed(Scheme::OpenPgp));
    }
    seals
}

/// Layers of opaque signatures that are taken off.
const MOST_LAYERS: usize = 3;

/// See [`super::unsealed`]: `None` where there is nothing to open.
pub(super) fn unsealed(outer: &Parts<'_>) -> Option<Vec<u8>> {
    let mut opened = one_unsealed(outer)?;
    for _ in 1..MOST_LAYERS {
        let Some(deeper) = one_unsealed(&parts(&opened)) else { break };
        opened = deeper;
    }
    Some(opened)
}

fn one_unsealed(parts: &Parts<'_>) -> Option<Vec<u8>> {
    let [leaf] = parts.leaves.as_slice() else { return None };
    let kind = leaf.content_type.plain("smime-type").unwrap_or("signed-data");
    if !is_pkcs7(&leaf.media_type) || !kind.eq_ignore_ascii_case("signed-data") {
        return None;
    }
    let content = opened(&transfer::decode(leaf.body, leaf.encoding, usize::MAX))?;
    let mut message = Vec::with_capacity(content.len().saturating_add(1024));
    for field in parts.header.fields() {
        // What says how the signature is written says nothing of what is in it.
        let of_content = field.name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        if !of_content {
            message.extend_from_slice(field.name);
            message.push(b':');
            message.extend_from_slice(field.value);
            message.extend_from_slice(b"\r\n");
        }
    }
    message.extend_from_slice(&content);
    Some(message)
}

fn is_pkcs7(media_type: &str) -> bool {
    matches!(media_type, "application/pkcs7-mime" | "application/x-pkcs7-mime")
}

const SIGNED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const ENVELOPED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
const AUTH_ENVELOPED: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";

/// Of which kind a PKCS #7 structure is.
fn content_type(der: &[u8]) -> Option<&[u8]> {
    let outer = element(der)?;
    let oid = element(outer.content).filter(|first| outer.tag == SEQUENCE && first.tag == OID)?;
    Some(oid.content)
}

/// The content of an opaque signature (RFC 5652 section 5.1): a MIME entity, in one piece or several.
pub(super) fn opened(der: &[u8]) -> Option<Vec<u8>> {
    let outer = element(der).filter(|outer| outer.tag == SEQUENCE)?;
    let kind = element(outer.content).filter(|kind| kind.tag == OID && kind.content == SIGNED)?;
    let explicit = element(kind.after).filter(|explicit| explicit.tag == EXPLICIT)?;
    let signed = element(explicit.content).filter(|signed| signed.tag == SEQUENCE)?;
    let version = element(signed.content).filter(|version| version.tag == INTEGER)?;
    let algorithms = element(version.after).filter(|algorithms| algorithms.tag == SET)?;
    let enclosed = element(algorithms.after).filter(|enclosed| enclosed.tag == SEQUENCE)?;
    let kind = element(enclosed.content).filter(|kind| kind.tag == OID)?;
    let explicit = element(kind.after).filter(|explicit| explicit.tag == EXPLICIT)?;
    let octets = element(explicit.content)?;
    match octets.tag {
        OCTETS => Some(octets.content.to_vec()),
        PIECES => {
            let mut out = Vec::new();
            let mut rest = octets.content;
            while let Some(piece) = element(rest).filter(|piece| piece.tag == OCTETS) {
                out.extend_from_slice(piece.content);
                rest = piece.after;
            }
            Some(out)
        }
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const PIECES: u8 = 0x24;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT: u8 = 0xa0;

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    after: &'a [u8],
}

/// The first element of `der`. One of no definite length reaches to the end of what is there, and its mark of an end
/// matches no tag that is asked for.
fn element(der: &[u8]) -> Option<Element<'_>> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0x80 => return indefinite(tag, rest),
        0..0x80 => (usize::from(first), rest),
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = octets
                .iter()
                .try_fold(0_usize, |length, &octet| length.checked_mul(256)?.checked_add(usize::from(octet)))?;
            (length, rest)
        }
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some(Element { tag, content, after })
}

/// What follows such an element is needed only behind the sets and sequences at the top, which are of a definite length in
/// practice.
fn indefinite(tag: u8, content: &[u8]) -> Option<Element<'_>> {
    Some(Element { tag, content, after: &[] })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    /// An opaque signature around `content`, in one piece.
    pub fn enclosed(content: &[u8]) -> Vec<u8> {
        enclosed_as(&tagged(OCTETS, content))
    }

    fn enclosed_as(octets: &[u8]) -> Vec<u8> {
        let data = tagged(OID, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
        let inner = tagged(SEQUENCE, &[data, tagged(EXPLICIT, octets)].concat());
        let signed = [tagged(INTEGER, b"\x01"), tagged(SET, b""), inner, tagged(SET, b"")].concat();
        tagged(SEQUENCE, &[tagged(OID, SIGNED), tagged(EXPLICIT, &tagged(SEQUENCE, &signed))].concat())
    }

    #[test]
    fn an_opaque_signature_opens() {
        assert_eq!(
            opened(&enclosed(b"Content-Type: text/plain\r\n\r\nhello")).unwrap(),
            b"Content-Type: text/plain\r\n\r\nhello"
        );
        let pieces = [tagged(OCTETS, b"hel"), tagged(OCTETS, b"lo")].concat();
        assert_eq!(opened(&enclosed_as(&tagged(PIECES, &pieces))).unwrap(), b"hello");
        // As streams are written: no lengths, and two zero octets at each end.
        let streamed = [
            b"\x30\x80\x06\x09",
            SIGNED,
            b"\xa0\x80\x30\x80\x02\x01\x01\x31\0\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80",
            b"\x04\x03hel\x04\x02lo\0\0\0\0\0\0",
        ]
        .concat();
        assert_eq!(opened(&streamed).unwrap(), b"hello");
        assert_eq!(content_type(&enclosed(b"")), Some(SIGNED));
        assert_eq!((opened(b""), opened(b"\x30\x80"), content_type(b"\x04\x01x")), (None, None, None));
    }

    proptest! {
        #[test]
        fn any_octets_give_an_answer(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12)) {
            let mut der = enclosed(b"hello");
            for (place, octet) in changes {
                let place = place.index(der.len());
                der[place] = octet;
            }
            prop_assert!(opened(&der).unwrap_or_default().len() <= der.len());
        }
    }
}
