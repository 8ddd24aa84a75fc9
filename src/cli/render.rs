//! `render` and `show --picture`, `show --pdf`: a message's page as a picture in a file, or on paper.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::failure::{Failure, Status};
use super::print::{self, Out};
use crate::problem::Problem;
use crate::render::{self, Colours, Laid, Limits, Paper, Pdf, Picture, View, Worker};
use crate::{message, new_file, settings};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("form").args(["picture", "pdf"]).required(true).multiple(true)))]
pub struct RenderArguments {
    /// A message, or HTML in a file called .html or .htm.
    file: PathBuf,
    #[arg(long, value_name = "OUT.png")]
    picture: Option<PathBuf>,
    /// The message on paper; a file that is there is not replaced. Prints the path.
    #[arg(long, value_name = "OUT.pdf")]
    pdf: Option<PathBuf>,
    /// The picture's width in pixels.
    #[arg(long, default_value_t = 700)]
    width: u32,
    /// For a dark window; the picture only.
    #[arg(long)]
    dark: bool,
}

pub fn render(arguments: &RenderArguments) -> Result<Status, Failure> {
    let file = &arguments.file;
    let octets = fs::read(file).map_err(|error| Failure::of_file("Reading", file, &error))?;
    let is_html =
        file.extension().is_some_and(|name| name.eq_ignore_ascii_case("html") || name.eq_ignore_ascii_case("htm"));
    if let Some(picture) = &arguments.picture {
        let page = if is_html { message::page_of_html(&octets) } else { page(&octets) };
        draw(page, picture, arguments.width, arguments.dark)?;
    }
    match &arguments.pdf {
        Some(path) if is_html => {
            let (page, _) = render::page_of(message::page_of_html(&octets), View::default());
            let title = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let print = render::Print { head: String::new(), title, paper: Paper::of_system() };
            let pdf = for_paper().pdf(&page, &print).map_err(|failure| Failure::of(&Problem::from(&failure)))?;
            keep(&pdf, path)
        }
        Some(path) => on_paper(&octets, path),
        None => Ok(Status::Done),
    }
}

fn page(original: &[u8]) -> message::Page {
    message::page(&message::unsealed(original))
}

fn for_paper() -> Worker {
    Worker::default().within(Limits::PRINT)
}

/// Puts a message on paper, into a new file.
pub(super) fn on_paper(original: &[u8], path: &Path) -> Result<Status, Failure> {
    let date = message::envelope(original).date.map(|date| {
        let zoned = date.to_zoned(settings::time_zone());
        zoned.strftime("%A, %-d %B %Y, %H:%M %Z").to_string()
    });
    let pdf = for_paper().paper(original, &date.unwrap_or_default(), Paper::of_system(), Vec::new());
    keep(&pdf.map_err(|failure| Failure::of(&Problem::from(&failure)))?, path)
}

fn keep(pdf: &Pdf, path: &Path) -> Result<Status, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name else { return Err(Failure::wrong_usage("The name of the PDF is no name of a file.")) };
    let written =
        new_file::write(folder, name, &pdf.octets).map_err(|error| Failure::of_file("Writing", path, &error))?;
    pdf.notes.iter().for_each(|note| print::say(note));
    let mut out = Out::new();
    out.line(&written.display().to_string())?;
    out.flush()?;
    Ok(Status::Done)
}

/// Draws the page of a message into `picture`; what was left out is said on stderr.
pub(super) fn draw(page: message::Page, picture: &Path, width: u32, dark: bool) -> Result<Status, Failure> {
    if !(100..=8_000).contains(&width) {
        return Err(Failure::wrong_usage("The width of a picture is between 100 and 8000 pixels."));
    }
    let colours = if dark { Colours::Dark } else { Colours::Original };
    #[allow(clippy::cast_precision_loss)]
    let view = View { width: width as f32, colours, ..View::default() };
    let (page, notes) = render::page_of(page, view);
    let drawn = Worker::default().draw(&page).map_err(|failure| Failure::of(&Problem::from(&failure)))?;
    write(picture, &drawn.strips).map_err(|error| Failure::of_file("Writing", picture, &error))?;
    for note in notes.iter().chain(&drawn.notes()) {
        print::say(note);
    }
    say_what_is_blocked(&drawn.laid);
    Ok(Status::Done)
}

fn write(path: &Path, strips: &[Picture]) -> std::io::Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    render::write_png(&mut file, strips)?;
    file.flush()
}

fn say_what_is_blocked(laid: &Laid) {
    let blocked = &laid.blocked;
    let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    match (blocked.pictures.len() + blocked.backgrounds, blocked.trackers()) {
        (0, _) => (),
        (count, 0) => print::say(&format!("{} not loaded.", plural(count, "remote picture"))),
        (count, trackers) => {
            let look = if trackers == 1 { "looks like a tracker" } else { "look like trackers" };
            print::say(&format!("{} not loaded; {trackers} {look}.", plural(count, "remote picture")));
        }
    }
}
