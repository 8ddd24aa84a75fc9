//! The window without a display: what it shows, and what comes of a click or a key.

use iced::Size;

use super::fixtures::Bench;
use super::theme::Choice;

const WIDE: Size = Size::new(1360.0, 860.0);

#[test]
fn pictures() {
    let bench = Bench::full();
    bench.picture("mailbox-light.png", WIDE, Choice::Light);
    bench.picture("mailbox-dark.png", WIDE, Choice::Dark);
    bench.picture("mailbox-900.png", Size::new(900.0, 700.0), Choice::Light);
    bench.picture("mailbox-700.png", Size::new(700.0, 700.0), Choice::Light);
    Bench::empty().picture("welcome.png", WIDE, Choice::Light);
}
