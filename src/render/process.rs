//! The parent's side: the worker is started, asked, timed, killed and started again.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::{self, Answer, Question};
use super::{ARGUMENT, Given, Laid, Limits, Page, Part, Pdf, Picture, Print, Unseen, View};
use crate::job::Cancel;

/// Between two looks at whether an answer is still wanted.
const GLANCE: Duration = Duration::from_millis(50);

/// Why a page is not shown: show the text of the message instead.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The program could not be started once more: too many processes, or its file is gone.
    #[error("the worker could not be started: {0}")]
    NotStarted(#[source] io::Error),
    /// At this question it used more memory than it may, or came upon a fault in the engine.
    #[error("the worker died")]
    Died,
    /// It did not answer in time, and was killed.
    #[error("the worker did not answer in time")]
    TooSlow,
    /// It answered what makes no sense here: the program's file was replaced by another version while it ran.
    #[error("the worker answered nonsense")]
    Confused,
    /// There is no page to be painted: the worker has died since it laid one out. Lay it out again.
    #[error("no page is laid out")]
    NoPage,
    /// Nobody wanted the answer any more: see [`Worker::until`].
    #[error("the worker was stopped")]
    Stopped,
}

/// A worker process, started when it is first needed and again after it died. It holds one page, the last one laid out.
/// One that was ended while it waited is started again without a word; its page is gone then ([`Failure::NoPage`]).
#[derive(Debug)]
pub struct Worker {
    program: PathBuf,
    limits: Limits,
    stop: Cancel,
    running: Option<Running>,
    starts: usize,
}

#[derive(Debug)]
struct Running {
    child: Child,
    questions: Sender<Sent>,
    answers: Receiver<Heard>,
}

/// A frame on its way to the worker; kept until it is known that the worker has begun with it.
type Sent = Arc<(Question, Vec<Vec<u8>>)>;
/// A frame that came from it.
type Heard = (Answer, Vec<u8>);

impl Default for Worker {
    fn default() -> Worker {
        Worker::new(this_program(), Limits::default())
    }
}

/// The running program's own file: on Linux by the kernel's name for it, which stays right when it is replaced.
fn this_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("postkeep"))
}

impl Worker {
    /// `program` is postkeep's own file. Starts nothing yet.
    pub fn new(program: PathBuf, limits: Limits) -> Worker {
        Worker { program, limits, stop: Cancel::new(), running: None, starts: 0 }
    }

    /// Another of the same program, within other limits. Starts nothing yet.
    #[must_use]
    pub fn within(&self, limits: Limits) -> Worker {
        Worker::new(self.program.clone(), limits)
    }

    /// Ends the process and answers [`Failure::Stopped`] to whoever waits for it as soon as `stop` is set.
    #[must_use]
    pub fn until(self, stop: Cancel) -> Worker {
        Worker { stop, ..self }
    }

    /// Starts the process, so that the first page need not wait for it.
    ///
    /// # Errors
    /// [`Failure::NotStarted`], [`Failure::TooSlow`], [`Failure::Died`] or [`Failure::Confused`].
    pub fn warm(&mut self) -> Result<(), Failure> {
        if self.running.is_some() {
            return Ok(());
        }
        let running = Running::start(&self.program, self.limits).map_err(Failure::NotStarted)?;
        self.running = Some(running);
        self.starts += 1;
        match self.hear()? {
            (Answer::Ready { version: wire::VERSION }, _) => Ok(()),
            _ => self.confused(),
        }
    }

    /// How often a process was started.
    pub fn starts(&self) -> usize {
        self.starts
    }

    /// The number of the process, while there is one.
    pub fn process(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// Lays a page out; it is the one that is painted from now on.
    ///
    /// # Errors
    /// Any [`Failure`] but [`Failure::NoPage`]; the page is to be shown as text then.
    pub fn lay(&mut self, page: &Page) -> Result<Laid, Failure> {
        let (pictures, octets) = given(&page.pictures);
        let question = Question::Lay { view: page.view, html: page.html.len(), pictures };
        let body = [page.html.as_bytes().to_vec()].into_iter().chain(octets).collect();
        self.laid(question, body)
    }

    /// Lays the same page out for another view, with `pictures` besides those that it has.
    ///
    /// # Errors
    /// As [`Worker::lay`], and [`Failure::NoPage`].
    pub fn again(&mut self, view: View, pictures: &[Given]) -> Result<Laid, Failure> {
        let (pictures, octets) = given(pictures);
        self.laid(Question::Again { view, pictures }, octets)
    }

    /// Draws a part of the page.
    ///
    /// # Errors
    /// As [`Worker::again`].
    pub fn paint(&mut self, part: Part) -> Result<Picture, Failure> {
        match self.ask(Question::Paint(part), Vec::new())? {
            (Answer::NoPage, _) => Err(Failure::NoPage),
            heard => self.painted(heard),
        }
    }

    /// Decodes a picture that stands alone, such as an attached one: PNG, JPEG, GIF or WebP, at most 1,600 pixels wide and
    /// high, turned as it was taken. Or why it is not shown. Takes [`Limits::LOOK`] where a large one is to have its time.
    ///
    /// # Errors
    /// Any [`Failure`] but [`Failure::NoPage`].
    pub fn look(&mut self, octets: Vec<u8>) -> Result<Result<Picture, Unseen>, Failure> {
        match self.ask(Question::Look, vec![octets])? {
            (Answer::Unseen(why), _) => Ok(Err(why)),
            heard => self.painted(heard).map(Ok),
        }
    }

    fn painted(&mut self, (answer, rgba): Heard) -> Result<Picture, Failure> {
        match answer {
            Answer::Painted { width, height } if rgba.len() as u64 == u64::from(width) * u64::from(height) * 4 => {
                Ok(Picture { width, height, rgba })
            }
            _ => self.confused(),
        }
    }

    /// Puts a page on paper; the one that was laid out stays. Takes [`Limits::PRINT`] where it is to have the time it needs.
    ///
    /// # Errors
    /// As [`Worker::lay`].
    pub fn pdf(&mut self, page: &Page, print: &Print) -> Result<Pdf, Failure> {
        let (pictures, octets) = given(&page.pictures);
        let question = Question::Print { print: print.clone(), html: page.html.len(), pictures };
        let body = [page.html.as_bytes().to_vec()].into_iter().chain(octets).collect();
        match self.ask(question, body)? {
            (Answer::Printed { sheets, notes }, octets) => Ok(Pdf { octets, sheets, notes }),
            _ => self.confused(),
        }
    }

    fn laid(&mut self, question: Question, body: Vec<Vec<u8>>) -> Result<Laid, Failure> {
        match self.ask(question, body)? {
            (Answer::Laid { laid, graphemes }, octets) => match wire::graphemes_in(laid, &graphemes, &octets) {
                Some(laid) => Ok(laid),
                None => self.confused(),
            },
            (Answer::NoPage, _) => Err(Failure::NoPage),
            _ => self.confused(),
        }
    }

    /// Asks once more, in a new process, where the one that was there died before it began with this question: what
    /// killed it was something else. One that died at the question is not asked again.
    fn ask(&mut self, question: Question, body: Vec<Vec<u8>>) -> Result<Heard, Failure> {
        let sent = Arc::new((question, body));
        let was_running = self.running.is_some();
        match self.begin(&sent) {
            Err(Failure::Died) if was_running => self.begin(&sent)?,
            begun => begun?,
        }
        self.hear()
    }

    /// Sends a question, and waits until the worker has all of it and begins.
    fn begin(&mut self, sent: &Sent) -> Result<(), Failure> {
        self.warm()?;
        // Where the thread that sends has ended there is nobody to hear from either.
        let _ = self.running.as_ref().map(|running| running.questions.send(Arc::clone(sent)));
        match self.hear()? {
            (Answer::Begun, _) => Ok(()),
            _ => self.confused(),
        }
    }

    /// The next answer; a worker that gives none is ended.
    fn hear(&mut self) -> Result<Heard, Failure> {
        let Some(running) = &self.running else { return Err(Failure::Died) };
        let end = Instant::now() + self.limits.time;
        let failure = loop {
            let left = end.saturating_duration_since(Instant::now());
            match running.answers.recv_timeout(left.min(GLANCE)) {
                Ok(heard) => return Ok(heard),
                Err(RecvTimeoutError::Disconnected) => break Failure::Died,
                Err(RecvTimeoutError::Timeout) if self.stop.is_cancelled() => break Failure::Stopped,
                Err(RecvTimeoutError::Timeout) if left <= GLANCE => break Failure::TooSlow,
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        self.running = None;
        Err(failure)
    }

    fn confused<T>(&mut self) -> Result<T, Failure> {
        self.running = None;
        Err(Failure::Confused)
    }
}

fn given(pictures: &[Given]) -> (Vec<(String, usize)>, Vec<Vec<u8>>) {
    let names = pictures.iter().map(|picture| (picture.address.clone(), picture.octets.len())).collect();
    (names, pictures.iter().map(|picture| picture.octets.clone()).collect())
}

impl Running {
    /// The streams have a thread each, so that a worker that neither reads nor writes holds nobody up.
    fn start(program: &PathBuf, limits: Limits) -> io::Result<Running> {
        let mut child = command(program, limits).spawn()?;
        let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (questions, to_send) = channel::<Sent>();
        let (hear, answers) = channel();
        thread::Builder::new().name("to the render worker".to_owned()).spawn(move || {
            for sent in to_send {
                let (question, body) = &*sent;
                let pieces: Vec<&[u8]> = body.iter().map(Vec::as_slice).collect();
                if wire::write(&mut stdin, question, &pieces).is_err() {
                    return;
                }
            }
        })?;
        thread::Builder::new().name("from the render worker".to_owned()).spawn(move || {
            while let Ok(Some(frame)) = wire::read(&mut stdout) {
                if hear.send(frame).is_err() {
                    return;
                }
            }
        })?;
        Ok(Running { child, questions, answers })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It inherits nothing but its three streams and what finding fonts needs.
fn command(program: &PathBuf, limits: Limits) -> Command {
    let mut command = Command::new(program);
    command.arg(ARGUMENT).arg(limits.memory.to_string()).env_clear();
    for name in [
        "HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "FONTCONFIG_FILE",
        "FONTCONFIG_PATH",
        "SystemRoot",
    ] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // What it might say of a message is written nowhere.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}
