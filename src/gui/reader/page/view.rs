//! What stands around a page: what was left out of it, why there is none, its quoted tail.

use iced::widget::{Column, column, container, space};
use iced::{Element, padding};

use super::{Message, Sheet};
use crate::gui::icon;
use crate::gui::list::FoundBy;
use crate::gui::reader::{Message as Whole, Open, Shows};
use crate::gui::widget::page::page;
use crate::gui::widget::{Tone, link, strip, trouble};
use crate::gui::words::counted;
use crate::render::{Blocked, Colours};

impl Open {
    /// The page, or what is shown while it is on its way; `None` where the text stands in its place.
    pub(in crate::gui::reader) fn sheet_view<'a>(&'a self, found_by: &'a FoundBy) -> Option<Element<'a, Whole>> {
        let sheet = self.sheet.as_ref()?;
        if sheet.is_awaited() {
            return Some(space().height(1).into());
        }
        let drawn = sheet.drawn()?;
        let mut page = page(drawn, |act| Whole::Page(Message::Seen(act)));
        if !self.looking.is_open() {
            page = page.hits(&found_by.highlighter, &found_by.query);
        }
        let mut all = column![page].spacing(12);
        if drawn.laid.tail.is_some() {
            let name = if sheet.folded { "▸ quoted text" } else { "▾ quoted text" };
            all = all.push(link(name, Some(Whole::Page(Message::Unfold))));
        }
        Some(container(all).padding(padding::top(6)).into())
    }

    /// Over the body: why there is no page, and what was left out of one.
    pub(in crate::gui::reader) fn sheet_strips(&self) -> Option<Element<'_, Whole>> {
        let sheet = self.sheet.as_ref()?;
        if let Some(problem) = &sheet.failed {
            return Some(trouble(problem, None));
        }
        let drawn = sheet.drawn()?;
        let mut strips: Vec<Element<'_, Whole>> = Vec::new();
        strips.extend(sheet.remote.strip(&drawn.laid.blocked));
        if !drawn.laid.notes.is_empty() {
            strips.push(strip(icon::INFO, Tone::Note, drawn.laid.notes.join(" "), vec![]));
        }
        (!strips.is_empty()).then(|| Column::with_children(strips).spacing(8).into())
    }
}

impl Open {
    /// Whether the page is shown, and has a tail that folds.
    pub(in crate::gui::reader) fn folds_page(&self) -> bool {
        let drawn = self.sheet.as_ref().filter(|_| self.body.shows == Shows::Text).and_then(Sheet::drawn);
        drawn.is_some_and(|drawn| drawn.laid.tail.is_some())
    }
}

impl Sheet {
    /// The name of what gives the page its other colours; `None` where it has no others.
    pub fn colours(&self) -> Option<&'static str> {
        let shown = self.shown.as_ref().filter(|_| !self.plain)?;
        match (shown.view.colours, self.original) {
            (Colours::Dark, _) => Some("Original colours"),
            (Colours::Original, true) => Some("Dark colours"),
            (Colours::Original, false) => None,
        }
    }
}

/// `14 remote pictures not loaded; 2 look like trackers.`
pub(super) fn blocked(blocked: &Blocked) -> Option<String> {
    let count = (blocked.pictures.len() + blocked.backgrounds) as u64;
    if count == 0 {
        return None;
    }
    let mut says = format!("{} not loaded", counted(count, "remote picture", "remote pictures"));
    match blocked.trackers() {
        0 => {}
        1 => says.push_str("; 1 looks like a tracker"),
        trackers => says.push_str(&format!("; {} look like trackers", crate::gui::words::count(trackers as u64))),
    }
    Some(says + ".")
}

#[cfg(test)]
mod tests {
    use super::blocked;
    use crate::render::{Blocked, RemotePicture};

    #[test]
    fn what_was_not_loaded_is_counted() {
        let picture = |tracker| RemotePicture { tracker, ..RemotePicture::default() };
        for (trackers, others, backgrounds, expected) in [
            (0, 0, 0, None),
            (0, 1, 0, Some("1 remote picture not loaded.")),
            (1, 0, 1, Some("2 remote pictures not loaded; 1 looks like a tracker.")),
            (2, 12, 0, Some("14 remote pictures not loaded; 2 look like trackers.")),
        ] {
            let pictures = (0..trackers + others).map(|number| picture(number < trackers)).collect();
            let says = blocked(&Blocked { pictures, backgrounds, ..Blocked::default() });
            assert_eq!(says.as_deref(), expected);
        }
    }
}
