//! Searching: a query as one full-text expression, asked shelf by shelf from the newest, and as bitmaps over message ids
//! that what is found must be in. What is known of all messages is read only where a query needs it, so that the first
//! search of a process is quick: words in all mail are answered by looking at nothing but what was found.
//!
//! A window asks with [`Archive::search_pages`]: the first page comes as soon as it is full, the others follow from the
//! same walk, and when it ends with [`Searched::complete`] the keys given are all there are, so that their number is the
//! count. A key is eight octets. The next keystroke cancels the walk.

use std::cell::{Cell, OnceCell};
use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};

use super::browse::{contains, is_shown};
use super::columns::count;
use super::entry::bound;
use super::error::{ArchiveError, Result};
use super::fold::fold;
use super::index::{self, bitmap};
use super::known::{Already, Indexed, Mail};
use super::query::{self, Alternative, Clause, Term};
use super::shelves::{self, Shelf};
use super::{Archive, Found, SortKey, View};
use crate::job::Cancel;
use crate::settings;

/// Steps of SQLite's machine between two looks at the token: a fraction of a millisecond.
const STEPS: i32 = 2_000;

/// Statements that a reading connection keeps: one for each shelf, for a few kinds of questions.
const STATEMENTS: usize = 600;

/// Memory for pages of the index in a connection that searches, in KiB: what most words of 1,000,000 messages need of
/// every shelf. Without it a page is copied from the system's memory for each question.
const CACHE: i32 = 24 << 10;

/// The same for a process that asks once: memory that is used again is at hand, and new memory is not.
const CACHE_ONCE: i32 = 512;

/// Keys of the first page and of the others.
const FIRST_PAGE: usize = 100;
const PAGE: usize = 5_000;

/// Messages looked up one by one, after which reading what is known of all of them is less work. Few in the tests of
/// this module.
pub(super) const MANY: usize = if cfg!(test) { 300 } else { 5_000 };

/// A query made ready: what FTS5 is asked, and which messages count at all.
struct Prepared {
    /// Bound as a parameter; empty when nothing but filters was asked for.
    expression: String,
    /// `None`: all that is shown.
    keep: Option<RoaringBitmap>,
    /// Keys from the first up to, not including, the second.
    keys: Range<i64>,
}

/// What terms are evaluated against.
struct Scope<'a> {
    archive: &'a Archive,
    index: &'a Connection,
    cancel: &'a Cancel,
    mail: OnceCell<Arc<Mail>>,
    keys: OnceCell<Arc<Indexed>>,
    looked_up: Cell<usize>,
}

/// How a search ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Sentences about what was not understood and searched as words instead.
    pub notes: Vec<String>,
    /// Whether everything was looked through: neither cancelled nor told to stop.
    pub complete: bool,
}

impl Archive {
    /// Searches within a view; `limit` of the newest. Stops early, with what it has, when `cancel` is set. Dates are
    /// those of the local time zone. Never fails because of the query.
    pub fn search(&self, query: &str, view: View, limit: Option<usize>, cancel: &Cancel) -> Result<Found> {
        let limit = limit.unwrap_or(usize::MAX);
        let mut keys = Vec::new();
        let mut take = |page: Vec<SortKey>| {
            if keys.is_empty() {
                keys = page
            } else {
                keys.extend(page)
            }
            keys.len() < limit
        };
        let searched = self.walk(query, view, limit.min(FIRST_PAGE), cancel, &mut take)?;
        keys.truncate(limit);
        Ok(Found { keys, notes: searched.notes })
    }

    /// The same in pages, newest first: the first of 100 keys as soon as there are so many, then larger ones. `take`
    /// answers whether to go on.
    pub fn search_pages(
        &self,
        query: &str,
        view: View,
        cancel: &Cancel,
        take: &mut dyn FnMut(Vec<SortKey>) -> bool,
    ) -> Result<Searched> {
        self.walk(query, view, FIRST_PAGE, cancel, take)
    }

    fn walk(
        &self,
        query: &str,
        view: View,
        first_page: usize,
        cancel: &Cancel,
        take: &mut dyn FnMut(Vec<SortKey>) -> bool,
    ) -> Result<Searched> {
        let query = query::parse(query, &settings::time_zone());
        // A process that knows of all mail is a window, and will ask again.
        let stays = self.known_already()?.mail.is_some();
        let complete = self.shared.index.read(|index| {
            let token = cancel.clone();
            index.set_prepared_statement_cache_capacity(STATEMENTS);
            index.pragma_update(None, "cache_size", if stays { -CACHE } else { -CACHE_ONCE })?;
            index.progress_handler(STEPS, Some(move || token.is_cancelled()))?;
            let found = snapshot(index, |index| {
                let scope = Scope::new(self, index, cancel)?;
                let prepared = scope.prepare(&query.clauses, view)?;
                scope.find(&prepared, &mut Pages { take, page: Vec::new(), full: first_page })
            });
            index.progress_handler(0, None::<fn() -> bool>)?;
            not_complete_when_stopped(found)
        });
        let complete = complete.map_err(|error| error.diagnosed(self.folder()))?;
        Ok(Searched { notes: query.notes, complete })
    }
}

fn interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

fn not_complete_when_stopped(found: Result<bool>) -> Result<bool> {
    match found {
        Err(ArchiveError::Sqlite(error)) if interrupted(&error) => Ok(false),
        found => found,
    }
}

/// All of a search sees the index as it was at one moment: no message moves from one shelf to another meanwhile.
fn snapshot<T>(index: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let transaction = index.unchecked_transaction()?;
    // It begins with the first look, before anything that is known of all messages is asked for: what is found in it is
    // then known of.
    index::current(&transaction)?;
    work(&transaction)
}

/// Hands keys on, a page at a time.
struct Pages<'a> {
    take: &'a mut dyn FnMut(Vec<SortKey>) -> bool,
    page: Vec<SortKey>,
    full: usize,
}

impl Pages<'_> {
    /// Whether to go on.
    fn add(&mut self, key: SortKey) -> bool {
        self.page.push(key);
        self.page.len() < self.full || self.turn()
    }

    /// So many keys are wanted for the page.
    fn missing(&self) -> usize {
        self.full.saturating_sub(self.page.len())
    }

    fn turn(&mut self) -> bool {
        self.full = PAGE;
        (self.take)(std::mem::take(&mut self.page))
    }

    fn end(&mut self) {
        if !self.page.is_empty() {
            self.turn();
        }
    }
}

impl<'a> Scope<'a> {
    fn new(archive: &'a Archive, index: &'a Connection, cancel: &'a Cancel) -> Result<Scope<'a>> {
        let Already { mail, keys } = archive.known_already()?;
        let mail = mail.map_or_else(OnceCell::new, OnceCell::from);
        let keys = keys.map_or_else(OnceCell::new, OnceCell::from);
        Ok(Scope { archive, index, cancel, mail, keys, looked_up: Cell::new(0) })
    }

    fn mail(&self) -> Result<Arc<Mail>> {
        once(&self.mail, || self.archive.mail())
    }

    fn keys(&self) -> Result<Arc<Indexed>> {
        once(&self.keys, || self.archive.indexed())
    }

    /// Notes that so many messages are to be looked up one by one; whether to do so still.
    fn one_by_one(&self, messages: usize) -> bool {
        self.looked_up.set(self.looked_up.get() + messages);
        self.looked_up.get() <= MANY
    }

    fn prepare(&self, clauses: &[Clause], view: View) -> Result<Prepared> {
        let mut keep = match view {
            View::All => None,
            view => Some(self.mail()?.view(view)),
        };
        let (mut from, mut to) = (0, i64::MAX);
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for clause in clauses {
            match clause.as_slice() {
                [] => keep = Some(RoaringBitmap::new()),
                [Alternative { negated: false, term: Term::Date { from: begin, to: end } }] => {
                    from = from.max(bound(*begin));
                    to = to.min(if *end == i64::MAX { i64::MAX } else { bound(*end) });
                }
                [Alternative { negated: true, term: Term::Text { column, words, prefix } }] => {
                    unwanted.push(expression(*column, words, *prefix));
                }
                alternatives if alternatives.iter().all(is_wanted_text) => wanted.push(one_of(alternatives)),
                alternatives => keep = Some(self.or_all(keep)? & self.any(alternatives)?),
            }
        }
        if wanted.is_empty() {
            for expression in unwanted.drain(..) {
                keep = Some(self.or_all(keep)? - self.matching(&expression)?);
            }
        }
        let mut expression = wanted.join(" AND ");
        if !unwanted.is_empty() {
            expression = format!("({expression}) NOT ({})", unwanted.join(" OR "));
        }
        Ok(Prepared { expression, keep, keys: from..to })
    }

    fn or_all(&self, keep: Option<RoaringBitmap>) -> Result<RoaringBitmap> {
        Ok(match keep {
            Some(keep) => keep,
            None => self.mail()?.view(View::All),
        })
    }

    /// Gives the keys that hold, newest first; whether it came to the end.
    fn find(&self, prepared: &Prepared, pages: &mut Pages<'_>) -> Result<bool> {
        if self.cancel.is_cancelled() {
            return Ok(false);
        }
        let walked = if prepared.expression.is_empty() {
            let keys = self.keys()?;
            self.give(prepared, within(&keys, &prepared.keys).iter().copied(), pages)
        } else {
            self.walk_shelves(prepared, pages)
        };
        // What was found before it was stopped is an answer too.
        pages.end();
        walked
    }

    fn walk_shelves(&self, prepared: &Prepared, pages: &mut Pages<'_>) -> Result<bool> {
        for shelf in shelves::newest_first(self.index, &prepared.keys)? {
            // FTS5 looks at its words outside of SQLite's machine, whose steps are counted.
            if self.cancel.is_cancelled() {
                return Ok(false);
            }
            let found = self.on_shelf(&shelf, &prepared.expression)?;
            if !found.is_empty() && !self.give_found(prepared, &shelf, &found, pages)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives what was found on a shelf, newest first: by a walk over the keys of all messages where these are known, else
    /// over those of the shelf, as far as a page needs them, where most are found; else by looking up the key of each.
    fn give_found(
        &self,
        prepared: &Prepared,
        shelf: &Shelf,
        found: &RoaringBitmap,
        pages: &mut Pages<'_>,
    ) -> Result<bool> {
        let span = prepared.keys.start.max(shelf.first)..prepared.keys.end.min(shelf.last.saturating_add(1));
        let number = usize::try_from(found.len()).unwrap_or(usize::MAX);
        let most = number > shelf.messages / 16;
        let looked_up = if most { number.min(pages.missing()) } else { number };
        if self.keys.get().is_some() || !self.one_by_one(looked_up) {
            let keys = self.keys()?;
            let keys = within(&keys, &span).iter().copied().filter(|key| contains(found, *key));
            return self.give(prepared, keys, pages);
        }
        if most {
            let mut statement =
                self.index.prepare_cached("SELECT key FROM envelope WHERE key >= ?1 AND key < ?2 ORDER BY key DESC")?;
            let keys = statement.query_map([span.start, span.end], |row| row.get(0).map(SortKey))?;
            let mut failed = Ok(());
            let keys = keys.map_while(|key| key.map_err(|error| failed = Err(error)).ok());
            let went_on = self.give(prepared, keys.filter(|key| contains(found, *key)), pages)?;
            failed?;
            return Ok(went_on);
        }
        let mut statement = self.index.prepare_cached("SELECT key FROM envelope WHERE message = ?1")?;
        let mut keys = Vec::with_capacity(number);
        for message in found {
            keys.extend(statement.query_row([message], |row| row.get(0).map(SortKey)).optional()?);
        }
        keys.retain(|key| span.contains(&key.0));
        keys.sort_unstable_by(|one, other| other.cmp(one));
        self.give(prepared, keys.into_iter(), pages)
    }

    /// Gives keys as far as their messages count; whether to go on.
    fn give(&self, prepared: &Prepared, keys: impl Iterator<Item = SortKey>, pages: &mut Pages<'_>) -> Result<bool> {
        if prepared.keep.is_some() || self.mail.get().is_some() {
            return self.give_kept(keys, pages, |key| self.kept(prepared, key));
        }
        // In one transaction: SQLite locks the file for that, and not for every message.
        self.archive.read(|mail| {
            let mail = mail.unchecked_transaction()?;
            self.give_kept(keys, pages, |key| match self.mail.get().is_none() && self.one_by_one(1) {
                true => is_shown(&mail, key),
                false => self.kept(prepared, key),
            })
        })
    }

    fn give_kept(
        &self,
        keys: impl Iterator<Item = SortKey>,
        pages: &mut Pages<'_>,
        kept: impl Fn(SortKey) -> Result<bool>,
    ) -> Result<bool> {
        for key in keys {
            if kept(key)? && !pages.add(key) || self.cancel.is_cancelled() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// By what is known of all mail.
    fn kept(&self, prepared: &Prepared, key: SortKey) -> Result<bool> {
        match &prepared.keep {
            Some(keep) => Ok(contains(keep, key)),
            None => Ok(contains(&self.mail()?.shown, key)),
        }
    }

    /// The messages for which one of the alternatives holds.
    fn any(&self, alternatives: &[Alternative]) -> Result<RoaringBitmap> {
        let mut union = RoaringBitmap::new();
        for alternative in alternatives {
            let holds = self.holding(&alternative.term)?;
            union |= if alternative.negated { self.mail()?.in_any_view() - holds } else { holds };
        }
        Ok(union)
    }

    fn holding(&self, term: &Term) -> Result<RoaringBitmap> {
        Ok(match term {
            Term::Text { column, words, prefix } => self.matching(&expression(*column, words, *prefix))?,
            Term::Attachment => bitmap(self.index, "SELECT message FROM envelope WHERE attachments > 0")?,
            Term::Size { least, most } => self.sized(*least, *most)?,
            Term::Date { from, to } => {
                let end = if *to == i64::MAX { i64::MAX } else { bound(*to) };
                let keys = self.keys()?;
                let keys = within(&keys, &(bound(*from)..end)).iter();
                keys.filter_map(|key| u32::try_from(key.message().0).ok()).collect()
            }
            Term::Account(part) => self.accounts(part)?,
            Term::Unread => self.mail()?.in_any_view() - &self.mail()?.read,
            Term::Read => self.mail()?.read.clone(),
            Term::Starred => self.mail()?.starred.clone(),
            Term::OnServer => self.mail()?.on_server.clone(),
            Term::InBackup => self.mail()?.in_backup.clone(),
            Term::Copies(number) => self.mail()?.copies(*number),
        })
    }

    /// The messages of accounts with this in their folded address or name.
    fn accounts(&self, part: &str) -> Result<RoaringBitmap> {
        let mail = self.mail()?;
        let accounts = self.archive.accounts()?.into_iter();
        let named = accounts.filter(|account| fold(&format!("{}\n{}", account.address, account.name)).contains(part));
        Ok(named
            .filter_map(|account| mail.accounts.get(&account.id))
            .fold(RoaringBitmap::new(), |union, set| union | set))
    }

    fn matching(&self, expression: &str) -> Result<RoaringBitmap> {
        let mut found = RoaringBitmap::new();
        for shelf in shelves::newest_first(self.index, &(0..i64::MAX))? {
            if self.cancel.is_cancelled() {
                break;
            }
            found |= self.on_shelf(&shelf, expression)?;
        }
        Ok(found)
    }

    fn on_shelf(&self, shelf: &Shelf, expression: &str) -> Result<RoaringBitmap> {
        let table = shelf.table();
        let mut statement = self.index.prepare_cached(&format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1"))?;
        let mut rows = statement.query([expression])?;
        let mut found = RoaringBitmap::new();
        while let Some(row) = rows.next()? {
            found.insert(row.get(0)?);
        }
        Ok(found)
    }

    fn sized(&self, least: u64, most: u64) -> Result<RoaringBitmap> {
        let mut statement = self.index.prepare_cached("SELECT message FROM envelope WHERE size BETWEEN ?1 AND ?2")?;
        let mut rows = statement.query([count(least), count(most)])?;
        let mut found = RoaringBitmap::new();
        while let Some(row) = rows.next()? {
            found.insert(row.get(0)?);
        }
        Ok(found)
    }
}

/// Answers what was read before, or reads it.
fn once<T: Clone>(cell: &OnceCell<T>, read: impl FnOnce() -> Result<T>) -> Result<T> {
    if let Some(value) = cell.get() {
        return Ok(value.clone());
    }
    let value = read()?;
    Ok(cell.get_or_init(|| value).clone())
}

/// Of keys that are in order, newest first, those in a span.
fn within<'k>(keys: &'k [SortKey], span: &Range<i64>) -> &'k [SortKey] {
    let begin = keys.partition_point(|key| key.0 >= span.end);
    let end = keys.partition_point(|key| key.0 >= span.start);
    keys.get(begin..end).unwrap_or_default()
}

fn is_wanted_text(alternative: &Alternative) -> bool {
    !alternative.negated && matches!(alternative.term, Term::Text { .. })
}

fn one_of(alternatives: &[Alternative]) -> String {
    let texts: Vec<String> = alternatives
        .iter()
        .filter_map(|alternative| match &alternative.term {
            Term::Text { column, words, prefix } => Some(expression(*column, words, *prefix)),
            _ => None,
        })
        .collect();
    format!("({})", texts.join(" OR "))
}

/// A term in FTS5's language. Folding has left no quotation mark in the words; doubling keeps that harmless anyway.
fn expression(column: Option<&'static str>, words: &str, prefix: bool) -> String {
    let column = column.map(|column| format!("{column} : ")).unwrap_or_default();
    let star = if prefix { " *" } else { "" };
    format!("({column}\"{}\"{star})", words.replace('"', "\"\""))
}
