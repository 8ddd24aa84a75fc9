//! The remote pictures of the page that is read: loaded on the person's word, for this message or for every one of its
//! sender, and put in as they come.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use iced::widget::{Row, column, container, row, text};
use iced::{Alignment, Element, Fill, Task, padding, task};

use super::{Message as OfPage, Press, Sheet, later};
use crate::archive::Archive;
use crate::gui::icon::{self, icon};
use crate::gui::off::ask;
use crate::gui::reader::{Action, Message as Whole, Note, Reader};
use crate::gui::theme::{self, size};
use crate::gui::widget::{Tone, link, strip};
use crate::gui::words::counted;
use crate::message::Head;
use crate::problem::remote::not_loaded;
use crate::remote::{self, Fetched, Refusal, Rules};
use crate::render::{Blocked, Given, Page, RemotePicture, View};

/// Pictures that came within this are put into the page together.
const TOGETHER: Duration = Duration::from_millis(200);
/// The longest address that is named where a person is to press.
const LONGEST: usize = 40;
/// The letters of a sentence and of what can be done about it that stand in one line.
const BESIDE: usize = 84;

/// What is known of the pictures of one message.
#[derive(Default)]
pub struct Remote {
    /// Whose pictures may be loaded always; `None` where it is not certain enough who wrote.
    sender: Option<Sender>,
    always: bool,
    /// A person stopped it: nothing is asked for again by itself.
    stopped: bool,
    /// Those that are there, in the order in which they came.
    given: Vec<Arc<Given>>,
    /// Those that were there, and were put away as the page could not be drawn with them.
    put_away: HashSet<String>,
    asked: HashSet<String>,
    refusals: Vec<Refusal>,
    /// On their way.
    awaited: HashSet<String>,
    /// What was put in last is to be followed by a layout.
    waiting: bool,
    /// Stops what is on its way with the message.
    under_way: Option<task::Handle>,
}

struct Sender {
    address: String,
    always: String,
    no_more: String,
}

#[derive(Clone, Debug)]
pub enum Message {
    /// Load the pictures of this message.
    Once,
    /// Load those of this sender whenever a message is opened, or no longer.
    Always(bool),
    Stop,
    Came(u64, Fetched),
    /// Time to lay out what came.
    Together(u64),
}

/// A page with the pictures that were fetched for it.
#[derive(Clone)]
pub(super) struct Source {
    pub page: Arc<Page>,
    pub fetched: Vec<Arc<Given>>,
}

impl Source {
    pub fn whole(&self, view: View) -> Page {
        let mut page = Page { view, ..Page::clone(&self.page) };
        page.pictures.extend(self.since(0));
        page
    }

    /// The pictures that came after so many.
    pub fn since(&self, count: usize) -> Vec<Given> {
        self.fetched.iter().skip(count).map(|given| Given::clone(given)).collect()
    }
}

/// Where it is kept that a sender's pictures are loaded always: in the archive, with the other wishes of its owner.
fn key(address: &str) -> String {
    format!("remote pictures of {}", address.to_lowercase())
}

/// Whether the pictures of this sender are loaded always. Not on the thread that draws.
pub fn is_always(archive: &Archive, head: &Head) -> bool {
    let Some(address) = certain(head) else { return false };
    archive.setting(&key(address)).is_ok_and(|value| value.as_deref() == Some("always"))
}

/// The address of a sender who is what he seems, as far as one can see: nothing in the message is odd, and no server that
/// is believed said that it is forged. Many servers say nothing; then it is the written address that counts.
fn certain(head: &Head) -> Option<&str> {
    let sender = &head.sender;
    let failed = head.authentication.as_ref().is_some_and(|said| said.failed);
    (sender.is_valid && sender.warnings.is_empty() && !failed).then_some(sender.address.as_str())
}

impl Remote {
    pub fn new(head: &Head, always: bool) -> Remote {
        let sender = certain(head).map(|address| Sender {
            address: address.to_owned(),
            always: format!("Always for {}", shortened(address)),
            no_more: format!("No longer load those of {}", shortened(address)),
        });
        Remote { always: always && sender.is_some(), sender, ..Remote::default() }
    }

    /// Of a message inside another: anyone may have written it, whoever it names.
    pub fn inner() -> Remote {
        Remote::default()
    }

    /// Those that were fetched, for putting the message on paper.
    pub(super) fn given(&self) -> &[Arc<Given>] {
        &self.given
    }

    /// The page with so many of them.
    pub(super) fn source(&self, page: &Arc<Page>, count: usize) -> Source {
        Source { page: Arc::clone(page), fetched: self.given.iter().take(count).cloned().collect() }
    }

    /// The pictures that are seen and can be asked for, in reading order.
    fn wanted(&self, blocked: &Blocked) -> Vec<String> {
        let new = |picture: &&RemotePicture| is_seen(picture) && !self.asked.contains(&picture.address);
        blocked.pictures.iter().filter(new).map(|picture| picture.address.clone()).collect()
    }

    pub(in crate::gui::reader) fn stop(&mut self) {
        self.stopped = true;
        self.under_way = None;
        for address in self.awaited.drain() {
            self.asked.remove(&address);
        }
    }

    /// Over the page: what was not loaded, and what can be done about it.
    pub(super) fn strip<'a>(&'a self, blocked: &Blocked) -> Option<Element<'a, Whole>> {
        let act = |message| Whole::Page(OfPage::Remote(message));
        let mut actions = Vec::new();
        let says = if !self.awaited.is_empty() {
            actions.push(("Stop", act(Message::Stop)));
            Some(format!("Loading {}…", counted(self.awaited.len() as u64, "remote picture", "remote pictures")))
        } else {
            let tried = !self.asked.is_empty() || !self.put_away.is_empty();
            let left = tried.then(|| self.left(blocked));
            left.unwrap_or_else(|| super::view::blocked(blocked))
        };
        let wants = self.awaited.is_empty() && !self.wanted(blocked).is_empty();
        if wants {
            let once = if self.put_away.is_empty() { "Load once" } else { "Load again" };
            actions.push((once, act(Message::Once)));
        }
        match &self.sender {
            Some(sender) if self.always => actions.push((sender.no_more.as_str(), act(Message::Always(false)))),
            Some(sender) if wants || !self.asked.is_empty() && self.awaited.is_empty() => {
                actions.push((sender.always.as_str(), act(Message::Always(true))));
            }
            _ => {}
        }
        let says = match says {
            Some(says) => says,
            None if actions.is_empty() => return None,
            None if self.always => "The remote pictures of this sender are loaded.".to_owned(),
            None => "The remote pictures of this message were loaded.".to_owned(),
        };
        let glyph = if self.asked.is_empty() { icon::EYE_OFF } else { icon::EYE };
        Some(laid_out(glyph, says, actions))
    }

    /// What is still not shown after pictures were loaded.
    fn left(&self, blocked: &Blocked) -> Option<String> {
        let kept = blocked.pictures.iter().filter(|picture| !is_seen(picture)).count();
        let mut says = Vec::new();
        let new = self.wanted(blocked).iter().filter(|address| !self.put_away.contains(*address)).count() as u64;
        if new > 0 {
            says.push(format!("{} not loaded.", counted(new, "remote picture", "remote pictures")));
        }
        says.extend(not_loaded(&self.refusals));
        if !self.put_away.is_empty() {
            let pictures = counted(self.put_away.len() as u64, "remote picture", "remote pictures");
            let them = if self.put_away.len() == 1 { "it: it is" } else { "them: they are" };
            says.push(format!("{pictures} came, but the page could not be drawn with {them} left out."));
        }
        if kept > 0 {
            let verb = if kept == 1 { "looks like a tracker and stays" } else { "look like trackers and stay" };
            says.push(format!("{} {verb} blocked.", counted(kept as u64, "remote picture", "remote pictures")));
        }
        if blocked.backgrounds > 0 {
            let behind = counted(blocked.backgrounds as u64, "picture", "pictures");
            says.push(format!(
                "{behind} behind text {} never loaded.",
                if blocked.backgrounds == 1 { "is" } else { "are" }
            ));
        }
        (!says.is_empty()).then(|| says.join(" "))
    }
}

/// What can be done stands beside the sentence where both are short, else below it.
fn laid_out<'a>(glyph: char, says: String, actions: Vec<(&'a str, Whole)>) -> Element<'a, Whole> {
    let names: usize = actions.iter().map(|(name, _)| name.chars().count()).sum();
    if names + says.chars().count() <= BESIDE || names == 0 {
        return strip(glyph, Tone::Note, says, actions);
    }
    let says = text(says).size(size::BODY).line_height(1.35).width(Fill);
    let first = row![icon(glyph).style(theme::warn), says].spacing(10).align_y(Alignment::Center);
    let links = actions.into_iter().map(|(name, message)| link(name, Some(message)).into());
    let links = container(Row::with_children(links).spacing(14).wrap()).padding(padding::left(26));
    container(column![first, links].spacing(4)).padding([8, 12]).width(Fill).style(theme::note).into()
}

/// Neither a tracker nor without a place where it could be seen.
fn is_seen(picture: &RemotePicture) -> bool {
    !picture.tracker && picture.area.is_some_and(|area| area.width > 2.0 && area.height > 2.0)
}

fn shortened(address: &str) -> String {
    if address.chars().count() <= LONGEST {
        return address.to_owned();
    }
    // Its end says whose it is.
    let end: String = address.chars().rev().take(LONGEST - 1).collect();
    "…".chars().chain(end.chars().rev()).collect()
}

impl Sheet {
    /// The worker failed. Where there were fetched pictures in the layout that was asked for last it may be by them, or
    /// by a busy machine: they are put away, and asked for again only by a person. Whether there were any.
    pub(super) fn put_away(&mut self) -> bool {
        let (with, remote) = (self.with.min(self.remote.given.len()), &mut self.remote);
        if with == 0 {
            return false;
        }
        remote.stop();
        for given in remote.given.drain(..with) {
            remote.asked.remove(&given.address);
            remote.put_away.insert(given.address.clone());
        }
        if let Some(shown) = &mut self.shown {
            shown.with = 0;
        }
        true
    }

    /// Another message is read for a while: nothing that is on its way would be heard of.
    pub(in crate::gui::reader) fn rest(&mut self) {
        let stopped = self.remote.stopped;
        self.remote.stop();
        (self.remote.stopped, self.remote.waiting) = (stopped, false);
    }

    /// Asks for the pictures that are blocked and were not asked for.
    fn load(&mut self, rules: &Rules) -> Task<Whole> {
        let Some(shown) = &self.shown else { return Task::none() };
        let wanted = self.remote.wanted(&shown.laid.blocked);
        if wanted.is_empty() || !self.remote.awaited.is_empty() {
            return Task::none();
        }
        // The bounds are those of the message, however often it is laid out and other pictures come into sight.
        let had: usize = self.remote.given.iter().map(|given| given.octets.len()).sum();
        let rules = Rules {
            most: rules.most.saturating_sub(self.remote.asked.len()),
            all_octets: rules.all_octets.saturating_sub(had),
            ..rules.clone()
        };
        let key = self.key;
        self.remote.put_away.clear();
        self.remote.asked.extend(wanted.iter().cloned());
        self.remote.awaited.extend(wanted.iter().cloned());
        let came = move |fetched| Whole::Page(OfPage::Remote(Message::Came(key, fetched)));
        let (task, handle) = Task::run(remote::fetch(wanted, rules).boxed(), came).abortable();
        self.remote.under_way = Some(handle.abort_on_drop());
        task
    }

    /// After a layout: what is loaded always is asked for.
    pub(super) fn load_always(&mut self, rules: &Rules) -> Task<Whole> {
        if self.remote.always && !self.remote.stopped { self.load(rules) } else { Task::none() }
    }

    fn came(&mut self, fetched: Fetched) -> Task<Whole> {
        let remote = &mut self.remote;
        remote.awaited.remove(&fetched.address);
        match fetched.octets {
            Ok(octets) => {
                remote.given.push(Arc::new(Given { address: fetched.address, octets }));
                if !std::mem::replace(&mut remote.waiting, true) {
                    return later(TOGETHER, OfPage::Remote(Message::Together(self.key)));
                }
            }
            Err(refusal) => remote.refusals.push(refusal),
        }
        Task::none()
    }
}

impl Press {
    fn remote(&self, message: Message, sheet: &mut Sheet) -> Task<Whole> {
        match message {
            Message::Once | Message::Always(true) => {
                sheet.remote.stopped = false;
                sheet.load(&self.rules)
            }
            Message::Stop | Message::Always(false) => {
                sheet.remote.stop();
                Task::none()
            }
            Message::Came(key, fetched) if key == sheet.key => sheet.came(fetched),
            Message::Together(key) if key == sheet.key => {
                sheet.remote.waiting = false;
                self.lay(sheet)
            }
            _ => Task::none(),
        }
    }
}

impl Reader {
    /// What a person wants of the remote pictures, and what became of it.
    pub(in crate::gui::reader) fn remote(&mut self, message: Message, archive: &Archive) -> Action {
        let Some(open) = &mut self.open else { return Action::None };
        let whose = open.whose();
        let Some(sheet) = &mut open.sheet else { return Action::None };
        let keep = match (&message, &sheet.remote.sender) {
            (Message::Always(always), Some(sender)) => {
                sheet.remote.always = *always;
                let (archive, key) = (archive.clone(), key(&sender.address));
                let value = if *always { "always" } else { "" };
                ask(move || archive.set_setting(&key, value)).then(move |kept| match kept {
                    Ok(()) => Task::none(),
                    Err(problem) => Task::done(Whole::Noted(whose.clone(), Note::Failed(problem))),
                })
            }
            (Message::Always(_), None) => return Action::None,
            _ => Task::none(),
        };
        Action::Run(Task::batch([keep, self.press.remote(message, sheet)]))
    }
}
