//! The dialogs about copies on the server, the bin, waiting messages and the sync log.

use super::{
    ANNA, Action, Dialog, Event, Intent, Message, Retention, Scene, Summary, account, anna, bin, removal, waiting,
};
use crate::account::{Account, AccountId, MessageId, Server, Uidl};
use crate::archive::{
    Awaited, Emptied, Left, LogEntry, LoggedSession, MaildropId, MaildropState, Marks, Row, SessionOutcome, SortKey,
    Withheld,
};
use crate::fetch::Request;
use crate::gui::dialog::log as sync_log;
use crate::gui::library::Waiting;

fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn server_page(account: Account, standing: MaildropState) -> Scene {
    let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(account))));
    scene.library.standing.insert(ANNA, standing);
    scene.click("About the server");
    scene
}

pub fn server() -> Scene {
    let standing = MaildropState {
        last_login: Some(time("2026-11-22T09:41:00Z")),
        login_refused: true,
        login_delay: Some(900),
        expire: Some(60),
        ..MaildropState::default()
    };
    server_page(Account { retention: Retention::Days(30), ..anna() }, standing)
}

pub fn gmail() -> Scene {
    let server = Server { host: "pop.gmail.com".into(), user: "recent:anna@gmail.com".into(), ..anna().server };
    server_page(Account { server, ..anna() }, MaildropState::default())
}

fn proposed(retention: Retention, summary: Summary) -> Scene {
    let (mut removal, _) = removal::Removal::new(ANNA, retention);
    removal.hear(&Event::Planned(ANNA, Ok(summary)));
    Scene::of(Dialog::Removal(removal))
}

pub fn removal_of_days() -> Scene {
    let summary = Summary {
        removable: 3_412,
        removable_in_backup: 3_400,
        waiting: 3,
        looked_at_again: 2,
        withheld: Some(Withheld::Clock),
        ..Summary::default()
    };
    proposed(Retention::Days(30), summary)
}

fn binned_row() -> Row {
    Row {
        key: SortKey(1 << 29 | 9),
        id: MessageId(9),
        account: Some(ANNA),
        subject: "November arrivals, and a seat by the stove".into(),
        from_name: "Harbour Books".into(),
        from_address: String::new(),
        date: time("2026-11-20T09:41:00Z"),
        size: 1,
        attachments: 0,
        preview: String::new(),
        marks: Marks::default(),
        on_server: false,
        in_backup: None,
        binned: Some(time("2026-11-22T09:41:00Z")),
    }
}

pub fn erasing_one() -> Scene {
    Scene::of(Dialog::Bin(bin::Erasing::one(binned_row())))
}

pub fn bin_waiting() -> Scene {
    let mut scene = Scene::of(Dialog::Bin(bin::Erasing::all()));
    let emptied = Emptied { erased: 4, waiting: 3 };
    scene.dialog.update(Message::Bin(bin::Message::Erased(Ok(emptied))), &scene.archive);
    scene
}

fn awaited(uidl: &str, octets: u64, header: &str) -> Waiting {
    Waiting::new(Awaited {
        account: ANNA,
        maildrop: MaildropId(1),
        uidl: Uidl::new(uidl.as_bytes()).unwrap(),
        ordinal: 0,
        octets: Some(octets),
        header: header.as_bytes().to_vec(),
        wanted: uidl == "c",
    })
}

pub fn waiting() -> Scene {
    let mut scene = Scene::of(Dialog::Waiting(waiting::Waiting::default()));
    let first = "From: Harbour Books <a@b.example>\r\nSubject: The whole catalogue, and a subject that goes on and on and \
                 does not end before the line does\r\nDate: Sun, 22 Nov 2026 09:41:00 +0000\r\n\r\n";
    scene.library.waiting = vec![
        awaited("a", 14_000_000, first),
        awaited("b", 2_000_000, "From: m@b.example\r\n\r\n"),
        awaited("c", 900_000, ""),
    ];
    scene
}

pub fn log_of(visits: Vec<LoggedSession>) -> Scene {
    let empty = Scene::of(Dialog::Settings);
    let (mut log, _) = sync_log::Log::new(&empty.archive);
    log.update(sync_log::Message::Read(Ok(visits)));
    Scene::of(Dialog::Log(log))
}

pub fn log() -> Scene {
    let visit = |began: &str, seconds: i64, problem: Option<&str>, entries: Vec<LogEntry>| LoggedSession {
        account: ANNA,
        began: time(began),
        ended: Some(time(began) + jiff::SignedDuration::from_secs(seconds)),
        outcome: SessionOutcome { problem: problem.map(str::to_owned), ..SessionOutcome::default() },
        entries,
    };
    let refused = "The server did not accept the password. Your mail is as it was, here and on the server.";
    log_of(vec![
        visit(
            "2026-11-22T09:41:00Z",
            3,
            None,
            vec![
                LogEntry::Listed { messages: 1_206, unknown: 12 },
                LogEntry::Retrieved { messages: 12, octets: 4_200_000 },
                LogEntry::Left { messages: 3, octets: 14_000_000, why: Left::HeaderFirst },
                LogEntry::Removed { messages: 40 },
            ],
        ),
        visit("2026-11-22T09:26:00Z", 1, Some(refused), Vec::new()),
        visit("2026-11-21T21:00:00Z", 400, None, vec![LogEntry::Withheld { why: Withheld::NewHere }]),
    ])
}

#[test]
fn another_retention_shows_its_own_words() {
    let mut scene = removal_of_days();
    for text in [
        "3,412 messages would be removed from the server",
        "Copies of anna@example.org are to stay on the server for 30 days after Postkeep first saw them there. Nothing has \
         been removed yet.",
        "Wait on the server, not fetched yet: they stay",
        "Fetched once more first, to compare the bytes",
        "12",
    ] {
        assert!(scene.shows(text), "{text}");
    }
    assert!(!scene.shows("Go because you deleted them here"), "none did");
    let Intent::BackUpThenRetain(ANNA, Retention::Days(30)) = scene.wants("Back up, then remove") else {
        panic!("another retention")
    };
    let again = proposed(Retention::UntilDeleted, Summary::default());
    assert!(again.shows("Remove older copies from the server?"));
}

#[test]
fn a_mailbox_that_is_new_here_is_agreed_to() {
    let summary =
        Summary { removable: 5, removable_in_backup: 5, withheld: Some(Withheld::NewHere), ..Summary::default() };
    let mut scene = proposed(Retention::Days(30), summary);
    scene.library.accounts[0].retention = Retention::Days(30);
    assert!(scene.shows("The next check will remove 5 messages from the server"), "not being asked yet is no obstacle");
    assert!(scene.shows("Not now"));
    assert!(matches!(scene.wants("Remove from the server"), Intent::Retain(ANNA, Retention::Days(30))));
}

#[test]
fn what_is_chosen_is_proposed_and_not_done() {
    let mut scene = Scene::of(Dialog::Account(Box::new(account::Settings::new(anna()))));
    scene.click("Copies on the server");
    assert!(scene.ignores("Save"), "as it is");
    scene.click("Until it is in a verified backup");
    assert!(matches!(scene.wants("Save"), Intent::Propose(ANNA, Retention::UntilBackedUp)));
}

#[test]
fn the_servers_own_rules_are_told() {
    let scene = server();
    for text in [
        "It wants 15 minutes between two checks. Postkeep waits for that, and the Check button counts down.",
        "The server itself removes messages after 60 days. What is here stays here.",
        "Nothing is removed until you agree to it on this computer.",
        "POP shows the inbox only. Spam, Trash and other folders on the server cannot be seen.",
    ] {
        assert!(scene.shows(text), "{text}");
    }
    let scene = gmail();
    assert!(scene.shows("Gmail shows everything but Spam and Trash over POP, mail that you sent too."));
    assert!(scene.shows("“recent:” shows the last 30 days only; nothing is removed from such a mailbox."));
}

#[test]
fn the_only_copy_is_erased_only_by_who_was_told() {
    let mut scene = erasing_one();
    assert!(scene.shows("This is the only copy."));
    assert!(matches!(scene.wants("Keep it"), Intent::Close));
    assert!(matches!(scene.click("Erase for ever"), Action::Run(_)));
    let safe = Row { on_server: true, in_backup: Some(time("2026-11-22T09:41:00Z")), ..binned_row() };
    let scene = Scene::of(Dialog::Bin(bin::Erasing::one(safe)));
    assert!(!scene.shows("This is the only copy."));
    assert!(scene.shows(
        "It cannot be had back on this computer. Its copy on the server stays there and is not fetched again. It stays in \
         your backup, from which it can be restored."
    ));
}

#[test]
fn what_waits_for_the_server_is_a_second_choice() {
    let mut scene = bin_waiting();
    assert!(scene.shows("4 messages were erased for ever."));
    assert!(scene.shows("Erased now, the copies on the server stay there for ever and are not fetched again."));
    assert!(matches!(scene.wants("Let them wait"), Intent::Close));
    assert!(matches!(scene.click("Erase them now too"), Action::Run(_)));
}

#[test]
fn a_waiting_message_is_asked_for_whole() {
    let mut scene = waiting();
    assert!(scene.shows("3 messages wait on the server (17 MB)"));
    assert!(scene.shows("Harbour Books") && scene.shows("m@b.example") && scene.shows("Unknown sender"));
    assert!(scene.shows("14 MB · Today, 09:41"));
    assert!(scene.shows("Comes at the next check"), "it is wanted already");
    assert!(matches!(scene.click("Fetch"), Action::Run(_)));
    let which = vec![scene.library.waiting[0].awaited.clone()];
    let noted = waiting::Message::Noted(ANNA, which, Ok(()));
    let action = scene.dialog.update(Message::Waiting(noted), &scene.archive);
    assert!(matches!(action, Action::Want(Intent::Ask(Request::Fetch(ANNA)))));
}

#[test]
fn the_log_is_shown_by_account() {
    let mut scene = log();
    scene.library.accounts.push(Account { id: AccountId(8), address: "office@b.example".into(), ..anna() });
    assert!(scene.shows("anna@example.org · Today, 09:41, 3 s"));
    assert!(scene.shows("anna@example.org · Yesterday, 21:00, 6 min"));
    assert!(scene.shows("The server did not accept the password. Your mail is as it was, here and on the server."));
    scene.click("office@b.example");
    assert!(scene.shows("There was no check yet."));
    assert!(scene.ignores("Save the log"));
}
