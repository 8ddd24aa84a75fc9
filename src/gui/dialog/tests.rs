//! The dialogs as a person meets them: what they show in each state, and what each button wants. Every one is also laid
//! out in narrow and wide windows; with `POSTKEEP_PICTURES` set to a folder, each is saved there as a picture.

mod more;

use std::path::PathBuf;
use std::sync::Arc;

use iced::widget::container;
use iced::{Element, Fill};
use iced_test::selector::{Candidate, id};
use iced_test::{Simulator, simulator};

use super::{
    Action, Dialog, Intent, Lent, Message, account, backup, bin, export, incoming, password, quit, removal, waiting,
};
use crate::account::{Account, AccountId, MessageId, Retention};
use crate::archive::{Archive, Counts, Mail};
use crate::backup::{BackedUp, Exported, Format, Imported, Repaired, Restored, Step};
use crate::fetch::{Event, FetchError, Request, Summary};
use crate::gui::job::{Ended, Order, Outcome, Running, Stopped};
use crate::gui::library::Library;
use crate::gui::setup::{self, Setup};
use crate::gui::theme::{self, Choice};
use crate::gui::words::Clock;
use crate::gui::{FONTS, welcome};
use crate::job::Progress;
use crate::problem::Problem;

const ANNA: AccountId = AccountId(7);

fn anna() -> Account {
    setup::tests::account()
}

/// A window: what it lends to its dialog, and the archive behind it.
struct Scene {
    dialog: Dialog,
    library: Library,
    job: Option<Running>,
    ended: Option<Ended>,
    clock: Clock,
    archive: Archive,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn of(dialog: Dialog) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        let counts = Counts { all: 12_480, in_backup: 12_412, accounts: vec![(ANNA, 1_206)], ..Counts::default() };
        let library = Library { accounts: vec![anna()], counts, ..Library::default() };
        let zone = jiff::tz::TimeZone::UTC;
        let clock = Clock { now: "2026-11-22T10:00:00Z".parse().unwrap(), zone };
        Scene { dialog, library, job: None, ended: None, clock, archive, _folder: folder }
    }

    fn running(dialog: Dialog, order: Order, reports: &[(Option<Step>, Progress)]) -> Scene {
        let (mut running, _) = Running::waiting(order);
        for (step, progress) in reports {
            running.report(*step, *progress);
        }
        Scene { job: Some(running), ..Scene::of(dialog) }
    }

    fn ended(dialog: Dialog, order: Order, result: Result<Outcome, Stopped>) -> Scene {
        Scene { ended: Some(Ended { order, result }), ..Scene::of(dialog) }
    }

    fn view(&self) -> Element<'_, Message> {
        self.dialog.view(Lent {
            library: &self.library,
            job: self.job.as_ref(),
            ended: self.ended.as_ref(),
            clock: &self.clock,
            theme: Choice::Light,
        })
    }

    fn shows(&self, words: &str) -> bool {
        simulator(self.view()).find(words).is_ok()
    }

    /// Plays something in the window; answers what the dialog wants at the end.
    fn play(&mut self, act: impl FnOnce(&mut Simulator<'_, Message>)) -> Action<Message> {
        let mut window = simulator(self.view());
        act(&mut window);
        let messages: Vec<_> = window.into_messages().collect();
        messages.into_iter().map(|message| self.dialog.update(message, &self.archive)).last().unwrap_or(Action::None)
    }

    fn click(&mut self, words: &str) -> Action<Message> {
        self.play(|window| {
            window.click(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        })
    }

    fn wants(&mut self, words: &str) -> Intent {
        match self.click(words) {
            Action::Want(intent) => intent,
            Action::None => panic!("{words:?} does nothing"),
            Action::Run(_) => panic!("{words:?} runs something"),
        }
    }

    fn ignores(&mut self, words: &str) -> bool {
        matches!(self.click(words), Action::None)
    }
}

fn problem() -> Problem {
    Problem {
        summary: "The server did not accept the password. The server says: \"authentication failed\".".into(),
        mail: "Your mail is as it was, here and on the server.".into(),
        advice: "Check the password and whether the provider lets programs in, then try again.".into(),
    }
}

fn dry_run(summary: Summary) -> Scene {
    let (mut removal, _) = removal::Removal::new(ANNA, Retention::RemoveOnceStored);
    removal.hear(&Event::Planned(ANNA, Ok(summary)));
    Scene::of(Dialog::Removal(removal))
}

fn removable(removable: u64, removable_in_backup: u64, new: u64) -> Summary {
    Summary { listed: removable + new, new, new_removable: new, removable, removable_in_backup, ..Summary::default() }
}

fn back_up() -> Order {
    Order::BackUp { folder: "/media/usb/Postkeep backup".into(), then_remove: None }
}

fn backup_dialog(started: bool) -> Dialog {
    let last = PathBuf::from("/media/usb/Postkeep backup");
    Dialog::BackUp(if started { backup::BackUp::running() } else { backup::BackUp::new(Some(&last), None) })
}

#[test]
fn the_dry_run_shows_its_numbers() {
    let scene = dry_run(removable(1_206, 1_194, 0));
    for words in [
        "The next check will remove 1,206 messages from the server",
        "You turned off “Leave a copy on server” for anna@example.org. Nothing has been removed yet.",
        "1,206",
        "1,194",
        "12",
        "Back up first, and all 1,206 will exist twice.",
    ] {
        assert!(scene.shows(words), "{words}");
    }
}

#[test]
fn each_button_of_the_dry_run_does_what_it_says() {
    let scene = || dry_run(removable(1_206, 1_194, 0));
    assert!(matches!(scene().wants("Keep leaving copies"), Intent::Close));
    assert!(matches!(scene().wants("Remove without a backup"), Intent::Retain(ANNA, Retention::RemoveOnceStored)));
    assert!(matches!(
        scene().wants("Back up, then remove"),
        Intent::BackUpThenRetain(ANNA, Retention::RemoveOnceStored)
    ));
}

#[test]
fn a_dry_run_of_mail_that_is_safe_twice_asks_for_no_backup() {
    let mut scene = dry_run(removable(5, 5, 0));
    assert!(!scene.shows("Back up, then remove"));
    assert!(matches!(scene.wants("Remove from the server"), Intent::Retain(ANNA, Retention::RemoveOnceStored)));
}

#[test]
fn a_dry_run_speaks_of_mail_that_is_still_to_be_fetched() {
    let sentence =
        "1,206 messages not fetched yet will be stored here first, read back and compared, and then removed too.";
    assert!(dry_run(removable(0, 0, 1_206)).shows(sentence));
    assert!(dry_run(removable(3, 0, 1_206)).shows(sentence));
    assert!(!dry_run(removable(3, 0, 0)).shows(sentence));
}

#[test]
fn a_dry_run_that_failed_can_be_asked_again() {
    let (mut removal, request) = removal::Removal::new(ANNA, Retention::RemoveOnceStored);
    assert!(matches!(request, Request::DryRun(ANNA, _)));
    assert!(
        Scene::of(Dialog::Removal(removal::Removal::new(ANNA, Retention::RemoveOnceStored).0))
            .shows("Asking the server what is there.")
    );
    removal.hear(&Event::Planned(AccountId(99), Ok(removable(1, 0, 0))));
    assert!(removal.is_asking(), "the answer was for another account");
    removal.hear(&Event::Planned(ANNA, Err(Arc::new(FetchError::NoPassword))));
    let mut scene = Scene::of(Dialog::Removal(removal));
    assert!(matches!(scene.wants("Ask again"), Intent::Ask(Request::DryRun(ANNA, _))));
    assert!(scene.shows("Asking the server what is there."));
}

#[test]
fn a_backup_starts_in_the_folder_that_is_shown() {
    let mut scene = Scene::of(backup_dialog(false));
    let Intent::Start(order) = scene.wants("Back up now") else { panic!("no start") };
    assert_eq!(order, back_up());
    let mut nowhere = Scene::of(Dialog::BackUp(backup::BackUp::new(None, None)));
    assert!(nowhere.ignores("Back up now"), "without a folder");
}

#[test]
fn a_running_backup_shows_its_three_steps() {
    let reports = [
        (Some(Step::Adding), Progress { octets: 3_100_000, ..Progress::of(68, 68) }),
        (Some(Step::Syncing), Progress::default()),
        (Some(Step::ReadingBack), Progress::of(9_204, 12_480)),
    ];
    let mut scene = Scene::running(backup_dialog(true), back_up(), &reports);
    for words in ["68 messages, 3.1 MB", "done", "9,204 of 12,480", "/media/usb/Postkeep backup"] {
        let drawn_by_hand = words.starts_with('/');
        assert!(drawn_by_hand || scene.shows(words), "{words}");
    }
    assert!(matches!(scene.wants("Run in the background"), Intent::Close));
    assert!(matches!(scene.wants("Cancel"), Intent::StopJob));
    if let Some(job) = &mut scene.job {
        job.stop();
    }
    assert!(scene.ignores("Cancel"));
}

#[test]
fn a_finished_backup_says_what_was_proved_and_what_is_missing() {
    let done = BackedUp { messages: 12_480, new: 68, octets: 84_000_000, ..BackedUp::default() };
    let ended = |done| Scene::ended(backup_dialog(true), back_up(), Ok(Outcome::BackedUp(done)));
    let whole = "12,480 messages are in the backup, 68 of them new. Every one was read back and compared.";
    assert!(ended(done.clone()).shows(whole));
    let missing = BackedUp { failed: vec!["“Keys” could not be read.".into()], ..done };
    let scene = ended(missing);
    assert!(!scene.shows(whole) && scene.shows("“Keys” could not be read."));
}

#[test]
fn a_backup_that_failed_or_was_stopped_says_so() {
    let mut failed = Scene::ended(backup_dialog(true), back_up(), Err(Stopped::By(problem())));
    assert!(failed.shows(&problem().summary));
    failed.click("Try again");
    assert!(matches!(failed.wants("Back up now"), Intent::Start(order) if order == back_up()));
    let stopped = Scene::ended(backup_dialog(true), back_up(), Err(Stopped::ByHand));
    assert!(stopped.shows("Stopped. The backup before this one is whole; the next one adds what is missing."));
}

#[test]
fn an_export_takes_the_format_and_the_search() {
    let mut scene = Scene::of(Dialog::Export(export::Export::new("from:harbour")));
    scene.click("A zip of .eml files");
    let Intent::Start(Order::Export { format, query, place }) = scene.wants("Export now") else { panic!("no start") };
    assert_eq!((format, query.as_deref()), (Format::Zip, Some("from:harbour")));
    assert!(place.ends_with("Postkeep mail.zip"));
    let mut scene = Scene::of(Dialog::Export(export::Export::new("from:harbour")));
    scene.click("All mail");
    assert!(matches!(scene.wants("Export now"), Intent::Start(Order::Export { query: None, .. })));
}

#[test]
fn an_export_names_what_mbox_could_not_hold() {
    let exported = Exported {
        exported: 9,
        octets: 900,
        inexact: vec!["“Keys” has no last line end.".into()],
        ..Exported::default()
    };
    let order = Order::Export { place: "/tmp/a.mbox".into(), format: Format::Mbox, query: None };
    let ended =
        |done| Scene::ended(Dialog::Export(export::Export::running()), order.clone(), Ok(Outcome::Exported(done)));
    let scene = ended(exported.clone());
    assert!(scene.shows("Exported 9 messages, 900 bytes. This format could not hold 1 message byte for byte."));
    assert!(scene.shows("“Keys” has no last line end."));
    let failed = Exported { failed: vec!["Message 4 is damaged.".into()], inexact: vec![], ..exported };
    assert!(!Outcome::Exported(failed.clone()).is_whole());
    let scene = ended(failed);
    let says = "Exported 9 messages, 900 bytes. 1 message was left out: the copy on this computer could not be read.";
    assert!(scene.shows(says) && scene.shows("Message 4 is damaged."));
}

#[test]
fn import_and_restore_start_from_a_path_and_name_what_failed() {
    for (kind, button) in [
        (incoming::Kind::Import, "Import now"),
        (incoming::Kind::Restore, "Restore now"),
        (incoming::Kind::Repair, "Repair now"),
    ] {
        let mut scene = Scene::of(Dialog::Incoming(incoming::Incoming::new(kind)));
        assert!(scene.ignores(button), "without a path");
        for key in "/b".chars() {
            scene.play(|window| {
                window.click(id(incoming::FIELD)).unwrap();
                window.tap_key(iced::keyboard::key::Named::End);
                window.typewrite(&key.to_string());
            });
        }
        let Intent::Start(order) = scene.wants(button) else { panic!("no start") };
        let expected = match kind {
            incoming::Kind::Import => Order::Import(vec!["/b".into()]),
            incoming::Kind::Restore => Order::Restore("/b".into()),
            incoming::Kind::Repair => Order::Repair("/b".into()),
        };
        assert_eq!(order, expected);
    }
    let restored = Restored { found: 3, added: 2, already_here: 0, failed: vec!["“Keys” is damaged.".into()] };
    let dialog = Dialog::Incoming(incoming::Incoming::running(incoming::Kind::Restore));
    let scene = Scene::ended(dialog, Order::Restore("/b".into()), Ok(Outcome::Restored(restored)));
    assert!(scene.shows("Restored 2 messages. 1 could not be read.") && scene.shows("“Keys” is damaged."));
}

#[test]
fn a_repair_says_what_is_whole_again_and_what_is_not() {
    let says = |damaged, messages: Vec<i64>, failed: Vec<String>| {
        let done =
            Repaired { damaged, messages: messages.into_iter().map(MessageId).collect(), failed, indexes: false };
        let dialog = Dialog::Incoming(incoming::Incoming::running(incoming::Kind::Repair));
        Scene::ended(dialog, Order::Repair("/b".into()), Ok(Outcome::Repaired(done)))
    };
    assert!(says(0, vec![], vec![]).shows("Every message here was read, and all of them are whole."));
    assert!(says(1, vec![7], vec![]).shows("1 message is whole again. All others were read and are whole."));
    let some = says(3, vec![7, 8], vec!["Message 9 could not be repaired: the backup does not hold it.".into()]);
    assert!(some.shows("2 of 3 damaged messages are whole again."));
    assert!(some.shows("Message 9 could not be repaired: the backup does not hold it."));
}

#[test]
fn removing_an_account_keeps_its_mail_unless_one_says_so_twice() {
    let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
    scene.click("Remove this account");
    assert!(scene.shows("1,206 messages can be read and searched as before."));
    assert!(matches!(scene.click("Remove the account"), Action::Run(_)), "mail stays: one word is enough");

    let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
    scene.click("Remove this account");
    scene.click("Erase its mail here too");
    assert!(scene.ignores("Remove and erase"), "asked about a second time");
    assert!(scene.shows("Erase 1,206 messages of anna@example.org?"));
    scene.click("Keep the mail");
    assert!(scene.shows("Remove this account"), "nothing happened");
}

#[test]
fn an_account_that_was_removed_says_what_became_of_its_mail() {
    let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
    scene.click("Remove this account");
    let action = scene.dialog.update(Message::Account(account::Message::Removed(Ok(()))), &scene.archive);
    assert!(matches!(action, Action::Want(Intent::Removed(ANNA, Mail::Keep))));
    let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
    assert!(matches!(scene.wants("Change the server"), Intent::ChangeServer(ANNA)));
}

#[test]
fn a_password_is_asked_for_and_never_printed() {
    let mut scene = Scene::of(Dialog::Password(password::Password::new(anna())));
    assert!(scene.ignores("Use this password"), "there is none yet");
    let typed = password::Message::Value(setup::Typed("hunter2".into()));
    assert!(!format!("{typed:?}").contains("hunter2"));
    scene.dialog.update(Message::Password(typed), &scene.archive);
    let kept = Message::Password(password::Message::Kept(Some("No keyring.".into())));
    let action = scene.dialog.update(kept, &scene.archive);
    assert!(matches!(action, Action::Want(Intent::Password(ANNA, _, Some(said))) if said == "No keyring."));
}

#[test]
fn quitting_says_what_stays_and_can_be_taken_back() {
    let mut scene = Scene::running(Dialog::Quit(quit::Quit::default()), back_up(), &[]);
    scene.library.fetching.insert(ANNA, Progress::default());
    assert!(scene.shows("The backup before this one stays whole, and the next one goes on where this one stopped."));
    assert!(matches!(scene.wants("Keep going"), Intent::Close));
    assert!(scene.dialog.can_be_closed());
    assert!(matches!(scene.wants("Stop and quit"), Intent::Quit));
    assert!(!scene.dialog.can_be_closed(), "it is stopping");
}

// How they look.

const SIZES: [(f32, f32); 3] = [(900.0, 720.0), (1360.0, 860.0), (700.0, 480.0)];

/// Lays a screen out in each size: no text may stand outside the window.
fn look<'a, M: 'a>(name: &str, view: impl Fn() -> Element<'a, M>) {
    for (width, height) in SIZES {
        for choice in [Choice::Light, Choice::Dark] {
            let screen = container(view()).center(Fill).padding(16).style(theme::window);
            let mut window = Simulator::with_size(look_settings(), [width, height], screen);
            let outside = window.find(|candidate: Candidate<'_>| match candidate {
                Candidate::Text { content, bounds, .. } if bounds.x < 0.0 || bounds.x + bounds.width > width => {
                    Some(content.to_owned())
                }
                _ => None,
            });
            assert!(outside.is_err(), "{name} at {width}: {outside:?}");
            save(name, &mut window, choice, width);
        }
    }
}

fn look_settings() -> iced::Settings {
    let fonts = FONTS.iter().map(|font| (*font).into()).collect();
    iced::Settings { fonts, default_font: theme::REGULAR, ..iced::Settings::default() }
}

fn save<M>(name: &str, window: &mut Simulator<'_, M>, choice: Choice, width: f32) {
    if let Ok(folder) = std::env::var("POSTKEEP_PICTURES") {
        let file = format!("{folder}/{name}-{width}-{}.png", choice.as_str());
        let picture = window.snapshot(&choice.theme(false)).unwrap();
        // There is none yet the first time.
        let _ = std::fs::remove_file(file.replace(".png", "-tiny-skia.png"));
        picture.matches_image(file).unwrap();
    }
}

#[test]
fn nothing_stands_outside_the_window_before_there_is_mail() {
    look("welcome", welcome::view);
    let form = Setup::new();
    look("setup-empty", || form.view(true));
    for (name, form) in setup::tests::pictured() {
        look(name, || form.view(name != "setup-failed"));
    }
    let change = Setup::change(anna());
    look("setup-change", || change.view(false));
}

#[test]
fn nothing_stands_outside_the_window_in_a_dialog() {
    let reports = [
        (Some(Step::Adding), Progress { octets: 3_100_000, ..Progress::of(68, 68) }),
        (Some(Step::Syncing), Progress::default()),
        (Some(Step::ReadingBack), Progress::of(9_204, 12_480)),
    ];
    let done = BackedUp {
        messages: 12_480,
        new: 68,
        octets: 84_000_000,
        failed: vec!["“Keys for the boat house” could not be read: its copy here is damaged.".into(); 9],
        ..BackedUp::default()
    };
    let long = "/media/anna/A very long name of a disk that somebody bought in a shop/and a folder/Postkeep backup";
    let scenes = [
        ("removal", dry_run(removable(1_206, 1_194, 0))),
        ("removal-new", dry_run(removable(1_206, 1_194, 12))),
        ("removal-asking", Scene::of(Dialog::Removal(removal::Removal::new(ANNA, Retention::RemoveOnceStored).0))),
        ("removal-failed", {
            let (mut removal, _) = removal::Removal::new(ANNA, Retention::RemoveOnceStored);
            removal.hear(&Event::Planned(ANNA, Err(Arc::new(FetchError::NoPassword))));
            Scene::of(Dialog::Removal(removal))
        }),
        ("backup", Scene::of(backup_dialog(false))),
        (
            "backup-then",
            Scene::of(Dialog::BackUp(backup::BackUp::new(
                Some(&long.into()),
                Some((ANNA, Retention::RemoveOnceStored)),
            ))),
        ),
        ("backup-running", Scene::running(backup_dialog(true), back_up(), &reports)),
        ("backup-long", {
            Scene::running(backup_dialog(true), Order::BackUp { folder: long.into(), then_remove: None }, &reports)
        }),
        ("backup-done", Scene::ended(backup_dialog(true), back_up(), Ok(Outcome::BackedUp(done)))),
        ("backup-failed", Scene::ended(backup_dialog(true), back_up(), Err(Stopped::By(problem())))),
        ("export", Scene::of(Dialog::Export(export::Export::new("from:harbour")))),
        ("import", Scene::of(Dialog::Incoming(incoming::Incoming::new(incoming::Kind::Import)))),
        ("import-done", {
            let done = Imported {
                found: 9,
                added: 7,
                already_here: 1,
                failed: vec!["“a.eml” is no message.".into()],
                ..Imported::default()
            };
            let dialog = Dialog::Incoming(incoming::Incoming::running(incoming::Kind::Import));
            Scene::ended(dialog, Order::Import(vec![]), Ok(Outcome::Imported(done)))
        }),
        ("restore", Scene::of(Dialog::Incoming(incoming::Incoming::new(incoming::Kind::Restore)))),
        ("account", Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))))),
        ("account-copies", {
            let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
            scene.click("Copies on the server");
            scene.click("For some days");
            scene
        }),
        ("account-fetching", {
            let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
            scene.click("Fetching");
            for words in ["Leave large messages on the server until I ask for them", "Limit what one check may bring"] {
                scene.click(words);
            }
            scene
        }),
        ("account-server", more::server()),
        ("account-gmail", more::gmail()),
        ("removal-days", more::removal_of_days()),
        ("bin-one", more::erasing_one()),
        ("bin-all", Scene::of(Dialog::Bin(bin::Erasing::all()))),
        ("bin-waiting", more::bin_waiting()),
        ("waiting", more::waiting()),
        ("waiting-none", Scene::of(Dialog::Waiting(waiting::Waiting::default()))),
        ("log", more::log()),
        ("log-empty", more::log_of(Vec::new())),
        ("account-remove", {
            let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
            scene.click("Remove this account");
            scene
        }),
        ("account-erase", {
            let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
            for words in ["Remove this account", "Erase its mail here too", "Remove and erase"] {
                scene.click(words);
            }
            scene
        }),
        ("password", Scene::of(Dialog::Password(password::Password::new(anna())))),
        ("quit", {
            let mut scene = Scene::running(Dialog::Quit(quit::Quit::default()), back_up(), &reports);
            scene.library.fetching.insert(ANNA, Progress::default());
            scene
        }),
        ("settings", Scene::of(Dialog::Settings)),
    ];
    for (name, scene) in &scenes {
        look(name, || scene.view());
    }
}

#[test]
fn the_settings_lead_to_each_account() {
    let mut scene = Scene::of(Dialog::Settings);
    assert!(matches!(scene.click("anna@example.org"), Action::Want(Intent::Configure(ANNA))));
}
