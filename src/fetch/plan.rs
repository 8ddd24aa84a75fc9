//! What a visit to the server will do, decided before anything is done. Pure: the same listing, ledger and retention
//! give the same plan, and the dry run that a person sees is the value that is executed.

use std::collections::{HashMap, HashSet};

use crate::account::{MessageId, Retention, Uidl};
use crate::archive::{CopyState, LedgerEntry, ListedMessage};

/// Messages larger than this, in octets, are left on the server (FAULTS: one hostile message must not fill memory).
pub const LARGEST_MESSAGE: u64 = 256 << 20;

/// What to do with each message of a listing. Every listed message stands in exactly one of `retrieve`, `stored` and
/// `too_large`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To be retrieved: not stored here, or perhaps another message than the stored one of this unique-id, or (where it
    /// is to be removed) stored with fewer octets than the server says it has. In the order of the message numbers, but
    /// those that made trouble before come last: one of them may end the visit.
    pub retrieve: Vec<ListedMessage>,
    /// How many of those at its end made trouble before.
    pub troublesome: usize,
    /// Stored here already.
    pub stored: Vec<ListedMessage>,
    /// By message number, what each of those is stored as.
    pub stored_as: HashMap<u32, MessageId>,
    /// Left on the server for their size.
    pub too_large: Vec<ListedMessage>,
    /// Whether what is proved to be stored is to be removed from the server.
    pub remove: bool,
    /// Unique-ids that the server gave to more than one message: never removed, since one could be taken for another.
    pub ambiguous: HashSet<Uidl>,
}

impl Plan {
    /// Whether this message may be removed once it is proved to be stored.
    pub fn removable(&self, message: &ListedMessage) -> bool {
        !self.ambiguous.contains(&message.uidl)
    }

    /// Octets to be retrieved, as far as LIST gave sizes.
    pub fn octets(&self) -> u64 {
        self.retrieve.iter().filter_map(|message| message.octets).sum()
    }
}

/// Decides what a visit does.
///
/// A listed message counts as stored when the ledger has it with a message of ours and with the size that LIST gave
/// then. Another size under a known unique-id may be another message (servers reuse unique-ids): it is retrieved, and
/// if its bytes turn out to be known, ingest stores nothing.
///
/// Fewer octets stored than LIST gives may be a message that was cut short (quirk 52, a filter on the way): before it is
/// removed it is retrieved once more, and only the same bytes again are believed.
pub fn plan(listing: &[ListedMessage], ledger: &[LedgerEntry], retention: Retention) -> Plan {
    let known: HashMap<(&Uidl, u32), &LedgerEntry> =
        ledger.iter().map(|entry| ((&entry.uidl, entry.ordinal), entry)).collect();
    let is_stored = |message: &ListedMessage| {
        known.get(&(&message.uidl, message.ordinal)).is_some_and(|entry| holds(entry, message))
    };
    let repeated_now = listing.iter().filter(|message| message.ordinal > 0).map(|message| &message.uidl);
    let repeated_before = ledger.iter().filter(|entry| entry.ordinal > 0).map(|entry| &entry.uidl);
    let ambiguous: HashSet<Uidl> = repeated_now.chain(repeated_before).cloned().collect();
    // Where one unique-id stands for several messages their order may have changed: all are stored, or all are asked for.
    let in_doubt: HashSet<&Uidl> = listing
        .iter()
        .filter(|message| ambiguous.contains(&message.uidl) && !is_stored(message))
        .map(|message| &message.uidl)
        .collect();

    let entry = |message: &ListedMessage| known.get(&(&message.uidl, message.ordinal)).copied();
    let mut plan = Plan { remove: !retention.leaves_copy(), ambiguous: ambiguous.clone(), ..Plan::default() };
    for message in listing {
        let look_again =
            plan.remove && plan.removable(message) && entry(message).is_some_and(|row| is_short(row, message));
        if is_stored(message) && !in_doubt.contains(&message.uidl) && !look_again {
            plan.stored.push(message.clone());
            plan.stored_as.extend(entry(message).and_then(|row| row.message).map(|id| (message.number, id)));
        } else if message.octets.is_some_and(|octets| octets > LARGEST_MESSAGE) {
            plan.too_large.push(message.clone());
        } else {
            plan.retrieve.push(message.clone());
        }
    }
    let made_trouble = |message: &ListedMessage| entry(message).is_some_and(made_trouble);
    plan.retrieve.sort_by_key(|message| (made_trouble(message), message.number));
    plan.troublesome = plan.retrieve.iter().filter(|message| made_trouble(message)).count();
    plan
}

/// Whether the ledger's row says that this listed message is stored here.
fn holds(entry: &LedgerEntry, listed: &ListedMessage) -> bool {
    let same_size = match (entry.octets, listed.octets) {
        (Some(then), Some(now)) => then == now,
        _ => true,
    };
    let is_stored = match entry.state {
        CopyState::Stored | CopyState::DeleSent | CopyState::DeleteUnknown | CopyState::Vanished => true,
        // A unique-id that comes back after the server confirmed its removal may stand for another message.
        CopyState::Listed | CopyState::Refused | CopyState::Gone => false,
    };
    is_stored && entry.message.is_some() && same_size
}

/// Whether fewer octets are stored than the server says the message has.
fn is_short(entry: &LedgerEntry, listed: &ListedMessage) -> bool {
    matches!((entry.stored_octets, listed.octets), (Some(stored), Some(listed)) if stored < listed)
}

/// Whether an earlier visit was refused this message, ended in it, or has reason to doubt what it got (then the row
/// keeps the message, though it is merely listed).
fn made_trouble(entry: &LedgerEntry) -> bool {
    entry.state == CopyState::Refused || (entry.state == CopyState::Listed && entry.message.is_some())
}

/// Joins UIDL's answer with LIST's by message number; only numbers that UIDL gave are handled. Numbers the unique-ids
/// that stand more than once.
pub fn listing(uidls: Vec<(u32, Uidl)>, sizes: &[(u32, u64)]) -> Vec<ListedMessage> {
    let sizes: HashMap<u32, u64> = sizes.iter().copied().collect();
    let mut seen_numbers = HashSet::new();
    let mut times: HashMap<Uidl, u32> = HashMap::new();
    uidls
        .into_iter()
        .filter(|(number, _)| seen_numbers.insert(*number))
        .map(|(number, uidl)| {
            let count = times.entry(uidl.clone()).or_insert(0);
            let ordinal = *count;
            *count = count.saturating_add(1);
            ListedMessage { number, octets: sizes.get(&number).copied(), uidl, ordinal }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{LARGEST_MESSAGE, Plan, listing, plan};
    use crate::account::{MessageId, Retention, Uidl};
    use crate::archive::{CopyState, LedgerEntry, ListedMessage};

    fn uidl(text: &str) -> Uidl {
        Uidl::new(text.as_bytes()).unwrap()
    }

    fn listed(entries: &[(&str, u64)]) -> Vec<ListedMessage> {
        let uidls = (1..).zip(entries).map(|(number, (text, _))| (number, uidl(text))).collect();
        let sizes: Vec<_> = (1..).zip(entries).map(|(number, (_, octets))| (number, *octets)).collect();
        listing(uidls, &sizes)
    }

    fn row(text: &str, ordinal: u32, message: Option<i64>, state: CopyState, octets: u64) -> LedgerEntry {
        LedgerEntry {
            uidl: uidl(text),
            ordinal,
            message: message.map(MessageId),
            state,
            octets: Some(octets),
            stored_octets: message.map(|_| octets),
            first_seen: Timestamp::UNIX_EPOCH,
            last_seen: Timestamp::UNIX_EPOCH,
        }
    }

    fn numbers(messages: &[ListedMessage]) -> Vec<u32> {
        messages.iter().map(|message| message.number).collect()
    }

    #[track_caller]
    fn check(plan: &Plan, retrieve: &[u32], stored: &[u32]) {
        assert_eq!((numbers(&plan.retrieve), numbers(&plan.stored)), (retrieve.to_vec(), stored.to_vec()));
    }

    #[test]
    fn an_empty_ledger_retrieves_all() {
        check(&plan(&listed(&[("a", 1), ("b", 2)]), &[], Retention::LeaveCopy), &[1, 2], &[]);
    }

    #[test]
    fn what_is_stored_is_not_retrieved_again_whatever_its_number() {
        let ledger = [row("b", 0, Some(7), CopyState::Stored, 2)];
        check(&plan(&listed(&[("a", 1), ("b", 2)]), &ledger, Retention::LeaveCopy), &[1], &[2]);
    }

    #[test]
    fn every_state_that_holds_a_message_counts_as_stored() {
        for state in [CopyState::Stored, CopyState::DeleSent, CopyState::DeleteUnknown, CopyState::Vanished] {
            let ledger = [row("a", 0, Some(1), state, 1)];
            check(&plan(&listed(&[("a", 1)]), &ledger, Retention::LeaveCopy), &[], &[1]);
        }
    }

    #[test]
    fn what_was_only_listed_or_refused_is_retrieved() {
        for state in [CopyState::Listed, CopyState::Refused] {
            check(&plan(&listed(&[("a", 1)]), &[row("a", 0, None, state, 1)], Retention::LeaveCopy), &[1], &[]);
        }
    }

    #[test]
    fn what_comes_back_after_its_removal_is_retrieved() {
        let ledger = [row("a", 0, Some(1), CopyState::Gone, 1)];
        check(&plan(&listed(&[("a", 1)]), &ledger, Retention::RemoveOnceStored), &[1], &[]);
    }

    #[test]
    fn another_size_under_a_known_unique_id_is_retrieved() {
        let ledger = [row("a", 0, Some(1), CopyState::Stored, 100)];
        check(&plan(&listed(&[("a", 101)]), &ledger, Retention::RemoveOnceStored), &[1], &[]);
    }

    #[test]
    fn a_repeated_unique_id_is_fetched_whole_and_never_removed() {
        let messages = listed(&[("a", 1), ("b", 1), ("a", 1)]);
        let ledger = [row("a", 0, Some(1), CopyState::Stored, 1), row("b", 0, Some(2), CopyState::Stored, 1)];
        let decided = plan(&messages, &ledger, Retention::RemoveOnceStored);
        check(&decided, &[1, 3], &[2]);
        assert_eq!(messages.iter().map(|message| decided.removable(message)).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn a_unique_id_that_was_repeated_once_is_never_trusted_again() {
        let ledger = [row("a", 0, Some(1), CopyState::Stored, 1), row("a", 1, Some(2), CopyState::Vanished, 1)];
        let messages = listed(&[("a", 1)]);
        assert!(!plan(&messages, &ledger, Retention::RemoveOnceStored).removable(&messages[0]));
    }

    #[test]
    fn a_message_over_the_limit_is_left() {
        let decided = plan(&listed(&[("a", LARGEST_MESSAGE + 1)]), &[], Retention::RemoveOnceStored);
        check(&decided, &[], &[]);
        assert_eq!(numbers(&decided.too_large), [1]);
    }

    #[test]
    fn only_a_retention_that_leaves_no_copy_removes() {
        assert!(!plan(&[], &[], Retention::LeaveCopy).remove);
        assert!(plan(&[], &[], Retention::RemoveOnceStored).remove);
    }

    #[test]
    fn a_listing_ignores_numbers_that_uidl_did_not_give_and_doubled_ones() {
        let joined = listing(vec![(3, uidl("c")), (1, uidl("a")), (3, uidl("x"))], &[(1, 10), (2, 20)]);
        assert_eq!(numbers(&joined), [3, 1]);
        assert_eq!(joined.iter().map(|message| message.octets).collect::<Vec<_>>(), [None, Some(10)]);
    }
}
