//! What stands over a message: the sender so that it cannot lie, every recipient, when it was sent there and here, where its
//! copies are, and what a person is warned of.

use iced::widget::{Column, Row, column, container, row, text};
use iced::{Alignment, Element, Fill};
use jiff::{SignedDuration, Timestamp};

use super::{Message, Note, Open, Shows, Told, shown};
use crate::account::Retention;
use crate::gui::desk::bin::erased_on;
use crate::gui::icon::{self, icon};
use crate::gui::library::Library;
use crate::gui::theme::{self, size};
use crate::gui::widget::{Ink, Tone, avatar, line, strip, trouble};
use crate::gui::words::{self, Clock};
use crate::message::Mailbox;

/// Recipients that are shown before the others are folded.
const SHOWN: usize = 4;

impl Open {
    pub(super) fn heading<'a>(&'a self, library: &'a Library, clock: &'a Clock) -> Column<'a, Message> {
        let sender = &self.head.sender;
        let when = self.when(clock);
        let who = column![self.sender()].spacing(2).width(Fill);
        let who = who.extend(self.people());
        let top = row![avatar(words::initials(sender.called())), who, when].spacing(12);
        let mut heading = column![top, self.copies(library, clock)].spacing(12);
        if let Some(said) = self.head.authentication.as_ref().filter(|said| !said.failed) {
            let shield = icon(icon::SHIELD_CHECK).size(14).style(theme::faint);
            let says = text(said.sentence.as_str()).size(size::SMALL).style(theme::faint).line_height(1.35).width(Fill);
            heading = heading.push(row![shield, says].spacing(5));
        }
        heading
    }

    /// The name, and the address in full behind or below it, whatever the name is.
    fn sender(&self) -> Element<'_, Message> {
        let sender = &self.head.sender;
        let called = sender.called();
        let ink: Ink = if sender.is_valid { theme::ink } else { theme::bad };
        let name =
            text(called).size(size::BODY).font(theme::bold(called)).style(ink).wrapping(text::Wrapping::WordOrGlyph);
        let mut first = Row::new().spacing(5).push(name);
        if called != sender.address && !sender.address.is_empty() {
            let address = text(format!("<{}>", sender.address)).size(size::BODY).style(theme::dim);
            first = first.push(address.wrapping(text::Wrapping::WordOrGlyph));
        }
        first.wrap().vertical_spacing(1).into()
    }

    /// To and Cc, each on lines of its own, and where answers go when that is elsewhere.
    fn people(&self) -> Vec<Element<'_, Message>> {
        let envelope = &self.message.envelope;
        let mut lines = Vec::new();
        if envelope.to.is_empty() && envelope.cc.is_empty() {
            lines.push(line("to undisclosed recipients").color(|tokens| tokens.dim).into());
        }
        for (name, list) in [("to", &envelope.to), ("cc", &envelope.cc)] {
            if !list.is_empty() {
                lines.push(self.list(name, list));
            }
        }
        let from = &envelope.from.address;
        let elsewhere: Vec<&Mailbox> = envelope
            .reply_to
            .iter()
            .filter(|one| !one.address.eq_ignore_ascii_case(from) && !one.address.is_empty())
            .collect();
        if !elsewhere.is_empty() {
            let names: Vec<String> = elsewhere.into_iter().take(SHOWN).map(shown).collect();
            lines.push(dimmed(format!("answers to {}", names.join(", "))));
        }
        lines
    }

    fn list<'a>(&'a self, name: &str, list: &'a [Mailbox]) -> Element<'a, Message> {
        // More than this nobody reads, and all of a million would have to be laid out.
        const MOST: usize = 500;
        let most = if self.everyone { MOST } else { SHOWN };
        let names: Vec<String> = list.iter().take(most).map(shown).collect();
        let says = format!("{name} {}", names.join(", "));
        let hidden = list.len().saturating_sub(most);
        if hidden == 0 && !(self.everyone && list.len() > SHOWN) {
            return dimmed(says);
        }
        let more = if self.everyone && hidden == 0 {
            "show fewer".to_owned()
        } else {
            format!("and {} more", words::count(hidden as u64))
        };
        let more = iced::widget::button(text(more).size(size::BODY).font(theme::MEDIUM)).padding(0).style(theme::link);
        row![dimmed(says), more.on_press(Message::Everyone)].spacing(5).wrap().into()
    }

    /// When it was sent, here and there, and how large it is.
    fn when<'a>(&self, clock: &Clock) -> Element<'a, Message> {
        let small = |says: String| text(says).size(size::SMALL).style(theme::faint).wrapping(text::Wrapping::None);
        let mut when = column![small(clock.full(self.row.date))];
        if let Some((sent, Some(offset))) = self.head.sent
            && let Some(there) = clock.elsewhere(sent, offset)
        {
            when = when.push(small(there));
        }
        when.push(small(words::size(self.row.size))).spacing(3).align_x(Alignment::End).into()
    }

    /// Where the copies of this message are, in words.
    fn copies<'a>(&'a self, library: &'a Library, clock: &'a Clock) -> Element<'a, Message> {
        let server = self.on_server(library, clock);
        let here = match self.dates.arrived {
            Some(when) => format!("on this computer since {}", clock.since(when)),
            None => "on this computer".to_owned(),
        };
        let backup = match self.row.in_backup {
            Some(when) => format!("in a backup, verified {}", clock.spoken(when)),
            None => "not yet in a backup".to_owned(),
        };
        Row::new()
            .push(copy(icon::SERVER, server, self.row.on_server))
            .push(copy(icon::HARD_DRIVE, here, true))
            .push(copy(icon::ARCHIVE, backup, self.row.in_backup.is_some()))
            .spacing(14)
            .wrap()
            .into()
    }

    /// Whether the server has it, since when, and for how long where that is known.
    fn on_server(&self, library: &Library, clock: &Clock) -> String {
        let account = self.row.account.and_then(|id| library.account(id)).filter(|account| library.agreed(account.id));
        match (self.row.on_server, self.dates.seen, account.map(|account| account.retention)) {
            (false, ..) => "not on the server".to_owned(),
            (true, Some((first, _)), Some(Retention::Days(days))) => {
                // Days of visits: it may be later.
                let goes = first.checked_add(SignedDuration::from_hours(24 * i64::from(days)));
                format!("on the server at least until {}", clock.day_named(goes.unwrap_or(Timestamp::MAX)))
            }
            (true, Some((_, last)), _) => format!("on the server, seen {}", clock.spoken(last)),
            (true, None, _) => "on the server".to_owned(),
        }
    }

    pub(super) fn strips<'a>(&'a self, clock: &'a Clock) -> Vec<Element<'a, Message>> {
        let mut strips: Vec<Element<'a, Message>> = Vec::new();
        if let Some(binned) = self.row.binned {
            let day = clock.day_named(erased_on(binned));
            let says = format!("In the bin since {}. Erased on {day}.", clock.since(binned));
            let acts = vec![("Put back", Message::PutBack), ("Erase now", Message::Delete)];
            strips.push(strip(icon::TRASH_2, Tone::Note, says, acts));
        }
        for warning in &self.head.sender.warnings {
            strips.push(strip(icon::TRIANGLE_ALERT, Tone::Trouble, warning.as_str(), Vec::new()));
        }
        if let Some(said) = self.head.authentication.as_ref().filter(|said| said.failed) {
            strips.push(strip(icon::TRIANGLE_ALERT, Tone::Trouble, said.sentence.as_str(), Vec::new()));
        }
        strips.extend(self.told.as_ref().map(told));
        strips.extend(self.note.as_ref().map(noted));
        match self.body.shows {
            Shows::Text => strips
                .extend(self.message.notes.iter().map(|note| strip(icon::INFO, Tone::Note, note.as_str(), Vec::new()))),
            shows => {
                let what = if shows == Shows::Source { "The source" } else { "All headers" };
                let note = format!("{what}, as the server sent it. Characters that could deceive are not shown here.");
                let note = if shows == Shows::Source { note } else { note.replace("sent it", "sent them") };
                strips.push(strip(
                    icon::CODE,
                    Tone::Note,
                    note,
                    vec![("Back to the message", Message::Show(Shows::Text))],
                ));
            }
        }
        strips
    }
}

/// What became of the last act.
fn noted(note: &Note) -> Element<'_, Message> {
    let close = ("Close", Message::Dismiss);
    match note {
        Note::Said(sentence) => strip(icon::CHECK, Tone::Good, sentence.as_str(), vec![close]),
        Note::Failed(problem) => trouble(problem, Some(Message::Dismiss)),
    }
}

fn told(told: &Told) -> Element<'_, Message> {
    let close = ("Close", Message::Dismiss);
    match told {
        Told::Dead(sentence) => strip(icon::TRIANGLE_ALERT, Tone::Trouble, sentence.as_str(), vec![close]),
        Told::Forwarded(sentence) => {
            strip(icon::CHECK, Tone::Good, sentence.as_str(), vec![("Save as a file", Message::Keep), close])
        }
        Told::Kept(path) => {
            let folder = path.parent().map(std::path::Path::to_owned).unwrap_or_default();
            let says = format!("Saved as {}.", path.display());
            strip(icon::CHECK, Tone::Good, says, vec![("Open its folder", Message::OpenFolder(folder)), close])
        }
    }
}

fn dimmed<'a>(says: String) -> Element<'a, Message> {
    text(says).size(size::BODY).style(theme::dim).line_height(1.35).wrapping(text::Wrapping::WordOrGlyph).into()
}

fn copy<'a>(glyph: char, name: String, there: bool) -> Element<'a, Message> {
    let (ink, words_ink): (Ink, Ink) = if there { (theme::accent, theme::dim) } else { (theme::faint, theme::faint) };
    let says = container(text(name).size(size::SMALL).style(words_ink).line_height(1.2));
    row![icon(glyph).size(14).style(ink), says].spacing(5).align_y(Alignment::Center).into()
}
