//! Content-Transfer-Encoding (RFC 2045 section 6) undone: base64, quoted-printable and uuencode, each as far as it can
//! be understood; what cannot is skipped or kept as it stands.

/// How the content of a part is encoded for transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 7bit, 8bit, binary and whatever is not known.
    Identity,
    Base64,
    QuotedPrintable,
    Uuencode,
}

impl Encoding {
    pub fn named(field: &str) -> Encoding {
        match field.trim().to_ascii_lowercase().as_str() {
            "base64" => Encoding::Base64,
            "quoted-printable" => Encoding::QuotedPrintable,
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Encoding::Uuencode,
            _ => Encoding::Identity,
        }
    }
}

/// At most `most` decoded octets of `body`, and perhaps a few more.
pub(super) fn decode(body: &[u8], encoding: Encoding, most: usize) -> Vec<u8> {
    if encoding == Encoding::Identity {
        return body.get(..most).unwrap_or(body).to_vec();
    }
    let mut out = Vec::new();
    each(body, encoding, &mut |octet| {
        out.push(octet);
        out.len() < most
    });
    out
}

/// How many octets `body` decodes to.
pub(super) fn decoded_size(body: &[u8], encoding: Encoding) -> u64 {
    match encoding {
        Encoding::Identity => return body.len() as u64,
        // Counted and not decoded: attachments are most of what a mailbox holds.
        Encoding::Base64 => return base64_size(body),
        Encoding::QuotedPrintable | Encoding::Uuencode => (),
    }
    let mut size = 0_u64;
    each(body, encoding, &mut |_| {
        size = size.saturating_add(1);
        true
    });
    size
}

/// The Q encoding of encoded words, underscores already replaced.
pub(super) fn decode_q(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    quoted(data, &mut |octet| {
        out.push(octet);
        true
    });
    out
}

/// Gives each decoded octet to `take` until that says `false`.
fn each(body: &[u8], encoding: Encoding, take: &mut impl FnMut(u8) -> bool) {
    match encoding {
        Encoding::Identity => {
            let _ = body.iter().all(|&octet| take(octet));
        }
        Encoding::Base64 => base64(body, take),
        Encoding::QuotedPrintable => quoted_printable(body, take),
        Encoding::Uuencode => uuencode(body, take),
    }
}

/// How many octets `body` decodes to: three for each four sextets, counted anew behind each padding.
fn base64_size(body: &[u8]) -> u64 {
    let is_sextet = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'/' | b'_');
    // Sums that fit into an octet are what a processor adds many of at once.
    let count = |few: &[u8]| u64::from(few.iter().map(|octet| u8::from(is_sextet(octet))).fold(0, u8::wrapping_add));
    let mut start = 0;
    let runs = memchr::memchr_iter(b'=', body).chain([body.len()]).map(|end| {
        let run = body.get(start..end).unwrap_or_default();
        start = end.saturating_add(1);
        run.chunks(255).map(count).sum::<u64>().saturating_mul(3).wrapping_div(4)
    });
    runs.sum()
}

fn base64(body: &[u8], take: &mut impl FnMut(u8) -> bool) {
    let (mut bits, mut held) = (0_u32, 0_u32);
    for &octet in body {
        let sextet = match octet {
            b'A'..=b'Z' => octet.wrapping_sub(b'A'),
            b'a'..=b'z' => octet.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => octet.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                // Padding ends a run; some programs put several runs one behind the other.
                (bits, held) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = bits << 6 & 0xff_ffff | u32::from(sextet);
        held = held.saturating_add(6);
        if held >= 8 {
            held = held.saturating_sub(8);
            let [.., octet] = (bits >> held).to_be_bytes();
            if !take(octet) {
                return;
            }
        }
    }
}

fn quoted_printable(body: &[u8], take: &mut impl FnMut(u8) -> bool) {
    let mut rest = body;
    while !rest.is_empty() {
        let at = rest.iter().position(|&octet| octet == b'\n');
        let length = at.map_or(rest.len(), |at| at.saturating_add(1));
        let (whole, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let bare = line.strip_suffix(b"\r").unwrap_or(line);
        // White space at the end of a line was added on the way (RFC 2045 section 6.7, rule 3).
        let trimmed = bare.trim_ascii_end();
        let soft = trimmed.strip_suffix(b"=");
        if !quoted(soft.unwrap_or(trimmed), take) {
            return;
        }
        let end = whole.get(bare.len()..).unwrap_or_default();
        if soft.is_none() && !end.iter().all(|&octet| take(octet)) {
            return;
        }
        rest = after;
    }
}

/// `=XX` undone; an `=` that begins no octet stays.
fn quoted(line: &[u8], take: &mut impl FnMut(u8) -> bool) -> bool {
    let mut rest = line;
    while let Some((&first, after)) = rest.split_first() {
        let (octet, next) = match after {
            [high, low, tail @ ..] if first == b'=' => match (hexadecimal(*high), hexadecimal(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                _ => (first, after),
            },
            _ => (first, after),
        };
        if !take(octet) {
            return false;
        }
        rest = next;
    }
    true
}

pub(super) fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn uuencode(body: &[u8], take: &mut impl FnMut(u8) -> bool) {
    let mut inside = false;
    for line in body.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii_end) {
        if !inside {
            inside = line.starts_with(b"begin ");
            continue;
        }
        if line == b"end" {
            return;
        }
        let Some((&count, data)) = line.split_first() else { continue };
        let mut left = count.wrapping_sub(b' ') & 0x3f;
        for four in data.chunks(4) {
            let sextet = |index: usize| u32::from(four.get(index).map_or(0, |octet| octet.wrapping_sub(b' ') & 0x3f));
            let bits = sextet(0) << 18 | sextet(1) << 12 | sextet(2) << 6 | sextet(3);
            for octet in bits.to_be_bytes().into_iter().skip(1).take(usize::from(left)) {
                if !take(octet) {
                    return;
                }
            }
            left = left.saturating_sub(3);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encodings() {
        let table: [(&str, Encoding, &str); 12] = [
            ("aGVsbG8=", Encoding::Base64, "hello"),
            ("aGVs\r\nbG8", Encoding::Base64, "hello"),
            ("aGVsbG8=IHdvcmxk", Encoding::Base64, "hello world"),
            ("aG*Vs!bG8=", Encoding::Base64, "hello"),
            ("a=20b=\r\nc", Encoding::QuotedPrintable, "a bc"),
            ("a = \nb", Encoding::QuotedPrintable, "a b"),
            ("a=3db  \r\nc", Encoding::QuotedPrintable, "a=b\r\nc"),
            ("50% =zz =", Encoding::QuotedPrintable, "50% =zz "),
            ("begin 644 x\n%:&5L;&\\\n`\nend\n", Encoding::Uuencode, "hello"),
            ("as it is=", Encoding::Identity, "as it is="),
            ("", Encoding::Base64, ""),
            ("=", Encoding::QuotedPrintable, ""),
        ];
        for (body, encoding, expected) in table {
            let decoded = decode(body.as_bytes(), encoding, usize::MAX);
            assert_eq!(String::from_utf8_lossy(&decoded), expected, "{body:?}");
            assert_eq!(decoded_size(body.as_bytes(), encoding), expected.len() as u64, "{body:?}");
        }
        assert_eq!(decode(b"aGVsbG8=", Encoding::Base64, 2), b"he");
    }

    proptest! {
        #[test]
        fn any_octets_decode_to_no_more_than_they_are(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            for encoding in [Encoding::Identity, Encoding::Base64, Encoding::QuotedPrintable] {
                let decoded = decode(&body, encoding, usize::MAX);
                prop_assert!(decoded.len() <= body.len());
                prop_assert_eq!(decoded.len() as u64, decoded_size(&body, encoding));
            }
        }
    }
}
