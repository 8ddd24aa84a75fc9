//! The window from the command line: opened where there is a display, else a sentence.

use std::path::PathBuf;

use super::failure::{Failure, Status};
use super::place::Place;

/// What the window opens on.
pub enum Content {
    /// The archive in this folder.
    Archive(PathBuf),
    /// The sample mailbox; the window serves and fetches it itself.
    Sample,
}

/// Opens the window on the archive.
pub fn open(place: &Place, software_rendering: bool) -> Result<Status, Failure> {
    if let Some(reason) = impossible() {
        return Err(Failure::failed(format!("{reason} The commands work without it: see postkeep --help.")));
    }
    show(Content::Archive(place.folder()?.to_owned()), software_rendering)
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

/// Runs the window until it is closed.
#[cfg(feature = "gui")]
pub fn show(content: Content, software_rendering: bool) -> Result<Status, Failure> {
    use crate::gui::{self, Start};
    if software_rendering && cfg!(feature = "wgpu") && std::env::var_os(BACKEND).is_none() {
        return again_in_software();
    }
    let start = match content {
        Content::Archive(folder) => Start::Archive(folder),
        Content::Sample => Start::Demo,
    };
    gui::run(start).map_err(|error| Failure::failed(format!("The window could not be opened: {}.", cause(&error))))?;
    Ok(Status::Done)
}

#[cfg(not(feature = "gui"))]
pub fn show(_content: Content, _software_rendering: bool) -> Result<Status, Failure> {
    Err(Failure::failed("This postkeep was built without its window."))
}

/// The innermost cause, without a full stop of its own.
#[cfg(feature = "gui")]
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().trim_end_matches('.').to_owned()
}

/// By this variable iced chooses how it draws.
#[cfg(feature = "gui")]
const BACKEND: &str = "ICED_BACKEND";

/// The same program once more with iced's variable set: the own environment cannot be changed safely. Only a build that
/// can draw with the graphics card comes here.
#[cfg(feature = "gui")]
fn again_in_software() -> Result<Status, Failure> {
    let program = std::env::current_exe().unwrap_or_else(|_| "postkeep".into());
    let mut again = std::process::Command::new(program);
    let ended = again.args(std::env::args_os().skip(1)).env(BACKEND, "tiny-skia").status();
    match ended {
        Ok(status) if status.success() => Ok(Status::Done),
        Ok(_) => Err(Failure::failed("The window ended early.")),
        Err(error) => Err(Failure::failed(format!("The window could not be opened: {error}."))),
    }
}
