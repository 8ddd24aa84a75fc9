//! The text of a body as blocks: what was written, what is quoted (with its levels), the signature, and a reply's quoted
//! tail, so that a reader can fold and dim them. Works on lines, in one pass; says nothing that is not in the text.

use std::ops::Range;

/// Signs of quotation that are told apart.
const DEEPEST: u8 = 6;
/// A signature is short; what is longer is text that happens to follow two hyphens.
const LONGEST_SIGNATURE: usize = 30;
/// Lines between "On ... wrote:" and its beginning.
const LONGEST_ATTRIBUTION: usize = 3;
/// A quotation of so few lines in the middle of a text is read with it.
const SHORT: usize = 5;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Written,
    Quoted,
    /// "On ... wrote:"
    Attribution,
    Signature,
    /// The earlier message below a reply that quotes it without signs.
    Earlier,
}

/// Lines of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub kind: Kind,
    /// Places of lines, as `text.split('\n')` gives them.
    pub lines: Range<usize>,
    /// To be shown folded: long, or the tail of a reply.
    pub folds: bool,
}

/// The blocks of `text`: they follow one another and hold every line.
pub fn outline(text: &str) -> Vec<Block> {
    super::guarded(|| outlined(text))
        .unwrap_or_else(|| vec![Block { kind: Kind::Written, lines: 0..text.split('\n').count(), folds: false }])
}

/// The levels of quotation of a line, and the line without their signs.
pub fn unquoted(line: &str) -> (u8, &str) {
    let (mut level, mut rest) = (0_u8, line);
    while let Some(after) = rest.strip_prefix('>') {
        level = level.saturating_add(1).min(DEEPEST);
        // "> > text" and ">> text" alike.
        rest = match after.strip_prefix(' ') {
            Some(next) if next.starts_with('>') => next,
            _ => after,
        };
    }
    if level == 0 { (0, line) } else { (level, rest.strip_prefix(' ').unwrap_or(rest)) }
}

fn outlined(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.split('\n').collect();
    let kinds = kinds(&lines);
    let mut blocks: Vec<Block> = Vec::new();
    for (place, kind) in kinds.iter().enumerate() {
        match blocks.last_mut().filter(|last| last.kind == *kind) {
            Some(last) => last.lines.end = place.saturating_add(1),
            None => blocks.push(Block { kind: *kind, lines: place..place.saturating_add(1), folds: false }),
        }
    }
    fold(&mut blocks, &lines);
    blocks
}

/// The kind of each line.
fn kinds(lines: &[&str]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> =
        lines.iter().map(|line| if line.starts_with('>') { Kind::Quoted } else { Kind::Written }).collect();
    quote_what_is_between(&mut kinds, lines);
    let earlier = lines
        .iter()
        .enumerate()
        .position(|(place, line)| begins_earlier(line, lines.get(place.saturating_add(1)..).unwrap_or_default()));
    if let Some(from) = earlier {
        kinds.iter_mut().skip(from).for_each(|kind| *kind = Kind::Earlier);
    }
    let end = earlier.unwrap_or(lines.len());
    mark_attributions(&mut kinds, lines);
    mark_signature(&mut kinds, lines, end);
    kinds
}

/// Blank lines between quoted ones are quoted with them.
fn quote_what_is_between(kinds: &mut [Kind], lines: &[&str]) {
    let mut last_quoted = None;
    for place in 0..lines.len() {
        let blank = lines.get(place).is_some_and(|line| line.trim().is_empty());
        if kinds.get(place) == Some(&Kind::Quoted) {
            if let Some(from) = last_quoted {
                kinds.iter_mut().take(place).skip(from).for_each(|kind| *kind = Kind::Quoted);
            }
            last_quoted = Some(place);
        } else if !blank {
            last_quoted = None;
        }
    }
}

/// "-----Original Message-----", a row of underlines over "From:", or a header block that mail programs put over what they
/// quote without signs.
fn begins_earlier(line: &str, after: &[&str]) -> bool {
    let line = line.trim();
    let inner = line.trim_matches(['-', '_', '=', ' ']).to_lowercase();
    let ruled = line.starts_with("--") && line.ends_with("--") && line.len() < 80;
    const TITLES: [&str; 14] = [
        "original message",
        "forwarded message",
        "ursprüngliche nachricht",
        "originalnachricht",
        "weitergeleitete nachricht",
        "message d'origine",
        "message original",
        "message transféré",
        "mensaje original",
        "messaggio originale",
        "mensagem original",
        "oorspronkelijk bericht",
        "oryginalna wiadomość",
        "původní zpráva",
    ];
    if ruled && TITLES.contains(&inner.as_str()) {
        // What was forwarded is what is to be read.
        return !inner.contains("forward") && !inner.contains("weitergeleitet") && !inner.contains("transf");
    }
    let underlined = line.len() >= 20 && line.bytes().all(|octet| octet == b'_');
    let head = if underlined { after } else { return is_header(line, 0) && header_follows(after) };
    let mut head = head.iter().skip_while(|line| line.trim().is_empty());
    head.next().is_some_and(|line| is_header(line.trim(), 0))
}

fn header_follows(after: &[&str]) -> bool {
    let found = after.iter().take(6).filter(|line| (1..4).any(|which| is_header(line.trim(), which))).count();
    found >= 2
}

/// Whether a line is the From (0), date (1), To (2) or Subject (3) line over an earlier message, in some languages.
fn is_header(line: &str, which: usize) -> bool {
    const WORDS: [&[&str]; 4] = [
        &[
            "from",
            "von",
            "de",
            "da",
            "van",
            "od",
            "från",
            "fra",
            "lähettäjä",
            "от",
            "差出人",
            "发件人",
            "寄件者",
            "보낸 사람",
        ],
        &[
            "sent",
            "date",
            "gesendet",
            "datum",
            "envoyé",
            "enviado",
            "enviado el",
            "fecha",
            "data",
            "inviato",
            "verzonden",
            "wysłano",
            "odesláno",
            "skickat",
            "sendt",
            "дата",
            "отправлено",
            "送信日時",
            "日付",
            "发送时间",
            "보낸 날짜",
        ],
        &["to", "an", "à", "para", "a", "aan", "do", "komu", "till", "til", "кому", "宛先", "收件人", "받는 사람"],
        &[
            "subject",
            "betreff",
            "objet",
            "asunto",
            "assunto",
            "oggetto",
            "onderwerp",
            "temat",
            "předmět",
            "ämne",
            "emne",
            "тема",
            "件名",
            "主题",
            "제목",
        ],
    ];
    let Some((name, value)) = line.split_once([':', '：']) else { return false };
    let name = name.trim_matches(['*', ' ', '\u{a0}']).to_lowercase();
    !value.trim().is_empty() && WORDS.get(which).is_some_and(|words| words.contains(&name.as_str()))
}

/// Marks "On ... wrote:" before quoted lines.
fn mark_attributions(kinds: &mut [Kind], lines: &[&str]) {
    let starts: Vec<usize> = (1..kinds.len())
        .filter(|place| {
            kinds.get(*place) == Some(&Kind::Quoted) && kinds.get(place.saturating_sub(1)) == Some(&Kind::Written)
        })
        .collect();
    for start in starts {
        let Some(last) =
            (0..start).rev().take(3).find(|place| lines.get(*place).is_some_and(|line| !line.trim().is_empty()))
        else {
            continue;
        };
        let paragraph = (0..=last).rev().take(LONGEST_ATTRIBUTION);
        let candidates: Vec<usize> =
            paragraph.take_while(|place| lines.get(*place).is_some_and(|line| !line.trim().is_empty())).collect();
        let says = |dated: bool| {
            let joined = |first: usize| lines.get(first..=last).unwrap_or_default().join(" ");
            candidates.iter().copied().find(|first| is_attribution(joined(*first).trim(), dated))
        };
        let first = says(true).or_else(|| says(false));
        if let Some(first) = first
            .filter(|first| kinds.get(*first..start).is_some_and(|all| all.iter().all(|kind| *kind == Kind::Written)))
        {
            kinds.iter_mut().take(start).skip(first).for_each(|kind| *kind = Kind::Attribution);
        }
    }
}

/// "On Mon, 2 Jan 2006, Ann wrote:" in some languages: it ends in a colon, and says that someone wrote.
fn is_attribution(text: &str, dated: bool) -> bool {
    const WROTE: [&str; 25] = [
        "wrote",
        "writes",
        "schrieb",
        "schrieben",
        "a écrit",
        "écrivait",
        "escribió",
        "escreveu",
        "ha scritto",
        "scrive",
        "schreef",
        "napisał",
        "napisała",
        "napisal",
        "napsal",
        "napsala",
        "skrev",
        "kirjoitti",
        "пишет",
        "написал",
        "написала",
        "пише",
        "写道",
        "のメール",
        "작성",
    ];
    if text.len() > 400 || !text.ends_with([':', '：']) {
        return false;
    }
    let lower = text.to_lowercase();
    let wrote = WROTE.iter().any(|word| lower.contains(word));
    let words = text.split_whitespace().count();
    wrote
        && if dated {
            lower.contains(|each: char| each.is_ascii_digit() || each == '@')
        } else {
            (2..=6).contains(&words)
        }
}

/// Marks what follows the last "-- " that is not quoted, up to `end` or to a quotation.
fn mark_signature(kinds: &mut [Kind], lines: &[&str], end: usize) {
    let is_mark = |place: &usize| {
        kinds.get(*place) == Some(&Kind::Written) && lines.get(*place).is_some_and(|line| matches!(*line, "-- " | "--"))
    };
    let Some(from) = (0..end).rev().find(is_mark) else { return };
    let behind = (from..end).find(|place| kinds.get(*place) != Some(&Kind::Written)).unwrap_or(end);
    if behind.saturating_sub(from) <= LONGEST_SIGNATURE {
        kinds.iter_mut().take(behind).skip(from).for_each(|kind| *kind = Kind::Signature);
    }
}

/// Says which blocks are folded: none where nothing else would be left to read.
fn fold(blocks: &mut [Block], lines: &[&str]) {
    let own = |block: &Block| {
        block.kind == Kind::Written
            && lines.get(block.lines.clone()).unwrap_or_default().iter().any(|line| !line.trim().is_empty())
    };
    if !blocks.iter().any(own) {
        return;
    }
    let last_own = blocks.iter().rposition(own).unwrap_or(0);
    for (place, block) in blocks.iter_mut().enumerate() {
        let of_block = lines.get(block.lines.clone()).unwrap_or_default();
        let long = of_block.len() > SHORT || of_block.iter().map(|line| line.len()).sum::<usize>() > 600;
        block.folds = match block.kind {
            Kind::Quoted => long || (place > last_own && of_block.len() > 1),
            Kind::Earlier => true,
            _ => false,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One letter for each line: w(ritten), q(uoted), a(ttribution), s(ignature), e(arlier); in capitals where it folds.
    fn check(text: &str, expected: &str) {
        let mut found = String::new();
        for block in outline(text) {
            let letter = match block.kind {
                Kind::Written => 'w',
                Kind::Quoted => 'q',
                Kind::Attribution => 'a',
                Kind::Signature => 's',
                Kind::Earlier => 'e',
            };
            let letter = if block.folds { letter.to_ascii_uppercase() } else { letter };
            found.extend(std::iter::repeat_n(letter, block.lines.len()));
        }
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn blocks_of_a_text() {
        check("", "w");
        check("one\ntwo", "ww");
        check("> a\n> b\n> c\n> d\n> e\n> f", "qqqqqq");
        check("> a\nyes\n> b\nno", "qwqw");
        check("> a\n> b\n\n> c\n> d\n> e\nyes", "QQQQQQw");
        check("hi\n-- \nAnn\n5 Quay", "wsss");
        check("hi\n--\nAnn", "wss");
        check(&format!("hi\n-- \n{}", "x\n".repeat(40)), &"w".repeat(43));
        check("-- \nnot it\n-- \nAnn", "wwss");
        check("> -- \n> Ann\nyes", "qqw");
        check("hi\n\nOn Mon, 2 Jan 2006, Ann wrote:\n> a\n> b", "wwaQQ");
        check("hi\n\nOn Mon, 2 Jan 2006, Ann <ann@b.example>\nwrote:\n\n> a\n\n> b\n-- \nBee", "wwaaaQQQss");
        check("Am 02.01.2006 um 15:04 schrieb Ann:\n> a\nja\n-- \nBee", "aqwss");
        check("ok\n\nLe lun. 2 janv. 2006 à 15:04, Ann a écrit :\n> a\n> b", "wwaQQ");
        check("ok\n2006年1月2日 Ann <a@b.example> 写道：\n> a\n> b", "waQQ");
        check("ok\n\n-----Original Message-----\nFrom: Ann\nSent: Monday\nhello", "wwEEEE");
        check("ok\n________________________________\nVon: Ann\nGesendet: Montag\nhallo", "wEEEE");
        check("ok\n\nFrom: Ann\nSent: Monday\nTo: Bee\nSubject: x\n\nhello", "wwEEEEEE");
        check("From: Ann is all I know", "w");
        check("see\n---------- Forwarded message ---------\nFrom: Ann\nDate: x\nhello", "wwwww");
        check("he wrote:\nnothing", "ww");
    }

    #[test]
    fn levels_of_quotation() {
        for (line, level, rest) in [
            ("a", 0, "a"),
            ("> a", 1, "a"),
            (">a", 1, "a"),
            (">> a", 2, "a"),
            ("> > a", 2, "a"),
            (">>>>>>>>>a", 6, "a"),
            (">", 1, ""),
            (" > a", 0, " > a"),
        ] {
            assert_eq!(unquoted(line), (level, rest), "{line}");
        }
    }

    #[test]
    fn a_long_text_takes_no_longer_than_its_length() {
        let text = "On a 1 b wrote:\n> x\nFrom: a\n-- \n".repeat(50_000);
        assert!(!outline(&text).is_empty());
    }

    proptest! {
        #[test]
        fn blocks_hold_every_line_once(text in "(> ?|-- |On 1 x wrote:|From: a|To: b|Sent: c|[a-z]|\n){0,80}") {
            let blocks = outline(&text);
            let mut at = 0;
            for block in &blocks {
                prop_assert_eq!(block.lines.start, at);
                prop_assert!(!block.lines.is_empty());
                at = block.lines.end;
            }
            prop_assert_eq!(at, text.split('\n').count());
        }
    }
}
