//! The message list as it is drawn: pixels of frames that are laid out and drawn into memory, with no window.
#![cfg(feature = "gui")]
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::time::Instant;

use iced::{Color, Event, Font, Pixels, Point, Size, mouse, window};
use iced_test::core::clipboard;
use iced_test::core::renderer::{Headless, Style};
use iced_test::runtime::UserInterface;
use iced_test::runtime::user_interface::Cache;
use postkeep::archive::Archive;
use postkeep::gui::measured::Scrolled;

const PANE: Size = Size::new(372.0, 774.0);

/// A frame with the mouse there: rows of pixels from the top, each red, green, blue, alpha.
fn drawn(scrolled: &Scrolled, renderer: &mut iced::Renderer, mouse: Point) -> Vec<u8> {
    let mut ui = UserInterface::build(scrolled.view(), PANE, Cache::default(), renderer);
    let cursor = mouse::Cursor::Available(mouse);
    let moved = Event::Mouse(mouse::Event::CursorMoved { position: mouse });
    let redraw = Event::Window(window::Event::RedrawRequested(Instant::now()));
    let mut messages = Vec::new();
    let _ = ui.update(&[moved, redraw], cursor, renderer, &mut clipboard::Null, &mut messages);
    ui.draw(renderer, &Scrolled::theme(), &Style { text_color: Color::BLACK }, cursor);
    renderer.screenshot(Size::new(372, 774), 1.0, Color::WHITE)
}

/// Pixels that are not light, in the square of so many around a point.
fn ink(rgba: &[u8], around: Point, half: usize) -> usize {
    let (x, y) = (around.x as usize, around.y as usize);
    let is_ink = |x: usize, y: usize| rgba[(y * 372 + x) * 4..][..3].iter().any(|part| *part < 170);
    let places = (y - half..=y + half).flat_map(|y| (x - half..=x + half).map(move |x| (x, y)));
    places.filter(|(x, y)| is_ink(*x, *y)).count()
}

/// What a press would delete is to be seen, and only there.
#[test]
fn the_trash_of_the_row_under_the_mouse_is_drawn() {
    for font in Scrolled::fonts() {
        let mut system = iced::advanced::graphics::text::font_system().write().expect("the fonts");
        system.load_font(font.into());
    }
    let renderer =
        <iced::Renderer as Headless>::new(Font::with_name("Postkeep Inter"), Pixels(13.0), Some("tiny-skia"));
    let mut renderer = futures::executor::block_on(renderer).expect("a renderer");
    let folder = tempfile::tempdir().unwrap();
    let mut scrolled = Scrolled::new(Archive::open(&folder.path().join("archive")).unwrap(), 500, PANE);
    scrolled.scroll_to(0.0);
    for row in 0..3 {
        let top = scrolled.top(row);
        let trash = Point::new(PANE.width - 15.0 - 8.0, top + 17.0);
        let over = drawn(&scrolled, &mut renderer, trash);
        let beside = drawn(&scrolled, &mut renderer, Point::new(60.0, top + 30.0));
        let away = drawn(&scrolled, &mut renderer, Point::new(60.0, top + 100.0));
        let (over, beside) = (ink(&over, trash, 8), ink(&beside, trash, 8));
        assert!(over > 15 && beside > 15, "{over} and {beside} pixels of a sign in row {row}");
        assert!(away != drawn(&scrolled, &mut renderer, trash), "elsewhere the time stands there");
    }
}
