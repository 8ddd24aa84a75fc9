//! Test mail by rule: any number of varied messages, the same each time for the same seed, in any process and on any
//! machine. Sizes as in real mailboxes (median about 4 kB, one in forty 30 to 300 kB, one in five hundred 1 to 2 MB),
//! words with the long tail of a language, several charsets, and every edge case in turn. Never personal data.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::base64;

/// `count` messages from `seed`, CRLF, oldest first. Message `n` does not depend on `count`.
///
/// Every sixteenth is an edge case, the kinds of [`Edge`] in turn. Some of those end without a line end: a POP3 server
/// adds one (see `Server::messages`).
pub fn generated(count: usize, seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let words = Vocabulary::new(seed);
    (0..count).map(move |number| message(number, seed, &words))
}

/// The edge cases, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Lines of one, two and three dots, and text after a dot.
    Dots,
    /// Lines that begin with `From ` and `>From `.
    FromLines,
    /// NUL and all 8-bit octets.
    RawOctets,
    /// LF without CR, and CR without LF, within lines.
    BareLineEnds,
    /// The last line has no end.
    NoFinalLineEnd,
    /// A header section and the empty line only.
    EmptyBody,
    /// A header section only, without the empty line.
    HeaderOnly,
    /// A line of 100,000 octets.
    LongLine,
    /// Nested multiparts with the wrong boundary at the end.
    BrokenMultipart,
    /// No Date, no Subject, no From.
    NoFields,
    /// `LF . LF` and a lone `CR LF . CR` within the body: no end of the message.
    FalseEnds,
    /// The same octets as every other message of this kind.
    Identical,
}

impl Edge {
    pub const ALL: [Edge; 12] = [
        Edge::Dots,
        Edge::FromLines,
        Edge::RawOctets,
        Edge::BareLineEnds,
        Edge::NoFinalLineEnd,
        Edge::EmptyBody,
        Edge::HeaderOnly,
        Edge::LongLine,
        Edge::BrokenMultipart,
        Edge::NoFields,
        Edge::FalseEnds,
        Edge::Identical,
    ];

    /// The edge case that message `number` is, if any.
    pub fn of(number: usize) -> Option<Edge> {
        (number % 16 == 15).then(|| Edge::ALL[number / 16 % Edge::ALL.len()])
    }
}

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// 0..limit
    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// 20,000 invented words; the k-th is drawn about k times more rarely than the first (Zipf's law).
struct Vocabulary(Vec<String>);

impl Vocabulary {
    fn new(seed: u64) -> Vocabulary {
        const START: [&str; 20] =
            ["b", "br", "d", "f", "g", "h", "k", "kl", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w", ""];
        const CORE: [&str; 10] = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "ie", "oa"];
        const END: [&str; 12] = ["", "", "n", "r", "s", "l", "t", "nd", "st", "ck", "m", "rn"];
        let mut dice = Dice(seed ^ 0x00D1_C710);
        let word = |rank: usize| {
            let syllables = 1 + usize::from(rank > 40) + usize::from(rank > 900);
            let syllable = |dice: &mut Dice| [dice.pick(&START), dice.pick(&CORE), dice.pick(&END)].concat();
            (0..syllables).map(|_| syllable(&mut dice)).collect()
        };
        Vocabulary((0..20_000).map(word).collect())
    }

    /// An octave of ranks at random, then a rank within it: Zipf's law in whole numbers, alike on every machine.
    fn word(&self, dice: &mut Dice) -> &str {
        let octave = 1 << dice.below(15);
        self.0.get(octave - 1 + dice.below(octave)).map_or("and", String::as_str)
    }

    /// So many words in sentences, in lines of at most 76 octets or so.
    fn prose(&self, dice: &mut Dice, octets: usize) -> String {
        let mut text = String::with_capacity(octets + 100);
        let (mut line, mut sentence) = (0, 0);
        while text.len() < octets {
            let word = self.word(dice);
            if line + word.len() > 72 {
                text.push_str("\r\n");
                line = 0;
            } else if line > 0 {
                text.push(' ');
            }
            text.push_str(word);
            line += word.len() + 1;
            sentence += 1;
            if sentence > 6 && dice.below(8) == 0 {
                text.push_str(if dice.below(6) == 0 { ".\r\n\r\n" } else { "." });
                (line, sentence) = if text.ends_with('\n') { (0, 0) } else { (line + 1, 0) };
            }
        }
        text.push_str("\r\n");
        text
    }

    fn title(&self, dice: &mut Dice) -> String {
        let count = 1 + dice.below(7);
        (0..count).map(|_| self.word(dice)).collect::<Vec<_>>().join(" ")
    }
}

/// Given name, family name and address of the people who write.
const PEOPLE: [(&str, &str); 12] = [
    ("Ada Brook", "ada.brook@meadow.example"),
    ("=?utf-8?Q?Bj=C3=B6rn_=C3=85kesson?=", "bjorn@fjord.example"),
    ("Carla Mendes", "c.mendes@quayside.example"),
    ("=?utf-8?B?5L2Q6Jek5YGl?=", "sato@hinode.example"),
    ("\"Okafor, Chidi\"", "chidi@market-hall.example"),
    ("=?koi8-r?B?6dLJzsE=?=", "irina@sever.example"),
    ("Newsletter", "news@daily-tide.example"),
    ("Build robot", "noreply@build.example"),
    ("Tom", "tom@tom.example"),
    ("=?iso-8859-1?Q?Zo=EB_K=FChn?=", "zoe@atelier.example"),
    ("Harbour list", "list@harbour.example"),
    ("", "bare@address.example"),
];

/// A sentence, its charset, its transfer encoding, and its octets so encoded.
const FOREIGN: [(&str, &str, &str); 8] = [
    ("utf-8", "quoted-printable", "Gr=C3=BC=C3=9Fe aus M=C3=BCnchen, =E2=82=AC 20 und ein St=C3=BCck Kuchen.\r\n"),
    ("iso-8859-1", "quoted-printable", "Tr=E8s cordialement, et =E0 bient=F4t au caf=E9.\r\n"),
    ("windows-1252", "quoted-printable", "=93Curly quotes=94 =96 and a dash =85\r\n"),
    ("iso-2022-jp", "7bit", "\x1b$B$3$s$K$A$O\x1b(B\r\n"),
    ("koi8-r", "base64", "8NLJ18XULCDLwcsgxMXMwT8NCg==\r\n"),
    ("gb18030", "base64", "xOO6w6OszuS77brNobGho9fUyLujrA0K\r\n"),
    ("euc-kr", "base64", "vsiz58fPvLy/5C4NCg==\r\n"),
    ("windows-1256", "base64", "5ePNyMcNCg==\r\n"),
];

fn message(number: usize, seed: u64, words: &Vocabulary) -> Vec<u8> {
    let mut dice = Dice(seed ^ (number as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
    dice.roll();
    if let Some(edge) = Edge::of(number) {
        return edge_case(edge, number, seed, words, &mut dice);
    }
    let head = head(number, seed, &words.title(&mut dice), &mut dice);
    let octets = length(&mut dice);
    let body = match number % 500 {
        250 => attachment(octets, 1_000_000 + dice.below(1_000_000), words, &mut dice),
        _ if dice.below(40) == 0 => attachment(octets, 30_000 + dice.below(270_000), words, &mut dice),
        _ => match dice.below(10) {
            0..5 => format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", words.prose(&mut dice, octets)),
            5..8 => alternative(octets, words, &mut dice),
            8 => foreign(number, octets, words, &mut dice),
            _ => format!("Content-Type: text/html; charset=utf-8\r\n\r\n{}", html(octets, words, &mut dice)),
        },
    };
    format!("{head}{body}").into_bytes()
}

/// Octets of text: doublings by six coins, so about log-normal around 3 kB; 250 to 32,000.
fn length(dice: &mut Dice) -> usize {
    let octave = 250 << (0..6).filter(|_| dice.below(2) == 1).count();
    octave + dice.below(octave)
}

fn head(number: usize, seed: u64, subject: &str, dice: &mut Dice) -> String {
    let (name, address) = PEOPLE[dice.below(PEOPLE.len())];
    // From 2015 on, one every 37 minutes or so; seconds and zones vary.
    let seconds = 1_420_070_400 + number as i64 * 2_220 + (dice.roll() % 1_800) as i64;
    let zone = Offset::from_seconds(1_800 * (dice.below(40) as i32 - 18)).unwrap_or(Offset::UTC);
    let date = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
    let date = jiff::fmt::rfc2822::to_string(&date.to_zoned(TimeZone::fixed(zone))).unwrap_or_default();
    let reply = if number > 40 && dice.below(4) == 0 {
        let parent = number - 1 - dice.below(40);
        format!("In-Reply-To: <{parent}.{seed:x}@made.example>\r\nReferences: <{parent}.{seed:x}@made.example>\r\n")
    } else {
        String::new()
    };
    let re = if reply.is_empty() { "" } else { "Re: " };
    format!(
        "Received: from mx{}.example (mx.example [192.0.2.{}])\r\n\tby pop.example with ESMTPS id {:012x};\r\n\t{date}\r\n\
         From: {name} <{address}>\r\nTo: Anna Lindqvist <anna@example.org>\r\nSubject: {re}{subject}\r\nDate: {date}\r\n\
         Message-ID: <{number}.{seed:x}@made.example>\r\n{reply}MIME-Version: 1.0\r\n",
        dice.below(9),
        dice.below(255),
        dice.roll() >> 16,
    )
}

fn alternative(octets: usize, words: &Vocabulary, dice: &mut Dice) -> String {
    let bound = format!("=_alt_{:016x}", dice.roll());
    format!(
        "Content-Type: multipart/alternative; boundary=\"{bound}\"\r\n\r\n--{bound}\r\nContent-Type: text/plain\r\n\r\n{}\
         --{bound}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{}--{bound}--\r\n",
        words.prose(dice, octets / 3),
        html(octets * 2 / 3, words, dice),
    )
}

fn html(octets: usize, words: &Vocabulary, dice: &mut Dice) -> String {
    let mut page = "<html><body style=\"font-family: sans-serif\">\r\n<table width=600><tr><td>\r\n".to_owned();
    while page.len() < octets {
        let (link, length) = (words.word(dice).to_owned(), 200 + dice.below(400));
        page.push_str(&format!(
            "<p>{}</p>\r\n<a href=\"https://www.example/{link}\">{}</a><br>\r\n",
            words.prose(dice, length),
            words.title(dice)
        ));
    }
    page.push_str("</td></tr></table></body></html>\r\n");
    page
}

fn foreign(number: usize, octets: usize, words: &Vocabulary, dice: &mut Dice) -> String {
    let (charset, encoding, text) = FOREIGN[number % FOREIGN.len()];
    let mut body =
        format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
    body.push_str(text);
    // Base64 cannot be followed by anything; invented words need no quoting.
    if encoding != "base64" {
        body.push_str(&words.prose(dice, octets));
    }
    body
}

fn attachment(octets: usize, file: usize, words: &Vocabulary, dice: &mut Dice) -> String {
    let bound = format!("=_mix_{:016x}", dice.roll());
    let mut body = format!(
        "Content-Type: multipart/mixed; boundary=\"{bound}\"\r\n\r\n--{bound}\r\nContent-Type: text/plain\r\n\r\n{}\
         --{bound}\r\nContent-Type: application/octet-stream; name=\"{name}.bin\"\r\n\
         Content-Disposition: attachment; filename=\"{name}.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        words.prose(dice, octets),
        name = words.word(dice),
    );
    // Encoded octets are four thirds as many as the file's; 57 of them fill a line.
    for _ in 0..file.div_ceil(78) {
        let line: Vec<u8> = (0..8).flat_map(|_| dice.roll().to_le_bytes()).take(57).collect();
        body.push_str(&base64::encode(&line));
        body.push_str("\r\n");
    }
    body.push_str(&format!("--{bound}--\r\n"));
    body
}

fn edge_case(edge: Edge, number: usize, seed: u64, words: &Vocabulary, dice: &mut Dice) -> Vec<u8> {
    let head = head(number, seed, &format!("{edge:?} {number}"), dice);
    let text = words.prose(dice, 400);
    let mut message = format!("{head}\r\n{text}").into_bytes();
    match edge {
        Edge::Dots => message.extend_from_slice(b".\r\n..\r\n...\r\n.text\r\n\r\n.\r\n"),
        Edge::FromLines => {
            message.extend_from_slice(b"From here on\r\n>From there\r\n>>From far\r\n\r\nFrom x@y.example Mon\r\n")
        }
        Edge::RawOctets => {
            message.extend((0..=255u8).filter(|octet| !b"\r\n".contains(octet)));
            message.extend_from_slice(b"\0\0\r\n");
        }
        Edge::BareLineEnds => message.extend_from_slice(b"one\ntwo\n\nthree\rfour\r\rfive\n\r\nsix\r\r\n"),
        Edge::NoFinalLineEnd => message.extend_from_slice(b"and here it stops"),
        Edge::EmptyBody => message = format!("{head}\r\n").into_bytes(),
        Edge::HeaderOnly => message = head.into_bytes(),
        Edge::LongLine => {
            message.extend(text.bytes().filter(|octet| !b"\r\n".contains(octet)).cycle().take(100_000));
            message.extend_from_slice(b"\r\n");
        }
        Edge::BrokenMultipart => {
            message = format!(
                "{head}Content-Type: multipart/mixed; boundary=one\r\n\r\n--one\r\n\
                 Content-Type: multipart/alternative; boundary=two\r\n\r\n--two\r\n\r\n{text}--one--x\r\n--three\r\n"
            )
            .into_bytes();
        }
        Edge::NoFields => message = format!("X-Number: {number}.{seed:x}\r\n\r\n{text}").into_bytes(),
        Edge::FalseEnds => message.extend_from_slice(b"one\n.\ntwo\n.\r\nthree\r\n.\rfour\r\n.\n\r\nfive\r\n"),
        Edge::Identical => message = b"From: twin@example.org\r\nSubject: twins\r\n\r\nThe same again.\r\n".to_vec(),
    }
    message
}

#[cfg(test)]
mod tests {
    use super::{Edge, generated};
    use crate::account::Digest;

    #[test]
    fn the_same_seed_gives_the_same_mail_and_the_count_does_not_matter() {
        let long: Vec<_> = generated(60, 1).collect();
        assert_eq!(generated(30, 1).collect::<Vec<_>>(), long[..30]);
        assert_ne!(generated(30, 2).collect::<Vec<_>>(), long[..30]);
        // A change here changes every figure of the benches: note it where they are kept.
        let whole = Digest::of(&long.concat()).to_string();
        assert_eq!(
            whole, "59553cff34169886dde51906c4ae5b36d0d5696d5b01fa018ca107a8a183fc32",
            "the generator makes other mail than before"
        );
    }

    #[test]
    fn sizes_are_those_of_real_mail() {
        let mut sizes: Vec<usize> = generated(1_000, 7).map(|message| message.len()).collect();
        sizes.sort_unstable();
        assert!((2_500..6_000).contains(&sizes[500]), "median {}", sizes[500]);
        let between = |from: usize, to: usize| sizes.iter().filter(|size| (from..to).contains(*size)).count();
        assert!((15..60).contains(&between(40_000, 400_000)), "{} of some size", between(40_000, 400_000));
        assert_eq!(between(1_000_000, 2_200_000), 2);
    }

    #[test]
    fn words_are_common_and_rare() {
        let mut messages_with = std::collections::BTreeMap::<Vec<u8>, usize>::new();
        for message in generated(300, 3) {
            let words = message.split(|octet| !octet.is_ascii_lowercase()).map(<[u8]>::to_vec);
            for word in words.collect::<std::collections::BTreeSet<_>>() {
                *messages_with.entry(word).or_default() += 1;
            }
        }
        let count = |test: &dyn Fn(usize) -> bool| messages_with.values().filter(|count| test(**count)).count();
        assert!(count(&|count| count > 200) >= 5, "{} common words", count(&|count| count > 200));
        assert!(count(&|count| count == 1) >= 500, "{} words once", count(&|count| count == 1));
    }

    #[test]
    fn every_edge_case_comes_and_is_what_it_says() {
        let messages: Vec<_> = generated(16 * Edge::ALL.len(), 5).collect();
        for (at, edge) in Edge::ALL.iter().enumerate() {
            let message = &messages[at * 16 + 15];
            assert_eq!(Edge::of(at * 16 + 15), Some(*edge));
            let has = |needle: &[u8]| message.windows(needle.len()).any(|window| window == needle);
            let holds = match edge {
                Edge::Dots => has(b"\r\n.\r\n..\r\n"),
                Edge::FromLines => has(b"\r\nFrom here"),
                Edge::RawOctets => has(b"\0\0") && has(b"\xFE\xFF"),
                Edge::BareLineEnds => has(b"\n\n") && has(b"\r\r"),
                Edge::NoFinalLineEnd => !message.ends_with(b"\n"),
                Edge::EmptyBody => message.ends_with(b"\r\n\r\n"),
                Edge::HeaderOnly => !has(b"\r\n\r\n"),
                Edge::LongLine => message.split(|octet| *octet == b'\n').any(|line| line.len() > 99_999),
                Edge::BrokenMultipart => has(b"--one--x"),
                Edge::NoFields => !has(b"Subject:") && !has(b"From:"),
                Edge::FalseEnds => has(b"\n.\n") && !has(b"\r\n.\r\n"),
                Edge::Identical => has(b"twins"),
            };
            assert!(holds, "{edge:?}");
        }
    }
}
