//! The HTML page of the message that is read: laid out and painted by the window's worker, off the drawing thread.
//!
//! The worker holds one page. A layout that was asked for later goes before all that wait ([`Press`] counts them), and one
//! strip is painted at a time: the one that is wanted most when the last is there, so that nothing queues up while a
//! person scrolls. Where the worker fails the text of the message stands in the page's place, with the reason over it.

mod finding;
pub mod remote;
mod view;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iced::{Size, Task, window};

use super::{Action, Message as Whole, Open};
use crate::gui::measured::Stands;
use crate::gui::off::off;
use crate::gui::widget::page::text::Piece;
use crate::gui::widget::page::{Act, Drawn, Strip};
use crate::message;
use crate::problem::Problem;
use crate::remote::Rules;
use crate::render::{self, Colours, Failure, Given, Laid, Limits, Page, Part, View, Worker};
pub use finding::Places;
pub use remote::Remote;
use remote::Source;

/// The height of a strip in points.
const STRIP: f32 = 512.0;
/// Strips that are kept at least.
const KEPT: usize = 8;
/// The widest strip in points; what is further right of a page is not seen.
const WIDEST: f32 = 6_000.0;
/// For so long nothing is shown in the place of a page that is on its way; then its text. Most pages are there sooner, and
/// a text that flashes up before each of them would disturb.
const PATIENCE: Duration = Duration::from_millis(50);
/// A page of more octets is not waited for at all: its text is there with the first frame.
const LARGE: usize = 150_000;
/// A window that is resized is at rest after this.
const REST: Duration = Duration::from_millis(150);
/// A window is drawn, and has read its list, this long after its first frame.
const SETTLED: Duration = Duration::from_millis(700);
/// What stands left and right of the page in its pane.
const BESIDE: f32 = 56.0;

/// The window's worker, and what pages are drawn for.
pub struct Press {
    hand: Arc<Mutex<Hand>>,
    /// Never started: of its program are others, each for one picture that is looked at.
    pattern: Worker,
    /// The number of the layout that was asked for last.
    latest: Arc<AtomicU64>,
    width: Option<f32>,
    scale: f32,
    dark: bool,
    resized: u64,
    zoom: f32,
    /// How remote pictures are fetched.
    pub rules: Rules,
}

struct Hand {
    worker: Worker,
    /// The message whose page the worker holds, the number of its layout, and how many of its remote pictures are in it.
    holds: Option<(u64, u64, usize)>,
}

impl Default for Press {
    fn default() -> Press {
        Press::new(Worker::default())
    }
}

/// The page of one message.
pub struct Sheet {
    source: Arc<Page>,
    remote: Remote,
    /// The number of its first layout: tells it from the pages of other messages.
    key: u64,
    /// The number of the layout that was asked for last, and how many fetched pictures are in it.
    asked: u64,
    with: usize,
    shown: Option<Shown>,
    pub failed: Option<Problem>,
    /// It was waited for long enough: the text is shown meanwhile.
    late: bool,
    /// The text is shown, as the person wants.
    pub plain: bool,
    /// The sender's own colours are shown in a dark window.
    original: bool,
    folded: bool,
    painting: bool,
    /// What was looked for, and which place of it is the current one.
    marks: Vec<Vec<Piece>>,
    current: Option<usize>,
    /// Another number each time that the current place is to be seen.
    turn: u64,
    /// The layout with its tail, where the one that is shown has none; and whether it was asked for.
    whole: Option<Arc<Laid>>,
    reading: bool,
}

struct Shown {
    laid: Arc<Laid>,
    view: View,
    number: u64,
    with: usize,
    strips: BTreeMap<usize, Strip>,
    seen: (f32, f32),
}

#[derive(Clone, Debug)]
pub enum Message {
    /// The pane has this size now.
    Sized(Size),
    /// And had it for a while.
    Rested(u64),
    /// The window is there: time to start the worker.
    Warm,
    Scale(f32),
    Dark(bool),
    /// The page of this layout was waited for.
    Late(u64),
    Laid(u64, Result<Box<Fresh>, Problem>),
    Painted(u64, usize, Result<Strip, Problem>),
    /// The page of this key was read with its tail, or could not be.
    Read(u64, Option<Arc<Laid>>),
    Seen(Act),
    Remote(remote::Message),
    /// Larger, smaller, or as it was meant.
    Zoom(Option<bool>),
    Plain,
    Original,
    Unfold,
}

/// A layout with the strips that are seen first.
#[derive(Clone, Debug)]
pub struct Fresh {
    laid: Arc<Laid>,
    view: View,
    strips: Vec<(usize, Strip)>,
}

/// What is laid out of a message; `None` where it has no HTML. Not on the thread that draws.
pub fn source(original: &[u8]) -> Option<Arc<Page>> {
    let page = message::page(&message::unsealed(original));
    // Its notes are those of the message, which stand over it in any case.
    page.is_html.then(|| Arc::new(render::page_of(page, View::default()).0))
}

impl Press {
    pub fn new(worker: Worker) -> Press {
        let pattern = worker.within(Limits::LOOK);
        let hand = Arc::new(Mutex::new(Hand { worker, holds: None }));
        let rules = Rules::default();
        Press {
            hand,
            pattern,
            latest: Arc::default(),
            width: None,
            scale: 1.0,
            dark: false,
            resized: 0,
            zoom: 1.0,
            rules,
        }
    }

    /// See [`crate::gui::measured::Reading::worker`].
    pub fn worker(&self) -> (Option<u32>, usize) {
        let hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        (hand.worker.process(), hand.worker.starts())
    }

    /// A worker for a picture that is looked at: one that is too much ends no page.
    pub fn looker(&self) -> Worker {
        self.pattern.within(Limits::LOOK)
    }

    /// Starts the worker, so that the first page need not wait for it.
    fn warm(&self) -> Task<Whole> {
        let hand = Arc::clone(&self.hand);
        off(move || hand.lock().unwrap_or_else(PoisonError::into_inner).warm()).discard()
    }

    fn view(&self, sheet: &Sheet) -> Option<View> {
        let colours = if self.dark && !sheet.original { Colours::Dark } else { Colours::Original };
        let view = View { width: self.width?, zoom: self.zoom, scale: self.scale, colours, folded: sheet.folded };
        Some(view)
    }

    /// The page of a message that was opened, on its way.
    pub fn begin(&self, source: Arc<Page>, remote: Remote) -> (Sheet, Task<Whole>) {
        let late = source.html.len() > LARGE;
        let mut sheet = Sheet {
            source,
            remote,
            key: 0,
            asked: 0,
            with: 0,
            shown: None,
            failed: None,
            late,
            plain: false,
            original: false,
            folded: true,
            painting: false,
            marks: Vec::new(),
            current: None,
            turn: 0,
            whole: None,
            reading: false,
        };
        let lay = self.lay(&mut sheet);
        sheet.key = sheet.asked;
        (sheet, lay)
    }

    /// Lays the page out for what the window is now, where it is not.
    pub(super) fn lay(&self, sheet: &mut Sheet) -> Task<Whole> {
        sheet.with = sheet.remote.given().len();
        let Some(view) = self.view(sheet) else { return Task::none() };
        let number = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        if sheet.key == 0 {
            sheet.key = number;
        }
        sheet.asked = number;
        let (hand, latest, key) = (Arc::clone(&self.hand), Arc::clone(&self.latest), sheet.key);
        let source = sheet.remote.source(&sheet.source, sheet.with);
        let seen = sheet.shown.as_ref().map_or((0.0, 900.0), |shown| shown.seen);
        let done = off(move || {
            let mut hand = hand.lock().unwrap_or_else(PoisonError::into_inner);
            // A later one waits behind this: its answer alone is looked for.
            (latest.load(Ordering::SeqCst) == number).then(|| hand.lay(&source, view, key, number, seen))
        });
        let laid = done.then(move |done| match done {
            Some(done) => {
                let done = done.map(Box::new).map_err(|failure| Problem::from(&failure));
                Task::done(Whole::Page(Message::Laid(number, done)))
            }
            None => Task::none(),
        });
        if sheet.shown.is_some() || sheet.late {
            return laid;
        }
        Task::batch([laid, later(PATIENCE, Message::Late(number))])
    }

    /// Paints the strip that is wanted most and not there.
    fn paint(&self, sheet: &mut Sheet) -> Task<Whole> {
        let Some(shown) = sheet.shown.as_ref().filter(|_| !sheet.painting) else { return Task::none() };
        let Some(strip) = shown.missing() else { return Task::none() };
        sheet.painting = true;
        let (hand, number, laid, view) = (Arc::clone(&self.hand), shown.number, Arc::clone(&shown.laid), shown.view);
        let (source, key) = (sheet.remote.source(&sheet.source, shown.with), sheet.key);
        let painted = off(move || {
            let mut hand = hand.lock().unwrap_or_else(PoisonError::into_inner);
            hand.paint_of(&source, &laid, view, (key, number), strip).map_err(|failure| Problem::from(&failure))
        });
        painted.map(move |painted| Whole::Page(Message::Painted(number, strip, painted)))
    }

    fn zoomed(&mut self, larger: Option<bool>) {
        const STEPS: [f32; 11] = [0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0];
        self.zoom = match larger {
            None => 1.0,
            Some(true) => STEPS.into_iter().find(|step| *step > self.zoom + 0.01).unwrap_or(3.0),
            Some(false) => STEPS.into_iter().rev().find(|step| *step < self.zoom - 0.01).unwrap_or(0.5),
        };
    }

    pub fn update(&mut self, message: Message, open: Option<&mut Open>) -> Action {
        let again = match message {
            Message::Sized(size) => return Action::Run(self.sized(size, open)),
            Message::Warm => return Action::Run(self.warm()),
            Message::Rested(resized) => resized == self.resized,
            Message::Scale(scale) => std::mem::replace(&mut self.scale, scale) != scale,
            Message::Dark(dark) => std::mem::replace(&mut self.dark, dark) != dark,
            Message::Zoom(larger) => {
                self.zoomed(larger);
                true
            }
            message => return open.map_or(Action::None, |open| open.page_update(message, self)),
        };
        match open.and_then(|open| open.sheet.as_mut()).filter(|_| again) {
            Some(sheet) => Action::Run(self.lay(sheet)),
            None => Action::None,
        }
    }

    fn sized(&mut self, size: Size, open: Option<&mut Open>) -> Task<Whole> {
        let first = self.width.is_none();
        let width = (size.width - BESIDE).max(100.0).floor();
        if self.width.replace(width) == Some(width) {
            return Task::none();
        }
        let scale = window::oldest().then(|id| id.map_or_else(Task::none, window::scale_factor));
        let scale = scale.map(|scale| Whole::Page(Message::Scale(scale)));
        self.resized += 1;
        let lay = match open.and_then(|open| open.sheet.as_mut()) {
            Some(sheet) if first || sheet.shown.is_none() => self.lay(sheet),
            Some(_) => later(REST, Message::Rested(self.resized)),
            None => Task::none(),
        };
        let warm = if first { later(SETTLED, Message::Warm) } else { Task::none() };
        Task::batch([scale, lay, warm])
    }
}

impl Hand {
    /// Starts the worker and has it draw a page that takes what most pages do: its fonts are found, its styles are made.
    /// A failure is none yet: the page that needs it says so.
    fn warm(&mut self) {
        const PAGE: &str = "<body style='font-family:Arial,sans-serif'><table><tr><td><p>Aa <b>Bb</b> <i>Cc</i> <a href='https://a.example/'>Dd</a> é</p>\
            <p style='font-family:Georgia,serif'>Ee <b>Ff</b></table>";
        if self.worker.process().is_some() {
            return;
        }
        let page = Page { html: PAGE.to_owned(), ..Page::default() };
        let part = Part { left: 0.0, top: 0.0, width: 700.0, height: 100.0 };
        let warmed = self.worker.lay(&page).and_then(|_| self.worker.paint(part));
        if let Err(failure) = warmed {
            tracing::debug!("the render worker is not warm: {failure}");
        }
    }

    fn lay(&mut self, source: &Source, view: View, key: u64, number: u64, seen: (f32, f32)) -> Result<Fresh, Failure> {
        let again = match self.holds {
            Some((held, _, count)) if held == key => match self.worker.again(view, &source.since(count)) {
                Err(Failure::NoPage) => None,
                laid => Some(laid),
            },
            _ => None,
        };
        self.holds = None;
        let laid = match again {
            Some(laid) => laid?,
            None => self.worker.lay(&source.whole(view))?,
        };
        self.holds = Some((key, number, source.fetched.len()));
        let laid = Arc::new(laid);
        let mut strips = Vec::new();
        for strip in wanted(seen, height(view), laid.height) {
            strips.push((strip, self.paint(&laid, view, strip)?));
        }
        Ok(Fresh { laid, view, strips })
    }

    /// Has the worker hold a page again that was laid out before.
    fn take_up(&mut self, source: &Source, view: View, key: u64, number: u64) -> Result<(), Failure> {
        self.holds = None;
        self.worker.lay(&source.whole(view))?;
        self.holds = Some((key, number, source.fetched.len()));
        Ok(())
    }

    /// Paints a strip of a page that was laid out before. The worker may not hold it any more: another page came between,
    /// such as that of a message inside this one, or the process was ended while it waited.
    fn paint_of(
        &mut self,
        source: &Source,
        laid: &Laid,
        view: View,
        (key, number): (u64, u64),
        strip: usize,
    ) -> Result<Strip, Failure> {
        if matches!(self.holds, Some((_, holds, _)) if holds == number) {
            match self.paint(laid, view, strip) {
                Err(Failure::NoPage) => {}
                painted => return painted,
            }
        }
        self.take_up(source, view, key, number)?;
        self.paint(laid, view, strip)
    }

    fn paint(&mut self, laid: &Laid, view: View, strip: usize) -> Result<Strip, Failure> {
        let high = height(view);
        #[allow(clippy::cast_precision_loss)]
        let top = strip as f32 * high;
        let width = laid.width.max(view.width).min(WIDEST);
        let picture =
            self.worker.paint(Part { left: 0.0, top, width, height: high.min(laid.height - top).max(1.0) })?;
        Ok(Strip::new(picture.width, picture.height, &picture.rgba))
    }
}

impl Shown {
    /// The strip in sight that is not painted, else one beside those in sight.
    fn missing(&self) -> Option<usize> {
        let seen = wanted(self.seen, height(self.view), self.laid.height);
        let near = self.near();
        seen.chain(near).find(|strip| !self.strips.contains_key(strip))
    }

    fn near(&self) -> Range<usize> {
        let high = height(self.view);
        wanted((self.seen.0 - high, self.seen.1 + high), high, self.laid.height)
    }

    /// Forgets the strips that are farthest from what is seen.
    fn forget(&mut self) {
        let near = self.near();
        let far = |strip: &usize| if near.contains(strip) { 0 } else { strip.abs_diff(near.start) + 1 };
        while self.strips.len() > KEPT.max(near.len()) {
            let Some(farthest) = self.strips.keys().max_by_key(|strip| far(strip)).copied() else { return };
            self.strips.remove(&farthest);
        }
    }
}

/// The height of a strip in points: a whole number of pixels.
fn height(view: View) -> f32 {
    (STRIP * view.scale).round() / view.scale
}

/// The strips that show a part of a page, which is this high.
fn wanted(seen: (f32, f32), strip: f32, page: f32) -> Range<usize> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let (first, last) = ((seen.0.max(0.0) / strip) as usize, (seen.1.min(page).max(0.0) / strip).ceil() as usize);
    first.min(last)..last
}

impl Sheet {
    /// The remote pictures that were fetched for it.
    pub fn remote_pictures(&self) -> Vec<Arc<Given>> {
        self.remote.given().to_vec()
    }

    /// What is to be drawn; `None` where the text stands in its place.
    pub fn drawn(&self) -> Option<Drawn<'_>> {
        let shown = self.shown.as_ref().filter(|_| !self.plain)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let strip = (STRIP * shown.view.scale).round() as u32;
        Some(Drawn {
            laid: &shown.laid,
            strips: &shown.strips,
            strip,
            scale: shown.view.scale,
            marks: &self.marks,
            current: self.current,
            turn: self.turn,
            revision: shown.number,
        })
    }

    /// See [`Stands`].
    pub fn stands(&self) -> Stands {
        match self.shown.as_ref().filter(|_| !self.plain) {
            Some(shown) => {
                let mut seen = wanted(shown.seen, height(shown.view), shown.laid.height);
                Stands::Page(shown.laid.width, shown.laid.height, seen.all(|strip| shown.strips.contains_key(&strip)))
            }
            None => Stands::Text,
        }
    }

    /// Whether nothing is shown in its place yet.
    pub fn is_awaited(&self) -> bool {
        self.asked > 0 && self.shown.is_none() && self.failed.is_none() && !self.late && !self.plain
    }

    fn take(&mut self, number: u64, fresh: Result<Box<Fresh>, Problem>) {
        if number != self.asked {
            return;
        }
        self.painting = false;
        match fresh {
            Ok(fresh) => {
                let Fresh { laid, view, strips } = *fresh;
                let seen = self.shown.as_ref().map_or((0.0, 900.0), |shown| shown.seen);
                self.failed = None;
                let (with, strips) = (self.with, strips.into_iter().collect());
                self.shown = Some(Shown { laid, view, number, with, strips, seen });
                // They were those of another layout.
                self.unmark();
            }
            Err(problem) => (self.shown, self.failed) = (None, Some(problem)),
        }
    }
}

impl Open {
    fn page_update(&mut self, message: Message, press: &Press) -> Action {
        let Some(sheet) = &mut self.sheet else { return Action::None };
        match message {
            Message::Late(number) if number == sheet.asked => {
                sheet.late = true;
                return Action::Run(self.seek_again(press));
            }
            // Once more without the pictures that came: the page was there before them.
            Message::Laid(number, Err(_)) if number == sheet.asked && sheet.put_away() => {
                return Action::Run(press.lay(sheet));
            }
            Message::Laid(number, fresh) => {
                sheet.take(number, fresh);
                let pictures = sheet.load_always(&press.rules);
                let paint = press.paint(sheet);
                return Action::Run(Task::batch([paint, pictures, self.seek_again(press)]));
            }
            Message::Read(key, laid) => {
                // One that could not be read is tried again with the next layout, and not at once.
                let came = laid.is_some();
                sheet.read(key, laid);
                return if came { Action::Run(self.seek_again(press)) } else { Action::None };
            }
            Message::Painted(number, strip, painted) => {
                let Some(shown) = sheet.shown.as_mut().filter(|shown| shown.number == number) else {
                    return Action::None;
                };
                sheet.painting = false;
                match painted {
                    Ok(painted) => {
                        shown.strips.insert(strip, painted);
                        shown.forget();
                        return Action::Run(press.paint(sheet));
                    }
                    // A later layout is on its way.
                    Err(_) if sheet.asked != number => {}
                    Err(_) if sheet.put_away() => return Action::Run(press.lay(sheet)),
                    Err(problem) => {
                        (sheet.shown, sheet.failed) = (None, Some(problem));
                        return Action::Run(self.seek_again(press));
                    }
                }
            }
            Message::Seen(act) => return self.page_acted(act, press),
            Message::Plain => {
                sheet.plain = !sheet.plain;
                self.over = None;
                return Action::Run(self.seek_again(press));
            }
            Message::Original => {
                sheet.original = !sheet.original;
                return Action::Run(press.lay(sheet));
            }
            Message::Unfold => {
                sheet.folded = !sheet.folded;
                return Action::Run(press.lay(sheet));
            }
            _ => {}
        }
        Action::None
    }

    fn page_acted(&mut self, act: Act, press: &Press) -> Action {
        let Some(sheet) = &mut self.sheet else { return Action::None };
        match act {
            Act::Seen(top, bottom) => {
                if let Some(shown) = &mut sheet.shown {
                    shown.seen = (top, bottom);
                }
                return Action::Run(press.paint(sheet));
            }
            Act::Over(link) => self.over = link.and_then(|link| sheet.link(link)).map(|target| target.shown()),
            Act::Link(link) => {
                let target = sheet.link(link);
                return target.map_or(Action::None, |target| self.follow(target));
            }
            Act::Reveal(y) => return self.reveal(y),
        }
        Action::None
    }
}

impl Sheet {
    fn link(&self, number: usize) -> Option<message::links::Target> {
        let link = self.shown.as_ref()?.laid.links.get(number)?;
        Some(message::links::link(&link.address, &link.text))
    }
}

/// What the worker would answer where none was asked: a page that is laid out, with nothing painted.
#[cfg(test)]
pub fn laid(laid: Laid) -> Message {
    let fresh = Fresh { laid: Arc::new(laid), view: View::default(), strips: Vec::new() };
    Message::Laid(0, Ok(Box::new(fresh)))
}

fn later(time: Duration, message: Message) -> Task<Whole> {
    Task::future(async move {
        tokio::time::sleep(time).await;
        Whole::Page(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strips_that_show_a_part() {
        for (seen, page, expected) in [
            ((0.0, 900.0), 5_000.0, 0..2),
            ((500.0, 520.0), 5_000.0, 0..2),
            ((512.0, 1_024.0), 5_000.0, 1..2),
            ((-512.0, 100.0), 40.0, 0..1),
            ((4_900.0, 9_000.0), 5_000.0, 9..10),
            ((0.0, 900.0), 0.0, 0..0),
        ] {
            assert_eq!(wanted(seen, STRIP, page), expected, "{seen:?} of {page}");
        }
    }

    fn fresh(height: f32) -> Box<Fresh> {
        let laid = Arc::new(Laid { width: 700.0, height, ..Laid::default() });
        Box::new(Fresh { laid, view: View::default(), strips: Vec::new() })
    }

    #[test]
    fn the_layout_that_was_asked_for_last_is_shown_and_no_other() {
        let press = Press { width: Some(700.0), ..Press::default() };
        let (mut sheet, task) = press.begin(Arc::default(), Remote::default());
        drop(task);
        let first = sheet.asked;
        assert!(sheet.is_awaited());
        drop(press.lay(&mut sheet));
        sheet.take(first, Ok(fresh(10.0)));
        assert!(sheet.drawn().is_none(), "the first was overtaken");
        sheet.take(sheet.asked, Ok(fresh(20.0)));
        assert_eq!(sheet.drawn().unwrap().laid.height, 20.0);
        sheet.take(first, Err(Problem::from(&Failure::Died)));
        assert!(sheet.failed.is_none() && sheet.drawn().is_some());
        sheet.take(sheet.asked, Err(Problem::from(&Failure::Died)));
        assert!(sheet.failed.is_some() && sheet.drawn().is_none() && !sheet.is_awaited());
    }

    #[test]
    fn a_large_page_is_not_waited_for() {
        let press = Press { width: Some(700.0), ..Press::default() };
        for (size, waits) in [(LARGE, true), (LARGE + 1, false)] {
            let (sheet, task) =
                press.begin(Arc::new(Page { html: "x".repeat(size), ..Page::default() }), Remote::default());
            drop(task);
            assert_eq!(sheet.is_awaited(), waits, "{size}");
        }
    }

    #[test]
    fn what_is_in_sight_is_painted_first_and_what_is_far_is_forgotten() {
        let strip = || Strip::new(1, 1, &[0; 4]);
        let mut shown = Shown {
            laid: Arc::clone(&fresh(20_000.0).laid),
            view: View::default(),
            number: 1,
            with: 0,
            strips: BTreeMap::new(),
            seen: (5_000.0, 6_000.0),
        };
        let mut order = Vec::new();
        while let Some(next) = shown.missing() {
            order.push(next);
            shown.strips.insert(next, strip());
            shown.forget();
        }
        assert_eq!(order, [9, 10, 11, 8, 12]);
        shown.seen = (15_000.0, 16_000.0);
        while let Some(next) = shown.missing() {
            shown.strips.insert(next, strip());
            shown.forget();
        }
        assert_eq!(shown.strips.len(), KEPT);
        assert!((28..33).all(|near| shown.strips.contains_key(&near)), "{:?}", shown.strips.keys());
    }

    #[test]
    fn zoom_goes_in_steps() {
        let mut press = Press::default();
        for (larger, zoom) in
            [(Some(true), 1.1), (Some(true), 1.25), (Some(false), 1.1), (None, 1.0), (Some(false), 0.9)]
        {
            press.zoomed(larger);
            assert_eq!(press.zoom, zoom);
        }
    }
}
