//! Searching: a query as one full-text expression, whose rows come newest first, and as bitmaps over message ids that
//! the rows must be in.

use jiff::tz::TimeZone;
use roaring::RoaringBitmap;
use rusqlite::{Connection, ErrorCode, params};

use super::browse::contains;
use super::columns::count;
use super::error::{ArchiveError, Result};
use super::fold::fold;
use super::index::{bitmap, bound};
use super::known::Mail;
use super::query::{self, Alternative, Clause, Term};
use super::{Archive, Found, SortKey, View};
use crate::job::Cancel;

/// Steps of SQLite's machine between two looks at the token: a fraction of a millisecond.
const STEPS: i32 = 2_000;

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
}

impl Archive {
    /// Searches within a view; `limit` of the newest. Stops early, with what it has, when `cancel` is set. Dates are
    /// those of the local time zone. Never fails because of the query.
    pub fn search(&self, query: &str, view: View, limit: Option<usize>, cancel: &Cancel) -> Result<Found> {
        let query = query::parse(query, &TimeZone::system());
        let mail = self.mail()?;
        let indexed = self.indexed()?;
        let accounts = self.searched_accounts(&mail)?;
        let limit = limit.unwrap_or(usize::MAX);
        let keys = self.shared.index.read(|index| {
            let cancel = cancel.clone();
            index.progress_handler(STEPS, Some(move || cancel.is_cancelled()))?;
            let scope = Scope { index, mail: &mail, keys: &indexed, accounts };
            let found = scope.prepare(&query.clauses, view).and_then(|prepared| scope.find(&prepared, limit));
            index.progress_handler(0, None::<fn() -> bool>)?;
            or_nothing_when_stopped(found)
        });
        let keys = keys.map_err(|error| error.diagnosed(self.folder()))?;
        Ok(Found { keys, notes: query.notes })
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

fn or_nothing_when_stopped(found: Result<Vec<SortKey>>) -> Result<Vec<SortKey>> {
    match found {
        Err(ArchiveError::Sqlite(error)) if interrupted(&error) => Ok(Vec::new()),
        found => found,
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

    /// The newest keys that hold, at most `limit`.
    fn find(&self, prepared: &Prepared, limit: usize) -> Result<Vec<SortKey>> {
        if prepared.expression.is_empty() {
            let within =
                |key: &SortKey| (prepared.from..prepared.to).contains(&key.0) && contains(&prepared.keep, *key);
            return Ok(self.keys.iter().copied().filter(within).take(limit).collect());
        }
        let mut statement = self.index.prepare_cached(
            "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC",
        )?;
        let mut rows = statement.query(params![prepared.expression, prepared.from, prepared.to])?;
        let mut found = Vec::new();
        while found.len() < limit {
            match rows.next() {
                Ok(Some(row)) => {
                    let key = SortKey(row.get(0)?);
                    if contains(&prepared.keep, key) {
                        found.push(key);
                    }
                }
                Ok(None) => break,
                Err(error) if interrupted(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
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
        let mut statement = self.index.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1")?;
        let mut rows = statement.query([expression])?;
        let mut found = RoaringBitmap::new();
        while let Some(row) = rows.next()? {
            found.extend(u32::try_from(SortKey(row.get(0)?).message().0));
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
