//! Which rows are selected: ranges of places, so that a million of them are as cheap as one.

use std::ops::Range;

/// Places in ranges that neither touch nor overlap, in their order; where the keyboard is; where a range begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    ranges: Vec<Range<usize>>,
    cursor: Option<usize>,
    anchor: Option<usize>,
}

impl Selection {
    /// These ranges, which must be in order and apart.
    pub fn of(ranges: Vec<Range<usize>>, cursor: Option<usize>, anchor: Option<usize>) -> Selection {
        Selection { ranges, cursor, anchor }
    }

    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    pub fn anchor(&self) -> Option<usize> {
        self.anchor
    }

    pub fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// Whether what is done is done to more than the row that the keyboard is on.
    pub fn is_several(&self) -> bool {
        self.len() > 1
    }

    pub fn contains(&self, place: usize) -> bool {
        let after = self.ranges.partition_point(|range| range.end <= place);
        self.ranges.get(after).is_some_and(|range| range.contains(&place))
    }

    /// This row and no other.
    pub fn only(&mut self, place: usize) {
        *self =
            Selection { ranges: std::iter::once(place..place + 1).collect(), cursor: Some(place), anchor: Some(place) };
    }

    /// Takes a row in, or out where it was in.
    pub fn toggle(&mut self, place: usize) {
        if self.contains(place) {
            self.take_out(place);
        } else {
            self.add(place..place + 1);
        }
        self.cursor = Some(place);
        self.anchor = Some(place);
    }

    /// From where the range begins to this row, both included; `besides` what was selected before, or instead of it.
    pub fn extend(&mut self, place: usize, besides: bool) {
        let anchor = *self.anchor.get_or_insert(self.cursor.unwrap_or(place));
        if !besides {
            self.ranges.clear();
        }
        self.add(anchor.min(place)..anchor.max(place) + 1);
        self.cursor = Some(place);
    }

    /// Every row of so many.
    pub fn all(&mut self, rows: usize) {
        self.ranges = if rows == 0 { Vec::new() } else { std::iter::once(0..rows).collect() };
        self.cursor = self.cursor.or((rows > 0).then_some(0));
        self.anchor = self.cursor;
    }

    /// Only the row that the keyboard is on.
    pub fn collapse(&mut self) {
        match self.cursor {
            Some(cursor) => self.only(cursor),
            None => self.clear(),
        }
    }

    /// What is left of it when the rows at these places, in ranges that are in order and apart, are gone.
    pub fn without(&self, places: &[Range<usize>]) -> Selection {
        let gone = |place: usize| places.iter().any(|range| range.contains(&place));
        let moved = |place: Option<usize>| place.filter(|at| !gone(*at)).map(|place| place - before(places, place));
        let mut left = Selection { ranges: Vec::new(), cursor: moved(self.cursor), anchor: moved(self.anchor) };
        for range in &self.ranges {
            let range = range.start - before(places, range.start)..range.end - before(places, range.end);
            if !range.is_empty() {
                left.add(range);
            }
        }
        left
    }

    pub fn clear(&mut self) {
        *self = Selection::default();
    }

    fn add(&mut self, new: Range<usize>) {
        let first = self.ranges.partition_point(|range| range.end < new.start);
        let behind = self.ranges.partition_point(|range| range.start <= new.end);
        let mut joined = new;
        for range in self.ranges.get(first..behind).unwrap_or_default() {
            joined = joined.start.min(range.start)..joined.end.max(range.end);
        }
        self.ranges.splice(first..behind, [joined]);
    }

    fn take_out(&mut self, place: usize) {
        let at = self.ranges.partition_point(|range| range.end <= place);
        let Some(range) = self.ranges.get(at).cloned() else { return };
        let halves = [range.start..place, place + 1..range.end].into_iter().filter(|half| !half.is_empty());
        self.ranges.splice(at..=at, halves);
    }
}

/// How many of the places in `ranges` lie before `place`.
pub fn before(ranges: &[Range<usize>], place: usize) -> usize {
    ranges.iter().take_while(|range| range.start < place).map(|range| range.end.min(place) - range.start).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{Strategy, prop_assert_eq, prop_oneof, proptest};

    use super::{Range, Selection, before};

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Only(usize),
        Toggle(usize),
        Extend(usize, bool),
        All,
        Collapse,
    }

    const ROWS: usize = 12;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..ROWS).prop_map(Step::Only),
            (0..ROWS).prop_map(Step::Toggle),
            (0..ROWS, proptest::bool::ANY).prop_map(|(place, besides)| Step::Extend(place, besides)),
            (0..1_usize).prop_map(|_| Step::All),
            (0..1_usize).prop_map(|_| Step::Collapse),
        ]
    }

    #[test]
    fn rows_that_go_leave_the_others_selected() {
        let selection = Selection::of(vec![1..4, 6..8], Some(7), Some(3));
        let left = |places: &[(usize, usize)]| {
            let places: Vec<Range<usize>> = places.iter().map(|(from, to)| *from..*to).collect();
            let left = selection.without(&places);
            let ranges: Vec<(usize, usize)> = left.ranges.iter().map(|range| (range.start, range.end)).collect();
            (ranges, left.cursor, left.anchor)
        };
        assert_eq!(left(&[(0, 1)]), (vec![(0, 3), (5, 7)], Some(6), Some(2)));
        assert_eq!(left(&[(2, 3), (7, 8)]), (vec![(1, 3), (5, 6)], None, Some(2)));
        assert_eq!(left(&[(3, 6)]), (vec![(1, 5)], Some(4), None), "what touches is one range");
        assert_eq!(left(&[(0, 9)]), (vec![], None, None));
    }

    proptest! {
        #[test]
        fn ranges_hold_what_a_set_would(steps in proptest::collection::vec(step(), 1..30)) {
            let mut selection = Selection::default();
            let (mut set, mut cursor, mut anchor) = (BTreeSet::new(), None, None);
            for step in steps {
                match step {
                    Step::Only(place) => {
                        selection.only(place);
                        set = [place].into();
                        (cursor, anchor) = (Some(place), Some(place));
                    }
                    Step::Toggle(place) => {
                        selection.toggle(place);
                        if !set.remove(&place) {
                            set.insert(place);
                        }
                        (cursor, anchor) = (Some(place), Some(place));
                    }
                    Step::Extend(place, besides) => {
                        selection.extend(place, besides);
                        let from = anchor.or(cursor).unwrap_or(place);
                        anchor = Some(from);
                        if !besides {
                            set.clear();
                        }
                        set.extend(from.min(place)..=from.max(place));
                        cursor = Some(place);
                    }
                    Step::All => {
                        selection.all(ROWS);
                        set = (0..ROWS).collect();
                        cursor = cursor.or(Some(0));
                        anchor = cursor;
                    }
                    Step::Collapse => {
                        selection.collapse();
                        set = cursor.into_iter().collect();
                        anchor = cursor;
                    }
                }
                prop_assert_eq!(selection.ranges().iter().cloned().flatten().collect::<BTreeSet<_>>(), set.clone());
                prop_assert_eq!(selection.len(), set.len());
                prop_assert_eq!(selection.cursor(), cursor);
                prop_assert_eq!(selection.anchor(), anchor);
                let apart = selection.ranges().windows(2).all(|pair| pair[0].end < pair[1].start);
                assert!(apart && selection.ranges().iter().all(|range| !range.is_empty()));
                for place in 0..ROWS {
                    prop_assert_eq!(selection.contains(place), set.contains(&place));
                    prop_assert_eq!(before(selection.ranges(), place), set.range(..place).count());
                }
            }
        }
    }
}
