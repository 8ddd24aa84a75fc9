//! The form as a person meets it: typed into, clicked, read.

use iced_test::{Simulator, simulator};

use super::{Action, Field, Intent, Message, Saved, Setup, State, Typed};
use crate::account::{Account, AccountId, Fetching, Retention, Security, Server};
use crate::archive::Archive;
use crate::demo;
use crate::problem::Problem;
use crate::transport::Stat;

pub fn account() -> Account {
    Account {
        id: AccountId(7),
        address: "anna@example.org".into(),
        server: Server {
            host: "pop.example.org".into(),
            port: 995,
            security: Security::Tls,
            user: "anna@example.org".into(),
            ca_file: None,
        },
        name: String::new(),
        retention: Retention::LeaveCopy,
        fetching: Fetching::default(),
        password_command: None,
    }
}

/// A form and the archive that it would save to.
struct Scene {
    setup: Setup,
    archive: Archive,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn of(setup: Setup) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        Scene { setup, archive, _folder: folder }
    }

    fn filled() -> Scene {
        let mut scene = Scene::of(Setup::new());
        scene.type_into(Field::Address, "anna@gmx.net");
        scene.type_into(Field::Password, "secret");
        scene
    }

    fn simulator(&self) -> Simulator<'_, Message> {
        Simulator::with_size(iced::Settings::default(), [900.0, 1200.0], self.setup.view(true))
    }

    fn tell(&mut self, message: Message) -> Action<Message> {
        self.setup.update(message, &self.archive)
    }

    /// Plays `act` in the window, then hands its messages to the form; answers the last action.
    fn play(&mut self, act: impl FnOnce(&mut Simulator<'_, Message>)) -> Action<Message> {
        let mut window = self.simulator();
        act(&mut window);
        let messages: Vec<_> = window.into_messages().collect();
        messages.into_iter().map(|message| self.tell(message)).last().unwrap_or(Action::None)
    }

    /// Key by key, as a person does: the form is drawn anew after each.
    fn type_into(&mut self, field: Field, text: &str) {
        for key in text.chars() {
            self.play(|window| {
                window.click(iced_test::selector::id(field.id())).unwrap();
                window.tap_key(iced::keyboard::key::Named::End);
                window.typewrite(&key.to_string());
            });
        }
        assert!(self.setup.form.value(field).ends_with(text));
    }

    fn click(&mut self, words: &str) -> Action<Message> {
        self.play(|window| {
            window.click(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        })
    }

    fn shows(&self, words: &str) -> bool {
        self.simulator().find(words).is_ok()
    }

    /// The answer of the server, as the test in the background gives it.
    fn answer(&mut self, result: Result<Stat, Problem>) -> Action<Message> {
        let generation = self.setup.generation;
        self.tell(Message::Tested(generation, result))
    }
}

fn problem() -> Problem {
    Problem { summary: "The server refused.".into(), mail: "No mail is lost.".into(), advice: "Try again.".into() }
}

const STAT: Stat = Stat { messages: 1206, octets: 84_000_000 };

#[test]
fn typing_an_address_fills_server_port_and_encryption() {
    let mut scene = Scene::of(Setup::new());
    scene.type_into(Field::Address, "anna@gmx.net");
    for words in ["pop.gmx.net", "995"] {
        assert!(scene.shows(words), "{words}");
    }
    assert!(scene.shows("Show me"), "the provider's note has a page");
}

#[test]
fn an_edited_server_is_not_overwritten() {
    let mut scene = Scene::of(Setup::new());
    scene.type_into(Field::Host, "mail.home.example");
    scene.type_into(Field::Address, "anna@gmx.net");
    assert!(scene.shows("mail.home.example") && !scene.shows("pop.gmx.net"));
}

#[test]
fn nothing_happens_before_the_fields_are_filled_and_enter_says_why() {
    let mut scene = Scene::of(Setup::new());
    assert!(matches!(scene.click("Add mailbox"), Action::None));
    assert!(matches!(scene.click("Test connection"), Action::None));
    assert!(!scene.shows("Without a password nothing can be fetched."));
    scene.play(|window| {
        window.click(iced_test::selector::id(Field::Address.id())).unwrap();
        window.tap_key(iced::keyboard::key::Named::Enter);
    });
    assert!(scene.shows("Without a password nothing can be fetched."));
    assert!(scene.shows("This is not an e-mail address such as anna@example.org."));
    assert!(matches!(scene.setup.state, State::Resting));
}

#[test]
fn plaintext_needs_a_confirmation() {
    let mut scene = Scene::filled();
    scene.tell(Message::Encrypted(super::Encryption(Security::None)));
    assert!(matches!(scene.click("Test connection"), Action::None));
    scene.click("I understand, and want to connect without encryption");
    assert!(matches!(scene.click("Test connection"), Action::Run(_)));
}

#[test]
fn adding_tests_first_and_then_saves() {
    let mut scene = Scene::filled();
    assert!(matches!(scene.click("Add mailbox"), Action::Run(_)));
    assert!(matches!(scene.setup.state, State::Testing { then_save: true, .. }));
    assert!(matches!(scene.answer(Ok(STAT)), Action::Run(_)));
    assert!(matches!(scene.setup.state, State::Saving));
}

#[test]
fn a_test_says_what_it_found_and_changes_nothing() {
    let mut scene = Scene::filled();
    scene.click("Test connection");
    assert!(matches!(scene.answer(Ok(STAT)), Action::None));
    assert!(scene.shows("Connected: 1,206 messages, 84 MB"));
    assert!(scene.archive.accounts().unwrap().is_empty());
    scene.type_into(Field::Port, "1");
    assert!(!scene.shows("Connected: 1,206 messages, 84 MB"), "the test was of another server");
}

#[test]
fn a_failed_test_saves_nothing_until_one_insists() {
    let mut scene = Scene::filled();
    scene.click("Add mailbox");
    assert!(matches!(scene.answer(Err(problem())), Action::None));
    assert!(scene.shows("The server refused."));
    assert!(matches!(scene.click("Add anyway"), Action::Run(_)));
    assert!(matches!(scene.setup.state, State::Saving));
}

#[test]
fn the_answer_to_a_stopped_test_is_dropped() {
    let mut scene = Scene::filled();
    scene.click("Add mailbox");
    let old = scene.setup.generation;
    scene.click("Stop");
    assert!(matches!(scene.tell(Message::Tested(old, Ok(STAT))), Action::None));
    assert!(matches!(scene.setup.state, State::Resting));
}

#[test]
fn turning_copies_off_is_left_to_the_dry_run() {
    let mut scene = Scene::filled();
    scene.click("Leave a copy on server");
    let candidate = super::work::candidate(&scene.setup.form).unwrap();
    assert!(candidate.account.retention.leaves_copy(), "saved with copies left, whatever the switch says");
    assert!(candidate.stop_leaving);
    let saved = Saved { account: account(), notice: None, stop_leaving: true };
    let action = scene.tell(Message::Saved(Box::new(Ok(saved))));
    assert!(matches!(action, Action::Want(Intent::SavedNotLeaving(..))));
}

/// Asks the server as the button does.
fn ask(server: &demo::Server, password: &str) -> Result<Stat, Problem> {
    let account = Account {
        server: Server {
            host: server.host().into(),
            port: server.address().port(),
            security: Security::Tls,
            user: server.user().into(),
            ca_file: Some(server.ca_file()),
        },
        ..account()
    };
    let password = Some(password.to_owned().into());
    let candidate = super::work::Candidate { account, before: None, password, stop_leaving: false, same: false };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(super::work::test(candidate))
}

#[test]
fn a_test_of_the_connection_counts_and_takes_nothing() {
    let server = demo::Server::start(0, demo::Options::default()).unwrap();
    let octets = server.messages().iter().map(|message| message.len() as u64).sum();
    let stat = ask(&server, server.password()).unwrap();
    assert_eq!(stat, Stat { messages: server.messages().len() as u64, octets });
    assert_eq!(server.removed(), 0);
    assert!(ask(&server, "wrong").is_err());
}

#[test]
fn an_account_is_written_once() {
    let mut scene = Scene::filled();
    let candidate = super::work::candidate(&scene.setup.form).unwrap();
    // Without a password, so that no keyring is asked.
    let candidate = super::work::Candidate { password: None, ..candidate };
    let saved = super::work::save(&scene.archive, candidate.clone()).unwrap();
    assert_eq!(saved.account.server.host, "pop.gmx.net");
    assert_eq!(scene.archive.accounts().unwrap().len(), 1);
    let again = super::work::save(&scene.archive, candidate);
    scene.tell(Message::Saved(Box::new(again)));
    assert!(scene.shows("There is a mailbox with this address already. Change that one in its settings."));
}

#[test]
fn a_change_keeps_what_was_not_changed() {
    let mut scene = Scene::of(Setup::new());
    let new = super::work::Candidate {
        account: Account { password_command: Some("pass mail".into()), ..account() },
        before: None,
        password: None,
        stop_leaving: false,
        same: false,
    };
    let stored = super::work::save(&scene.archive, new).unwrap().account;
    scene.setup = Setup::change(stored.clone());
    scene.tell(Message::Written(Field::Name, Typed("Home".into())));
    let changed = super::work::candidate(&scene.setup.form).unwrap();
    let changed = super::work::save(&scene.archive, changed).unwrap().account;
    assert_eq!(changed, Account { name: "Home".into(), ..stored });
    assert_eq!(scene.archive.accounts().unwrap(), [changed]);
}

#[test]
fn what_is_typed_is_never_printed() {
    let message = Message::Written(Field::Password, Typed("hunter2".into()));
    assert!(!format!("{message:?}").contains("hunter2"));
}

#[test]
fn the_first_start_offers_the_sample_and_a_way_back() {
    let mut scene = Scene::of(Setup::new());
    assert!(matches!(scene.click("Try the sample mailbox"), Action::Want(Intent::TrySample)));
    assert!(matches!(scene.click("Back"), Action::Want(Intent::Close)));
    assert!(simulator(scene.setup.view(false)).find("Try the sample mailbox").is_err());
}

/// Forms in the states that are looked at.
pub fn pictured() -> [(&'static str, Setup); 3] {
    let mut connected = Scene::filled();
    connected.click("Test connection");
    connected.answer(Ok(STAT));
    let mut failed = Scene::filled();
    failed.click("Test connection");
    failed.answer(Err(problem()));
    failed.tell(Message::More);
    let mut plain = Scene::of(Setup::new());
    plain.tell(Message::Encrypted(super::Encryption(Security::None)));
    plain.tell(Message::LeaveCopy(false));
    plain.tell(Message::Submit);
    [("setup", connected.setup), ("setup-failed", failed.setup), ("setup-plain", plain.setup)]
}

#[test]
fn only_the_field_clicked_last_is_typed_into() {
    let mut scene = Scene::of(Setup::new());
    scene.play(|window| {
        window.click(iced_test::selector::id(Field::Password.id())).unwrap();
        window.click(iced_test::selector::id(Field::Address.id())).unwrap();
        window.typewrite("a");
    });
    assert_eq!(scene.setup.form.value(Field::Address), "a");
    assert_eq!(scene.setup.form.value(Field::Password), "");
}

/// An account that is written, and a form that changes where its mail is.
fn moved_to(host: &str) -> (Scene, Account) {
    let mut scene = Scene::of(Setup::new());
    let new = super::work::Candidate {
        account: Account { retention: Retention::Days(30), ..account() },
        before: None,
        password: None,
        stop_leaving: false,
        same: false,
    };
    let stored = super::work::save(&scene.archive, new).unwrap().account;
    scene.setup = Setup::change(stored.clone());
    scene.tell(Message::Written(Field::Host, Typed(host.into())));
    scene.tell(Message::Written(Field::Password, Typed("secret".into())));
    (scene, stored)
}

#[test]
fn another_host_is_asked_about_before_it_is_saved() {
    let (mut scene, _) = moved_to("mail.example.org");
    assert!(matches!(scene.tell(Message::SaveAnyway), Action::None), "asked first");
    assert!(scene.shows("Is it the same mailbox?"));
    scene.click("Cancel");
    assert!(!scene.shows("Is it the same mailbox?"));
    scene.tell(Message::SaveAnyway);
    assert!(matches!(scene.click("The same mailbox"), Action::Run(_)));

    let (mut scene, _) = moved_to("POP.example.org");
    assert!(matches!(scene.tell(Message::SaveAnyway), Action::Run(_)), "hosts are compared without case");
}

#[test]
fn the_same_mailbox_keeps_what_is_known_of_it() {
    for same in [true, false] {
        let (scene, _) = moved_to("mail.example.org");
        let mut candidate = super::work::candidate(&scene.setup.form).unwrap();
        candidate.password = None;
        candidate.same = same;
        let saved = super::work::save(&scene.archive, candidate).unwrap().account;
        let maildrop = scene.archive.maildrop(&saved).unwrap();
        let now = jiff::Timestamp::now();
        let agreed = maildrop.is_some_and(|maildrop| scene.archive.maildrop_state(maildrop, now).unwrap().agreed);
        assert_eq!(agreed, same, "removals are agreed to where it is the same mailbox only");
    }
}
