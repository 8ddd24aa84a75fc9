//! Opening what the window shows: the user's archive, or the sample mailbox on a temporary one. Blocks; called off the
//! drawing thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::library::Stock;
use super::off::unwritten;
use super::theme::{Choice, measure};
use crate::account::{Retention, Security, Server};
use crate::archive::{Archive, NewAccount};
use crate::problem::Problem;
use crate::{demo, secrets, settings};

/// Everything the desk starts with.
pub struct Opened {
    pub archive: Archive,
    pub stock: Stock,
    pub sample: Option<Arc<Sample>>,
    pub remembered: Remembered,
}

/// The sample server and the folder of its archive; both go when this does.
pub struct Sample {
    _server: demo::Server,
    _folder: tempfile::TempDir,
}

/// What the archive remembers about the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    pub theme: Choice,
    pub size: Option<(f32, f32)>,
    pub sidebar: f32,
    pub list: f32,
}

/// The keys of the settings.
pub const THEME: &str = "window.theme";
pub const SIZE: &str = "window.size";
pub const SIDEBAR: &str = "window.sidebar";
pub const LIST: &str = "window.list";

/// How narrow and wide the panes may be dragged.
pub const SIDEBAR_WIDTHS: (f32, f32) = (200.0, 360.0);
pub const LIST_WIDTHS: (f32, f32) = (280.0, 640.0);

impl Default for Remembered {
    fn default() -> Remembered {
        Remembered { theme: Choice::System, size: None, sidebar: measure::SIDEBAR, list: measure::LIST }
    }
}

impl Remembered {
    /// Reads it; what is missing or makes no sense is the default's.
    fn read(archive: &Archive) -> Remembered {
        let setting = |key| archive.setting(key).ok().flatten();
        let width = |key, (least, most): (f32, f32), usual: f32| {
            let kept: Option<f32> = setting(key).and_then(|value| value.parse().ok());
            kept.filter(|width| width.is_finite()).map_or(usual, |width| width.clamp(least, most))
        };
        Remembered {
            theme: setting(THEME).map(|word| Choice::of(&word)).unwrap_or_default(),
            size: setting(SIZE).as_deref().and_then(size_of),
            sidebar: width(SIDEBAR, SIDEBAR_WIDTHS, measure::SIDEBAR),
            list: width(LIST, LIST_WIDTHS, measure::LIST),
        }
    }
}

/// `1360x860`; `None` for anything that is no size a window can have.
fn size_of(text: &str) -> Option<(f32, f32)> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse::<f32>().ok().filter(|side| (200.0..=20_000.0).contains(side));
    Some((side(width)?, side(height)?))
}

/// Opens the archive in `folder`, making it where there is none.
pub fn archive(folder: &Path) -> Result<Opened, Problem> {
    let archive = Archive::open(folder).map_err(|error| Problem::from(&error))?;
    let remembered = Remembered::read(&archive);
    let stock = Stock::first(&archive).map_err(|error| Problem::from(&error))?;
    Ok(Opened { archive, stock, sample: None, remembered })
}

/// The sample server could not be started.
fn unstarted(error: &std::io::Error) -> Problem {
    Problem {
        summary: format!("The sample mailbox could not be started: {error}."),
        mail: "Your own mail is not touched by it.".to_owned(),
        advice: "Try again; another program may forbid connections within this computer.".to_owned(),
    }
}

/// Starts the sample server and opens a temporary archive with its account.
pub fn sample(remembered: Option<Remembered>) -> Result<Opened, Problem> {
    let folder = settings::scratch().map_err(|error| unwritten("A temporary folder", &error))?;
    let server = demo::Server::start(0, demo::Options::default()).map_err(|error| unstarted(&error))?;
    let archive = Archive::open(&folder.path().join("archive")).map_err(|error| Problem::from(&error))?;
    let account = archive.add_account(&new_account(&server)).map_err(|error| Problem::from(&error))?;
    secrets::hold(&account, &server.password().to_owned().into());
    let stock = Stock::read(&archive).map_err(|error| Problem::from(&error))?;
    let sample = Some(Arc::new(Sample { _server: server, _folder: folder }));
    Ok(Opened { archive, stock, sample, remembered: remembered.unwrap_or_default() })
}

/// The account of a server of the demo.
pub fn new_account(server: &demo::Server) -> NewAccount {
    NewAccount {
        address: server.user().to_owned(),
        server: Server {
            host: server.host().to_owned(),
            port: server.address().port(),
            security: Security::Tls,
            user: server.user().to_owned(),
            ca_file: Some(server.ca_file()),
        },
        name: String::new(),
        retention: Retention::LeaveCopy,
        password_command: None,
    }
}

/// What to open.
#[derive(Clone, Debug)]
pub enum What {
    Archive(PathBuf),
    /// The sample, with what the window remembers of the archive before.
    Sample(Option<Remembered>),
}

pub fn open(what: What) -> Result<Opened, Problem> {
    match what {
        What::Archive(folder) => archive(&folder),
        What::Sample(remembered) => sample(remembered),
    }
}

#[cfg(test)]
mod tests {
    use super::size_of;

    #[test]
    fn a_size_that_makes_no_sense_is_none() {
        for (text, expected) in [
            ("1360x860", Some((1360.0, 860.0))),
            ("1360", None),
            ("0x0", None),
            ("-5x860", None),
            ("NaNx860", None),
            ("1e9x860", None),
        ] {
            assert_eq!(size_of(text), expected, "{text}");
        }
    }
}
