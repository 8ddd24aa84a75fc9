//! The retrieving half of a fetch: which messages are asked for in which order, and what has come of them.

use std::collections::HashMap;

use super::Plan;
use super::run::Last;
use super::store::{Parcel, Store};
use crate::archive::ListedMessage;
use crate::job::Progress;
use crate::pop3::Code;
use crate::transport::Retrieved;

/// A batch is committed when it holds this many messages, this many octets, or is this many ticks old: one fsync for
/// many small messages, and still the first mail is on the screen within a second.
const BATCH_MESSAGES: usize = 256;
const BATCH_OCTETS: usize = 8 << 20;
const BATCH_TICKS: u32 = 8;

/// The messages asked for and what has come of them.
pub struct Receiving {
    pub outstanding: HashMap<u32, ListedMessage>,
    /// The numbers in the order in which they are asked for.
    order: Vec<u32>,
    /// How many of them made no trouble before.
    orderly: usize,
    /// How many of them were asked for.
    asked: usize,
    pub refused: Vec<ListedMessage>,
    /// Refused because this session is not in UTF8 mode (quirk 95).
    pub wants_utf8: Vec<ListedMessage>,
    batch: Vec<Parcel>,
    batch_octets: usize,
    pub batch_age: u32,
    total: u64,
    octets_total: u64,
    done: u64,
    pub octets_done: u64,
}

impl Receiving {
    pub fn of(plan: &Plan) -> Receiving {
        Receiving {
            outstanding: plan.retrieve.iter().map(|message| (message.number, message.clone())).collect(),
            order: plan.retrieve.iter().map(|message| message.number).collect(),
            orderly: plan.retrieve.len().saturating_sub(plan.troublesome),
            asked: 0,
            refused: Vec::new(),
            wants_utf8: Vec::new(),
            batch: Vec::new(),
            batch_octets: 0,
            batch_age: 0,
            total: plan.retrieve.len() as u64,
            octets_total: plan.octets(),
            done: 0,
            octets_done: 0,
        }
    }

    /// What to ask for next, with sizes as LIST gives them: first what made no trouble before (`true`), then the rest.
    pub fn next_wanted(&mut self) -> Option<(Vec<(u32, u64)>, bool)> {
        let asked = self.asked;
        let orderly = asked < self.orderly;
        self.asked = if orderly { self.orderly } else { self.order.len() };
        let wanted = self.order.iter().take(self.asked).skip(asked).filter_map(|number| self.outstanding.get(number));
        let wanted: Vec<_> = wanted.map(|message| (message.number, message.octets.unwrap_or(0))).collect();
        (!wanted.is_empty()).then_some((wanted, orderly))
    }

    /// The message whose answer is the next to come.
    pub fn awaited(&self) -> Option<&ListedMessage> {
        self.order.iter().find_map(|number| self.outstanding.get(number))
    }

    /// Takes an answer in; answers the message, if it came.
    pub fn take(&mut self, retrieved: Retrieved) -> Option<Last> {
        self.done += 1;
        match retrieved {
            Retrieved::Message { number, octets } => {
                self.octets_done += octets.len() as u64;
                self.batch_octets += octets.len();
                let listed = self.outstanding.remove(&number)?;
                let longer = listed.octets.is_some_and(|expected| octets.len() as u64 > expected);
                self.batch.push(Parcel { listed: listed.clone(), octets });
                Some(Last { message: listed, longer })
            }
            Retrieved::Refused { number, code: Some(Code::Utf8), .. } => {
                self.wants_utf8.extend(self.outstanding.remove(&number));
                None
            }
            Retrieved::Refused { number, .. } | Retrieved::TooLarge { number } => {
                self.refused.extend(self.outstanding.remove(&number));
                None
            }
        }
    }

    /// Gives the batch to the store if it is due. `false`: the store has failed; its own error says why.
    pub async fn hand_over(&mut self, store: &mut Store) -> bool {
        !self.batch_is_due() || store.put(self.next_batch()).await
    }

    fn batch_is_due(&self) -> bool {
        !self.batch.is_empty()
            && (self.batch.len() >= BATCH_MESSAGES
                || self.batch_octets >= BATCH_OCTETS
                || self.batch_age >= BATCH_TICKS)
    }

    pub fn next_batch(&mut self) -> Vec<Parcel> {
        self.batch_octets = 0;
        self.batch_age = 0;
        std::mem::take(&mut self.batch)
    }

    pub fn progress(&self, arriving: u64) -> Progress {
        Progress {
            done: self.done,
            total: Some(self.total),
            octets: arriving.max(self.octets_done),
            octets_total: (self.octets_total > 0).then_some(self.octets_total),
        }
    }
}
