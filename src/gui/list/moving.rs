//! Going through the list by keyboard.

/// Where to, by keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Next,
    Previous,
    PageDown,
    PageUp,
    First,
    Last,
}

impl Move {
    /// The place that it leads to from where the cursor is, in a list that ends at `last`; `page` rows are in sight.
    pub(super) fn from(self, cursor: Option<usize>, last: usize, page: usize) -> usize {
        match (self, cursor) {
            (Move::Last, _) => last,
            (Move::First, _) | (_, None) => 0,
            (Move::Next, Some(place)) => (place + 1).min(last),
            (Move::Previous, Some(place)) => place.saturating_sub(1),
            (Move::PageDown, Some(place)) => (place + page).min(last),
            (Move::PageUp, Some(place)) => place.saturating_sub(page),
        }
    }
}
