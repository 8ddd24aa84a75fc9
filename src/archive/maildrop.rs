//! What is known of a maildrop beside its messages: whether removals were agreed to here, its own time, and what its server
//! can and cannot do.

use jiff::Timestamp;
use rusqlite::params;

use super::columns::{micros, time};
use super::error::Result;
use super::log::bit;
use super::{Archive, Habit, Habits, MaildropId};
use crate::account::Account;

/// The most that one visit moves mailbox time, in seconds, and the longest gap between two visits that is believed.
const LONGEST_GAP: i64 = 48 * 3600;
/// A clock that is set right goes back by less than this, in seconds.
const CLOCK_SKEW: i64 = 120;

/// What is known of a maildrop, as a visit at a given moment finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaildropState {
    /// The user agreed, on this computer, to removals from it.
    pub agreed: bool,
    /// Mailbox time in seconds: the sum of the gaps between visits, each counted as two days at most. What is kept for so
    /// many days is kept for so much of it, so that no clock that jumps expires anything.
    pub age: i64,
    /// Since the last visit the clock went back, or on by more than two days.
    pub clock_jumped: bool,
    /// When the last login was accepted.
    pub last_login: Option<Timestamp>,
    /// The server refused name or password, and the user has not acted since.
    pub login_refused: bool,
    /// Seconds that the server wants between two logins (RFC 2449 section 6.5).
    pub login_delay: Option<u32>,
    /// Days after which the server itself removes messages (RFC 2449 section 6.7).
    pub expire: Option<u32>,
    pub habits: Habits,
}

/// What a login taught.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerWord {
    pub login_delay: Option<u32>,
    pub expire: Option<u32>,
}

/// Mailbox time after a visit at `now`, and whether the clock jumped.
pub(super) fn aged(age: i64, last_visit: Option<i64>, now: Timestamp) -> (i64, bool) {
    let Some(last) = last_visit else { return (age, false) };
    let gap = (micros(now).saturating_sub(last)) / 1_000_000;
    (age.saturating_add(gap.clamp(0, LONGEST_GAP)), !(-CLOCK_SKEW..=LONGEST_GAP).contains(&gap))
}

impl Archive {
    /// What is known of a maildrop for a visit now. Nothing is written.
    pub fn maildrop_state(&self, maildrop: MaildropId, now: Timestamp) -> Result<MaildropState> {
        self.read(|connection| {
            let state = connection
                .prepare_cached(
                    "SELECT agreed, age, last_visit, last_login, login_refused, login_delay, expire, habits
                     FROM maildrop WHERE id = ?1",
                )?
                .query_row([maildrop.0], |row| {
                    let (age, clock_jumped) = aged(row.get(1)?, row.get(2)?, now);
                    Ok(MaildropState {
                        agreed: row.get(0)?,
                        age,
                        clock_jumped,
                        last_login: row.get::<_, Option<i64>>(3)?.map(time),
                        login_refused: row.get(4)?,
                        login_delay: row.get(5)?,
                        expire: row.get(6)?,
                        habits: Habits::of_bits(row.get(7)?),
                    })
                })?;
            Ok(state)
        })
    }

    /// A login was accepted: when, and what the server says of itself.
    pub fn note_login(&self, maildrop: MaildropId, word: ServerWord, now: Timestamp) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE maildrop SET last_login = ?2, login_refused = 0, login_delay = ?3, expire = ?4 WHERE id = ?1",
                params![maildrop.0, micros(now), word.login_delay, word.expire],
            )?;
            Ok(())
        })
    }

    /// The server refused name or password: no visit by itself until the user acts (quirk 32).
    pub fn note_login_refused(&self, maildrop: MaildropId, refused: bool) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE maildrop SET login_refused = ?2 WHERE id = ?1 AND login_refused <> ?2",
                params![maildrop.0, refused],
            )?;
            Ok(())
        })
    }

    /// The user acted: a login that was refused at the account's present maildrop may be tried again.
    pub fn forget_refusal(&self, account: &Account) -> Result<()> {
        match self.maildrop(account)? {
            Some(maildrop) => self.note_login_refused(maildrop, false),
            None => Ok(()),
        }
    }

    /// Remembers what a server cannot bear.
    pub fn note_habit(&self, maildrop: MaildropId, habit: Habit) -> Result<()> {
        self.write(|transaction| {
            transaction
                .execute("UPDATE maildrop SET habits = habits | ?2 WHERE id = ?1", params![maildrop.0, bit(habit)])?;
            Ok(())
        })
    }

    /// It can bear it after all.
    pub fn forget_habit(&self, maildrop: MaildropId, habit: Habit) -> Result<()> {
        self.write(|transaction| {
            transaction
                .execute("UPDATE maildrop SET habits = habits & ~?2 WHERE id = ?1", params![maildrop.0, bit(habit)])?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailbox_time_moves_with_visits_and_never_far() {
        let at = |hours: i64| Timestamp::from_second(hours * 3600).unwrap();
        let last = |hours: i64| Some(hours * 3_600_000_000);
        let cases = [
            ((100, None, at(5)), (100, false)),
            ((0, last(10), at(11)), (3600, false)),
            ((0, last(10), at(58)), (48 * 3600, false)),
            ((0, last(10), at(59)), (48 * 3600, true)),
            ((0, last(10), at(90_000)), (48 * 3600, true)),
            ((7, last(10), at(9)), (7, true)),
            ((7, last(10), at(-900_000)), (7, true)),
        ];
        for ((age, last_visit, now), expected) in cases {
            assert_eq!(aged(age, last_visit, now), expected, "{last_visit:?} {now}");
        }
        let (seconds_back, before) = (Timestamp::from_second(36_000 - 60).unwrap(), last(10));
        assert_eq!(aged(7, before, seconds_back), (7, false), "a clock that is set right");
    }
}
