//! `render` and `show --picture`: a message's page as a picture in a file.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::{Failure, Status};
use super::print;
use crate::message;
use crate::problem::Problem;
use crate::render::{self, Colours, Given, Laid, Page, Part, Picture, View, Worker};

#[derive(Debug, Args)]
pub struct RenderArguments {
    /// A message, or HTML in a file called .html or .htm.
    file: PathBuf,
    #[arg(long, value_name = "OUT.png")]
    picture: PathBuf,
    /// The picture's width in pixels.
    #[arg(long, default_value_t = 700)]
    width: u32,
    /// For a dark window.
    #[arg(long)]
    dark: bool,
}

/// The highest picture, in pixels.
const HIGHEST: f32 = 20_000.0;
/// The page is painted in strips of this height.
const STRIP: f32 = 1_000.0;

pub fn render(arguments: &RenderArguments) -> Result<Status, Failure> {
    let file = &arguments.file;
    let octets = fs::read(file).map_err(|error| Failure::of_file("Reading", file, &error))?;
    let is_html =
        file.extension().is_some_and(|name| name.eq_ignore_ascii_case("html") || name.eq_ignore_ascii_case("htm"));
    let page = if is_html { message::page_of_html(&octets) } else { message::page(&octets) };
    draw(&page, &arguments.picture, arguments.width, arguments.dark)
}

/// Draws the page of a message into `picture`; what was left out is said on stderr.
pub(super) fn draw(page: &message::Page, picture: &Path, width: u32, dark: bool) -> Result<Status, Failure> {
    if !(100..=8_000).contains(&width) {
        return Err(Failure::wrong_usage("The width of a picture is between 100 and 8000 pixels."));
    }
    let colours = if dark { Colours::Dark } else { Colours::Original };
    #[allow(clippy::cast_precision_loss)]
    let view = View { width: width as f32, colours, ..View::default() };
    let pictures =
        page.pictures.iter().map(|(id, octets)| Given { address: format!("cid:{id}"), octets: octets.clone() });
    let page_to_lay = Page { html: page.html.clone(), view, pictures: pictures.collect() };
    let mut worker = Worker::default();
    let (laid, strips) = painted(&mut worker, &page_to_lay).map_err(|failure| Failure::of(&Problem::from(&failure)))?;
    write(picture, &strips).map_err(|error| Failure::of_file("Writing", picture, &error))?;
    for note in page.notes.iter().chain(&laid.notes) {
        print::say(note);
    }
    say_what_is_blocked(&laid);
    if laid.height > HIGHEST {
        print::say(&format!(
            "The page is {:.0} pixels high: only its first {HIGHEST:.0} are in the picture.",
            laid.height
        ));
    }
    Ok(Status::Done)
}

fn painted(worker: &mut Worker, page: &Page) -> Result<(Laid, Vec<Picture>), render::Failure> {
    let laid = worker.lay(page)?;
    let height = laid.height.ceil().clamp(1.0, HIGHEST);
    let mut strips = Vec::new();
    let mut top = 0.0;
    while top < height {
        let part = Part { left: 0.0, top, width: page.view.width, height: STRIP.min(height - top) };
        strips.push(worker.paint(part)?);
        top += STRIP;
    }
    Ok((laid, strips))
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
