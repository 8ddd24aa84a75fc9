//! A message as a whole, to be kept: its page as one picture, or on paper.

use super::{Failure, Given, Laid, Page, Paper, Part, Pdf, Picture, Print, View, Worker};
use crate::message;

/// The highest picture of a page, in points.
pub const HIGHEST_PICTURE: f32 = 20_000.0;
/// Pixels of one picture of a page.
const MOST_DRAWN: f32 = 40_000_000.0;
/// The page is painted in strips of this height.
const STRIP: f32 = 1_000.0;

/// The page of a message to be laid out, plain text as well; and what is to be said of it.
pub fn page_of(page: message::Page, view: View) -> (Page, Vec<String>) {
    let given = |(id, octets)| Given { address: format!("cid:{id}"), octets };
    let pictures = page.pictures.into_iter().map(given).collect();
    (Page { html: page.html, view, pictures }, page.notes)
}

/// A page as strips of one picture, to be written by [`super::write_png`].
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub laid: Laid,
    pub strips: Vec<Picture>,
    /// Where the picture ends before the page does.
    pub cut: Option<f32>,
    /// The width of the strips.
    width: f32,
}

impl Drawn {
    /// What the layout says, and what of the page is not in the strips, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.laid.notes.clone();
        if let Some(cut) = self.cut {
            notes.push(format!(
                "The page is {:.0} pixels high: only its first {cut:.0} are in the picture.",
                self.laid.height
            ));
        }
        if self.laid.width > self.width + 1.0 {
            notes.push(format!(
                "The page is {:.0} pixels wide: only its first {:.0} are in the picture.",
                self.laid.width, self.width
            ));
        }
        notes
    }
}

impl Worker {
    /// Draws all of a page, as far as a picture may be high.
    ///
    /// # Errors
    /// As [`Worker::lay`].
    pub fn draw(&mut self, page: &Page) -> Result<Drawn, Failure> {
        let laid = self.lay(page)?;
        let scale = page.view.scale;
        let highest = HIGHEST_PICTURE.min(MOST_DRAWN / (page.view.width * scale * scale).max(1.0)).floor();
        let height = laid.height.ceil().clamp(1.0, highest);
        let mut strips = Vec::new();
        let mut top = 0.0;
        while top < height {
            let part = Part { left: 0.0, top, width: page.view.width, height: STRIP.min(height - top) };
            strips.push(self.paint(part)?);
            top += STRIP;
        }
        let cut = (laid.height > highest).then_some(highest);
        Ok(Drawn { laid, strips, cut, width: page.view.width })
    }

    /// Puts a message on paper, with what stands over it; `date` as it is shown. `pictures` are remote ones that were
    /// loaded on the user's word.
    ///
    /// # Errors
    /// As [`Worker::lay`].
    pub fn paper(&mut self, original: &[u8], date: &str, paper: Paper, pictures: Vec<Given>) -> Result<Pdf, Failure> {
        let original = message::unsealed(original);
        let read = message::read(&original);
        let (mut page, notes) = page_of(message::page(&original), View::default());
        page.pictures.extend(pictures);
        let head = message::printed_head(&read.envelope, date, &read.attachments);
        let print = Print { head, title: read.envelope.subject, paper };
        let mut pdf = self.pdf(&page, &print)?;
        pdf.notes.splice(0..0, notes);
        Ok(pdf)
    }
}
