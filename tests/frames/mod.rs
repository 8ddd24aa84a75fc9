//! The reader's pane without a window: frames are laid out and drawn into memory, tasks run, what they ask of the widgets
//! is done in the next frame. Shared by a test and a bench; neither uses all of it.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::channel::mpsc;
use iced::advanced::widget::Operation;
use iced::advanced::widget::operation::Outcome;
use iced::advanced::{Clipboard, clipboard};
use iced::{Color, Event, Font, Pixels, Point, Size, Task, Theme, mouse, window};
use iced_test::core::renderer::{Headless, Style};
use iced_test::runtime::user_interface::Cache;
use iced_test::runtime::{Action, UserInterface, task::into_stream};
use postkeep::gui::measured::{Read, Reading, Scrolled, Stands};
use tokio::runtime::Runtime;

/// See the module.
pub struct Frames {
    pub reading: Reading,
    pub size: Size,
    pub scale: f32,
    pub cursor: mouse::Cursor,
    runtime: Runtime,
    sender: mpsc::UnboundedSender<Heard>,
    inbox: mpsc::UnboundedReceiver<Heard>,
    operations: Vec<Box<dyn Operation>>,
    cache: Cache,
    renderer: iced::Renderer,
    theme: Theme,
    copied: Copied,
}

/// What was copied last.
#[derive(Default)]
struct Copied(String);

impl Clipboard for Copied {
    fn read(&self, _kind: clipboard::Kind) -> Option<String> {
        Some(self.0.clone())
    }

    fn write(&mut self, _kind: clipboard::Kind, contents: String) {
        self.0 = contents;
    }
}

enum Heard {
    Message(Read),
    Operation(Box<dyn Operation>),
}

/// One frame: rows from the top, each pixel red, green, blue, alpha.
pub struct Drawn {
    pub width: usize,
    pub rgba: Vec<u8>,
}

impl Drawn {
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 4;
        [self.rgba[at], self.rgba[at + 1], self.rgba[at + 2]]
    }
}

impl Frames {
    pub fn new(reading: Reading, size: Size) -> Frames {
        for font in Scrolled::fonts() {
            let mut system = iced::advanced::graphics::text::font_system().write().expect("the fonts");
            system.load_font(font.into());
        }
        let renderer =
            <iced::Renderer as Headless>::new(Font::with_name("Postkeep Inter"), Pixels(13.0), Some("tiny-skia"));
        let (sender, inbox) = mpsc::unbounded();
        Frames {
            reading,
            size,
            scale: 1.0,
            cursor: mouse::Cursor::Unavailable,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("threads"),
            sender,
            inbox,
            operations: Vec::new(),
            cache: Cache::default(),
            renderer: futures::executor::block_on(renderer).expect("a renderer"),
            theme: Scrolled::theme(),
            copied: Copied::default(),
        }
    }

    pub fn run(&self, task: Task<Read>) {
        let Some(mut stream) = into_stream(task) else { return };
        let sender = self.sender.clone();
        self.runtime.spawn(async move {
            while let Some(action) = stream.next().await {
                // What is for the window itself has nowhere to go.
                let heard = match action {
                    Action::Output(message) => Heard::Message(message),
                    Action::Widget(operation) => Heard::Operation(operation),
                    _ => continue,
                };
                let _ = sender.unbounded_send(heard);
            }
        });
    }

    pub fn tell(&mut self, message: Read) {
        let task = self.reading.update(message);
        self.run(task);
    }

    /// Lays out, does what was asked of the widgets, gives them these events, draws.
    pub fn frame(&mut self, events: &[Event]) -> Drawn {
        let mut ui =
            UserInterface::build(self.reading.view(), self.size, std::mem::take(&mut self.cache), &mut self.renderer);
        for mut operation in std::mem::take(&mut self.operations) {
            ui.operate(&self.renderer, operation.as_mut());
            while let Outcome::Chain(mut next) = operation.finish() {
                ui.operate(&self.renderer, next.as_mut());
                operation = next;
            }
        }
        let redraw = Event::Window(window::Event::RedrawRequested(Instant::now()));
        let mut messages = Vec::new();
        for events in [events, &[redraw]] {
            let _ = ui.update(events, self.cursor, &mut self.renderer, &mut self.copied, &mut messages);
        }
        ui.draw(&mut self.renderer, &self.theme, &Style { text_color: Color::BLACK }, self.cursor);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let pixels = |points: f32| (points * self.scale).round() as u32;
        let size = Size::new(pixels(self.size.width), pixels(self.size.height));
        let rgba = self.renderer.screenshot(size, self.scale, Color::WHITE);
        self.cache = ui.into_cache();
        messages.into_iter().for_each(|message| self.tell(message));
        Drawn { width: size.width as usize, rgba }
    }

    /// Frame by frame until something holds; the frame in which it did.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Reading) -> bool) -> Drawn {
        // Not a measure of speed: where nothing comes of two minutes, nothing will.
        let patience = Instant::now() + Duration::from_secs(120);
        loop {
            let drawn = self.frame(&[]);
            // What the frame itself said may have changed something.
            if holds(&self.reading) && !self.hears(Duration::ZERO) {
                return drawn;
            }
            self.hears(Duration::from_millis(20));
            assert!(Instant::now() < patience, "waited in vain until {what}: {:?}", self.reading.stands());
        }
    }

    pub fn until_page(&mut self) -> Drawn {
        self.until("the page is painted", |reading| matches!(reading.stands(), Stands::Page(.., true)))
    }

    /// Takes what has come, and waits so long where nothing has; whether there was anything.
    pub fn hears(&mut self, wait: Duration) -> bool {
        let inbox = &mut self.inbox;
        let next = async { tokio::time::timeout(wait, inbox.next()).await };
        let Ok(Some(heard)) = self.runtime.block_on(next) else { return false };
        self.take(heard);
        while let Ok(heard) = self.inbox.try_recv() {
            self.take(heard);
        }
        true
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Message(message) => self.tell(message),
            Heard::Operation(operation) => self.operations.push(operation),
        }
    }

    /// What was copied last, taken away.
    pub fn copied(&mut self) -> String {
        std::mem::take(&mut self.copied.0)
    }

    /// Whether the pane says this, in its words or in those of the page.
    pub fn says(&mut self, words: &str) -> bool {
        self.place(words).is_some()
    }

    /// Where it says this first.
    pub fn place(&mut self, words: &str) -> Option<iced::Rectangle> {
        let mut look = Look { words: words.to_owned(), found: None };
        let mut ui =
            UserInterface::build(self.reading.view(), self.size, std::mem::take(&mut self.cache), &mut self.renderer);
        ui.operate(&self.renderer, &mut look);
        self.cache = ui.into_cache();
        look.found
    }

    pub fn moves_to(&mut self, x: f32, y: f32) -> Drawn {
        self.cursor = mouse::Cursor::Available(Point::new(x, y));
        self.frame(&[Event::Mouse(mouse::Event::CursorMoved { position: Point::new(x, y) })])
    }
}

struct Look {
    words: String,
    found: Option<iced::Rectangle>,
}

impl Operation for Look {
    fn traverse(&mut self, operate: &mut dyn FnMut(&mut dyn Operation)) {
        operate(self);
    }

    fn text(&mut self, _id: Option<&iced::advanced::widget::Id>, bounds: iced::Rectangle, text: &str) {
        if text.contains(&self.words) {
            self.found.get_or_insert(bounds);
        }
    }
}
