//! Making a list: what belongs in it, in its order and its groups, and what of the selection is in it. Blocks; called off
//! the drawing thread.

use super::selection::Selection;
use crate::archive::{Archive, ArchiveError, Found, Ids, Sort, SortBy, SortKey, Sorted, View};
use crate::gui::widget::message_list::Order;
use crate::gui::words::Clock;
use crate::job::Cancel;

/// Rows of the page that is shown before everything was looked through.
const PAGE: usize = 100;
/// Selected rows that are looked for one by one.
const FEW: usize = 64;

/// What is to be listed, and what was.
pub struct Wanted {
    pub view: View,
    pub query: String,
    pub sort: Sort,
    /// A page of it will do for now.
    pub first: bool,
    pub selection: Selection,
    pub revision: u64,
    pub before: Order,
    /// The message that is open: it stays among the unread until another one is.
    pub open: Option<SortKey>,
    pub clock: Clock,
}

/// A list that was made.
#[derive(Clone, Debug)]
pub struct Listing {
    pub(super) order: Order,
    pub(super) notes: Vec<String>,
    whole: bool,
    /// What of the selection is in it, and how often that had been changed before.
    selection: Option<(u64, Selection)>,
}

impl Listing {
    /// What was found, newest first.
    #[cfg(test)]
    pub fn of(found: Found, clock: &Clock) -> Listing {
        Listing { notes: found.notes, ..Listing::whole(found.keys, clock) }
    }

    /// All of these, newest first.
    pub fn whole(keys: Vec<SortKey>, clock: &Clock) -> Listing {
        let order = Order::sorted(Sorted { keys, sections: Vec::new() }, Sort::default(), clock);
        Listing { order, notes: Vec::new(), whole: true, selection: None }
    }

    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// What is selected of it, when by now `selected` of `before` is.
    pub fn selection(&self, selected: &Selection, revision: u64, before: &Order) -> Selection {
        match &self.selection {
            Some((made_at, selection)) if *made_at == revision => selection.clone(),
            // It was changed meanwhile.
            _ if selected.len() <= FEW => carried(selected, before, &self.order),
            _ => {
                let mut cursor = selected.clone();
                cursor.collapse();
                carried(&cursor, before, &self.order)
            }
        }
    }
}

pub fn list(archive: &Archive, wanted: Wanted, cancel: &Cancel) -> Result<Listing, ArchiveError> {
    let Wanted { view, query, sort, first, selection, revision, before, open, clock } = wanted;
    let paged = first && sort == Sort::default();
    let limit = paged.then_some(PAGE);
    let Found { mut keys, notes } = match (query.is_empty(), limit) {
        (true, None) => Found { keys: archive.keys(view)?, notes: Vec::new() },
        (true, Some(limit)) => Found { keys: archive.newest(view, limit)?, notes: Vec::new() },
        (false, limit) => archive.search(&query, view, limit, cancel)?,
    };
    let whole = limit.is_none_or(|limit| keys.len() < limit);
    if let Some(open) = open.filter(|_| view == View::Unread && query.is_empty())
        && let Err(place) = keys.binary_search_by(|other| open.cmp(other))
        && (whole || place < keys.len())
        && archive.rows(&[open])?.iter().any(|row| row.binned.is_none())
    {
        keys.insert(place, open);
    }
    let sorted = match sort.by {
        SortBy::Date if !sort.ascending => Sorted { keys, sections: Vec::new() },
        _ => archive.sorted(keys, sort, cancel)?,
    };
    let order = Order::sorted(sorted, sort, &clock);
    let selection = carried(&selection, &before, &order);
    Ok(Listing { order, notes, whole, selection: Some((revision, selection)) })
}

/// The same messages, selected in another list.
fn carried(selection: &Selection, before: &Order, after: &Order) -> Selection {
    let find = |place: Option<usize>| before.key(place?).and_then(|key| after.find(key));
    let (cursor, anchor) = (find(selection.cursor()), find(selection.anchor()));
    let keys = || selection.ranges().iter().flat_map(|range| before.keys(range.clone()));
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut take = |place: usize| match ranges.last_mut() {
        Some(range) if range.end == place => range.end += 1,
        _ => ranges.push(place..place + 1),
    };
    if selection.len() <= FEW {
        let mut places: Vec<usize> = keys().filter_map(|key| after.find(*key)).collect();
        places.sort_unstable();
        places.into_iter().for_each(&mut take);
    } else {
        let id = |key: &SortKey| u32::try_from(key.message().0).ok();
        let ids: Ids = keys().filter_map(id).collect();
        let all = after.keys(0..after.len()).iter().enumerate();
        all.filter(|(_, key)| id(key).is_some_and(|id| ids.contains(id))).for_each(|(place, _)| take(place));
    }
    Selection::of(ranges, cursor, anchor)
}

#[cfg(test)]
mod tests {
    use super::{Order, Selection, SortKey, carried};
    use crate::gui::fixtures::clock;

    #[test]
    fn messages_stay_selected_when_others_come_and_go() {
        let order = |ids: &mut dyn Iterator<Item = i64>| Order::new(ids.map(SortKey).collect(), &clock());
        for count in [20, 300] {
            let before = order(&mut (1..=count).rev());
            let after = order(&mut (5..=count + 3).rev().filter(|id| id % 10 != 0));
            let mut selection = Selection::default();
            selection.only(2);
            selection.extend(before.len() - 1, false);
            let carried = carried(&selection, &before, &after);
            let keys: Vec<i64> =
                carried.ranges().iter().flat_map(|range| after.keys(range.clone())).map(|key| key.0).collect();
            let expected: Vec<i64> = (5..=count - 2).rev().filter(|id| id % 10 != 0).collect();
            assert_eq!(keys, expected);
            assert_eq!(carried.cursor(), None, "the message is gone");
            assert_eq!(carried.anchor().and_then(|place| after.key(place)), Some(SortKey(count - 2)));
        }
    }
}
