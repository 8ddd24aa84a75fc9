//! A page on paper: what is asked for, and the PDF that comes of it.

use serde::{Deserialize, Serialize};

/// The size of a sheet in PDF points, of which an inch has 72.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    pub width: f32,
    pub height: f32,
}

/// How a page is put on paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Print {
    /// HTML that stands over the page on the first sheet: who wrote it, to whom, when. See [`crate::message::printed_head`].
    pub head: String,
    /// The title of the document.
    pub title: String,
    pub paper: Paper,
}

/// A document of sheets, whose text is text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pdf {
    pub octets: Vec<u8>,
    pub sheets: usize,
    /// What a reader should know: what was left out. Whole sentences.
    pub notes: Vec<String>,
}

/// Sheets of one document.
pub const MOST_SHEETS: usize = 300;

impl Paper {
    pub const A4: Paper = Paper { width: 595.28, height: 841.89 };
    pub const LETTER: Paper = Paper { width: 612.0, height: 792.0 };

    /// Letter where the settings of the system name a country that uses it, else A4.
    pub fn of_system() -> Paper {
        let named = ["LC_ALL", "LC_PAPER", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
        Paper::of_locale(&named.into_iter().find(|value| !value.is_empty()).unwrap_or_default())
    }

    fn of_locale(locale: &str) -> Paper {
        let country =
            locale.split(['.', '@']).next().and_then(|name| name.split_once(['_', '-'])).map(|(_, name)| name);
        let letter = ["US", "CA", "MX", "PH", "CL", "CO", "VE", "GT", "PR", "CR", "NI", "PA", "SV"];
        if country.is_some_and(|country| letter.contains(&country)) { Paper::LETTER } else { Paper::A4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_country_says_which_paper() {
        for (locale, paper) in [
            ("en_US.UTF-8", Paper::LETTER),
            ("fr_CA", Paper::LETTER),
            ("en_GB.UTF-8", Paper::A4),
            ("de_DE@euro", Paper::A4),
            ("C", Paper::A4),
            ("", Paper::A4),
            ("us", Paper::A4),
        ] {
            assert_eq!(Paper::of_locale(locale), paper, "{locale}");
        }
    }
}
