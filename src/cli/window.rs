//! The window from the command line: opened where there is a display, else a sentence.

use super::failure::{Failure, Status};
use super::place::Place;

/// Opens the window on the archive.
pub fn open(place: &Place, software_rendering: bool) -> Result<Status, Failure> {
    if let Some(reason) = impossible() {
        return Err(Failure::failed(format!("{reason} The commands work without it: see postkeep --help.")));
    }
    show(place, software_rendering)
}

/// Why there can be no window here, in a sentence.
pub fn impossible() -> Option<&'static str> {
    if !cfg!(feature = "gui") {
        return Some("This postkeep was built without its window.");
    }
    let needs_display = cfg!(all(unix, not(target_os = "macos")));
    let named = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    if needs_display && !["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"].into_iter().any(named) {
        return Some("The window needs a display, and there is none here.");
    }
    None
}

#[cfg(feature = "gui")]
pub fn show(_place: &Place, _software_rendering: bool) -> Result<Status, Failure> {
    Err(Failure::failed("The window is not there yet."))
}

#[cfg(not(feature = "gui"))]
pub fn show(_place: &Place, _software_rendering: bool) -> Result<Status, Failure> {
    Err(Failure::failed("This postkeep was built without its window."))
}
