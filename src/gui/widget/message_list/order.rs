//! Where every row and every group title of a list lies: pure arithmetic over the keys.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::archive::{Section, Sort, SortBy, SortKey, Sorted};
use crate::gui::list::selection::before;
use crate::gui::words::Clock;

/// The height of a row and of a group title, in logical pixels.
pub const ROW: f64 = 70.0;
pub const GROUP: f64 = 30.0;

/// Messages of one day or month, of one letter or size, under one title.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    title: String,
    /// The place of its first row.
    first: usize,
}

/// The keys of a list in their order, in groups.
#[derive(Clone, Debug, Default)]
pub struct Order {
    keys: Arc<Vec<SortKey>>,
    groups: Vec<Group>,
    sort: Sort,
}

#[allow(clippy::cast_precision_loss)]
fn number(index: usize) -> f64 {
    index as f64
}

impl Order {
    /// Groups `keys`, which are newest first, as seen at the clock's time.
    #[cfg(test)]
    pub fn new(keys: Vec<SortKey>, clock: &Clock) -> Order {
        Order::by_date(Arc::new(keys), false, clock)
    }

    /// Keys as the archive sorted them, in groups by day or by what it says.
    pub fn sorted(sorted: Sorted, sort: Sort, clock: &Clock) -> Order {
        let keys = Arc::new(sorted.keys);
        if sort.by == SortBy::Date {
            return Order::by_date(keys, sort.ascending, clock);
        }
        let group = |(section, first)| Group { title: title_of(section), first };
        Order { keys, groups: sorted.sections.into_iter().map(group).collect(), sort }
    }

    fn by_date(keys: Arc<Vec<SortKey>>, ascending: bool, clock: &Clock) -> Order {
        let mut groups: Vec<Group> = Vec::new();
        let mut at = 0;
        while let Some(key) = keys.get(at) {
            let (title, days) = group_of(clock, clock.day(time_of(*key)));
            let rest = keys.get(at..).unwrap_or_default();
            let within = |key: &SortKey| {
                let day = clock.day(time_of(*key));
                if ascending { day <= *days.end() } else { day >= *days.start() }
            };
            let length = rest.partition_point(within).max(1);
            match groups.last() {
                Some(group) if group.title == title => {}
                _ => groups.push(Group { title, first: at }),
            }
            at += length;
        }
        Order { keys, groups, sort: Sort { by: SortBy::Date, ascending } }
    }

    /// The same keys as seen at another time: what was today is yesterday.
    pub fn regrouped(self, clock: &Clock) -> Order {
        match self.sort.by {
            SortBy::Date => Order::by_date(self.keys, self.sort.ascending, clock),
            _ => self,
        }
    }

    /// The same keys without those at some places, in ranges that are in order and apart.
    pub fn without(self, places: &[Range<usize>], clock: &Clock) -> Order {
        let mut kept = Vec::with_capacity(self.keys.len());
        let mut at = 0;
        for range in places {
            kept.extend_from_slice(self.keys(at..range.start.max(at)));
            at = range.end;
        }
        kept.extend_from_slice(self.keys.get(at..).unwrap_or_default());
        if self.sort.by == SortBy::Date {
            return Order::by_date(Arc::new(kept), self.sort.ascending, clock);
        }
        let mut groups: Vec<Group> = Vec::new();
        for group in self.groups {
            let first = group.first - before(places, group.first);
            if groups.last().is_some_and(|last| last.first == first) {
                groups.pop();
            }
            groups.push(Group { first, ..group });
        }
        if groups.last().is_some_and(|last| last.first >= kept.len()) {
            groups.pop();
        }
        Order { keys: Arc::new(kept), groups, sort: self.sort }
    }

    /// All keys, to be taken along to another thread.
    pub fn shared(&self) -> Arc<Vec<SortKey>> {
        Arc::clone(&self.keys)
    }

    /// What the rows around a place have in common: the day, or the title of their group.
    pub fn whereabouts(&self, index: usize, clock: &Clock) -> Option<String> {
        let key = self.keys.get(index)?;
        if self.sort.by == SortBy::Date {
            return Some(clock.day(time_of(*key)).strftime("%-d %B %Y").to_string());
        }
        let group = self.groups.partition_point(|group| group.first <= index).checked_sub(1)?;
        Some(self.groups.get(group)?.title.clone())
    }

    pub fn by(&self) -> SortBy {
        self.sort.by
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub fn key(&self, index: usize) -> Option<SortKey> {
        self.keys.get(index).copied()
    }

    pub fn keys(&self, range: Range<usize>) -> &[SortKey] {
        self.keys.get(range).unwrap_or_default()
    }

    /// The place of a key. Looked for from one end to the other unless dates are the order: not for every frame.
    pub fn find(&self, key: SortKey) -> Option<usize> {
        match (self.sort.by, self.sort.ascending) {
            (SortBy::Date, false) => self.keys.binary_search_by(|other| key.cmp(other)).ok(),
            (SortBy::Date, true) => self.keys.binary_search(&key).ok(),
            _ => self.keys.iter().position(|other| *other == key),
        }
    }

    /// The height of the whole list.
    pub fn height(&self) -> f64 {
        ROW * number(self.keys.len()) + GROUP * number(self.groups.len())
    }

    /// The upper edge of a row.
    pub fn top(&self, index: usize) -> f64 {
        let groups = self.groups.partition_point(|group| group.first <= index);
        ROW * number(index) + GROUP * number(groups)
    }

    fn top_of_group(&self, group: usize) -> f64 {
        let first = self.groups.get(group).map_or(self.keys.len(), |group| group.first);
        ROW * number(first) + GROUP * number(group)
    }

    /// The row at a height; `None` on a group's title and outside.
    pub fn row_at(&self, y: f64) -> Option<usize> {
        if y < 0.0 || y >= self.height() {
            return None;
        }
        let group = self.group_at(y);
        let within = y - self.top_of_group(group) - GROUP;
        let first = self.groups.get(group)?.first;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (within >= 0.0).then(|| first + (within / ROW) as usize)
    }

    /// The offset at which the rows that are in sight stay where they are when this takes the place of another order.
    pub fn keeping(&self, before: &Order, offset: f64, height: f64) -> f64 {
        let seen = before.visible(offset, height);
        let stay = before.keys(seen.clone()).iter().zip(seen).find_map(|(key, place)| {
            let now = self.find(*key)?;
            Some(self.top(now) - (before.top(place) - offset))
        });
        self.clamped(stay.filter(|_| offset > 0.0).unwrap_or(offset), height)
    }

    /// The row beside the thumb of the scroll bar: the first at the top of the list, the last at its foot.
    pub fn beside_thumb(&self, offset: f64, height: f64) -> usize {
        let share = (offset / (self.height() - height).max(1.0)).clamp(0.0, 1.0);
        let seen = self.visible(offset, height);
        let within = self.visible(offset + share * height, 0.0).start;
        within.clamp(seen.start, seen.end.saturating_sub(1).max(seen.start))
    }

    /// The group that a height lies in.
    fn group_at(&self, y: f64) -> usize {
        let (mut low, mut high) = (0, self.groups.len());
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.top_of_group(middle) <= y {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The rows that a window of `height` at `offset` shows, even in part.
    pub fn visible(&self, offset: f64, height: f64) -> Range<usize> {
        if self.keys.is_empty() {
            return 0..0;
        }
        let group = self.group_at(offset.max(0.0));
        let first = self.groups.get(group).map_or(0, |group| group.first);
        let within = (offset.max(0.0) - self.top_of_group(group) - GROUP).max(0.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let start = (first + (within / ROW) as usize).min(self.keys.len());
        let mut end = start;
        while end < self.keys.len() && self.top(end) < offset + height {
            end += 1;
        }
        start..end
    }

    /// The titles that a window shows, each with its upper edge.
    pub fn titles(&self, offset: f64, height: f64) -> impl Iterator<Item = (&str, f64)> {
        let first = self.group_at(offset.max(0.0));
        (first..self.groups.len())
            .map(|group| (group, self.top_of_group(group)))
            .take_while(move |(_, top)| *top < offset + height)
            .filter_map(|(group, top)| Some((self.groups.get(group)?.title.as_str(), top)))
    }

    /// The nearest offset that shows no void below the last row.
    pub fn clamped(&self, offset: f64, height: f64) -> f64 {
        offset.clamp(0.0, (self.height() - height).max(0.0))
    }

    /// The offset nearest to the present one that shows a row whole (and its group's title, for a group's first row).
    pub fn revealing(&self, index: usize, offset: f64, height: f64) -> f64 {
        let top = self.top(index);
        let heads = self.groups.binary_search_by(|group| group.first.cmp(&index)).is_ok();
        let upper = if heads { top - GROUP } else { top };
        let offset = if upper < offset {
            upper
        } else if top + ROW > offset + height {
            top + ROW - height
        } else {
            offset
        };
        self.clamped(offset, height)
    }
}

/// The time in a key, to the second.
fn time_of(key: SortKey) -> Timestamp {
    Timestamp::from_second(key.0 >> 29).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The title of the group that a day belongs to, and the first and the last day of that group.
fn group_of(clock: &Clock, day: Date) -> (String, RangeInclusive<Date>) {
    let today = clock.today();
    let days_ago = |days: i32| today.saturating_sub(days.days());
    if day >= today {
        ("TODAY".to_owned(), today..=Date::MAX)
    } else if day == days_ago(1) {
        ("YESTERDAY".to_owned(), day..=day)
    } else if day > days_ago(7) {
        (day.strftime("%A").to_string().to_uppercase(), day..=day)
    } else {
        let format = if day.year() == today.year() { "%B" } else { "%B %Y" };
        let last = day.last_of_month().min(days_ago(7));
        (day.strftime(format).to_string().to_uppercase(), day.first_of_month()..=last)
    }
}

/// What stands over a section.
fn title_of(section: Section) -> String {
    match section {
        Section::Blank => "NOTHING".to_owned(),
        Section::Digits => "0 TO 9".to_owned(),
        Section::Letter(letter) => letter.to_string(),
        Section::Beyond => "OTHER SCRIPTS".to_owned(),
        Section::Octets(0) => "UNDER 10 KB".to_owned(),
        Section::Octets(least @ ..=9_999_999) => format!("{} TO {}", round(least), round(least * 10)),
        Section::Octets(least) => format!("OVER {}", round(least)),
    }
}

/// A round size without decimals.
fn round(octets: u64) -> String {
    if octets < 1_000_000 { format!("{} KB", octets / 1_000) } else { format!("{} MB", octets / 1_000_000) }
}

#[cfg(test)]
mod tests {
    use super::{Clock, GROUP, Order, ROW, Section, Sort, SortBy, SortKey, Sorted, Timestamp};
    use jiff::tz::TimeZone;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn clock() -> Clock {
        Clock { now: "2026-11-22T10:00:00Z".parse().unwrap(), zone: TimeZone::UTC }
    }

    fn key(when: &str, id: i64) -> SortKey {
        SortKey(when.parse::<Timestamp>().unwrap().as_second() << 29 | id)
    }

    fn order(times: &[&str]) -> Order {
        let keys = times.iter().zip((1..).map(|n| 1000 - n)).map(|(when, id)| key(when, id)).collect();
        Order::new(keys, &clock())
    }

    #[test]
    fn rows_in_sight_stay_where_they_are() {
        let order = |ids: &mut dyn Iterator<Item = i64>| Order::new(ids.map(SortKey).collect(), &clock());
        let before = order(&mut (1..=100).rev());
        let after = order(&mut (1..=103).rev().filter(|id| *id != 90));
        let offset = before.top(10) + 12.0;
        let kept = after.keeping(&before, offset, 500.0);
        let place = after.find(before.key(11).unwrap()).unwrap();
        assert_eq!(after.top(place) - kept, before.top(11) - offset);
        assert_eq!(after.keeping(&before, 0.0, 500.0), 0.0, "at the top what is new is seen");
        assert_eq!(order(&mut std::iter::empty()).keeping(&before, offset, 500.0), 0.0);
    }

    #[test]
    fn beside_the_thumb_is_the_first_row_at_the_top_and_the_last_at_the_foot() {
        let order = Order::new((1..=100).rev().map(SortKey).collect(), &clock());
        let last = order.height() - 500.0;
        let beside = |offset| order.beside_thumb(offset, 500.0);
        assert_eq!((beside(0.0), beside(last)), (0, 99));
        assert!((46..54).contains(&beside(last / 2.0)), "{}", beside(last / 2.0));
        assert_eq!(Order::default().beside_thumb(0.0, 500.0), 0);
    }

    #[test]
    fn groups_are_days_then_months() {
        let order = order(&[
            "2026-11-22T09:00:00Z",
            "2026-11-22T08:00:00Z",
            "2026-11-21T09:00:00Z",
            "2026-11-20T09:00:00Z",
            "2026-11-15T09:00:00Z",
            "2026-11-14T09:00:00Z",
            "2026-10-14T09:00:00Z",
            "2019-10-14T09:00:00Z",
        ]);
        let titles: Vec<_> = order.titles(0.0, 1e9).collect();
        let expected = [
            ("TODAY", 0.0),
            ("YESTERDAY", 2.0 * ROW + GROUP),
            ("FRIDAY", 3.0 * ROW + 2.0 * GROUP),
            ("NOVEMBER", 4.0 * ROW + 3.0 * GROUP),
            ("OCTOBER", 6.0 * ROW + 4.0 * GROUP),
            ("OCTOBER 2019", 7.0 * ROW + 5.0 * GROUP),
        ];
        assert_eq!(titles, expected);
        assert_eq!(order.height(), 8.0 * ROW + 6.0 * GROUP);

        let oldest_first = Sort { by: SortBy::Date, ascending: true };
        let keys: Vec<_> = order.shared().iter().rev().copied().collect();
        let turned = Order::sorted(Sorted { keys, sections: Vec::new() }, oldest_first, &clock());
        let mut titles: Vec<_> = turned.titles(0.0, 1e9).map(|(title, _)| title).collect();
        titles.reverse();
        assert_eq!(titles, expected.map(|(title, _)| title), "the same groups, turned");
        assert_eq!(turned.find(order.key(0).unwrap()), Some(7));
    }

    #[test]
    fn what_is_taken_out_takes_its_group_along() {
        let keys: Vec<_> = (1..=6).map(SortKey).collect();
        let sections = vec![(Section::Letter('A'), 0), (Section::Letter('B'), 2), (Section::Letter('C'), 4)];
        let sort = Sort { by: SortBy::Sender, ascending: true };
        let order = Order::sorted(Sorted { keys, sections }, sort, &clock());
        for (out, expected) in [
            ([0..0, 0..0], "A0 B2 C4"),
            ([0..0, 0..1], "A0 B1 C3"),
            ([0..0, 2..4], "A0 C2"),
            ([1..3, 5..6], "A0 B1 C2"),
            ([0..0, 4..6], "A0 B2"),
            ([0..0, 0..6], ""),
        ] {
            let left = order.clone().without(&out, &clock());
            let groups: Vec<_> = left.groups.iter().map(|group| format!("{}{}", group.title, group.first)).collect();
            assert_eq!(groups.join(" "), expected, "{out:?}");
        }
        assert_eq!(order.whereabouts(3, &clock()).as_deref(), Some("B"));
    }

    #[test]
    fn a_title_is_no_row() {
        let order = order(&["2026-11-22T09:00:00Z", "2026-11-21T09:00:00Z"]);
        for (y, expected) in [
            (-1.0, None),
            (0.0, None),
            (GROUP - 0.5, None),
            (GROUP, Some(0)),
            (GROUP + ROW - 0.5, Some(0)),
            (GROUP + ROW, None),
            (2.0 * GROUP + ROW, Some(1)),
            (2.0 * GROUP + 2.0 * ROW, None),
        ] {
            assert_eq!(order.row_at(y), expected, "{y}");
        }
    }

    #[test]
    fn ten_million_rows_are_exact_to_the_pixel() {
        let newest = "2026-11-22T09:00:00Z".parse::<Timestamp>().unwrap().as_second();
        let keys = (0..10_000_000).map(|n| SortKey((newest - n * 60) << 29)).collect();
        let order = Order::new(keys, &clock());
        for index in [0, 1, 4_999_999, 9_999_999] {
            let top = order.top(index);
            assert_eq!(order.row_at(top), Some(index));
            assert_eq!(order.row_at(top + ROW - 1.0), Some(index));
            assert_ne!(order.row_at(top - 1.0), Some(index));
        }
    }

    proptest! {
        #[test]
        fn every_row_is_found_where_it_lies(ages in proptest::collection::vec(0_i64..200_000_000, 1..60), at in 0.0_f64..1.0) {
            let newest = clock().now.as_second();
            let mut keys: Vec<_> = ages.iter().map(|age| SortKey((newest - age) << 29)).collect();
            keys.sort_by(|a, b| b.cmp(a));
            keys.dedup();
            let order = Order::new(keys.clone(), &clock());
            for (index, key) in keys.iter().enumerate() {
                prop_assert_eq!(order.row_at(order.top(index) + 1.0), Some(index));
                prop_assert_eq!(order.find(*key), Some(index));
            }
            let (offset, height) = (at * order.height(), 300.0);
            let seen = order.visible(offset, height);
            for index in 0..keys.len() {
                let (top, bottom) = (order.top(index), order.top(index) + ROW);
                let shows = bottom > offset && top < offset + height;
                prop_assert!(!shows || seen.contains(&index), "row {} is in sight", index);
            }
            prop_assert!(seen.len() <= 6);
            for index in 0..keys.len() {
                let shown = order.revealing(index, offset, height);
                prop_assert!(order.top(index) >= shown && order.top(index) + ROW <= shown + height);
            }
        }
    }
}
