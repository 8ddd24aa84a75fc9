//! `index.db`: envelopes, previews and the full-text index. Derived: made again whenever it is missing, damaged or of
//! another version; never migrated, never backed up, and never in the way of the truth.
//!
//! The row id is the sort key (see [`SortKey`]), the same in both tables. Rows are added in batches, each one
//! transaction, in the order of message ids; after a crash the next call goes on behind the last.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use roaring::RoaringBitmap;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, params};

use super::columns::{count, time, uncount};
use super::connections::{Readers, lock};
use super::error::{ArchiveError, Result};
use super::fold::fold;
use super::senders::{self, Senders};
use super::{Archive, SortKey, open, original};
use crate::account::MessageId;
use crate::job::{Cancel, Progress, Report, unless_cancelled};
use crate::message::{self, Mailbox, Message};

/// Raised whenever the schema, the folding or the parser's answers change: then the index is built again.
const VERSION: i32 = 2;

pub(super) const NAME: &str = "index.db";
const BUILDING: &str = "index.db.new";

const SCHEMA: &str = "
    CREATE TABLE envelope (
        key INTEGER PRIMARY KEY,
        message INTEGER NOT NULL,
        subject TEXT NOT NULL,
        from_name TEXT NOT NULL,
        from_address TEXT NOT NULL,
        date INTEGER NOT NULL,
        size INTEGER NOT NULL,
        attachments INTEGER NOT NULL,
        preview TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX envelope_message ON envelope (message);
    CREATE INDEX envelope_size ON envelope (size, message);
    CREATE INDEX envelope_attachments ON envelope (message) WHERE attachments > 0;
    CREATE VIRTUAL TABLE words USING fts5 (
        subject, sender, recipients, body, files, content = '', contentless_delete = 1,
        tokenize = \"unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'\"
    );
    -- A whole batch is collected in memory and sorted once (the default, 1 MB, is a few hundred messages), and what was
    -- written is merged half as often: half the time, and searches are as fast.
    INSERT INTO words (words, rank) VALUES ('hashsize', 33554432), ('automerge', 8);";

/// Messages and octets of originals in one transaction of the index.
const BATCH: usize = 1_000;
const BATCH_OCTETS: u64 = 32 << 20;

/// Characters kept of what is shown, and octets of what is searched: a message can be hostile.
const SHOWN: usize = 1_000;
const PREVIEW: usize = 200;
const SEARCHED: usize = 1 << 20;
const SEARCHED_HEADER: usize = 64 << 10;

pub(super) struct Index {
    path: PathBuf,
    readers: Readers,
    writer: Mutex<Writer>,
    /// A reader met damage: the next call that writes builds the index again.
    damaged: AtomicBool,
}

#[derive(Default)]
struct Writer {
    connection: Option<Connection>,
    /// Whether index and truth were compared message by message since the archive was opened.
    reconciled: bool,
}

impl Index {
    pub(super) fn new(folder: &Path) -> Index {
        let path = folder.join(NAME);
        Index {
            readers: Readers::new(path.clone()),
            path,
            writer: Mutex::new(Writer::default()),
            damaged: AtomicBool::new(false),
        }
    }

    /// Reads from the index; the default where there is none, or none of use: it is being built.
    pub(super) fn read<T: Default>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        if !self.path.exists() {
            return Ok(T::default());
        }
        self.or_default(
            self.readers.with(|connection| if current(connection)? { work(connection) } else { Ok(T::default()) }),
        )
    }

    /// A connection of one's own for reading; `None` where there is no index of use.
    pub(super) fn reader(&self) -> Result<Option<Connection>> {
        if !self.path.exists() {
            return Ok(None);
        }
        self.or_default(open::reader(&self.path).and_then(|reader| Ok(current(&reader)?.then_some(reader))))
    }

    pub(super) fn or_default<T: Default>(&self, answer: Result<T>) -> Result<T> {
        match answer {
            Err(error) if useless(&error) => {
                self.damaged.store(true, Ordering::Release);
                Ok(T::default())
            }
            answer => answer,
        }
    }
}

/// Whether the error says that the index is of no use, rather than that the moment is bad.
fn useless(error: &ArchiveError) -> bool {
    let ArchiveError::Sqlite(error) = error else { return false };
    !matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::OperationInterrupted
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
        )
    )
}

fn current(connection: &Connection) -> Result<bool> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))? == VERSION)
}

/// Opens an index for writing, empty where there is none.
fn open_writer(path: &Path) -> Result<Connection> {
    if !path.exists() {
        // Where the truth is gone, as from a drive that was pulled out, no index is made in its place.
        if path.parent().is_some_and(|folder| !folder.join(open::MAIL).exists()) {
            return Err(ArchiveError::Missing { folder: path.parent().unwrap_or(path).to_owned() });
        }
        open::create_private(path).map_err(|error| ArchiveError::io(path, error))?;
    }
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Of a new one. Against 4,096: 5 % less work, and the peak of a large fetch is 25 MB lower.
    connection.pragma_update(None, "page_size", 16_384)?;
    connection.busy_timeout(Duration::from_secs(20))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // A power cut may cost the last batches, never the order of writes: what is lost is indexed again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    // Pages that one batch after the other changes go into the file once and not each time.
    connection.pragma_update(None, "wal_autocheckpoint", 1_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    if !current(&connection)? {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.execute_batch(senders::SCHEMA)?;
        tracing::trace!(phase = "schema of the index");
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(connection)
}

fn remove(path: &Path) {
    for suffix in ["-wal", "-shm", "-journal", ""] {
        let _ = fs::remove_file(open::with_suffix(path, suffix));
    }
}

impl Archive {
    /// Indexes what is stored and not indexed yet; answers how many. A second caller waits for the first. When it
    /// returns, everything stored before the call can be found.
    pub fn index_pending(&self, cancel: &Cancel, report: Report<'_>) -> Result<u64> {
        self.may_write()?;
        let mut writer = lock(&self.shared.index.writer);
        if self.shared.index.damaged.swap(false, Ordering::AcqRel) {
            self.discard(&mut writer);
        }
        let answer = match self.catch_up(&mut writer, cancel, report) {
            Err(error) if useless(&error) => {
                self.discard(&mut writer);
                self.catch_up(&mut writer, cancel, report)
            }
            answer => answer,
        };
        answer.map_err(|error| error.diagnosed(self.folder()))
    }

    /// Throws the index away and builds it again: beside the old one, which answers until the new one is whole.
    pub fn reindex(&self, cancel: &Cancel, report: Report<'_>) -> Result<u64> {
        self.may_write()?;
        let mut writer = lock(&self.shared.index.writer);
        let building = self.folder().join(BUILDING);
        remove(&building);
        let built = self.build(&building, cancel, report);
        if let Err(error) = built {
            remove(&building);
            return Err(error.diagnosed(self.folder()));
        }
        tracing::trace!(phase = "index built");
        self.discard(&mut writer);
        tracing::trace!(phase = "old index gone");
        let place = &self.shared.index.path;
        fs::rename(&building, place).map_err(|error| ArchiveError::io(place, error))?;
        tracing::trace!(phase = "index renamed");
        open::sync_folder(self.folder())?;
        built
    }

    fn build(&self, place: &Path, cancel: &Cancel, report: Report<'_>) -> Result<u64> {
        let mut connection = open_writer(place)?;
        let pending = self.missing(&mut connection, false)?;
        let indexed = self.fill(&mut connection, &pending, cancel, report)?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(indexed)
    }

    /// Takes an index that is of no use out of the way.
    fn discard(&self, writer: &mut Writer) {
        *writer = Writer::default();
        self.shared.index.readers.forget();
        lock(&self.shared.known).forget_index();
        remove(&self.shared.index.path);
    }

    fn catch_up(&self, writer: &mut Writer, cancel: &Cancel, report: Report<'_>) -> Result<u64> {
        let mut connection = match writer.connection.take() {
            Some(connection) => connection,
            None => match open_writer(&self.shared.index.path) {
                Err(error) if useless(&error) => {
                    self.discard(writer);
                    open_writer(&self.shared.index.path)?
                }
                opened => opened?,
            },
        };
        let pending = self.missing(&mut connection, writer.reconciled)?;
        writer.reconciled = true;
        let indexed = self.fill(&mut connection, &pending, cancel, report);
        if !indexed.as_ref().is_err_and(useless) {
            writer.connection = Some(connection);
        }
        indexed
    }

    /// The messages that the index lacks. Ids only grow, so that usually those behind its last are all; the first time
    /// after opening, and after erasing, every id is compared, and what is gone from the truth leaves the index.
    fn missing(&self, connection: &mut Connection, only_behind: bool) -> Result<Vec<MessageId>> {
        let last: i64 = connection.query_row("SELECT coalesce(max(message), 0) FROM envelope", [], |row| row.get(0))?;
        if only_behind {
            return self.read(|mail| {
                let mut statement = mail.prepare_cached("SELECT id FROM message WHERE id > ?1 ORDER BY id")?;
                Ok(statement.query_map([last], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
            });
        }
        let truth = self.read(|mail| bitmap(mail, "SELECT id FROM message"))?;
        let indexed = bitmap(connection, "SELECT message FROM envelope")?;
        let gone = &indexed - &truth;
        if !gone.is_empty() {
            let transaction = connection.transaction()?;
            for message in gone {
                take_out(&transaction, message)?;
            }
            transaction.commit()?;
        }
        Ok((truth - indexed).into_iter().map(|id| MessageId(i64::from(id))).collect())
    }

    fn fill(
        &self,
        connection: &mut Connection,
        pending: &[MessageId],
        cancel: &Cancel,
        report: Report<'_>,
    ) -> Result<u64> {
        let total = pending.len() as u64;
        let mut done = 0;
        let mut rest = pending;
        while !rest.is_empty() {
            unless_cancelled(cancel)?;
            let (taken, mut entries) = self.entries(rest, cancel)?;
            rest = rest.get(taken..).unwrap_or_default();
            // FTS5 collects words in memory while row ids grow, and writes them out whenever one is smaller.
            entries.sort_by_key(|entry| entry.key);
            let transaction = connection.transaction()?;
            let mut senders = Senders::default();
            for entry in &entries {
                enter(&transaction, entry)?;
                senders.add(&entry.from, entry.key.0);
            }
            senders.write(&transaction)?;
            tracing::trace!(phase = "before COMMIT of the index");
            transaction.commit()?;
            tracing::trace!(phase = "after COMMIT of the index");
            done += taken as u64;
            report(Progress::of(done, total));
        }
        Ok(done)
    }

    /// The next batch, parsed outside of any transaction: how many messages it covers, and their entries.
    fn entries(&self, pending: &[MessageId], cancel: &Cancel) -> Result<(usize, Vec<Entry>)> {
        let mut entries = Vec::new();
        let (mut taken, mut octets) = (0, 0);
        for &id in pending.iter().take(BATCH) {
            unless_cancelled(cancel)?;
            if let Some((entry, size)) = self.entry(id)? {
                entries.push(entry);
                octets += size;
            }
            taken += 1;
            if octets >= BATCH_OCTETS {
                break;
            }
        }
        Ok((taken, entries))
    }

    fn entry(&self, id: MessageId) -> Result<Option<(Entry, u64)>> {
        let row = self.read(|mail| {
            let row = mail
                .prepare_cached(
                    "SELECT original, arrived, octets FROM message JOIN original ON original.id = original
                     WHERE message.id = ?1",
                )?
                .query_row([id], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
                .optional()?;
            Ok(row)
        })?;
        let Some((original, arrived, octets)) = row else { return Ok(None) };
        // What cannot be read any more is still listed; `check` names it.
        let bytes = self.read(|mail| original::bytes(mail, original)).ok().flatten().unwrap_or_default();
        Ok(Some((Entry::of(id, time(arrived), uncount(octets), &read_safely(&bytes)), uncount(octets))))
    }

    /// After erasing: takes the same messages out of the index.
    pub(super) fn forget_erased(&self) -> Result<()> {
        let mut writer = lock(&self.shared.index.writer);
        writer.reconciled = false;
        if let Some(mut connection) = writer.connection.take() {
            match self.missing(&mut connection, false) {
                Ok(_) => writer.connection = Some(connection),
                Err(error) if useless(&error) => self.discard(&mut writer),
                Err(error) => return Err(error.diagnosed(self.folder())),
            }
        } else {
            // Nothing was indexed since the archive was opened; the next call does both.
            self.discard(&mut writer);
        }
        Ok(())
    }
}

/// A parser that panics must not keep a message from being listed.
fn read_safely(bytes: &[u8]) -> Message {
    catch_unwind(AssertUnwindSafe(|| message::read(bytes))).unwrap_or_default()
}

pub(super) fn bitmap(connection: &Connection, sql: &str) -> Result<RoaringBitmap> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut answer = RoaringBitmap::new();
    while let Some(row) = rows.next()? {
        answer.insert(row.get(0)?);
    }
    Ok(answer)
}

/// One message as the index holds it. The searched texts are folded already.
struct Entry {
    key: SortKey,
    subject: String,
    from: Mailbox,
    date: Timestamp,
    size: u64,
    attachments: usize,
    preview: String,
    searched: [String; 5],
}

impl Entry {
    fn of(id: MessageId, arrived: Timestamp, size: u64, message: &Message) -> Entry {
        let envelope = &message.envelope;
        let date = shown_date(envelope.date, arrived);
        let people = |people: &mut dyn Iterator<Item = &Mailbox>| {
            let texts: Vec<String> = people.map(|one| format!("{} {}", one.name, one.address)).collect();
            texts.join("\n")
        };
        let sender = people(&mut std::iter::once(&envelope.from).chain(&envelope.reply_to));
        let recipients = people(&mut envelope.to.iter().chain(&envelope.cc));
        let files: Vec<&str> = message.attachments.iter().map(|file| file.name.as_str()).collect();
        Entry {
            key: key(id, date),
            subject: shortened(&envelope.subject),
            from: Mailbox { name: shortened(&envelope.from.name), address: shortened(&envelope.from.address) },
            date,
            size,
            attachments: message.attachments.len(),
            preview: message::preview(&message.text, PREVIEW),
            searched: [
                fold(start(&envelope.subject, SEARCHED_HEADER)),
                fold(start(&sender, SEARCHED_HEADER)),
                fold(start(&recipients, SEARCHED_HEADER)),
                fold(start(&message.text, SEARCHED)),
                fold(start(&files.join("\n"), SEARCHED_HEADER)),
            ],
        }
    }
}

/// The Date field, or arrival where there is none or it lies in the future: more than a day after arrival, for clocks
/// and time zones are set wrong by less than that all the time.
fn shown_date(written: Option<Timestamp>, arrived: Timestamp) -> Timestamp {
    let day = jiff::SignedDuration::from_hours(24);
    let latest = arrived.checked_add(day).unwrap_or(Timestamp::MAX);
    written.filter(|date| *date <= latest).unwrap_or(arrived)
}

/// See [`SortKey`].
fn key(id: MessageId, date: Timestamp) -> SortKey {
    SortKey(bound(date.as_second()) | id.0)
}

/// The smallest key of a second; seconds before 1970 and after 2514 count as those.
pub(super) fn bound(second: i64) -> i64 {
    second.clamp(0, (1 << 34) - 1) << 29
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// The first octets of a text, cut between two characters.
fn start(text: &str, octets: usize) -> &str {
    text.get(..text.floor_char_boundary(octets)).unwrap_or(text)
}

fn enter(transaction: &Transaction<'_>, entry: &Entry) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO envelope (key, message, subject, from_name, from_address, date, size, attachments, preview)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            entry.key.0,
            entry.key.message(),
            entry.subject,
            entry.from.name,
            entry.from.address,
            entry.date.as_second(),
            count(entry.size),
            count(entry.attachments as u64),
            entry.preview,
        ])?;
    let [subject, sender, recipients, body, files] = &entry.searched;
    transaction
        .prepare_cached(
            "INSERT INTO words (rowid, subject, sender, recipients, body, files) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![entry.key.0, subject, sender, recipients, body, files])?;
    Ok(())
}

fn take_out(transaction: &Transaction<'_>, message: u32) -> Result<()> {
    let (key, from): (i64, Mailbox) = transaction.query_row(
        "SELECT key, from_name, from_address FROM envelope WHERE message = ?1",
        [message],
        |row| Ok((row.get(0)?, Mailbox { name: row.get(1)?, address: row.get(2)? })),
    )?;
    senders::take_out(transaction, &from)?;
    transaction.execute("DELETE FROM words WHERE rowid = ?1", [key])?;
    transaction.execute("DELETE FROM envelope WHERE key = ?1", [key])?;
    Ok(())
}
