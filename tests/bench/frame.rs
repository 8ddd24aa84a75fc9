//! A frame of the list at 1,000,000 messages: update, view, layout, drawing into memory by tiny-skia, at any depth.

use std::time::Duration;

use iced::{Color, Event, Font, Pixels, Size, mouse, window};
use iced_test::core::renderer::{Headless, Style};
use iced_test::core::{clipboard, time};
use iced_test::runtime::UserInterface;
use iced_test::runtime::user_interface::Cache;
use postkeep::archive::Archive;
use postkeep::gui::measured::{FRAME, Scrolled};

use crate::{Scale, percentile, timed};

const MESSAGES: i64 = 1_000_000;
const FRAMES: usize = 600;
/// The list pane of a window of the usual size.
const PANE: Size = Size::new(372.0, 774.0);

pub fn bench(_scale: &Scale) {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Archive::open(&folder.path().join("archive")).expect("an archive");
    for font in Scrolled::fonts() {
        let mut system = iced::advanced::graphics::text::font_system().write().expect("the fonts");
        system.load_font(font.into());
    }
    let ((), made) = timed(|| drop(Scrolled::new(archive.clone(), MESSAGES, PANE)));
    println!("  a list of {MESSAGES} messages, made and grouped by day: {}", millis(made));
    // Row by row, a page at a time, and anywhere: the last finds nothing laid out before.
    for (label, step) in [("by the wheel", 60.0), ("by the page", 700.0), ("anywhere", 0.0)] {
        for (selected, what) in [(false, ""), (true, ", all selected")] {
            let mut scrolled = Scrolled::new(archive.clone(), MESSAGES, PANE);
            if selected {
                scrolled.select_all();
            }
            let mut samples = frames(&mut scrolled, step);
            let median = percentile(&mut samples, 0.5);
            let slow = percentile(&mut samples, 0.99);
            let verdict = if slow <= FRAME { "within" } else { "over" };
            println!(
                "  {:<34} median {}  p99 {}  {verdict} 8 ms",
                format!("frame, {label}{what}"),
                millis(median),
                millis(slow)
            );
        }
    }
}

fn frames(scrolled: &mut Scrolled, step: f64) -> Vec<Duration> {
    let font = Font::with_name("Postkeep Inter");
    let renderer = <iced::Renderer as Headless>::new(font, Pixels(13.0), Some("tiny-skia"));
    let mut renderer = futures::executor::block_on(renderer).expect("a renderer");
    let theme = Scrolled::theme();
    let mut cache = Cache::default();
    let height = scrolled.height();
    let mut samples = Vec::new();
    for number in 0..FRAMES {
        // Steps through all depths, the same in each run.
        let anywhere = (number as f64 * 0.618_034).fract() * height;
        let depth = (number / 100) as f64 / 6.0 * height;
        let offset = if step > 0.0 { depth + (number % 100) as f64 * step } else { anywhere };
        let (kept, time) = timed(|| {
            scrolled.scroll_to(offset.min(height - f64::from(PANE.height)));
            let mut ui = UserInterface::build(scrolled.view(), PANE, std::mem::take(&mut cache), &mut renderer);
            let redraw = Event::Window(window::Event::RedrawRequested(time::Instant::now()));
            let mut messages = Vec::new();
            let cursor = mouse::Cursor::Available(iced::Point::new(100.0, 300.0));
            let _ = ui.update(&[redraw], cursor, &mut renderer, &mut clipboard::Null, &mut messages);
            ui.draw(&mut renderer, &theme, &Style { text_color: Color::BLACK }, cursor);
            let pixels = renderer.screenshot(Size::new(372, 774), 1.0, Color::WHITE);
            assert_eq!(pixels.len(), 372 * 774 * 4);
            ui.into_cache()
        });
        cache = kept;
        samples.push(time);
    }
    samples
}

fn millis(time: Duration) -> String {
    format!("{:>7.3} ms", time.as_secs_f64() * 1e3)
}
