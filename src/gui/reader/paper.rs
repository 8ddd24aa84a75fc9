//! The message on paper: kept as PDF or as one picture, and printed through the system. Made by a worker of its own, off the
//! drawing thread, so that what is shown goes on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::page::Sheet;
use super::parts::opening::Folder;
use super::{Action, Message, Note, Open, Told, Whose, parts};
use crate::archive::Archive;
use crate::gui::off::{off, unwritten};
use crate::gui::opener;
use crate::gui::words::Clock;
use crate::message;
use crate::problem::Problem;
use crate::render::{self, Given, Limits, Paper, View, Worker};
use crate::{new_file, settings};

/// As what a message is kept, beside the file that it came as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Pdf,
    Picture,
}

/// The picture is drawn for this width, in twice as many pixels.
const WIDTH: f32 = 700.0;
/// For so long a print program may take what it is given.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the message is, and what stands over it.
pub(super) struct Wanted {
    /// Tells for as long as it lives that this is under way.
    _making: Arc<()>,
    archive: Archive,
    whose: Whose,
    date: String,
    /// Without an extension.
    name: String,
    /// Remote pictures that were fetched on the user's word.
    pictures: Vec<Arc<Given>>,
}

impl Open {
    pub(super) fn wanted(&self, archive: &Archive, clock: &Clock, making: Arc<()>) -> Wanted {
        let subject: String = self.message.envelope.subject.chars().take(80).collect();
        let date = if self.message.envelope.date.is_some() { clock.dated(self.row.date) } else { String::new() };
        Wanted {
            _making: making,
            archive: archive.clone(),
            whose: self.whose(),
            date,
            pictures: self.sheet.as_ref().map(Sheet::remote_pictures).unwrap_or_default(),
            name: if subject.trim().is_empty() { "message".to_owned() } else { subject.trim().to_owned() },
        }
    }

    /// Writes it where downloads go.
    pub(super) fn keep_as(&mut self, form: Form, wanted: Wanted) -> Action {
        let whose = self.whose();
        let kept = off(move || {
            let folder = settings::downloads_folder().or_else(std::env::home_dir).unwrap_or_default();
            wanted.keep(form, &folder)
        });
        self.note = Some(Note::Said(match form {
            Form::Pdf => "The PDF is being made.".to_owned(),
            Form::Picture => "The picture is being made.".to_owned(),
        }));
        Action::Run(kept.map(move |kept| match kept {
            Ok((path, notes)) if notes.is_empty() => Message::Told(whose.clone(), Told::Kept(path)),
            Ok((path, notes)) => {
                let says = format!("Saved as {}. {}", path.display(), notes.join(" "));
                Message::Noted(whose.clone(), Note::Said(says))
            }
            Err(problem) => Message::Noted(whose.clone(), Note::Failed(problem)),
        }))
    }

    /// Gives it to the printer.
    pub(super) fn print(&mut self, wanted: Wanted, opened: Arc<Folder>) -> Action {
        let whose = self.whose();
        self.note = Some(Note::Said("The message is being printed.".to_owned()));
        let printed = off(move || {
            let name = message::safe_name(&format!("{}.pdf", wanted.name), "message.pdf");
            let (pdf, notes) = wanted.pdf()?;
            let path = opened.put(&name, &pdf)?;
            let sentence = if is_printed(&path, PROGRAMS) {
                format!("“{}” was given to the printer.", wanted.name)
            } else {
                opener::open_file(&path);
                format!("No printer took “{}”, so it was opened as a PDF: print it from there.", wanted.name)
            };
            Ok(std::iter::once(sentence).chain(notes).collect::<Vec<_>>().join(" "))
        });
        Action::Run(printed.map(move |printed: Result<String, Problem>| {
            let note = printed.map_or_else(Note::Failed, Note::Said);
            Message::Noted(whose.clone(), note)
        }))
    }
}

impl Wanted {
    fn original(&self) -> Result<Vec<u8>, Problem> {
        let original =
            parts::at(&self.archive, self.whose.id, &self.whose.path).map_err(|error| Problem::from(&error))?;
        Ok(original.unwrap_or_default())
    }

    fn pictures(&self) -> Vec<Given> {
        self.pictures.iter().map(|given| Given::clone(given)).collect()
    }

    /// The octets, and what is not in them, in sentences.
    fn pdf(&self) -> Result<(Vec<u8>, Vec<String>), Problem> {
        let mut worker = Worker::default().within(Limits::PRINT);
        let pdf = worker.paper(&self.original()?, &self.date, Paper::of_system(), self.pictures());
        pdf.map(|pdf| (pdf.octets, pdf.notes)).map_err(|failure| unmade(&failure))
    }

    fn picture(&self) -> Result<(Vec<u8>, Vec<String>), Problem> {
        let mut worker = Worker::default().within(Limits::PRINT);
        let view = View { width: WIDTH, scale: 2.0, ..View::default() };
        let (mut page, mut notes) = render::page_of(message::page(&message::unsealed(&self.original()?)), view);
        page.pictures.extend(self.pictures());
        let drawn = worker.draw(&page).map_err(|failure| unmade(&failure))?;
        let mut png = Vec::new();
        render::write_png(&mut png, &drawn.strips).map_err(|error| unwritten("The picture", &error))?;
        notes.extend(drawn.notes());
        Ok((png, notes))
    }

    /// Never over a file that is there.
    fn keep(&self, form: Form, folder: &Path) -> Result<(PathBuf, Vec<String>), Problem> {
        let ((content, notes), extension) = match form {
            Form::Pdf => (self.pdf()?, "pdf"),
            Form::Picture => (self.picture()?, "png"),
        };
        let name = message::safe_name(&format!("{}.{extension}", self.name), &format!("message.{extension}"));
        let kept = new_file::write(folder, &name, &content).map_err(|error| unwritten(&name, &error))?;
        Ok((kept, notes))
    }
}

/// A failure of the worker says that the text is shown instead; here nothing is.
fn unmade(failure: &render::Failure) -> Problem {
    Problem {
        summary: "This message could not be put on paper.".to_owned(),
        mail: "The message itself is as it was.".to_owned(),
        advice: match failure {
            render::Failure::NotStarted(_) | render::Failure::Confused => {
                "Close Postkeep, start it again, and try once more.".to_owned()
            }
            _ => "It is too large or too involved. Save it as a file instead, or copy it as text.".to_owned(),
        },
    }
}

/// The programs that take a file to be printed, the first that is there first. The path comes behind.
const PROGRAMS: &[&[&str]] = if cfg!(target_os = "macos") {
    &[&["/usr/bin/lpr"]]
} else if cfg!(windows) {
    // The program that is set up for PDF, asked to print. The path comes by the environment: it is never read as a command.
    &[&["powershell.exe", "-NoProfile", "-Command", "Start-Process -FilePath $env:POSTKEEP_PRINT -Verb Print"]]
} else {
    &[&["lp"], &["lpr"]]
};

/// Whether one of the programs took it. Not one of them is a shell that would read the path.
fn is_printed(path: &Path, programs: &[&[&str]]) -> bool {
    programs.iter().filter_map(|words| words.split_first()).any(|(program, arguments)| {
        let mut command = Command::new(program);
        command.args(arguments).env("POSTKEEP_PRINT", path);
        if !cfg!(windows) {
            command.arg(path);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().is_ok_and(ended_well)
    })
}

/// A program that waits for a server that is not there is ended.
fn ended_well(mut child: std::process::Child) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(50)),
            _ => {
                _ = child.kill();
                _ = child.wait();
                return false;
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::is_printed;

    #[test]
    fn the_first_program_that_takes_it_prints_it() {
        let folder = tempfile::tempdir().unwrap();
        let pdf = folder.path().join("a 'b' $(c).pdf");
        std::fs::write(&pdf, b"%PDF").unwrap();
        let program = |name: &str, script: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
            path.display().to_string()
        };
        let printed = folder.path().join("printed");
        let refuses = program("refuses", "exit 1");
        let prints = program("prints", &format!("cp \"$1\" '{}'", printed.display()));
        assert!(!is_printed(&pdf, &[&["/nowhere/lp"], &[&refuses]]));
        assert!(is_printed(&pdf, &[&["/nowhere/lp"], &[&refuses], &[&prints]]));
        assert_eq!(std::fs::read(printed).unwrap(), b"%PDF");
    }
}
