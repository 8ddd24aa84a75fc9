//! Drives the whole application in a test, without a window: its tasks and its subscriptions run, what they answer
//! goes back into it, and a simulator clicks on what it shows.

use std::collections::HashSet;
use std::hash::Hasher as _;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc;
use iced::advanced::subscription::{Hasher, into_recipes};
use iced::keyboard::{self, Key, Modifiers};
use iced::{Size, Task, Theme, mouse};
use iced_test::Simulator;
use iced_test::runtime::{Action, task::into_stream};
use tokio::runtime::Runtime;

use super::Start;
use super::app::{App, Message};
use super::desk::Desk;
use super::fixtures::simulator;
use super::open::new_account;
use crate::account::{Account, Fetching, Retention};
use crate::archive::{Archive, NewAccount};
use crate::{demo, secrets};

/// A server with mail, and an archive with its account, to be opened.
pub struct Mailbox {
    pub server: demo::Server,
    folder: tempfile::TempDir,
}

impl Mailbox {
    pub fn new(options: demo::Options, retention: Retention, fetching: Fetching) -> Mailbox {
        let server = demo::Server::start(0, options).unwrap();
        let mailbox = Mailbox { server, folder: tempfile::tempdir().unwrap() };
        let archive = Archive::open(&mailbox.folder()).unwrap();
        let account = archive.add_account(&NewAccount { retention, ..new_account(&mailbox.server) }).unwrap();
        archive.change_account(&Account { fetching, ..account.clone() }).unwrap();
        secrets::hold(&account, &mailbox.server.password().to_owned().into());
        mailbox
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// The window with this archive open.
    pub fn open(&self) -> Live {
        Live::start(Start::Archive(self.folder()))
    }
}

pub struct Live {
    pub app: App,
    runtime: Runtime,
    sender: mpsc::UnboundedSender<Message>,
    inbox: mpsc::UnboundedReceiver<Message>,
    started: HashSet<u64>,
}

impl Live {
    pub fn start(start: Start) -> Live {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (sender, inbox) = mpsc::unbounded();
        let (app, task) = App::new(start, None);
        let mut live = Live { app, runtime, sender, inbox, started: HashSet::new() };
        live.run(task);
        live.subscribe();
        live
    }

    /// The open archive.
    pub fn desk(&self) -> &Desk {
        self.app.open_archive().expect("an archive is open")
    }

    pub fn update(&mut self, message: Message) {
        let task = self.app.update(message);
        self.run(task);
        self.subscribe();
    }

    /// What the open archive's desk would hear.
    pub fn tell(&mut self, message: super::desk::Message) {
        let generation = self.app.generation();
        self.update(Message::Desk(generation, message));
    }

    fn run(&self, task: Task<Message>) {
        let Some(mut stream) = into_stream(task) else { return };
        let sender = self.sender.clone();
        self.runtime.spawn(async move {
            while let Some(action) = stream.next().await {
                // What is for the window itself has nowhere to go.
                if let Action::Output(message) = action {
                    let _ = sender.unbounded_send(message);
                }
            }
        });
    }

    /// Starts the subscriptions that are new, as the window would.
    fn subscribe(&mut self) {
        let _entered = self.runtime.enter();
        for recipe in into_recipes(self.app.subscription()) {
            let mut hasher = Hasher::default();
            recipe.hash(&mut hasher);
            if self.started.insert(hasher.finish()) {
                let mut stream = recipe.stream(futures::stream::pending().boxed());
                let sender = self.sender.clone();
                self.runtime.spawn(async move {
                    while let Some(message) = stream.next().await {
                        let _ = sender.unbounded_send(message);
                    }
                });
            }
        }
    }

    /// Lets the application run until something holds.
    pub fn until(&mut self, what: &str, holds: impl Fn(&App) -> bool) {
        // Not a measure of speed: where nothing comes of two minutes, nothing will.
        let patience = std::time::Instant::now() + Duration::from_secs(120);
        while !holds(&self.app) {
            let left = patience.saturating_duration_since(std::time::Instant::now());
            let next = async { tokio::time::timeout(left, self.inbox.next()).await };
            let message = self.runtime.block_on(next).unwrap_or_else(|_| panic!("waited in vain until {what}"));
            self.update(message.expect("the sender lives as long as this"));
        }
    }

    pub fn until_desk(&mut self, what: &str, holds: impl Fn(&Desk) -> bool) {
        self.until(what, |app| app.open_archive().is_some_and(&holds));
    }

    /// Lets the application run until the window shows a text.
    pub fn until_shown(&mut self, text: &str) {
        self.until(text, |app| simulate(app).find(text).is_ok());
    }

    pub fn shows(&self, text: &str) -> bool {
        simulate(&self.app).find(text).is_ok()
    }

    /// The same while the keyboard is in this field.
    pub fn shows_in(&self, field: &'static str, text: &str) -> bool {
        let mut simulator = simulate(&self.app);
        simulator.click(iced::widget::Id::new(field)).is_ok() && simulator.find(text).is_ok()
    }

    pub fn click(&mut self, text: &str) {
        let messages: Vec<Message> = {
            let mut simulator = simulate(&self.app);
            simulator.click(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            simulator.into_messages().collect()
        };
        messages.into_iter().for_each(|message| self.update(message));
    }

    /// Clicks on what says `text` with these keys held.
    pub fn click_with(&mut self, text: &str, modifiers: Modifiers) {
        self.mouse(text, modifiers, mouse::Button::Left);
    }

    /// Asks for the menu of what says `text`.
    pub fn right_click(&mut self, text: &str) {
        self.mouse(text, Modifiers::empty(), mouse::Button::Right);
    }

    fn mouse(&mut self, text: &str, modifiers: Modifiers, button: mouse::Button) {
        let messages: Vec<Message> = {
            let mut simulator = simulate(&self.app);
            let found = simulator.find(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let bounds = found.visible_bounds().unwrap_or_else(|| panic!("{text} is out of sight"));
            simulator.point_at(bounds.center());
            simulator.simulate([
                iced::Event::Keyboard(keyboard::Event::ModifiersChanged(modifiers)),
                iced::Event::Mouse(mouse::Event::ButtonPressed(button)),
                iced::Event::Mouse(mouse::Event::ButtonReleased(button)),
            ]);
            simulator.into_messages().collect()
        };
        messages.into_iter().for_each(|message| self.update(message));
    }

    /// Clicks into the field with this id and types.
    pub fn type_into(&mut self, id: &'static str, text: &str) {
        let mut typed = String::new();
        for letter in text.chars() {
            typed.push(letter);
            let messages: Vec<Message> = {
                let mut simulator = simulate(&self.app);
                simulator.click(iced::widget::Id::new(id)).unwrap_or_else(|error| panic!("{id}: {error}"));
                simulator.tap_key(Key::Named(iced::keyboard::key::Named::End));
                simulator.typewrite(&letter.to_string());
                simulator.into_messages().collect()
            };
            messages.into_iter().for_each(|message| self.update(message));
        }
    }

    pub fn press(&mut self, key: Key) {
        self.press_with(key, Modifiers::empty());
    }

    /// A key with others held.
    pub fn press_with(&mut self, key: Key, modifiers: Modifiers) {
        self.update(Message::Key(key, modifiers, false));
    }

    /// A letter key.
    pub fn letter(&mut self, letter: &str) {
        self.press(Key::Character(letter.into()));
    }
}

fn simulate(app: &App) -> Simulator<'_, Message, Theme> {
    simulator(Size::new(1360.0, 860.0), app.view())
}
