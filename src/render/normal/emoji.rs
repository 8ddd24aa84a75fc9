//! Text cut into runs of emoji and of everything else. Text fonts have shapes for many emoji and would win over the
//! colour font; so runs of emoji are given to it by name, and nothing else is: it owns digits as well.

use icu_properties::CodePointSetData;
use icu_properties::props::{Emoji, EmojiModifier, EmojiPresentation, ExtendedPictographic};
use unicode_segmentation::UnicodeSegmentation as _;

/// Families with colour emoji.
pub(super) const FAMILIES: &str =
    "font-family:\"Noto Color Emoji\",\"Apple Color Emoji\",\"Segoe UI Emoji\"!important;font-style:normal;";

/// The pieces of `text` in order, each with whether it is emoji.
pub(super) fn runs(text: &str) -> Vec<(bool, &str)> {
    // Nothing below the first emoji but signs that need a selector behind them.
    if text.chars().all(|each| u32::from(each) < 0x203c && each != '\u{a9}' && each != '\u{ae}') {
        return vec![(false, text)];
    }
    let mut out: Vec<(bool, &str)> = Vec::new();
    let (mut start, mut kind) = (0, false);
    for (at, grapheme) in text.grapheme_indices(true) {
        let emoji = is_emoji(grapheme);
        if emoji != kind {
            out.extend(text.get(start..at).filter(|run| !run.is_empty()).map(|run| (kind, run)));
            (start, kind) = (at, emoji);
        }
    }
    out.extend(text.get(start..).filter(|run| !run.is_empty()).map(|run| (kind, run)));
    out
}

fn is_emoji(grapheme: &str) -> bool {
    let mut characters = grapheme.chars();
    let Some(first) = characters.next() else { return false };
    if grapheme.is_ascii() || grapheme.contains('\u{fe0e}') {
        return false;
    }
    if CodePointSetData::new::<EmojiPresentation>().contains(first) {
        return true;
    }
    let pictorial = CodePointSetData::new::<Emoji>().contains(first)
        || CodePointSetData::new::<ExtendedPictographic>().contains(first);
    pictorial
        && characters.any(|each| {
            matches!(each, '\u{fe0f}' | '\u{200d}') || CodePointSetData::new::<EmojiModifier>().contains(each)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_emoji_are_found() {
        for (text, expected) in [
            ("plain 123 #*", vec![(false, "plain 123 #*")]),
            ("a\u{1f600}b", vec![(false, "a"), (true, "\u{1f600}"), (false, "b")]),
            ("\u{1f600}\u{1f389}", vec![(true, "\u{1f600}\u{1f389}")]),
            ("\u{2764}\u{fe0f}x", vec![(true, "\u{2764}\u{fe0f}"), (false, "x")]),
            ("\u{2764}x", vec![(false, "\u{2764}x")]),
            ("\u{1f600}\u{fe0e}", vec![(false, "\u{1f600}\u{fe0e}")]),
            ("1\u{fe0f}\u{20e3}", vec![(true, "1\u{fe0f}\u{20e3}")]),
            ("\u{a9} \u{2122}", vec![(false, "\u{a9} \u{2122}")]),
            (
                "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
                vec![(true, "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}")],
            ),
            ("\u{65e5}\u{672c}", vec![(false, "\u{65e5}\u{672c}")]),
        ] {
            assert_eq!(runs(text), expected, "{text}");
        }
    }
}
