//! A desk with plain data for the tests of the window: what would come from the archive and the worker arrives as
//! messages.

use std::path::PathBuf;

use iced::{Element, Settings, Size, Theme};
use iced_test::Simulator;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::desk::view::{Frame, Seen};
use super::desk::{self, Action, Desk};
use super::library::Stock;
use super::open::{Opened, Remembered};
use super::theme::{self, Choice};
use super::words::Clock;
use super::{list, reader};
use crate::account::{Account, AccountId, Fetching, MessageId, Retention, Security, Server};
use crate::archive::{Archive, Counts, Found, Marks, Row, SortKey};
use crate::message::{self, Attachment, Envelope, Mailbox};

pub const ANNA: AccountId = AccountId(1);
pub const OFFICE: AccountId = AccountId(2);

pub struct Bench {
    pub desk: Desk,
    pub clock: Clock,
    _folder: tempfile::TempDir,
}

pub fn clock() -> Clock {
    Clock { now: "2026-11-22T10:00:00Z".parse().unwrap(), zone: TimeZone::UTC }
}

pub fn account(id: AccountId, address: &str) -> Account {
    Account {
        id,
        address: address.to_owned(),
        server: Server {
            host: "pop.example.org".to_owned(),
            port: 995,
            security: Security::Tls,
            user: address.to_owned(),
            ca_file: None,
        },
        name: String::new(),
        retention: Retention::LeaveCopy,
        fetching: Fetching::default(),
        password_command: None,
    }
}

pub fn stock() -> Stock {
    Stock {
        accounts: vec![account(ANNA, "anna@example.org"), account(OFFICE, "office@harbour-books-and-more.example")],
        counts: Counts {
            all: 12_480,
            unread: 37,
            starred: 112,
            on_server: 1_206,
            in_backup: 12_412,
            bin: 4,
            accounts: vec![(ANNA, 9_876), (OFFICE, 2_604)],
            to_index: 0,
        },
        last_backup: Some((PathBuf::from("/media/usb/USB disk"), "2026-11-21T21:04:00Z".parse().unwrap())),
        ..Stock::default()
    }
}

/// From, subject, preview, date, unread, starred, attachments, on the server, in a backup.
type Line = (&'static str, &'static str, &'static str, &'static str, bool, bool, u32, bool, bool);

const LINES: [Line; 9] = [
    (
        "Harbour Books",
        "November arrivals, and a seat by the stove",
        "Dear Anna, three new arrivals you may like, and the reading on 28 November at seven.",
        "2026-11-22T09:41:00Z",
        true,
        false,
        2,
        true,
        false,
    ),
    (
        "Marek Dvořák",
        "Re: keys for the boat house",
        "They hang behind the second door. Mind the step, it is loose again.",
        "2026-11-22T08:15:00Z",
        true,
        false,
        1,
        true,
        false,
    ),
    (
        "山田 花子",
        "写真をありがとうございました",
        "先日は楽しい時間をありがとうございました。写真もとてもきれいでした。またお会いしましょう。",
        "2026-11-22T07:52:00Z",
        false,
        true,
        1,
        true,
        false,
    ),
    (
        "City Water",
        "Your statement for October is ready",
        "Amount due 41.20, to be collected on 1 December from the account ending in 12.",
        "2026-11-21T18:30:00Z",
        false,
        false,
        1,
        true,
        true,
    ),
    (
        "Léa Fontaine",
        "Recipe, as promised",
        "The trick is to leave the dough alone overnight, somewhere cool.",
        "2026-11-21T11:02:00Z",
        false,
        true,
        0,
        true,
        true,
    ),
    (
        "Parcel Service with a name far too long for any list that was ever drawn",
        "Delivered: 1 parcel, front porch, and a subject that goes on and on",
        "Your parcel was left at the front porch at 10:22.",
        "2026-11-21T10:22:00Z",
        false,
        false,
        0,
        false,
        true,
    ),
    (
        "أحمد المنصوري",
        "صور من الرحلة إلى الساحل",
        "مرحبا آنا، أرسل لك بعض الصور من رحلتنا الأخيرة إلى الساحل",
        "2026-11-19T10:00:00Z",
        false,
        false,
        1,
        false,
        true,
    ),
    (
        "Chess Club",
        "Board 3 on Thursday?",
        "Ines is ill, can you take board three against Westhaven?",
        "2026-11-18T10:00:00Z",
        false,
        false,
        0,
        false,
        true,
    ),
    ("", "", "", "2019-03-01T10:00:00Z", true, false, 0, false, true),
];

pub fn rows() -> Vec<Row> {
    LINES.iter().zip(1..).map(|(line, place)| row(line, 100 - place)).collect()
}

fn row(line: &Line, id: i64) -> Row {
    let (from, subject, preview, date, unread, starred, attachments, on_server, backed_up) = *line;
    let date: Timestamp = date.parse().unwrap();
    Row {
        key: SortKey(date.as_second() << 29 | id),
        id: MessageId(id),
        account: Some(ANNA),
        subject: subject.to_owned(),
        from_name: from.to_owned(),
        from_address: if from.is_empty() {
            "mailer@example.net".to_owned()
        } else {
            "letters@harbour-books.example".to_owned()
        },
        date,
        size: 34_100,
        attachments,
        preview: preview.to_owned(),
        marks: Marks { read: !unread, starred },
        on_server,
        in_backup: backed_up.then(|| "2026-11-21T21:04:00Z".parse().unwrap()),
        binned: None,
    }
}

pub fn letter() -> message::Message {
    message::Message {
        envelope: Envelope {
            subject: "November arrivals, and a seat by the stove".to_owned(),
            from: Mailbox { name: "Harbour Books".to_owned(), address: "letters@harbour-books.example".to_owned() },
            to: vec![Mailbox { name: String::new(), address: "anna@example.org".to_owned() }],
            ..Envelope::default()
        },
        text: "Dear Anna,\n\nthree new arrivals you may like, and the reading on 28 November at seven. The kettle will be \
               on.\n\nThe Lighthouse Keeper’s Ledger    18.50\nTide Tables, a Novel    21.00\n\nشكرا · ありがとう · Ευχαριστώ\n\n\
               Yours,\nHarbour Books"
            .to_owned(),
        text_is_from_html: true,
        attachments: vec![attachment("programme.pdf", 212_000), attachment("map.png", 88_000)],
        cards: Vec::new(),
        notes: vec!["The pictures of this message are not loaded: it is shown as text.".to_owned()],
    }
}

fn dates() -> reader::Dates {
    let when = |text: &str| text.parse::<Timestamp>().unwrap();
    reader::Dates {
        arrived: Some(when("2026-11-22T09:42:00Z")),
        seen: Some((when("2026-11-22T09:42:00Z"), when("2026-11-22T09:57:00Z"))),
    }
}

fn attachment(name: &str, size: u64) -> Attachment {
    Attachment {
        name: name.to_owned(),
        safe_name: name.to_owned(),
        media_type: "application/octet-stream".to_owned(),
        size,
        ..Attachment::default()
    }
}

impl Bench {
    /// A desk over an archive with nothing in it, showing `stock`.
    pub fn with(stock: Stock) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("archive")).unwrap();
        let opened = Opened { archive, stock, sample: None, remembered: Remembered::default() };
        let (desk, _) = Desk::new(opened, 1, &clock());
        Bench { desk, clock: clock(), _folder: folder }
    }

    /// The mailbox of the sheets, with its first message open.
    pub fn full() -> Bench {
        let mut bench = Bench::with(stock());
        bench.list(rows());
        bench.open();
        bench
    }

    /// No account and no mail: the first start.
    pub fn empty() -> Bench {
        Bench::with(Stock::default())
    }

    pub fn update(&mut self, message: desk::Message) -> Action {
        self.desk.update(message, &self.clock)
    }

    /// Lets the desk do what a dialog wants.
    pub fn want(&mut self, intent: super::dialog::Intent) -> Action {
        self.desk.wanted(intent)
    }

    /// The list as the archive would give it.
    pub fn list(&mut self, rows: Vec<Row>) {
        let keys = rows.iter().map(|row| row.key).collect();
        let generation = self.desk.list.generation();
        let found = Found { keys, notes: Vec::new() };
        self.update(desk::Message::List(list::Message::Listed(generation, Ok(list::Listing::of(found, &clock())))));
        self.update(desk::Message::List(list::Message::Loaded(generation, Ok(rows))));
    }

    /// The first message, opened and read.
    pub fn open(&mut self) {
        self.update(desk::Message::List(list::Message::Enter));
        let row = rows().remove(0);
        let loaded = reader::Loaded::new(row.clone(), dates(), letter());
        self.update(desk::Message::Reader(reader::Message::Loaded(row.id, Ok(Some(loaded)))));
    }

    pub fn view(&self, width: f32, theme: Choice) -> Element<'_, Seen> {
        self.desk.view(Frame { clock: &self.clock, theme, width })
    }

    pub fn simulate(&self, size: Size) -> Simulator<'_, Seen, Theme> {
        simulator(size, self.view(size.width, Choice::Light))
    }

    /// Clicks on what says `text`, and lets the desk act on what comes of it.
    pub fn click(&mut self, text: &str) -> Action {
        let messages: Vec<Seen> = {
            let mut simulator = self.simulate(Size::new(1360.0, 860.0));
            simulator.click(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            simulator.into_messages().collect()
        };
        let mut last = Action::None;
        for message in messages {
            if let Seen::Desk(message) = message {
                last = self.update(message);
            }
        }
        last
    }

    /// Whether the window shows this text.
    pub fn shows(&self, text: &str) -> bool {
        self.simulate(Size::new(1360.0, 860.0)).find(text).is_ok()
    }

    /// A picture of the window, where `POSTKEEP_PICTURES` names a folder for it.
    pub fn picture(&self, name: &str, size: Size, theme: Choice) {
        let Some(folder) = std::env::var_os("POSTKEEP_PICTURES") else { return };
        let mut simulator = simulator(size, self.view(size.width, theme));
        let snapshot = simulator.snapshot(&theme.theme(false)).unwrap();
        assert!(snapshot.matches_image(PathBuf::from(folder).join(name)).unwrap(), "{name} looks different");
    }
}

pub fn simulator<'a, M: 'a>(size: Size, view: Element<'a, M>) -> Simulator<'a, M, Theme> {
    let settings = Settings {
        fonts: super::FONTS.iter().map(|font| (*font).into()).collect(),
        default_font: theme::REGULAR,
        ..Settings::default()
    };
    Simulator::with_size(settings, size, view)
}
