//! The HTML engine behind one small trait, so that it can be replaced.

mod blitz;
mod document;
mod fonts;
mod ground;
mod pdf;
mod print;
mod reading;
mod spelling;
mod tables;
mod turn;

use super::{Laid, Page, Part, Pdf, Picture, Print};

/// Lays out one page at a time and paints parts of it. What it cannot bear may panic or abort: it runs in a process that
/// may die.
pub trait Engine {
    /// Lays a page out, in place of the one before.
    fn lay(&mut self, page: &Page) -> Laid;

    /// Paints a part of the page; `None` before one was laid out.
    fn paint(&mut self, part: Part) -> Option<Picture>;

    /// Puts a page on paper; the one that was laid out stays. `None` where no document can be made of it.
    fn pdf(&mut self, page: &Page, print: &Print) -> Option<Pdf>;
}

/// The engine, with the fonts of the system found.
pub(super) fn start() -> Box<dyn Engine> {
    Box::new(blitz::Blitz::new(fonts::context()))
}
