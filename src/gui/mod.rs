//! The window: iced. Talks to the core only through requests, events and jobs off the drawing thread.
//!
//! `app` is the root (keys, theme, size, closing); `desk` is an open archive and everything on the screen about it. Each
//! screen has its own `Message`, `update` and `view`; what it wants of the others it says as an `Action`, and what it
//! shows of them is lent to it. No call here that touches a disk or a network runs on the drawing thread: see `off`.

mod app;
mod bars;
mod desk;
mod dialog;
#[cfg(test)]
mod fixtures;
mod icon;
mod idle;
mod job;
mod library;
mod list;
#[cfg(test)]
mod live;
#[doc(hidden)]
pub mod measured;
mod off;
mod offer;
mod open;
mod opener;
mod reader;
mod retention;
mod schedule;
mod setup;
mod sidebar;
#[cfg(test)]
mod tests;
mod theme;
mod welcome;
mod widget;
mod words;

use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use iced::Size;

/// What the window opens with.
#[derive(Clone, Debug)]
pub enum Start {
    /// The archive in this folder, made where there is none.
    Archive(PathBuf),
    /// The sample mailbox, fetched from a server inside the program into a temporary archive.
    Demo,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum GuiError {
    /// No display, no fonts, or the windowing system refused.
    #[error("the window could not be opened: {0}")]
    Window(#[from] iced::Error),
}

/// The size of a window that was never resized.
const SIZE: Size = Size::new(1360.0, 860.0);

const FONTS: [&[u8]; 4] = [
    include_bytes!("../../assets/fonts/Inter-Regular.otf"),
    include_bytes!("../../assets/fonts/Inter-Medium.otf"),
    include_bytes!("../../assets/fonts/Inter-SemiBold.otf"),
    include_bytes!("../../assets/fonts/Icons.ttf"),
];

/// Opens the window and runs it until it is closed. Needs a display: without one the platform's window code panics, so
/// check first.
///
/// # Errors
/// When the windowing system refuses.
pub fn run(start: Start) -> Result<(), GuiError> {
    // The fonts of the system are looked through, and the archive is opened, while the display is asked for a window.
    thread::spawn(load_fonts);
    let opening = Mutex::new(match start.clone() {
        Start::Archive(folder) => Some(thread::spawn(move || open::archive(&folder))),
        Start::Demo => None,
    });
    let first = move || app::App::new(start.clone(), opening.lock().ok().and_then(|mut opening| opening.take()));
    let window = iced::window::Settings {
        size: SIZE,
        min_size: Some(Size::new(480.0, 420.0)),
        exit_on_close_request: false,
        ..iced::window::Settings::default()
    };
    let mut application = iced::application(first, app::App::update, app::App::view)
        .title(app::App::title)
        .theme(app::App::theme)
        .subscription(app::App::subscription)
        .default_font(theme::REGULAR)
        .window(window);
    for font in FONTS {
        application = application.font(font);
    }
    application.run()?;
    Ok(())
}

/// Has the toolkit find its fonts. Whoever needs them sooner waits for it; a font that is there is not loaded again.
fn load_fonts() {
    let Ok(mut system) = iced::advanced::graphics::text::font_system().write() else { return };
    for font in FONTS {
        system.load_font(font.into());
    }
}
