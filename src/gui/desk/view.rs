//! How the desk is laid out: bars, sidebar, list, reader, and a dialog over them.

use iced::widget::{Row, Stack, button, column, container, mouse_area, opaque, row, space, text};
use iced::{Alignment, Element, Fill, padding};

use super::bin::{Deleted, Told};
use super::{Desk, Message, Page};
use crate::gui::app::Pane;
use crate::gui::bars::{self, Foot, Top};
use crate::gui::dialog::{Dialog, Lent};
use crate::gui::icon;
use crate::gui::theme::{self, Choice, measure, size};
use crate::gui::widget::{GRIP, Tone, across, down, grip, link, strip, trouble};
use crate::gui::words::Clock;
use crate::gui::{sidebar, welcome};

/// What the window knows that the desk does not.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pub clock: &'a Clock,
    pub theme: Choice,
    pub width: f32,
}

/// A message of the desk, or a divider that was grabbed.
pub enum Seen {
    Desk(Message),
    Grabbed(Pane),
}

impl Desk {
    pub fn view<'a>(&'a self, frame: Frame<'a>) -> Element<'a, Seen> {
        let page = match &self.page {
            Page::Mailbox => self.mailbox(frame),
            Page::Welcome => welcome::view().map(Message::Welcome).map(Seen::Desk),
            Page::Setup(setup) => {
                let form = setup.view(true).map(Message::Setup).map(Seen::Desk);
                // From the top, as in a dialog below.
                container(form).center_x(Fill).height(Fill).padding(padding::top(56)).style(theme::window).into()
            }
        };
        // The page stands in layers even alone: what it was scrolled to is known by its place.
        let layers = Stack::with_children([page]);
        let Some(dialog) = &self.dialog else { return layers.into() };
        let lent = Lent {
            library: &self.library,
            job: self.job.as_ref(),
            ended: self.ended.as_ref(),
            clock: frame.clock,
            theme: frame.theme,
        };
        // The form grows while it is filled in: from the top, so that nothing moves under the mouse.
        let grows = matches!(dialog, Dialog::Mailbox(_));
        let place = if grows { Alignment::Start } else { Alignment::Center };
        let dialog = dialog.view(lent).map(Message::Dialog).map(Seen::Desk);
        let centred = container(dialog).center(Fill).align_y(place).padding(16).style(theme::veil);
        layers.push(opaque(centred)).into()
    }

    fn mailbox<'a>(&'a self, frame: Frame<'a>) -> Element<'a, Seen> {
        let top = Top {
            library: &self.library,
            query: &self.list.query,
            offer: &self.offer,
            found: self.list.found(&self.library),
            width: frame.width,
            sidebar: self.remembered.sidebar,
            clock: frame.clock,
        };
        let foot = Foot {
            library: &self.library,
            job: self.job.as_ref(),
            notice: self.notice.as_deref(),
            width: frame.width,
            clock: frame.clock,
        };
        let mut head = column![bars::top(top).map(Message::Top).map(Seen::Desk), across()];
        if let Some(problem) = &self.problem {
            let strip = trouble(problem, Some(())).map(|()| Seen::Desk(Message::CloseProblem));
            head = head.push(container(strip).padding([8, 12]));
            head = head.push(across());
        }
        if let Some(note) = &self.note {
            let note = strip(icon::LOCK, Tone::Note, note.as_str(), vec![("Close", ())]);
            head = head.push(container(note.map(|()| Seen::Desk(Message::CloseNote))).padding([8, 12])).push(across());
        }
        for account in self.library.refused() {
            let says = format!(
                "{}: the server refused the name or the password. Postkeep does not try again by itself, so that the account \
                 is not locked.",
                self.library.name(account.id)
            );
            let strip = strip(icon::LOCK, Tone::Trouble, says, vec![("Enter the password", account.id)]);
            let strip = strip.map(|id| Seen::Desk(Message::EnterPassword(id)));
            head = head.push(container(strip).padding([8, 12])).push(across());
        }
        for account in self.library.newcomers() {
            let says = format!(
                "{}: Postkeep is new to this mailbox on this computer. Nothing is removed from the server until you agree.",
                self.library.name(account.id)
            );
            let strip = strip(icon::SERVER, Tone::Note, says, vec![("See what would go", account.id)]);
            let strip = strip.map(|id| Seen::Desk(Message::SeeWhatWouldGo(id)));
            head = head.push(container(strip).padding([8, 12])).push(across());
        }
        let head = container(head).width(Fill).style(theme::window);
        let foot = container(bars::foot(foot).map(Message::Top).map(Seen::Desk)).width(Fill).style(theme::window);
        column![head, self.panes(frame), across(), foot].width(Fill).height(Fill).into()
    }

    fn panes<'a>(&'a self, frame: Frame<'a>) -> Element<'a, Seen> {
        let narrow = frame.width < measure::NARROW;
        let single = frame.width < measure::SINGLE;
        let side = if narrow { measure::SIDEBAR_ICONS } else { self.remembered.sidebar };
        let list = self.remembered.list.min((frame.width - side - 320.0).max(240.0));
        let mut panes = row![self.sidebar_pane(frame, narrow, side - 1.0), down()];
        if single {
            panes = panes.push(if self.reader.is_open() { self.reading(frame, true) } else { self.listing(frame) });
        } else {
            panes = panes.push(container(self.listing(frame)).width(list - 1.0)).push(down());
            panes = panes.push(self.reading(frame, false));
        }
        let mut layers = Stack::with_children([panes.into()]);
        if let Some(deleted) = &self.deleted {
            layers = layers.push(told(deleted));
        }
        if narrow && self.unfolded {
            layers = layers.push(self.unfolded_sidebar(frame));
        } else if !single {
            layers = layers.push(grips((!narrow).then_some(side), side + list));
        }
        layers.into()
    }

    fn listing<'a>(&'a self, frame: Frame<'a>) -> Element<'a, Seen> {
        self.list.view(&self.library, frame.clock).map(Message::List).map(Seen::Desk)
    }

    fn reading<'a>(&'a self, frame: Frame<'a>, alone: bool) -> Element<'a, Seen> {
        self.reader.view(&self.library, frame.clock, alone, self.list.found_by()).map(Message::Reader).map(Seen::Desk)
    }

    fn sidebar_pane<'a>(&'a self, frame: Frame<'a>, narrow: bool, width: f32) -> Element<'a, Seen> {
        let side = sidebar::view(&self.library, self.list.view, frame.clock, narrow);
        let side = side.map(Message::Sidebar).map(Seen::Desk);
        container(side).width(width).height(Fill).style(theme::sidebar).into()
    }

    /// The whole sidebar over the panes of a narrow window; a press beside it folds it again.
    fn unfolded_sidebar<'a>(&'a self, frame: Frame<'a>) -> Element<'a, Seen> {
        let side = sidebar::view(&self.library, self.list.view, frame.clock, false);
        let side = container(side).width(measure::SIDEBAR).height(Fill).style(theme::sidebar);
        let beside = mouse_area(container(space()).width(Fill).height(Fill).style(theme::veil));
        let beside = opaque(beside.on_press(sidebar::Message::Unfold(false)));
        let over: Element<'a, sidebar::Message> = row![opaque(side), down(), beside].into();
        over.map(Message::Sidebar).map(Seen::Desk)
    }
}

/// The words about a deletion, over the foot of the panes.
fn told(deleted: &Deleted) -> Element<'_, Seen> {
    let mut words = Row::new().push(icon::icon(icon::CHECK).style(theme::accent));
    words = words.push(text(deleted.sentence.as_str()).size(size::BODY));
    words = words.push(link("Undo", Some(Told::Undo)));
    if deleted.there_too.is_some() {
        words = words.push(link("Delete it there too", Some(Told::ThereToo)));
    }
    words = words.push(button(icon::icon(icon::X)).padding(2).style(theme::quiet).on_press(Told::Close));
    let words = container(words.spacing(12).align_y(Alignment::Center).wrap());
    let bubble: Element<'_, Told> = words.padding([10, 14]).style(theme::told).into();
    let place = container(bubble).align_x(Alignment::Center).align_y(Alignment::End).width(Fill).height(Fill);
    Element::from(place.padding(16)).map(Message::Deleted).map(Seen::Desk)
}

/// What drags the lines between the panes, over the lines at `sidebar` and `list`.
fn grips<'a>(sidebar: Option<f32>, list: f32) -> Element<'a, Seen> {
    let mut grips = Row::new();
    let mut at = 0.0;
    for (pane, line) in [(Pane::Sidebar, sidebar), (Pane::List, Some(list))] {
        if let Some(line) = line {
            let left = line - 0.5 - GRIP / 2.0;
            grips = grips.push(space().width(left - at)).push(grip(pane));
            at = left + GRIP;
        }
    }
    Element::from(grips.height(Fill)).map(Seen::Grabbed)
}
