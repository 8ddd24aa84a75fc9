//! The page of a message as pixels: HTML is laid out and drawn in a process of its own, which can open no socket, is
//! bounded in memory and time, and may die without harm.
//!
//! # How it goes
//!
//! [`Worker`] is the parent's side: it starts the same program with a hidden argument and speaks with it over its
//! standard streams. [`Worker::lay`] hands over a [`Page`] and gets [`Laid`]: the size of the page, every line of text
//! with the place of every character (so that selecting, copying and finding need no further question), every link, and
//! what was left out. [`Worker::paint`] then draws a part of it; [`Worker::again`] lays the same page out for another
//! width, zoom, colours or with pictures that have come; [`Worker::pdf`] puts it on paper;
//! [`Worker::look`] decodes a picture that is attached. All block, for at most [`Limits::time`] for each thing that is waited
//! for (the worker's start, that it begins, its answer; twice where it has to be started again): call them off the thread
//! that draws the window.
//!
//! Any [`Failure`] means: show the text of the message, with the sentence of [`crate::problem::Problem`]. The next page
//! is tried in a new process.
//!
//! # What stands between a message and the engine
//!
//! Nothing that a sender wrote reaches the engine as it is. `normal` reads the HTML with bounds on depth and number,
//! keeps what is known to be harmless, puts old attributes into CSS, filters every style, and replaces every picture's and
//! link's address by a number: the page that is drawn holds no address at all, so that there is nothing to fetch.
//!
//! # Units
//!
//! All places and sizes are in points of the window ("logical pixels"), zoom included: a page at zoom 2 is laid out for
//! half of the width and drawn twice as large. Only [`Picture`] is in pixels of the screen: points times [`View::scale`].

mod engine;
mod fence;
mod normal;
mod paper;
mod picture;
mod process;
mod whole;
mod wire;
mod worker;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use engine::Engine;
pub use normal::{Normalised, Piece, is_tracker, normalise};
pub use paper::{MOST_SHEETS, Paper, Pdf, Print};
pub use picture::{Unseen, picture_size, write_png};
pub use process::{Failure, Worker};
pub use whole::{Drawn, page_of};
pub use worker::{ARGUMENT, serve};

/// What a page is laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The width of the place where the page is shown, in points; kept within 100 to 8,000.
    pub width: f32,
    /// 1.0 is the size that the sender meant; kept within 0.25 to 5.
    pub zoom: f32,
    /// Pixels of the screen for each point; kept within 0.5 to 4.
    pub scale: f32,
    pub colours: Colours,
    /// Whether the quoted tail of a reply is left out; [`Laid::tail`] says whether there is one.
    pub folded: bool,
}

impl Default for View {
    fn default() -> View {
        View { width: 700.0, zoom: 1.0, scale: 1.0, colours: Colours::Original, folded: false }
    }
}

/// In which colours a page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Colours {
    /// As the sender wrote it, on white.
    #[default]
    Original,
    /// For a dark window: the sender's own dark style where there is one ([`Laid::own_dark_style`]), else backgrounds
    /// made dark and text light with their hue kept. Pictures stay as they are.
    Dark,
}

/// A page to be laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The decoded HTML part. At most [`MOST_HTML`] octets of it are read.
    pub html: String,
    pub view: View,
    /// The pictures that are at hand: those of the message itself, and remote ones that were fetched on the user's word.
    pub pictures: Vec<Given>,
}

/// A picture that is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// As the page names it: `cid:` and the Content-ID without angle brackets, or the address as in
    /// [`RemotePicture::address`].
    pub address: String,
    /// PNG, JPEG, GIF or WebP; anything else is not shown. Not decoded where its header claims more than
    /// [`MOST_PIXELS`].
    pub octets: Vec<u8>,
}

/// A page that was laid out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Laid {
    /// The width of the page in points: that of the view, or more where something does not fit in.
    pub width: f32,
    pub height: f32,
    /// The colour of the page's ground, for what the window shows around it. Red, green, blue.
    pub ground: [u8; 3],
    /// The lines of text in reading order.
    pub lines: Vec<Line>,
    /// The links in reading order. Links to a place in the same page are not among them.
    pub links: Vec<Link>,
    /// What was not loaded.
    pub blocked: Blocked,
    /// The place of the quoted tail of a reply: `None` where there is none. Where the view folds it, the place where it
    /// would begin, of no height.
    pub tail: Option<Rect>,
    /// Whether the sender wrote a style for dark windows.
    pub own_dark_style: bool,
    /// What a reader should know: what was cut or left out. Whole sentences.
    pub notes: Vec<String>,
}

/// A rectangle in points from the top left corner of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// One line of text: never more than one cell's or paragraph's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// As high as its letters, not as a picture that stands among them.
    pub area: Rect,
    /// What it says, white space as it is shown. Nothing hidden is in it.
    pub text: String,
    /// How it follows the line before: what a copy puts between the two.
    pub after: After,
    /// For each grapheme of `text` (`unicode_segmentation`'s extended clusters, in order) where it begins and where it
    /// ends, in points from the left of the page. In text that runs from right to left it ends left of where it begins.
    #[serde(skip)]
    pub graphemes: Vec<[f32; 2]>,
}

/// How a line follows the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// It is another block of text: copied as a paragraph of its own.
    #[default]
    Block,
    /// The same block goes on after a line break that the sender wrote.
    Break,
    /// The same sentence goes on, the line was full; the blank at the end of the line before is in its text.
    Wrap,
    /// The next cell in the same row of a table: copied with a tab between.
    Cell,
}

/// A link that can be followed: http, https or mailto.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Where it is seen: one rectangle for each line of its text, and for its pictures.
    pub areas: Vec<Rect>,
    /// The address as the sender wrote it, white space around it taken away. Judged and warned about by the caller.
    pub address: String,
    /// What is read there; the text for a picture where there is no other.
    pub text: String,
}

/// What was not loaded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// Remote pictures that are not at hand, each address once, in reading order; trackers too.
    pub pictures: Vec<RemotePicture>,
    /// Remote pictures behind text, which are never loaded.
    pub backgrounds: usize,
    /// Fonts, style sheets, films, frames and the like, which are never loaded.
    pub others: usize,
    /// Pictures of the message itself that are missing or cannot be shown.
    pub broken: usize,
}

impl Blocked {
    /// How many of the pictures look like trackers.
    pub fn trackers(&self) -> usize {
        self.pictures.iter().filter(|picture| picture.tracker).count()
    }
}

/// A remote picture that was left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemotePicture {
    /// Absolute, http or https, as the sender wrote it.
    pub address: String,
    /// Where it would be seen first; `None` for what is not seen.
    pub area: Option<Rect>,
    /// It is tiny or hidden, or its address has a shape that is known from counting who reads: to stay blocked even
    /// when pictures are loaded.
    pub tracker: bool,
}

/// A part of a page to be drawn, in points. What lies outside of the page is filled with its ground.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    /// At most about two windows high: [`MOST_PAINTED`] pixels are painted at once.
    pub height: f32,
}

/// Pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// Rows from the top, each pixel red, green, blue, alpha: 255 in what is painted of a page.
    pub rgba: Vec<u8>,
}

/// What a page may cost before it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For each question to the worker.
    pub time: Duration,
    /// What the worker may hold, in octets, above what it needs for itself.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { time: Duration::from_secs(2), memory: 256 * 1024 * 1024 }
    }
}

impl Limits {
    /// For a picture that is attached: a large one is waited for a little longer than a page.
    pub const LOOK: Limits = Limits { time: Duration::from_secs(10), memory: 256 * 1024 * 1024 };

    /// For a page on paper, which is waited for.
    pub const PRINT: Limits = Limits { time: Duration::from_secs(60), memory: 512 * 1024 * 1024 };
}

/// Octets of HTML that are read of one page.
pub const MOST_HTML: usize = 2 * 1024 * 1024;
/// Pixels of one picture, and of all pictures of a page together.
pub const MOST_PIXELS: u64 = 20_000_000;
/// Pictures of one page that are shown.
pub const MOST_PICTURES: usize = 50;
/// Pixels that are painted at once.
pub const MOST_PAINTED: u64 = 4096 * 4096;
