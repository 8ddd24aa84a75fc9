//! Searching: a query as one full-text expression, asked shelf by shelf, whose rows come newest first, and as bitmaps
//! over message ids that the rows must be in.
//!
//! A window asks with [`Archive::search_pages`]: the first page comes as soon as it is full, the others follow from the
//! same walk, and when it ends with [`Searched::complete`] the keys given are all there are, so that their number is the
//! count. A key is eight octets. The next keystroke cancels the walk.

use jiff::tz::TimeZone;
use roaring::RoaringBitmap;
use rusqlite::{Connection, ErrorCode, params};

use super::browse::contains;
use super::columns::count;
use super::entry::bound;
use super::error::{ArchiveError, Result};
use super::fold::fold;
use super::index::bitmap;
use super::known::Mail;
use super::query::{self, Alternative, Clause, Term};
use super::{Archive, Found, SortKey, View, shelves};
use crate::job::Cancel;

/// Steps of SQLite's machine between two looks at the token: a fraction of a millisecond.
const STEPS: i32 = 2_000;

/// Statements that a reading connection keeps: one for each shelf, for a few kinds of questions.
const STATEMENTS: usize = 600;

/// Memory for pages of the index in a connection that searches, in KiB: what most words of 1,000,000 messages need of
/// every shelf. Without it a page is copied from the system's memory for each question.
const CACHE: i32 = 24 << 10;

/// Keys of the first page and of the others.
const FIRST_PAGE: usize = 100;
const PAGE: usize = 5_000;

/// A query made ready: what FTS5 is asked, and which messages count at all.
struct Prepared {
    /// Bound as a parameter; empty when nothing but filters was asked for.
    expression: String,
    keep: RoaringBitmap,
    /// Keys from the first up to, not including, the second.
    from: i64,
    to: i64,
}

/// What terms are evaluated against.
struct Scope<'a> {
    index: &'a Connection,
    mail: &'a Mail,
    keys: &'a [SortKey],
    /// Accounts by their folded address and name.
    accounts: Vec<(String, RoaringBitmap)>,
    cancel: &'a Cancel,
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
        let query = query::parse(query, &TimeZone::system());
        let mail = self.mail()?;
        let indexed = self.indexed()?;
        let accounts = self.searched_accounts(&mail)?;
        let complete = self.shared.index.read(|index| {
            let token = cancel.clone();
            index.set_prepared_statement_cache_capacity(STATEMENTS);
            index.pragma_update(None, "cache_size", -CACHE)?;
            index.progress_handler(STEPS, Some(move || token.is_cancelled()))?;
            let found = snapshot(index, |index| {
                let scope = Scope { index, mail: &mail, keys: &indexed, accounts, cancel };
                let prepared = scope.prepare(&query.clauses, view)?;
                scope.find(&prepared, &mut Pages { take, page: Vec::new(), full: first_page })
            });
            index.progress_handler(0, None::<fn() -> bool>)?;
            not_complete_when_stopped(found)
        });
        let complete = complete.map_err(|error| error.diagnosed(self.folder()))?;
        Ok(Searched { notes: query.notes, complete })
    }

    fn searched_accounts(&self, mail: &Mail) -> Result<Vec<(String, RoaringBitmap)>> {
        let accounts = self.accounts()?.into_iter();
        Ok(accounts
            .filter_map(|account| {
                let messages = mail.accounts.get(&account.id)?.clone();
                Some((fold(&format!("{}\n{}", account.address, account.name)), messages))
            })
            .collect())
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

impl Scope<'_> {
    fn prepare(&self, clauses: &[Clause], view: View) -> Result<Prepared> {
        let mut keep = self.mail.view(view);
        let (mut from, mut to) = (0, i64::MAX);
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for clause in clauses {
            match clause.as_slice() {
                [Alternative { negated: false, term: Term::Date { from: begin, to: end } }] => {
                    from = from.max(bound(*begin));
                    to = to.min(if *end == i64::MAX { i64::MAX } else { bound(*end) });
                }
                [Alternative { negated: true, term: Term::Text { column, words, prefix } }] => {
                    unwanted.push(expression(*column, words, *prefix));
                }
                alternatives if alternatives.iter().all(is_wanted_text) => wanted.push(one_of(alternatives)),
                alternatives => keep &= self.any(alternatives)?,
            }
        }
        if wanted.is_empty() {
            for expression in unwanted.drain(..) {
                keep -= self.matching(&expression)?;
            }
        }
        let mut expression = wanted.join(" AND ");
        if !unwanted.is_empty() {
            expression = format!("({expression}) NOT ({})", unwanted.join(" OR "));
        }
        Ok(Prepared { expression, keep, from, to })
    }

    /// Gives the keys that hold, newest first; whether it came to the end.
    fn find(&self, prepared: &Prepared, pages: &mut Pages<'_>) -> Result<bool> {
        if self.cancel.is_cancelled() {
            return Ok(false);
        }
        let walked = if prepared.expression.is_empty() {
            let within =
                |key: &SortKey| (prepared.from..prepared.to).contains(&key.0) && contains(&prepared.keep, *key);
            let mut keys = self.keys.iter().copied().filter(within);
            Ok(keys.all(|key| pages.add(key) && !self.cancel.is_cancelled()))
        } else {
            self.walk_shelves(prepared, pages)
        };
        // What was found before it was stopped is an answer too.
        pages.end();
        walked
    }

    fn walk_shelves(&self, prepared: &Prepared, pages: &mut Pages<'_>) -> Result<bool> {
        for table in shelves::newest_first(self.index, &(prepared.from..prepared.to))? {
            // FTS5 looks at its words outside of SQLite's machine, whose steps are counted.
            if self.cancel.is_cancelled() {
                return Ok(false);
            }
            let mut statement = self.index.prepare_cached(&format!(
                "SELECT rowid FROM {table} WHERE {table} MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC"
            ))?;
            let mut rows = statement.query(params![prepared.expression, prepared.from, prepared.to])?;
            while let Some(row) = rows.next()? {
                let key = SortKey(row.get(0)?);
                if contains(&prepared.keep, key) && !pages.add(key) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The messages for which one of the alternatives holds.
    fn any(&self, alternatives: &[Alternative]) -> Result<RoaringBitmap> {
        let mut union = RoaringBitmap::new();
        for alternative in alternatives {
            let holds = self.holding(&alternative.term)?;
            union |= if alternative.negated { self.mail.in_any_view() - holds } else { holds };
        }
        Ok(union)
    }

    fn holding(&self, term: &Term) -> Result<RoaringBitmap> {
        let mail = self.mail;
        Ok(match term {
            Term::Text { column, words, prefix } => self.matching(&expression(*column, words, *prefix))?,
            Term::Attachment => bitmap(self.index, "SELECT message FROM envelope WHERE attachments > 0")?,
            Term::Unread => mail.in_any_view() - &mail.read,
            Term::Read => mail.read.clone(),
            Term::Starred => mail.starred.clone(),
            Term::Date { from, to } => {
                let end = if *to == i64::MAX { i64::MAX } else { bound(*to) };
                self.ids(self.keys.iter().filter(|key| (bound(*from)..end).contains(&key.0)))
            }
            Term::Size { least, most } => self.sized(*least, *most)?,
            Term::Account(part) => {
                let accounts = self.accounts.iter().filter(|(name, _)| name.contains(part.as_str()));
                accounts.fold(RoaringBitmap::new(), |union, (_, messages)| union | messages)
            }
            Term::OnServer => mail.on_server.clone(),
            Term::InBackup => mail.in_backup.clone(),
            Term::Copies(1) => &(&mail.in_any_view() - &mail.on_server) - &mail.in_backup,
            Term::Copies(2) => &mail.on_server ^ &mail.in_backup,
            Term::Copies(3) => &mail.on_server & &mail.in_backup,
            Term::Copies(_) => RoaringBitmap::new(),
        })
    }

    fn ids<'k>(&self, keys: impl Iterator<Item = &'k SortKey>) -> RoaringBitmap {
        keys.filter_map(|key| u32::try_from(key.message().0).ok()).collect()
    }

    fn matching(&self, expression: &str) -> Result<RoaringBitmap> {
        let mut found = RoaringBitmap::new();
        for table in shelves::newest_first(self.index, &(0..i64::MAX))? {
            if self.cancel.is_cancelled() {
                break;
            }
            let mut statement =
                self.index.prepare_cached(&format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1"))?;
            let mut rows = statement.query([expression])?;
            while let Some(row) = rows.next()? {
                found.extend(u32::try_from(SortKey(row.get(0)?).message().0));
            }
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
