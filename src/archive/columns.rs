//! Values as the columns of `mail.db` hold them.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::CopyState;
use crate::account::{AccountId, Digest, MessageId, Uidl};

/// Microseconds since 1970: what is kept of a time.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time outside of what can be shown (a damaged row) is 1970.
pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// SQLite counts in `i64`; sizes that do not fit do not occur, and would be shown as the largest.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn uncount(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl ToSql for AccountId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for AccountId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<AccountId> {
        value.as_i64().map(AccountId)
    }
}

impl ToSql for MessageId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for MessageId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<MessageId> {
        value.as_i64().map(MessageId)
    }
}

impl ToSql for Digest {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_slice().into())
    }
}

impl FromSql for Digest {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Digest> {
        value.as_blob()?.try_into().map(Digest).map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for Uidl {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_bytes().into())
    }
}

impl FromSql for Uidl {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Uidl> {
        Uidl::new(value.as_blob()?).ok_or(FromSqlError::InvalidType)
    }
}

/// In the order of the numbers that the migrations name.
pub(super) const STATES: [CopyState; 8] = [
    CopyState::Listed,
    CopyState::Stored,
    CopyState::DeleSent,
    CopyState::Gone,
    CopyState::DeleteUnknown,
    CopyState::Vanished,
    CopyState::Refused,
    CopyState::Erased,
];

impl ToSql for CopyState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = STATES.iter().position(|state| state == self).and_then(|at| i64::try_from(at).ok());
        Ok(number.unwrap_or(0).into())
    }
}

impl FromSql for CopyState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<CopyState> {
        let number = usize::try_from(value.as_i64()?).map_err(|_| FromSqlError::InvalidType)?;
        STATES.get(number).copied().ok_or(FromSqlError::InvalidType)
    }
}
