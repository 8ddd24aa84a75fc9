//! Printing. What a person reads passes through [`printable`], so that no message can command the terminal; JSON and
//! original bytes go out as they are.

use std::io::{BufWriter, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::failure::Failure;
use crate::job::Progress;
pub use crate::problem::size;

/// The command's product: stdout, buffered. Call [`Out::flush`] at the end.
pub struct Out(BufWriter<Stdout>);

impl Out {
    pub fn new() -> Out {
        Out(BufWriter::new(std::io::stdout()))
    }

    /// One JSON object on a line of its own.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(std::io::Error::from)?;
        Ok(writeln!(self.0, "{}", escaped(&text))?)
    }

    /// One line of text, made [`printable`].
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.0, "{}", printable(text).replace('\n', " "))?)
    }

    /// Text of several lines, made [`printable`].
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        let text = printable(text);
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        Ok(write!(self.0, "{text}{end}")?)
    }

    /// Octets, exactly.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.0.write_all(bytes)?)
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush()?)
    }
}

/// A sentence for the person, on stderr.
pub fn say(sentence: &str) {
    // Nobody to tell: stderr is closed.
    let _ = writeln!(std::io::stderr(), "{}", printable(sentence));
}

/// Text that cannot command a terminal or turn its line around: control characters but line feed and tab, and
/// direction overrides, are left out.
pub fn printable(text: &str) -> String {
    text.chars().filter(|letter| matches!(letter, '\n' | '\t') || !commands(*letter)).collect()
}

/// Whether a terminal may do more with it than show it.
fn commands(letter: char) -> bool {
    let turns = matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    turns || letter.is_control()
}

/// JSON that says the same, with what is not [`printable`] as escapes. serde_json does so with C0 only.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if commands(letter) {
            out.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            out.push(letter);
        }
    }
    out
}

/// At most `width` cells of a terminal, padded to it; a cut is shown by an ellipsis.
pub fn column(text: &str, width: usize) -> String {
    let text = printable(text).replace(['\n', '\t'], " ");
    let whole: usize = text.chars().map(cells).sum();
    if whole <= width {
        return text + &" ".repeat(width - whole);
    }
    let (mut kept, mut used) = (String::new(), 1);
    for letter in text.chars() {
        if used + cells(letter) > width {
            break;
        }
        used += cells(letter);
        kept.push(letter);
    }
    kept + "\u{2026}" + &" ".repeat(width.saturating_sub(used))
}

/// How many cells a terminal gives to a character, near enough for columns: East Asian wide ones and pictures two,
/// marks that stand on another none (Unicode Standard Annex 11).
fn cells(letter: char) -> usize {
    match letter {
        '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        letter if unicode_normalization::char::is_combining_mark(letter) => 0,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' => 2,
        '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' => 2,
        '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// A count with its noun: `1 message`, `2 messages`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Whether a person can be asked: both what we ask on and what answers is a terminal.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question that only `y` or `yes` affirms.
pub fn agrees(question: &str) -> bool {
    let _ = write!(std::io::stderr(), "{} [y/N] ", printable(question));
    let mut answer = String::new();
    // No answer is no.
    let _ = std::io::stdin().read_line(&mut answer);
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// A progress line on stderr, redrawn in place at most ten times a second; nothing when stderr is no terminal.
pub struct Bar {
    what: String,
    drawn: Option<Instant>,
    visible: bool,
}

impl Bar {
    const PAUSE: Duration = Duration::from_millis(100);
    const WIDTH: usize = 24;

    pub fn new(what: impl Into<String>) -> Bar {
        Bar { what: what.into(), drawn: None, visible: std::io::stderr().is_terminal() }
    }

    pub fn show(&mut self, progress: Progress) {
        if !self.visible || self.drawn.is_some_and(|drawn| drawn.elapsed() < Bar::PAUSE) {
            return;
        }
        self.drawn = Some(Instant::now());
        let _ = write!(std::io::stderr(), "\r\x1b[K{} {}", printable(&self.what), drawn(progress));
        let _ = std::io::stderr().flush();
    }

    /// Changes the words before the bar.
    pub fn rename(&mut self, what: impl Into<String>) {
        self.what = what.into();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn drawn(progress: Progress) -> String {
    let numbers = match progress.total {
        Some(total) => format!("{} of {total}", progress.done),
        None => progress.done.to_string(),
    };
    let Some(fraction) = progress.fraction() else { return numbers };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let full = ((fraction * Bar::WIDTH as f32) as usize).min(Bar::WIDTH);
    format!("[{}{}] {numbers}", "#".repeat(full), "-".repeat(Bar::WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_printable_commands_a_terminal() {
        let hostile = "a\x1b[2J\x07\x08\x7f\u{9b}31m\u{202e}b\r\nc\td\u{2066}";
        assert_eq!(printable(hostile), "a[2J31mb\nc\td");
    }

    #[test]
    fn columns_have_their_width() {
        assert_eq!(column("ab", 4), "ab  ");
        assert_eq!(column("a\nb\u{e4}cd", 4), "a b\u{2026}");
        assert_eq!(column("\u{5c71}\u{7530}", 6), "\u{5c71}\u{7530}  ");
        assert_eq!(column("\u{5c71}\u{7530} \u{82b1}", 6), "\u{5c71}\u{7530} \u{2026}");
        assert_eq!(column("\u{5c71}\u{7530}\u{82b1}\u{5b50}", 6), "\u{5c71}\u{7530}\u{2026} ");
        assert_eq!(column("u\u{308}ber", 5), "u\u{308}ber ");
    }

    #[test]
    fn a_bar_is_drawn_in_proportion() {
        assert_eq!(drawn(Progress::of(1, 2)), "[############------------] 1 of 2");
        assert_eq!(drawn(Progress::of(9, 2)), "[########################] 9 of 2");
        assert_eq!(drawn(Progress { done: 3, ..Progress::default() }), "3");
    }
}
