//! The feature tests of caniemail, judged by what is seen: `cargo test --test compare -- caniemail FOLDER`, where FOLDER
//! holds the tests. A line for each, and at the end a table of counts.
//!
//! Two measures, both against Chromium: the score of the sheet (the words and where they stand), and colours: of squares
//! of 10 pixels, the share whose mean colour is near (one line that breaks elsewhere moves all below it, and with it their
//! colours: it is the stricter measure). A feature is laid out as in Chromium where the first is 0.9 or more, nearly where it
//! is 0.6 or more. What Chromium itself does not show is judged as if nothing were to be shown; what needs a click or a
//! mouse is judged as it looks before.
//!
//! `caniemail FOLDER DATA.json` adds what caniemail publishes of other programs, for the features whose tests lie in FOLDER
//! (DATA.json is `data/caniemail.json` of the npm package `caniemail`). Ours beside it is the judgement of the page a feature
//! is tested on: one page tests several, so it is stricter than a count by hand.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use image::RgbImage;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The side of a square.
const SQUARE: u32 = 10;
/// How far the mean of a colour may be off.
const NEAR: i64 = 24;

/// One feature test.
pub struct Judged {
    pub name: String,
    pub words: f64,
    pub colours: f64,
}

impl Judged {
    fn least(&self) -> f64 {
        self.words.min(self.colours)
    }
}

/// Of the squares that are no ground in both, the share that is alike; in a page of one colour all are.
pub fn colours(ours: &Path, theirs: &Path) -> f64 {
    let open = |path: &Path| image::open(path).map(|picture| picture.to_rgb8());
    let (Ok(ours), Ok(theirs)) = (open(ours), open(theirs)) else { return 0.0 };
    let (width, height) = (ours.width().min(theirs.width()), ours.height().min(theirs.height()));
    let (mut alike, mut all) = (0_u32, 0_u32);
    for top in (0..height.saturating_sub(SQUARE)).step_by(SQUARE as usize) {
        for left in (0..width.saturating_sub(SQUARE)).step_by(SQUARE as usize) {
            let (one, other) = (mean(&ours, left, top), mean(&theirs, left, top));
            let near = |one: &[i64; 3], other: &[i64; 3]| one.iter().zip(other).all(|(a, b)| (a - b).abs() <= NEAR);
            let blank = |colour: &[i64; 3]| near(colour, &[255; 3]);
            if !(blank(&one) && blank(&other)) {
                all += 1;
                alike += u32::from(near(&one, &other));
            }
        }
    }
    if all == 0 { 1.0 } else { f64::from(alike) / f64::from(all) }
}

fn mean(picture: &RgbImage, left: u32, top: u32) -> [i64; 3] {
    let mut sums = [0_i64; 3];
    for y in top..top + SQUARE {
        for x in left..left + SQUARE {
            let pixel = picture.get_pixel(x, y);
            sums.iter_mut().zip(pixel.0).for_each(|(sum, value)| *sum += i64::from(value));
        }
    }
    sums.map(|sum| sum / i64::from(SQUARE * SQUARE))
}

/// The counts, as a table for a README: by the words, and by words and colours.
pub fn table(judged: &[Judged]) -> String {
    let mut out =
        "| caniemail's tests | number | laid out as in Chromium | nearly | otherwise | colours alike as well |\n\
                   |---|---|---|---|---|---|\n"
            .to_owned();
    let kinds: [(&str, fn(&&Judged) -> bool); 3] = [
        ("CSS", |one| one.name.contains("css-")),
        ("HTML and media", |one| !one.name.contains("css-")),
        ("all", |_| true),
    ];
    for (title, of) in kinds {
        let count = |holds: &dyn Fn(&Judged) -> bool| judged.iter().filter(of).filter(|one| holds(one)).count();
        let (full, all) = (count(&|one| one.words >= 0.9), count(&|_| true));
        let part = count(&|one| one.words >= 0.6) - full;
        let both = count(&|one| one.least() >= 0.9);
        out.push_str(&format!("| {title} | {all} | {full} | {part} | {} | {both} |\n", all - full - part));
    }
    out
}

/// What DATA.json says of one feature.
#[derive(Deserialize)]
struct Feature {
    test_url: Option<String>,
    /// By program and platform.
    stats: BTreeMap<String, BTreeMap<String, Newest>>,
}

/// The last of a list of versions: `y`, `n`, `a` (partly) or `u` (not known), and notes behind it.
struct Newest(String);

impl<'de> Deserialize<'de> for Newest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Versions;
        impl<'de> Visitor<'de> for Versions {
            type Value = Newest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of versions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut versions: A) -> Result<Newest, A::Error> {
                let mut newest = Newest("u".to_owned());
                while let Some((IgnoredAny, support)) = versions.next_entry()? {
                    newest = Newest(support);
                }
                Ok(newest)
            }
        }
        deserializer.deserialize_map(Versions)
    }
}

#[derive(Deserialize)]
struct Published {
    last_update_date: String,
    data: Vec<Feature>,
}

/// The programs that are set beside ours, as DATA.json names them.
const PROGRAMS: [(&str, &str, &str); 4] = [
    ("Thunderbird", "thunderbird", "macos"),
    ("Outlook for Windows", "outlook", "windows"),
    ("Outlook for macOS", "outlook", "macos"),
    ("Outlook.com", "outlook", "outlook-com"),
];

/// The counts of features, ours and those that are published, as a table for a README.
///
/// # Errors
/// Whatever is wrong with the file.
pub fn beside(judged: &[Judged], data: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let published: Published = serde_json::from_slice(&std::fs::read(data)?)?;
    let tested: Vec<(&Feature, &Judged)> = published
        .data
        .iter()
        .filter_map(|feature| {
            let test = Path::new(feature.test_url.as_deref()?.split('#').next()?).file_name()?;
            Some((feature, judged.iter().find(|one| test == one.name.as_str())?))
        })
        .collect();
    let mut out = format!(
        "Of {} features (caniemail's data of {}):\n\n| program | shown | partly | not | not known |\n|---|---|---|---|---|\n",
        tested.len(),
        published.last_update_date.get(..10).unwrap_or_default()
    );
    let mut line = |program: &str, marks: Vec<char>| {
        let count = |wanted: char| marks.iter().filter(|mark| **mark == wanted).count();
        let known = count('y') + count('a') + count('n');
        let unknown = tested.len() - known;
        out.push_str(&format!("| {program} | {} | {} | {} | {unknown} |\n", count('y'), count('a'), count('n')));
    };
    let ours = |one: &Judged| match one.words {
        0.9.. => 'y',
        0.6.. => 'a',
        _ => 'n',
    };
    line("Postkeep", tested.iter().map(|(_, one)| ours(one)).collect());
    for (program, family, platform) in PROGRAMS {
        let newest = |feature: &Feature| feature.stats.get(family)?.get(platform)?.0.chars().next();
        line(program, tested.iter().map(|(feature, _)| newest(feature).unwrap_or('u')).collect());
    }
    Ok(out)
}
