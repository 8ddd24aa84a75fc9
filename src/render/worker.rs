//! The worker's side: a loop over questions, in a process that has fenced itself in before it reads the first one.

use std::io::{self, BufReader, BufWriter};
use std::process::ExitCode;
use std::thread;

use super::engine::{self, Engine};
use super::wire::{self, Answer, Question};
use super::{Given, Page, Picture, View, fence, picture};

/// The hidden argument that makes the program a worker; behind it stands the memory that it may hold, in octets.
pub const ARGUMENT: &str = "--render-worker";

/// Layout recurses with the depth of a page.
const STACK: usize = 64 * 1024 * 1024;

/// Serves questions from standard input until it is closed.
pub fn serve(memory: u64) -> ExitCode {
    fence::close(memory.saturating_add(STACK as u64));
    #[cfg(unix)]
    end_with_parent();
    let served = thread::Builder::new().stack_size(STACK).spawn(answer_all).map(thread::JoinHandle::join);
    match served {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// A window that is killed cannot end its worker, and one that lays out a hostile page does not come to see that its
/// input was closed: so it looks whether it was left alone.
#[cfg(unix)]
fn end_with_parent() {
    use std::os::unix::process::parent_id;
    let parent = parent_id();
    let watch = move || {
        while parent_id() == parent {
            thread::sleep(std::time::Duration::from_secs(1));
        }
        std::process::exit(1);
    };
    // Without it the worker still ends at the end of its input.
    let _ = thread::Builder::new().name("watches its parent".to_owned()).spawn(watch);
}

fn answer_all() -> io::Result<()> {
    let mut from = BufReader::new(io::stdin());
    let mut to = BufWriter::with_capacity(1 << 16, io::stdout());
    let mut engine = engine::start();
    wire::write(&mut to, &Answer::Ready { version: wire::VERSION }, &[])?;
    let mut page: Option<Page> = None;
    while let Some((question, body)) = wire::read(&mut from)? {
        wire::write(&mut to, &Answer::Begun, &[])?;
        match question {
            Question::Lay { view, html, pictures } => {
                let (html, octets) = body.split_at_checked(html).ok_or(io::ErrorKind::InvalidData)?;
                let html = String::from_utf8_lossy(html).into_owned();
                let new = page.insert(Page { html, view, pictures: given(&pictures, octets)? });
                lay(&mut *engine, new, &mut to)?;
            }
            Question::Again { view, pictures } => match &mut page {
                Some(page) => {
                    page.view = view;
                    let new = given(&pictures, &body)?;
                    page.pictures.retain(|old| new.iter().all(|new| new.address != old.address));
                    page.pictures.extend(new);
                    lay(&mut *engine, page, &mut to)?;
                }
                None => wire::write(&mut to, &Answer::NoPage, &[])?,
            },
            Question::Paint(part) => match engine.paint(part) {
                Some(picture) => painted(&picture, &mut to)?,
                None => wire::write(&mut to, &Answer::NoPage, &[])?,
            },
            Question::Print { print, html, pictures } => {
                let (html, octets) = body.split_at_checked(html).ok_or(io::ErrorKind::InvalidData)?;
                let html = String::from_utf8_lossy(html).into_owned();
                let page = Page { html, view: View::default(), pictures: given(&pictures, octets)? };
                let pdf = engine.pdf(&page, &print).ok_or(io::ErrorKind::InvalidData)?;
                wire::write(&mut to, &Answer::Printed { sheets: pdf.sheets, notes: pdf.notes }, &[&pdf.octets])?;
            }
            Question::Look => match picture::looked_at(&body) {
                Ok(picture) => painted(&picture, &mut to)?,
                Err(why) => wire::write(&mut to, &Answer::Unseen(why), &[])?,
            },
        }
    }
    Ok(())
}

fn lay(engine: &mut dyn Engine, page: &mut Page, to: &mut impl io::Write) -> io::Result<()> {
    page.view = sane(page.view);
    let mut laid = engine.lay(page);
    let (graphemes, octets) = wire::graphemes_out(&mut laid);
    wire::write(to, &Answer::Laid { laid, graphemes }, &[&octets])
}

fn painted(picture: &Picture, to: &mut impl io::Write) -> io::Result<()> {
    wire::write(to, &Answer::Painted { width: picture.width, height: picture.height }, &[&picture.rgba])
}

fn given(names: &[(String, usize)], mut octets: &[u8]) -> io::Result<Vec<Given>> {
    let mut out = Vec::new();
    for (address, length) in names {
        let (own, rest) = octets.split_at_checked(*length).ok_or(io::ErrorKind::InvalidData)?;
        out.push(Given { address: address.clone(), octets: own.to_vec() });
        octets = rest;
    }
    Ok(out)
}

fn sane(view: View) -> View {
    let within = |value: f32, least: f32, most: f32, usual: f32| {
        if value.is_finite() { value.clamp(least, most) } else { usual }
    };
    View {
        width: within(view.width, 100.0, 8_000.0, 700.0),
        zoom: within(view.zoom, 0.25, 5.0, 1.0),
        scale: within(view.scale, 0.5, 4.0, 1.0),
        ..view
    }
}
