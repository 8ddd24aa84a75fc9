//! The window from the command line: opened where there is a display, else a sentence.

use std::path::PathBuf;

use super::failure::{Failure, Status};
use super::place::Place;

/// What the window opens on.
#[cfg_attr(not(feature = "gui"), allow(dead_code))]
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
    no_display()
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn no_display() -> Option<&'static str> {
    None
}

/// Wayland where it is named, else X11, as the window's toolkit chooses; it panics where the display does not answer.
#[cfg(all(unix, not(target_os = "macos")))]
fn no_display() -> Option<&'static str> {
    let named = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    if named("WAYLAND_SOCKET").is_some() {
        return None;
    }
    if let Some(wayland) = named("WAYLAND_DISPLAY") {
        // An absolute name replaces the folder.
        let socket = named("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default().join(wayland);
        let answers = std::os::unix::net::UnixStream::connect(socket).is_ok();
        return (!answers).then_some("The display that WAYLAND_DISPLAY names does not answer.");
    }
    match named("DISPLAY") {
        Some(display) if x11_answers(&display.to_string_lossy()) => None,
        Some(_) => Some("The display that DISPLAY names does not answer."),
        None => Some("The window needs a display, and there is none here."),
    }
}

/// Whether a display of this computer answers; one on another computer (`host:0`) is taken at its word.
#[cfg(all(unix, not(target_os = "macos")))]
fn x11_answers(display: &str) -> bool {
    use std::os::unix::net::UnixStream;
    let Some(number) = display.strip_prefix("unix:").or(display.strip_prefix(':')) else { return true };
    let socket = format!("/tmp/.X11-unix/X{}", number.split('.').next().unwrap_or_default());
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        let hidden = std::os::unix::net::SocketAddr::from_abstract_name(&socket);
        if hidden.and_then(|address| UnixStream::connect_addr(&address)).is_ok() {
            return true;
        }
    }
    UnixStream::connect(socket).is_ok()
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
    // The toolkit panics where a library it loads at start is missing.
    match std::panic::catch_unwind(move || gui::run(start)) {
        Ok(Ok(())) => Ok(Status::Done),
        Ok(Err(error)) => Err(Failure::failed(format!("The window could not be opened: {}.", cause(&error)))),
        Err(_) => Err(Failure::failed(
            "The window could not be opened, or ended by a fault of this program; your mail is not affected. On a bare \
             Linux it wants the packages libxkbcommon-x11-0, libx11-xcb1, libxcursor1 and libxi6.",
        )),
    }
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
