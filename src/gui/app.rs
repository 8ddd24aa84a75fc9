//! The root of the window: opening, keys, theme, size, closing. Everything about mail is the desk's.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use iced::keyboard::{self, Key, key::Named};
use iced::widget::{Stack, button, column, container, mouse_area, operation, space};
use iced::{Element, Fill, Size, Subscription, Task, Theme, event, mouse, window};

use super::desk::view::{Frame, Seen};
use super::desk::{self, Desk, Page};
use super::dialog;
use super::icon;
use super::list::{self, Move};
use super::off::off;
use super::open::{self, LIST, LIST_WIDTHS, Opened, Remembered, SIDEBAR, SIDEBAR_WIDTHS, SIZE, THEME, What};
use super::reader;
use super::schedule;
use super::theme::{self, Choice};
use super::widget::{act, title, trouble, void};
use super::words::Clock;
use super::{Start, bars};
use crate::archive::Mark;
use crate::problem::Problem;

/// An archive that is being opened.
pub type Opening = JoinHandle<Result<Opened, Problem>>;

/// See the module.
pub struct App {
    /// Where the user's own archive is; `None` when the window was started for the sample alone.
    folder: Option<PathBuf>,
    stage: Stage,
    generation: u64,
    clock: Clock,
    theme: Choice,
    system_is_dark: bool,
    size: Size,
    window: Option<window::Id>,
    dragged: Option<Pane>,
    leaving: bool,
}

enum Stage {
    Opening,
    Stuck(Problem),
    Open(Box<Desk>),
}

/// A pane whose right edge can be dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Sidebar,
    List,
}

pub enum Message {
    Opened(u64, Result<Opened, Problem>),
    OpenAgain,
    Desk(u64, desk::Message),
    Key(Key, keyboard::Modifiers, bool),
    Resized(window::Id, Size),
    CloseRequested(window::Id),
    Grabbed(Pane),
    Dragged(f32),
    Dropped,
    Tick,
    /// The time, and the zone that the computer is in by now.
    Clock(Clock),
    SystemTheme(iced::theme::Mode),
    Exit,
}

impl App {
    /// With the user's own archive, where it is being opened already.
    pub fn new(start: Start, opening: Option<Opening>) -> (App, Task<Message>) {
        let (folder, what) = match start {
            Start::Archive(folder) => (Some(folder.clone()), What::Archive(folder)),
            Start::Demo => (None, What::Sample(None)),
        };
        let mut app = App {
            folder,
            stage: Stage::Opening,
            generation: 0,
            clock: Clock::system(),
            theme: Choice::System,
            system_is_dark: false,
            size: super::SIZE,
            window: None,
            dragged: None,
            leaving: false,
        };
        let open = match opening {
            Some(opening) => app.open_by(move || opening.join().unwrap_or_else(|panic| resume_unwind(panic))),
            None => app.open(what),
        };
        let theme = iced::system::theme().map(Message::SystemTheme);
        let window = window::oldest().then(|id| match id {
            Some(id) => window::size(id).map(move |size| Message::Resized(id, size)),
            None => Task::none(),
        });
        (app, Task::batch([open, theme, window]))
    }

    /// Which of the archives opened so far this is.
    #[cfg(test)]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The desk, once its archive is open.
    #[cfg(test)]
    pub fn open_archive(&self) -> Option<&Desk> {
        match &self.stage {
            Stage::Open(desk) => Some(desk),
            _ => None,
        }
    }

    #[cfg(test)]
    pub fn reader_mut(&mut self) -> Option<&mut super::reader::Reader> {
        match &mut self.stage {
            Stage::Open(desk) => Some(&mut desk.reader),
            _ => None,
        }
    }

    pub fn title(&self) -> String {
        match &self.stage {
            Stage::Open(desk) if desk.library.sample => "Postkeep: sample mailbox".to_owned(),
            _ => "Postkeep".to_owned(),
        }
    }

    pub fn theme(&self) -> Theme {
        self.theme.theme(self.system_is_dark)
    }

    pub fn subscription(&self) -> Subscription<Message> {
        let mut all = vec![
            event::listen_with(listened),
            iced::time::every(self.step()).map(|_| Message::Tick),
            iced::system::theme_changes().map(Message::SystemTheme),
        ];
        if let Stage::Open(desk) = &self.stage {
            let generation = self.generation;
            all.push(
                desk.subscription().with(generation).map(|(generation, message)| Message::Desk(generation, message)),
            );
        }
        Subscription::batch(all)
    }

    /// How often the clock on the screen moves: each second only while seconds are counted there.
    fn step(&self) -> Duration {
        match &self.stage {
            Stage::Open(desk) if schedule::counts_seconds(&desk.library, &self.clock) => Duration::from_secs(1),
            _ => Duration::from_secs(30),
        }
    }

    pub fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Opened(generation, opened) => self.opened(generation, opened),
            Message::OpenAgain => self.open_own(),
            Message::Desk(generation, message) if generation == self.generation => self.desk(message),
            Message::Desk(..) => Task::none(),
            Message::Key(key, modifiers, captured) => self.pressed(&key, modifiers, captured),
            Message::Resized(id, size) => self.resized(id, size),
            Message::CloseRequested(id) => self.close_requested(id),
            Message::Grabbed(pane) => self.grabbed(pane),
            Message::Dragged(x) => self.moved(x),
            Message::Dropped => self.dropped(),
            Message::Tick => self.tick(),
            Message::Clock(clock) => {
                self.renew(clock);
                Task::none()
            }
            Message::SystemTheme(mode) => self.system_theme(mode),
            Message::Exit => iced::exit(),
        }
    }

    fn open(&mut self, what: What) -> Task<Message> {
        self.open_by(move || open::open(what))
    }

    fn open_by(&mut self, open: impl FnOnce() -> Result<Opened, Problem> + Send + 'static) -> Task<Message> {
        self.stage = Stage::Opening;
        self.generation += 1;
        let generation = self.generation;
        off(open).map(move |opened| Message::Opened(generation, opened))
    }

    fn open_own(&mut self) -> Task<Message> {
        match self.folder.clone() {
            Some(folder) => self.open(What::Archive(folder)),
            None => self.open(What::Sample(None)),
        }
    }

    fn open_sample(&mut self) -> Task<Message> {
        let remembered = match &self.stage {
            Stage::Open(desk) => Some(desk.remembered.clone()),
            _ => None,
        };
        self.open(What::Sample(remembered))
    }

    fn opened(&mut self, generation: u64, opened: Result<Opened, Problem>) -> Task<Message> {
        if generation != self.generation {
            return Task::none();
        }
        match opened {
            Ok(opened) => {
                let Remembered { theme, size, .. } = opened.remembered;
                self.theme = theme;
                let (mut desk, task) = Desk::new(opened, generation, &self.clock);
                desk.library.can_leave = self.folder.is_some();
                self.stage = Stage::Open(Box::new(desk));
                let shade = self.shade();
                Task::batch([self.wrap(task), self.resize(size), shade])
            }
            Err(problem) => {
                self.stage = Stage::Stuck(problem);
                Task::none()
            }
        }
    }

    /// Gives the window the size it had the last time.
    fn resize(&self, size: Option<(f32, f32)>) -> Task<Message> {
        match (self.window, size) {
            (Some(id), Some((width, height))) => window::resize(id, Size::new(width, height)),
            _ => Task::none(),
        }
    }

    fn wrap(&self, task: Task<desk::Message>) -> Task<Message> {
        let generation = self.generation;
        task.map(move |message| Message::Desk(generation, message))
    }

    fn desk(&mut self, message: desk::Message) -> Task<Message> {
        let Stage::Open(desk) = &mut self.stage else { return Task::none() };
        let action = desk.update(message, &self.clock);
        let done = self.acted(action);
        if self.leaving && self.is_idle() { self.leave() } else { done }
    }

    fn acted(&mut self, action: desk::Action) -> Task<Message> {
        match action {
            desk::Action::None => Task::none(),
            desk::Action::Run(task) => self.wrap(task),
            desk::Action::Theme(choice) => self.choose(choice),
            desk::Action::TrySample => self.open_sample(),
            desk::Action::LeaveSample => self.open_own(),
            desk::Action::Quit(task) => self.quit(task),
        }
    }

    fn choose(&mut self, choice: Choice) -> Task<Message> {
        self.theme = choice;
        let shade = self.shade();
        let Stage::Open(desk) = &mut self.stage else { return Task::none() };
        desk.remembered.theme = choice;
        let task = desk.remember(THEME, choice.as_str().to_owned());
        Task::batch([self.wrap(task), shade])
    }

    /// Pages of messages are dark where the window is.
    fn shade(&mut self) -> Task<Message> {
        let dark = self.theme().extended_palette().is_dark;
        let Stage::Open(desk) = &mut self.stage else { return Task::none() };
        let task = desk.reader(reader::Message::Page(reader::page::Message::Dark(dark)), &self.clock);
        self.wrap(task)
    }

    // Closing.

    fn close_requested(&mut self, id: window::Id) -> Task<Message> {
        self.window = Some(id);
        match &mut self.stage {
            Stage::Open(desk) if desk.is_busy() && !self.leaving => {
                desk.ask_to_quit();
                Task::none()
            }
            _ => self.leave(),
        }
    }

    /// What ran was told to stop; the window closes when it has, or after a while all the same, which is as safe.
    fn quit(&mut self, task: Task<desk::Message>) -> Task<Message> {
        self.leaving = true;
        let patience = Task::future(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Message::Exit
        });
        Task::batch([self.wrap(task), patience])
    }

    fn is_idle(&self) -> bool {
        !matches!(&self.stage, Stage::Open(desk) if desk.is_busy())
    }

    /// Remembers the window's size, then closes it.
    fn leave(&mut self) -> Task<Message> {
        self.leaving = true;
        let Stage::Open(desk) = &self.stage else { return iced::exit() };
        let (archive, size) = (desk.archive.clone(), self.size);
        let value = format!("{}x{}", size.width.round(), size.height.round());
        off(move || {
            // Not remembering a size is no reason to stay.
            let _ = archive.set_setting(SIZE, &value);
        })
        .map(|()| Message::Exit)
    }

    // The window.

    fn resized(&mut self, id: window::Id, size: Size) -> Task<Message> {
        let first = self.window.is_none();
        self.window = Some(id);
        self.size = size;
        match &self.stage {
            Stage::Open(desk) if first => self.resize(desk.remembered.size),
            _ => Task::none(),
        }
    }

    fn grabbed(&mut self, pane: Pane) -> Task<Message> {
        self.dragged = Some(pane);
        Task::none()
    }

    fn moved(&mut self, x: f32) -> Task<Message> {
        if let (Some(pane), Stage::Open(desk)) = (self.dragged, &mut self.stage) {
            let narrow = self.size.width < theme::measure::NARROW;
            let left = if narrow { theme::measure::SIDEBAR_ICONS } else { desk.remembered.sidebar };
            match pane {
                Pane::Sidebar => desk.remembered.sidebar = x.clamp(SIDEBAR_WIDTHS.0, SIDEBAR_WIDTHS.1),
                Pane::List => desk.remembered.list = (x - left).clamp(LIST_WIDTHS.0, LIST_WIDTHS.1),
            }
        }
        Task::none()
    }

    fn dropped(&mut self) -> Task<Message> {
        let (Some(pane), Stage::Open(desk)) = (self.dragged.take(), &self.stage) else { return Task::none() };
        let task = match pane {
            Pane::Sidebar => desk.remember(SIDEBAR, desk.remembered.sidebar.round().to_string()),
            Pane::List => desk.remember(LIST, desk.remembered.list.round().to_string()),
        };
        self.wrap(task)
    }

    fn tick(&mut self) -> Task<Message> {
        self.renew(Clock { now: jiff::Timestamp::now(), zone: self.clock.zone.clone() });
        off(Clock::system).map(Message::Clock)
    }

    fn renew(&mut self, clock: Clock) {
        let before = std::mem::replace(&mut self.clock, clock).today();
        if let (true, Stage::Open(desk)) = (before != self.clock.today(), &mut self.stage) {
            desk.tick(&self.clock);
        }
    }

    fn system_theme(&mut self, mode: iced::theme::Mode) -> Task<Message> {
        self.system_is_dark = mode == iced::theme::Mode::Dark;
        self.shade()
    }

    // Keys.

    fn pressed(&mut self, key: &Key, modifiers: keyboard::Modifiers, captured: bool) -> Task<Message> {
        let Stage::Open(desk) = &mut self.stage else { return Task::none() };
        let over = desk.dialog.is_some() || !matches!(desk.page, Page::Mailbox);
        let alone = self.size.width < theme::measure::SINGLE;
        let meaning = match in_menu(key) {
            Some(message) if desk.list.menu.is_some() && !over => Some(Shortcut::List(message)),
            _ => shortcut(key, modifiers, captured, over),
        };
        match meaning {
            None => Task::none(),
            Some(Shortcut::FocusNext) if desk.dialog.is_some() => dialog::focus(false),
            Some(Shortcut::FocusPrevious) if desk.dialog.is_some() => dialog::focus(true),
            Some(Shortcut::FocusNext) => operation::focus_next(),
            Some(Shortcut::FocusPrevious) => operation::focus_previous(),
            Some(Shortcut::Find) if desk.reader.is_open() => {
                let task = desk.reader(reader::Message::Looking(reader::looking::Message::Open), &self.clock);
                self.wrap(task)
            }
            Some(Shortcut::Search | Shortcut::Find) => {
                Task::batch([operation::focus(bars::SEARCH), operation::select_all(bars::SEARCH)])
            }
            Some(Shortcut::Escape) => self.escaped(),
            Some(Shortcut::CheckMail) => {
                let action = desk.check_mail();
                self.acted(action)
            }
            // One message fills a narrow window: nothing is selected behind it.
            Some(Shortcut::List(message)) if message.is_of_list() && alone && desk.reader.is_open() => Task::none(),
            Some(Shortcut::List(message)) => {
                let task = desk.list(message, &self.clock);
                self.wrap(task)
            }
            Some(Shortcut::Undo) => {
                let task = desk.undo();
                self.wrap(task)
            }
            Some(Shortcut::Keys) => {
                let task = desk.open(dialog::Which::Keys);
                self.wrap(task)
            }
            Some(Shortcut::Read(message)) => {
                let task = desk.read_or_mark(message, &self.clock);
                self.wrap(task)
            }
        }
    }

    fn escaped(&mut self) -> Task<Message> {
        let Stage::Open(desk) = &mut self.stage else { return Task::none() };
        let task = if desk.dialog.is_some() {
            desk.close_dialog()
        } else if desk.leave_page() {
            Task::none()
        } else if let Some(left) = desk.reader.leave() {
            left.map(desk::Message::Reader)
        } else if desk.list.is_several() {
            desk.list(list::Message::Collapse, &self.clock)
        } else if !desk.list.query.is_empty() {
            desk.search(String::new(), &self.clock)
        } else {
            if self.size.width < theme::measure::SINGLE {
                desk.reader.close();
            }
            Task::none()
        };
        self.wrap(task)
    }

    // Drawing.

    pub fn view(&self) -> Element<'_, Message> {
        match &self.stage {
            Stage::Opening => container(void(icon::MAIL, "Postkeep", "Opening your mail.")).style(theme::window).into(),
            Stage::Stuck(problem) => stuck(problem),
            Stage::Open(desk) => self.open_desk(desk),
        }
    }

    fn open_desk<'a>(&'a self, desk: &'a Desk) -> Element<'a, Message> {
        let frame = Frame { clock: &self.clock, theme: self.theme, width: self.size.width };
        let generation = self.generation;
        let view = desk.view(frame).map(move |seen| match seen {
            Seen::Desk(message) => Message::Desk(generation, message),
            Seen::Grabbed(pane) => Message::Grabbed(pane),
        });
        let mut layers = Stack::with_children([view]);
        if self.dragged.is_some() {
            layers = layers.push(drag_layer());
        }
        layers.into()
    }
}

/// Over everything while a divider is dragged, so that the mouse may leave the line.
fn drag_layer<'a>() -> Element<'a, Message> {
    #[derive(Clone)]
    enum Drag {
        To(f32),
        End,
    }
    let layer: Element<'a, Drag> = mouse_area(space().width(Fill).height(Fill))
        .on_move(|point| Drag::To(point.x))
        .on_release(Drag::End)
        .interaction(mouse::Interaction::ResizingHorizontally)
        .into();
    layer.map(|drag| match drag {
        Drag::To(x) => Message::Dragged(x),
        Drag::End => Message::Dropped,
    })
}

fn stuck(problem: &Problem) -> Element<'_, Message> {
    let again: button::Button<'_, ()> = act(Some(icon::REFRESH_CW), "Try again", theme::primary, Some(()));
    let page =
        column![title("Postkeep cannot open your mail"), trouble(problem, None), again].spacing(16).max_width(560);
    let page: Element<'_, ()> = container(page).center(Fill).padding(24).style(theme::window).into();
    page.map(|()| Message::OpenAgain)
}

/// What the window listens to.
fn listened(event: iced::Event, status: event::Status, id: window::Id) -> Option<Message> {
    match event {
        iced::Event::Keyboard(keyboard::Event::KeyPressed { key, modified_key, modifiers, .. }) => {
            // Which keys make these signs, and whether with Shift, is another matter on each keyboard.
            let key = if matches!(modified_key.as_ref(), Key::Character("?" | "/")) { modified_key } else { key };
            Some(Message::Key(key, modifiers, status == event::Status::Captured))
        }
        iced::Event::Window(window::Event::Resized(size)) => Some(Message::Resized(id, size)),
        iced::Event::Window(window::Event::CloseRequested) => Some(Message::CloseRequested(id)),
        _ => None,
    }
}

/// What a key means.
#[derive(Clone, Debug)]
enum Shortcut {
    List(list::Message),
    Read(reader::Message),
    Undo,
    Search,
    /// Find in the message that is read, or search where none is.
    Find,
    CheckMail,
    Escape,
    FocusNext,
    FocusPrevious,
    /// The overview of keys.
    Keys,
}

/// The meaning of a key; `captured` by a field that is typed into, `over` when a dialog or a form is in front.
fn shortcut(key: &Key, modifiers: keyboard::Modifiers, captured: bool, over: bool) -> Option<Shortcut> {
    match (key.as_ref(), modifiers.command()) {
        (Key::Named(Named::Escape), _) => return Some(Shortcut::Escape),
        (Key::Named(Named::Tab), _) if modifiers.shift() => return Some(Shortcut::FocusPrevious),
        (Key::Named(Named::Tab), _) => return Some(Shortcut::FocusNext),
        _ if over || captured => return None,
        _ => {}
    }
    if let Some(to) = movement(key, modifiers) {
        return Some(Shortcut::List(list::Message::Move(to, modifiers.shift())));
    }
    if let Some(message) = reading(key, modifiers) {
        return Some(Shortcut::Read(message));
    }
    let list = |message| Some(Shortcut::List(message));
    match (key.as_ref(), modifiers.command()) {
        (Key::Character("f"), true) => Some(Shortcut::Find),
        (Key::Character("/"), _) => Some(Shortcut::Search),
        (Key::Character("z"), true) if !modifiers.shift() => Some(Shortcut::Undo),
        (Key::Named(Named::F5), _) => Some(Shortcut::CheckMail),
        (Key::Named(Named::Delete), false) => list(list::Message::Delete),
        (Key::Character("e"), false) if !modifiers.shift() => list(list::Message::Delete),
        (Key::Character("N" | "n"), false) if modifiers.shift() => list(list::Message::NextUnread),
        (Key::Character("?"), _) | (Key::Named(Named::F1), _) => Some(Shortcut::Keys),
        (Key::Named(Named::Enter), _) => list(list::Message::Enter),
        (Key::Character("a"), true) => list(list::Message::SelectAll),
        (Key::Named(Named::ContextMenu), _) => list(list::Message::OpenMenu),
        (Key::Named(Named::F10), _) if modifiers.shift() => list(list::Message::OpenMenu),
        (Key::Character("o"), false) => list(list::Message::OpenSorting),
        (Key::Character("U" | "u"), false) if modifiers.shift() => list(list::Message::Mark(Mark::Read, true)),
        _ => None,
    }
}

/// What a key does with the message that is read. Shift and another letter are another key.
fn reading(key: &Key, modifiers: keyboard::Modifiers) -> Option<reader::Message> {
    use reader::page::Message as OfPage;
    use reader::passing::Way;
    use reader::{Message, Shows};
    if key == &Key::Named(Named::Space) {
        return (!modifiers.command() && !modifiers.alt()).then(|| Message::Turn(modifiers.shift()));
    }
    if key == &Key::Named(Named::F3) {
        return Some(Message::Looking(reader::looking::Message::Step(!modifiers.shift())));
    }
    let Key::Character(letter) = key else { return None };
    // On many keyboards the plus is typed with Shift.
    if modifiers.command() && matches!(letter.as_str(), "+" | "=") {
        return Some(Message::Page(OfPage::Zoom(Some(true))));
    }
    if modifiers.shift() || modifiers.alt() {
        return None;
    }
    Some(match (letter.as_str(), modifiers.command()) {
        (" ", false) => Message::Turn(false),
        ("s", false) => Message::Star,
        ("u", false) => Message::Unread,
        ("r", false) => Message::Answer(Way::Reply),
        ("a", false) => Message::Answer(Way::ReplyAll),
        ("f", false) => Message::Answer(Way::Forward),
        ("m", false) => Message::Monospace,
        ("t", false) => Message::Page(OfPage::Plain),
        ("d", false) => Message::Page(OfPage::Original),
        ("-", true) => Message::Page(OfPage::Zoom(Some(false))),
        ("0", true) => Message::Page(OfPage::Zoom(None)),
        ("q", false) => Message::FoldAll,
        ("h", false) => Message::Show(Shows::Headers),
        ("v", false) | ("u", true) => Message::Show(Shows::Source),
        ("s", true) => Message::Keep,
        ("p", true) => Message::Print,
        _ => return None,
    })
}

/// Where a key goes to in the list. The letters do not make the selection grow.
fn movement(key: &Key, modifiers: keyboard::Modifiers) -> Option<Move> {
    match (key.as_ref(), modifiers.command()) {
        (Key::Named(Named::ArrowDown), false) => Some(Move::Next),
        (Key::Named(Named::ArrowUp), false) => Some(Move::Previous),
        (Key::Character("j" | "n"), false) if !modifiers.shift() => Some(Move::Next),
        (Key::Character("k" | "p"), false) if !modifiers.shift() => Some(Move::Previous),
        (Key::Named(Named::PageDown), _) => Some(Move::PageDown),
        (Key::Named(Named::PageUp), _) => Some(Move::PageUp),
        (Key::Named(Named::Home), _) => Some(Move::First),
        (Key::Named(Named::End), _) => Some(Move::Last),
        _ => None,
    }
}

/// What a key means while a menu is open.
fn in_menu(key: &Key) -> Option<list::Message> {
    match key {
        Key::Named(Named::ArrowDown) => Some(list::Message::MenuMove(true)),
        Key::Named(Named::ArrowUp) => Some(list::Message::MenuMove(false)),
        Key::Named(Named::Enter | Named::Space) => Some(list::Message::MenuEnter),
        Key::Named(Named::Escape | Named::ContextMenu) => Some(list::Message::CloseMenu),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Named, keyboard, shortcut};

    /// The key, with Ctrl, typed into a field, with a dialog in front; what it means.
    type Case = (Key, bool, bool, bool, &'static str);

    #[test]
    fn shift_makes_the_selection_grow_and_opens_the_menu() {
        let named = Key::Named;
        for (key, expected) in [
            (named(Named::ArrowDown), "Some(List(Move(Next, true)))"),
            (named(Named::End), "Some(List(Move(Last, true)))"),
            (named(Named::PageUp), "Some(List(Move(PageUp, true)))"),
            (named(Named::F10), "Some(List(OpenMenu))"),
            (Key::Character("U".into()), "Some(List(Mark(Read, true)))"),
            (Key::Character("j".into()), "None"),
            (Key::Character("N".into()), "Some(List(NextUnread))"),
            (Key::Character("?".into()), "Some(Keys)"),
            (named(Named::Space), "Some(Read(Turn(true)))"),
            (Key::Character("S".into()), "None"),
        ] {
            let meaning = format!("{:?}", shortcut(&key, keyboard::Modifiers::SHIFT, false, false));
            assert_eq!(meaning, expected, "{key:?}");
        }
    }

    /// As the windowing library tells it: the key by itself, and what it makes with Shift held.
    #[test]
    fn signs_are_what_was_typed_and_not_the_key_they_are_on() {
        for (key, makes, expected) in [
            ("/", "?", "Some(Keys)"),
            ("ß", "?", "Some(Keys)"),
            ("7", "/", "Some(Search)"),
            ("u", "U", "Some(List(Mark(Read, true)))"),
        ] {
            let event = iced::Event::Keyboard(keyboard::Event::KeyPressed {
                key: Key::Character(key.into()),
                modified_key: Key::Character(makes.into()),
                physical_key: keyboard::key::Physical::Code(keyboard::key::Code::Slash),
                location: keyboard::Location::Standard,
                modifiers: keyboard::Modifiers::SHIFT,
                text: None,
                repeat: false,
            });
            let heard = super::listened(event, iced::event::Status::Ignored, iced::window::Id::unique());
            let Some(super::Message::Key(key, modifiers, false)) = heard else { panic!("{makes} is not heard") };
            assert_eq!(format!("{:?}", shortcut(&key, modifiers, false, false)), expected, "{makes}");
        }
    }

    #[test]
    fn keys_mean_something_only_where_nothing_is_typed() {
        let letter = |letter: &str| Key::Character(letter.into());
        let cases: [Case; 41] = [
            (letter("j"), false, false, false, "Some(List(Move(Next, false)))"),
            (letter("j"), false, true, false, "None"),
            (letter("j"), false, false, true, "None"),
            (Key::Named(Named::ArrowUp), false, false, false, "Some(List(Move(Previous, false)))"),
            (Key::Named(Named::End), false, false, false, "Some(List(Move(Last, false)))"),
            (Key::Named(Named::Enter), false, false, false, "Some(List(Enter))"),
            (letter("s"), false, false, false, "Some(Read(Star))"),
            (letter("u"), false, false, false, "Some(Read(Unread))"),
            (letter("r"), false, false, false, "Some(Read(Answer(Reply)))"),
            (letter("a"), false, false, false, "Some(Read(Answer(ReplyAll)))"),
            (letter("f"), false, false, false, "Some(Read(Answer(Forward)))"),
            (letter("n"), false, false, false, "Some(List(Move(Next, false)))"),
            (letter("p"), false, false, false, "Some(List(Move(Previous, false)))"),
            (letter("e"), false, false, false, "Some(List(Delete))"),
            (letter("e"), false, true, false, "None"),
            (letter("m"), false, false, false, "Some(Read(Monospace))"),
            (letter("q"), false, false, false, "Some(Read(FoldAll))"),
            (letter("t"), false, false, false, "Some(Read(Page(Plain)))"),
            (letter("+"), true, false, false, "Some(Read(Page(Zoom(Some(true)))))"),
            (letter("-"), true, false, false, "Some(Read(Page(Zoom(Some(false)))))"),
            (letter("0"), true, false, false, "Some(Read(Page(Zoom(None))))"),
            (letter("h"), false, false, false, "Some(Read(Show(Headers)))"),
            (letter("v"), false, false, false, "Some(Read(Show(Source)))"),
            (letter("u"), true, false, false, "Some(Read(Show(Source)))"),
            (letter("s"), true, false, false, "Some(Read(Keep))"),
            (letter("?"), false, false, false, "Some(Keys)"),
            (letter("?"), false, true, false, "None"),
            (Key::Named(Named::Space), false, false, false, "Some(Read(Turn(false)))"),
            (Key::Named(Named::Space), false, true, false, "None"),
            (Key::Named(Named::Space), false, false, true, "None"),
            (letter("/"), false, false, false, "Some(Search)"),
            (letter("f"), true, false, false, "Some(Find)"),
            (Key::Named(Named::F3), false, false, false, "Some(Read(Looking(Step(true))))"),
            (Key::Named(Named::F5), false, false, false, "Some(CheckMail)"),
            (Key::Named(Named::Delete), false, false, false, "Some(List(Delete))"),
            (Key::Named(Named::Delete), false, true, false, "None"),
            (letter("a"), true, false, false, "Some(List(SelectAll))"),
            (letter("z"), true, false, false, "Some(Undo)"),
            (letter("z"), true, true, false, "None"),
            (Key::Named(Named::Escape), false, true, true, "Some(Escape)"),
            (Key::Named(Named::Tab), false, true, true, "Some(FocusNext)"),
        ];
        for (key, command, captured, over, expected) in cases {
            let modifiers = if command { keyboard::Modifiers::COMMAND } else { keyboard::Modifiers::empty() };
            let meaning = format!("{:?}", shortcut(&key, modifiers, captured, over));
            assert_eq!(meaning, expected, "{key:?}");
        }
    }
}
