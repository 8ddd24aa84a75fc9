//! Who wrote: one row for each address in `index.db`, and the folded words of its names for looking up by a beginning.
//! Kept up to date batch by batch, so that completing a sender never looks at messages.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::columns::{count, uncount};
use super::error::Result;
use super::fold::fold;
use super::{Archive, Sender};
use crate::message::Mailbox;

pub(super) const SCHEMA: &str = "
    CREATE TABLE sender (
        id INTEGER PRIMARY KEY,
        -- In lower case; the folded name where there is no address.
        identity TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        address TEXT NOT NULL,
        messages INTEGER NOT NULL,
        newest INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sender_word (
        word TEXT NOT NULL,
        sender INTEGER NOT NULL,
        PRIMARY KEY (word, sender)
    ) STRICT, WITHOUT ROWID;";

/// Words of one name, and names of one sender in one batch, that are looked up by.
const WORDS: usize = 20;
const NAMES: usize = 10;

/// The senders of a batch.
#[derive(Default)]
pub(super) struct Senders(BTreeMap<String, Tally>);

struct Tally {
    mailbox: Mailbox,
    /// All that it was called.
    names: BTreeSet<String>,
    messages: u64,
    /// Of the message that `mailbox` is from; one with a name counts more than one without.
    newest: (bool, i64),
}

impl Senders {
    pub(super) fn add(&mut self, from: &Mailbox, key: i64) {
        let identity = identity(from);
        if identity.is_empty() {
            return;
        }
        let newest = (!from.name.is_empty(), key);
        let tally = self.0.entry(identity).or_insert_with(|| Tally {
            mailbox: from.clone(),
            names: BTreeSet::new(),
            messages: 0,
            newest,
        });
        tally.messages += 1;
        if tally.names.len() < NAMES && !tally.names.contains(&from.name) {
            tally.names.insert(from.name.clone());
        }
        if newest > tally.newest {
            tally.newest = newest;
            tally.mailbox = from.clone();
        }
    }

    pub(super) fn write(&self, transaction: &Transaction<'_>) -> Result<()> {
        for (identity, tally) in &self.0 {
            tally.write(transaction, identity)?;
        }
        Ok(())
    }
}

fn identity(from: &Mailbox) -> String {
    if from.address.is_empty() { fold(&from.name) } else { from.address.to_lowercase() }
}

impl Tally {
    fn write(&self, transaction: &Transaction<'_>, identity: &str) -> Result<()> {
        let Mailbox { name, address } = &self.mailbox;
        let key = self.newest.1;
        let known: Option<(i64, String, i64)> = transaction
            .prepare_cached("SELECT id, name, newest FROM sender WHERE identity = ?1")?
            .query_row([identity], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, known_as, newest)) = known else {
            transaction
                .prepare_cached(
                    "INSERT INTO sender (identity, name, address, messages, newest) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![identity, name, address, count(self.messages), key])?;
            return self.enter_words(transaction, transaction.last_insert_rowid());
        };
        let renamed = !name.is_empty() && *name != known_as && (key > newest || known_as.is_empty());
        transaction
            .prepare_cached(
                "UPDATE sender SET messages = messages + ?2, newest = max(newest, ?3),
                     name = iif(?4, ?5, name), address = iif(?4, ?6, address) WHERE id = ?1",
            )?
            .execute(params![id, count(self.messages), key, renamed, name, address])?;
        let news = self.names.iter().any(|name| !name.is_empty() && *name != known_as);
        if news { self.enter_words(transaction, id) } else { Ok(()) }
    }

    /// Names that were given up stay words: who was found by them once still is.
    fn enter_words(&self, transaction: &Transaction<'_>, sender: i64) -> Result<()> {
        let mut insert =
            transaction.prepare_cached("INSERT OR IGNORE INTO sender_word (word, sender) VALUES (?1, ?2)")?;
        for text in self.names.iter().chain([&self.mailbox.address]) {
            for word in fold(text).split(' ').filter(|word| !word.is_empty()).take(WORDS) {
                insert.execute(params![word, sender])?;
            }
        }
        Ok(())
    }
}

/// A message of this sender left the index.
pub(super) fn take_out(transaction: &Transaction<'_>, from: &Mailbox) -> Result<()> {
    let left: Option<(i64, i64)> = transaction
        .prepare_cached("UPDATE sender SET messages = messages - 1 WHERE identity = ?1 RETURNING id, messages")?
        .query_row([identity(from)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, ..=0)) = left {
        transaction.execute("DELETE FROM sender_word WHERE sender = ?1", [id])?;
        transaction.execute("DELETE FROM sender WHERE id = ?1", [id])?;
    }
    Ok(())
}

impl Archive {
    /// Senders whose name or address has a word that begins with `prefix` (more than one word: each), those who wrote
    /// most first. All of them, up to `limit`, when `prefix` holds no letter.
    pub fn completions(&self, prefix: &str, limit: usize) -> Result<Vec<Sender>> {
        let folded = fold(prefix);
        let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(WORDS).collect();
        let senders = self.shared.index.read(|index| completed(index, &words, limit));
        senders.map_err(|error| error.diagnosed(self.folder()))
    }
}

fn completed(index: &Connection, words: &[&str], limit: usize) -> Result<Vec<Sender>> {
    let begun = "id IN (SELECT sender FROM sender_word WHERE word >= ? AND word < ? || char(1114111))";
    let conditions = vec![begun; words.len()].join(" AND ");
    let filter = if words.is_empty() { String::new() } else { format!("WHERE {conditions}") };
    let sql =
        format!("SELECT name, address, messages FROM sender {filter} ORDER BY messages DESC, newest DESC LIMIT ?");
    let mut statement = index.prepare_cached(&sql)?;
    let bound = words.iter().flat_map(|word| [*word, *word]).map(|word| rusqlite::types::Value::from(word.to_owned()));
    let limit = rusqlite::types::Value::from(count(limit as u64));
    let rows = statement.query_map(rusqlite::params_from_iter(bound.chain([limit])), |row| {
        Ok(Sender { name: row.get(0)?, address: row.get(1)?, messages: uncount(row.get(2)?) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
