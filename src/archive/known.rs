//! What is known of all messages at once: bitmaps over message ids from `mail.db`, and the sort keys from `index.db`.
//! Kept in memory and read again only when a file has changed, which SQLite tells (`data_version`) for changes by this
//! process and by others alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use rusqlite::Connection;

use super::columns::uncount;
use super::connections::lock;
use super::error::Result;
use super::index::bitmap;
use super::order::Whole;
use super::{Archive, SortKey, View, open};
use crate::account::AccountId;

#[derive(Default)]
pub(super) struct Known {
    mail: Option<Watched<Mail>>,
    index: Option<Watched<Indexed>>,
    /// The order that the list was sorted by last.
    order: Option<Arc<Whole>>,
}

/// What was read on a connection, and the version of the file it was read from.
struct Watched<T> {
    connection: Connection,
    version: i64,
    value: Arc<T>,
}

/// What is in memory and still so.
pub(super) struct Already {
    pub(super) mail: Option<Arc<Mail>>,
    pub(super) keys: Option<Arc<Indexed>>,
}

/// The keys of all messages that the index lists, newest first.
#[derive(Default)]
pub(super) struct Indexed {
    keys: Vec<SortKey>,
    /// Those whose words are not searched yet.
    unworded: u64,
}

impl Indexed {
    /// How many can be found by their words.
    pub(super) fn worded(&self) -> u64 {
        (self.keys.len() as u64).saturating_sub(self.unworded)
    }
}

impl std::ops::Deref for Indexed {
    type Target = [SortKey];

    fn deref(&self) -> &[SortKey] {
        &self.keys
    }
}

/// Every message of the truth, sorted into sets.
#[derive(Default)]
pub(super) struct Mail {
    /// All, twins too.
    pub(super) every: u64,
    /// Without twins, which are shown as another, and without those in the bin.
    pub(super) shown: RoaringBitmap,
    /// In the bin, without twins. The sets below hold these too.
    pub(super) bin: RoaringBitmap,
    pub(super) read: RoaringBitmap,
    pub(super) starred: RoaringBitmap,
    pub(super) on_server: RoaringBitmap,
    pub(super) in_backup: RoaringBitmap,
    pub(super) accounts: BTreeMap<AccountId, RoaringBitmap>,
}

impl Mail {
    fn load(connection: &Connection) -> Result<Mail> {
        let mut mail = Mail::default();
        let mut statement = connection.prepare_cached("SELECT id, account, twin_of IS NOT NULL FROM message")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            mail.every += 1;
            let (id, account, twin): (u32, Option<AccountId>, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if twin {
                continue;
            }
            mail.shown.insert(id);
            if let Some(account) = account {
                mail.accounts.entry(account).or_default().insert(id);
            }
        }
        mail.read = bitmap(connection, "SELECT message FROM mark WHERE read = 1")?;
        let no_twins = mail.shown.clone();
        mail.bin = bitmap(connection, "SELECT message FROM bin")? & &no_twins;
        mail.shown -= &mail.bin;
        mail.accounts.values_mut().for_each(|messages| *messages -= &mail.bin);
        mail.starred = bitmap(connection, "SELECT message FROM mark WHERE starred = 1")? & &no_twins;
        mail.on_server = bitmap(
            connection,
            "SELECT coalesce(twin_of, id) FROM ledger JOIN message ON id = message WHERE state = 1",
        )?;
        mail.in_backup = bitmap(connection, "SELECT DISTINCT message FROM backup_message")? & &no_twins;
        Ok(mail)
    }

    /// The shown messages of a view.
    pub(super) fn view(&self, view: View) -> RoaringBitmap {
        match view {
            View::All => self.shown.clone(),
            View::Unread => self.unread(),
            View::Starred => &self.starred & &self.shown,
            View::Account(id) => self.accounts.get(&id).cloned().unwrap_or_default(),
            View::Bin => self.bin.clone(),
        }
    }

    /// All that some view shows.
    pub(super) fn in_any_view(&self) -> RoaringBitmap {
        &self.shown | &self.bin
    }

    /// Those of which there are so many copies, the one here among them.
    pub(super) fn copies(&self, number: u32) -> RoaringBitmap {
        match number {
            1 => &(&self.in_any_view() - &self.on_server) - &self.in_backup,
            2 => &self.on_server ^ &self.in_backup,
            3 => &self.on_server & &self.in_backup,
            _ => RoaringBitmap::new(),
        }
    }

    pub(super) fn unread(&self) -> RoaringBitmap {
        &self.shown - &self.read
    }
}

fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

fn load_keys(connection: &Connection) -> Result<Indexed> {
    // The index on messages holds the keys too, in far fewer pages than the table.
    let mut statement = connection.prepare_cached("SELECT key FROM envelope INDEXED BY envelope_message")?;
    let mut keys: Vec<SortKey> = statement.query_map([], |row| row.get(0).map(SortKey))?.collect::<Result<_, _>>()?;
    keys.sort_unstable_by(|one, other| other.cmp(one));
    let mut statement = connection.prepare_cached("SELECT count(*) FROM envelope WHERE worded = 0")?;
    let unworded: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(Indexed { keys, unworded: uncount(unworded) })
}

/// Answers from memory, or reads anew on the connection when the file has changed.
fn refresh<T>(watched: &mut Watched<T>, load: fn(&Connection) -> Result<T>) -> Result<Arc<T>> {
    // The version first: a change while reading is then seen by the next call.
    let now = version(&watched.connection)?;
    if now != watched.version {
        watched.value = Arc::new(load(&watched.connection)?);
        watched.version = now;
    }
    Ok(Arc::clone(&watched.value))
}

fn watch<T>(connection: Connection, load: fn(&Connection) -> Result<T>) -> Result<Watched<T>> {
    let version = version(&connection)?;
    let value = Arc::new(load(&connection)?);
    Ok(Watched { connection, version, value })
}

impl Known {
    /// The index file was replaced: its connection looks at the old one.
    pub(super) fn forget_index(&mut self) {
        self.index = None;
    }

    pub(super) fn order(&self) -> Option<Arc<Whole>> {
        self.order.clone()
    }

    pub(super) fn keep_order(&mut self, order: Arc<Whole>) {
        self.order = Some(order);
    }

    pub(super) fn forget_order(&mut self) {
        self.order = None;
    }
}

impl<T> Watched<T> {
    /// What was read, where it still is so.
    fn current(&self) -> Result<Option<Arc<T>>> {
        Ok((version(&self.connection)? == self.version).then(|| Arc::clone(&self.value)))
    }
}

impl Archive {
    /// The sets and the keys of all messages, each where it is in memory and nothing changed since.
    pub(super) fn known_already(&self) -> Result<Already> {
        let known = lock(&self.shared.known);
        let mail = known.mail.as_ref().map(Watched::current).transpose();
        // An error of the truth must not be taken for one of the index.
        let mail = mail.map_err(|error| error.diagnosed(self.folder()))?.flatten();
        let keys = known.index.as_ref().map(Watched::current).transpose()?.flatten();
        Ok(Already { mail, keys })
    }

    /// Whether messages are stored that cannot be found by their words yet. Ids only grow and are indexed in order, so that
    /// the last of each tells.
    pub fn index_lags(&self) -> Result<bool> {
        let stored: i64 =
            self.read(|mail| Ok(mail.query_row("SELECT coalesce(max(id), 0) FROM message", [], |row| row.get(0))?))?;
        let indexed: i64 = self.shared.index.read(|index| {
            let sql = "SELECT CASE WHEN EXISTS (SELECT 1 FROM envelope WHERE worded = 0) THEN 0
                ELSE coalesce(max(message), 0) END FROM envelope";
            Ok(index.query_row(sql, [], |row| row.get(0))?)
        })?;
        Ok(indexed < stored)
    }

    /// The sets of all messages, as of now.
    pub(super) fn mail(&self) -> Result<Arc<Mail>> {
        let mut known = lock(&self.shared.known);
        let mut fresh = || match known.mail.take() {
            Some(mut watched) => {
                let mail = refresh(&mut watched, Mail::load)?;
                known.mail = Some(watched);
                Ok(mail)
            }
            None => {
                let watched = watch(open::reader(&self.folder().join(open::MAIL))?, Mail::load)?;
                let mail = Arc::clone(&watched.value);
                known.mail = Some(watched);
                Ok(mail)
            }
        };
        fresh().map_err(|error: super::ArchiveError| error.diagnosed(self.folder()))
    }

    /// The keys of all indexed messages, newest first; none where there is no index yet.
    pub(super) fn indexed(&self) -> Result<Arc<Indexed>> {
        let index = &self.shared.index;
        let mut known = lock(&self.shared.known);
        let mut fresh = || {
            let watched = match known.index.take() {
                Some(mut watched) => refresh(&mut watched, load_keys).map(|_| Some(watched))?,
                None => index.reader()?.map(|reader| watch(reader, load_keys)).transpose()?,
            };
            let keys = watched.as_ref().map(|watched| Arc::clone(&watched.value)).unwrap_or_default();
            known.index = watched;
            Ok(keys)
        };
        index.or_default(fresh()).map_err(|error| error.diagnosed(self.folder()))
    }
}
