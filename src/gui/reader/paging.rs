//! The space bar: a page further through the message, and where it ends on to the next one.

use iced::advanced::widget::operation::{Outcome, Scrollable};
use iced::advanced::widget::{Id, Operation, operate};
use iced::widget::scrollable::AbsoluteOffset;
use iced::{Rectangle, Task, Vector};

use super::SCROLL;

/// Of a page, what stays in sight.
const KEPT: f32 = 48.0;

/// Scrolls the message by a page; answers whether there was any way to go.
pub fn page(back: bool) -> Task<bool> {
    operate(Paging { back, moved: None })
}

struct Paging {
    back: bool,
    moved: Option<bool>,
}

impl Operation<bool> for Paging {
    fn traverse(&mut self, operate: &mut dyn FnMut(&mut dyn Operation<bool>)) {
        operate(self);
    }

    fn scrollable(
        &mut self,
        id: Option<&Id>,
        bounds: Rectangle,
        content: Rectangle,
        at: Vector,
        state: &mut dyn Scrollable,
    ) {
        if id != Some(&Id::new(SCROLL)) {
            return;
        }
        let y = step(self.back, bounds.height, content.height, at.y);
        self.moved = Some(y.is_some());
        if let Some(y) = y {
            state.scroll_by(AbsoluteOffset { x: 0.0, y }, bounds, content);
        }
    }

    fn finish(&self) -> Outcome<bool> {
        self.moved.map_or(Outcome::None, Outcome::Some)
    }
}

/// How far to scroll from `at`, in a pane of this height; `None` at the end.
fn step(back: bool, pane: f32, content: f32, at: f32) -> Option<f32> {
    let page = (pane - KEPT).max(pane / 2.0);
    let left = if back { at } else { content - pane - at };
    (left > 1.0).then(|| if back { -page } else { page })
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn a_page_at_a_time_and_none_at_the_ends() {
        for (back, content, at, expected) in [
            (false, 2_000.0, 0.0, Some(452.0)),
            (false, 2_000.0, 1_400.0, Some(452.0)),
            (false, 2_000.0, 1_500.0, None),
            (false, 400.0, 0.0, None),
            (true, 2_000.0, 1_500.0, Some(-452.0)),
            (true, 2_000.0, 0.0, None),
        ] {
            assert_eq!(step(back, 500.0, content, at), expected, "{back} {content} {at}");
        }
    }
}
