//! The next message that is unread: behind the selected one, and from the first on where there is none.

use std::collections::HashSet;

use super::{Action, List, Message};
use crate::archive::{Archive, SortKey, View};
use crate::gui::off::ask;
use crate::problem::Problem;

impl List {
    /// Looks for it off the drawing thread: it may be a million rows away.
    pub(super) fn next_unread(&self, archive: &Archive) -> Action {
        let (generation, keys, archive) = (self.generation, self.order.shared(), archive.clone());
        let behind = self.selection.cursor().map_or(0, |place| place + 1);
        let found = ask(move || {
            let unread: HashSet<SortKey> = archive.keys(View::Unread)?.into_iter().collect();
            let is_unread = |place: &usize| keys.get(*place).is_some_and(|key| unread.contains(key));
            let behind = behind.min(keys.len());
            Ok::<_, crate::archive::ArchiveError>((behind..keys.len()).chain(0..behind).find(is_unread))
        });
        Action::Run(found.map(move |found| Message::Unread(generation, found)))
    }

    pub(super) fn found_unread(
        &mut self,
        generation: u64,
        place: Result<Option<usize>, Problem>,
        archive: &Archive,
    ) -> Action {
        match place {
            Ok(Some(place)) if generation == self.generation => self.opened(place, archive),
            Ok(_) => Action::None,
            Err(problem) => Action::Failed(problem),
        }
    }
}
