//! What a visit to the server will do, decided before anything is done. Pure: the same listing, ledger and policy give
//! the same plan, and the dry run that a person sees is the value that is executed.

use std::collections::{HashMap, HashSet};

use crate::account::{Fetching, MessageId, Retention, Uidl};
use crate::archive::{CopyState, LedgerEntry, Left, ListedMessage, MaildropState, Withheld};

/// Messages larger than this, in octets, are left on the server (FAULTS: one hostile message must not fill memory).
pub const LARGEST_MESSAGE: u64 = 256 << 20;

/// A message that was asked for in vain this often is asked for at every [`PATIENT_VISITS`]th visit only (quirk 61).
const VAIN_TRIES: u32 = 3;
const PATIENT_VISITS: i64 = 8;
/// A message whose removal the server confirmed this often and has again is left alone (quirk 82).
const VAIN_REMOVALS: u32 = 2;
/// So many known messages at least must be missing before unknown ones are taken for them (quirk 40).
const STORM: usize = 3;

const DAY: i64 = 24 * 3600;

/// What the user wishes and what is known beside listing and ledger.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub retention: Retention,
    pub fetching: Fetching,
    pub maildrop: MaildropState,
    /// Messages in the bin; `true`: the user wants their copies on the server removed, whatever the retention.
    pub binned: HashMap<MessageId, bool>,
    /// Messages in a verified backup. Needed for [`Retention::UntilBackedUp`] only.
    pub backed_up: HashSet<MessageId>,
    /// Messages that are to come whole, however large.
    pub wanted: HashSet<(Uidl, u32)>,
    /// The user's name asks the server for the last days only (quirk 88).
    pub recent_mode: bool,
    /// The server gives no unique-ids: they were made from header sections and sizes (quirk 44).
    pub made_uidls: bool,
    /// The server shows only a part of what it has (quirks 85, 86, 88): what is missing from the listing is not gone.
    pub shows_a_part: bool,
    /// Counts the visits; 0: one that the user asked for, at which everything is tried.
    pub visit: i64,
}

/// What to do with each message of a listing. Every listed message stands in exactly one of `retrieve`, `stored` and
/// `left`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To be retrieved: not stored here, or perhaps another message than the stored one of this unique-id, or (where it
    /// is to be removed) stored in a way that its bytes are to be compared first. In the order in which it is asked for;
    /// those that made trouble before come last: one of them may end the visit.
    pub retrieve: Vec<ListedMessage>,
    /// How many of those at its end made trouble before.
    pub troublesome: usize,
    /// Stored here already: message number, and as what.
    pub stored: Vec<(u32, MessageId)>,
    /// Those of them that leave at this visit.
    pub stored_and_leaving: Vec<(ListedMessage, MessageId)>,
    /// Left on the server and not fetched, and why.
    pub left: Vec<(ListedMessage, Left)>,
    /// The numbers of those that leave the server at this visit, each once it is proved to be stored.
    pub leaving: HashSet<u32>,
    /// Of those, the ones that leave because they were deleted here; taken out of the bin meanwhile, they stay.
    pub deleted_here: HashMap<u32, MessageId>,
    /// Why nothing leaves, though the retention would have it.
    pub withheld: Option<Withheld>,
    /// Most unique-ids changed at once (quirks 39 to 41): unknown messages are first looked for among the stored ones.
    pub renumbered: bool,
    /// Messages that came back after the server had confirmed their removal often enough: left alone.
    pub returned: u64,
    /// Listed messages that the ledger did not know.
    pub unknown: u64,
    /// Messages that the server had, by the ledger, and that are missing from its listing.
    pub vanished: u64,
    /// Unique-ids that the server gave to more than one message: never removed, since one could be taken for another.
    pub ambiguous: HashSet<Uidl>,
}

impl Plan {
    /// Whether this message leaves the server once it is proved to be stored.
    pub fn removable(&self, message: &ListedMessage) -> bool {
        self.leaving.contains(&message.number)
    }

    /// Octets to be retrieved, as far as LIST gave sizes.
    pub fn octets(&self) -> u64 {
        self.retrieve.iter().filter_map(|message| message.octets).fold(0, u64::saturating_add)
    }

    /// How many messages are left for this reason.
    pub fn left_for(&self, why: Left) -> u64 {
        self.left.iter().filter(|(_, reason)| *reason == why).count() as u64
    }

    /// Takes these messages, told by their header sections, for the stored ones: they are not retrieved, and stay.
    pub fn recognise(&mut self, known: &HashMap<u32, MessageId>) {
        let orderly = self.retrieve.len().saturating_sub(self.troublesome);
        let told = |message: &ListedMessage| known.contains_key(&message.number);
        self.troublesome = self.retrieve.iter().skip(orderly).filter(|message| !told(message)).count();
        for message in std::mem::take(&mut self.retrieve) {
            match known.get(&message.number) {
                Some(id) => {
                    self.leaving.remove(&message.number);
                    self.stored.push((message.number, *id));
                }
                None => self.retrieve.push(message),
            }
        }
    }
}

/// Decides what a visit does.
///
/// A listed message counts as stored when the ledger has it with a message of ours and with the size that LIST gave
/// then. Another size under a known unique-id may be another message (servers reuse unique-ids): it is retrieved, and
/// if its bytes turn out to be known, ingest stores nothing.
///
/// What leaves the server is read back first, and retrieved once more where its bytes were never compared: where fewer
/// octets are stored than LIST gives (quirk 52, a filter on the way), where it was told by its header section only, and
/// where the server gives no unique-ids.
pub fn plan(listing: &[ListedMessage], ledger: &[LedgerEntry], policy: &Policy) -> Plan {
    let rows = rows(listing, ledger);
    let with_rows = || listing.iter().zip(rows.iter().copied());
    let ambiguous = repeated(listing, ledger);
    // Where one unique-id stands for several messages their order may have changed: all are stored, or all are asked for.
    let in_doubt: HashSet<&Uidl> = with_rows()
        .filter(|(message, row)| ambiguous.contains(&message.uidl) && stored_as(message, *row).is_none())
        .map(|(message, _)| &message.uidl)
        .collect();

    let had = ledger.iter().filter(|row| row.state == CopyState::Stored).count();
    let met = rows.iter().flatten().filter(|row| row.state == CopyState::Stored).count();
    let mut plan = Plan {
        renumbered: !policy.shows_a_part && is_renumbered(&rows, ledger),
        unknown: rows.iter().filter(|row| row.is_none()).count() as u64,
        vanished: had.saturating_sub(met) as u64,
        ambiguous,
        ..Plan::default()
    };
    plan.withheld = withheld(policy, plan.renumbered);
    let beyond = beyond_the_newest(listing, &rows, policy.retention);
    let mut trouble = HashSet::new();
    for (message, row) in with_rows() {
        let stored_as = stored_as(message, row);
        let leaving = !plan.ambiguous.contains(&message.uidl)
            && plan.leaves(message, row, stored_as, policy, beyond.contains(&message.number));
        if leaving {
            plan.leaving.insert(message.number);
        }
        let look_again =
            leaving && row.is_some_and(|row| policy.made_uidls || row.recognised || is_short(row, message));
        match stored_as.filter(|_| !in_doubt.contains(&message.uidl) && !look_again) {
            Some(id) => {
                plan.stored.push((message.number, id));
                plan.stored_and_leaving.extend(leaving.then(|| (message.clone(), id)));
            }
            None => match reason_to_leave(message, row, policy) {
                Some(why) => {
                    plan.leaving.remove(&message.number);
                    plan.left.push((message.clone(), why));
                }
                None => {
                    trouble.extend(row.filter(|row| made_trouble(row)).map(|_| message.number));
                    plan.retrieve.push(message.clone());
                }
            },
        }
    }
    plan.in_order(policy, |message| trouble.contains(&message.number));
    plan
}

/// The ledger's row of each listed message. Both are walked in the order of unique-ids: a maildrop may hold hundreds of
/// thousands of messages, of which a map would be large.
fn rows<'a>(listing: &[ListedMessage], ledger: &'a [LedgerEntry]) -> Vec<Option<&'a LedgerEntry>> {
    let mut listed: Vec<(usize, &ListedMessage)> = listing.iter().enumerate().collect();
    listed.sort_unstable_by_key(|(_, message)| (&message.uidl, message.ordinal));
    let mut known: Vec<&LedgerEntry> = ledger.iter().collect();
    // As a rule it comes in this order.
    known.sort_by_key(|row| (&row.uidl, row.ordinal));
    let mut known = known.into_iter().peekable();
    let mut rows = vec![None; listing.len()];
    for (at, message) in listed {
        let key = (&message.uidl, message.ordinal);
        while known.next_if(|row| (&row.uidl, row.ordinal) < key).is_some() {}
        let found = known.peek().copied().filter(|row| (&row.uidl, row.ordinal) == key);
        rows.get_mut(at).into_iter().for_each(|row| *row = found);
    }
    rows
}

/// As what a listed message is stored here, by its row.
fn stored_as(message: &ListedMessage, row: Option<&LedgerEntry>) -> Option<MessageId> {
    row.filter(|row| holds(row, message)).and_then(|row| row.message)
}

impl Plan {
    /// Whether a message leaves the server at this visit; notes why where it was deleted here or came back.
    fn leaves(
        &mut self,
        message: &ListedMessage,
        row: Option<&LedgerEntry>,
        stored_as: Option<MessageId>,
        policy: &Policy,
        beyond: bool,
    ) -> bool {
        let wished = stored_as.is_some_and(|id| match policy.binned.get(&id) {
            Some(there_too) => *there_too || (policy.retention == Retention::UntilDeleted && policy.maildrop.agreed),
            None => false,
        });
        let since = row.map_or(policy.maildrop.age, |row| row.since);
        let due = match policy.retention {
            Retention::LeaveCopy | Retention::UntilDeleted => false,
            Retention::Days(days) => policy.maildrop.age.saturating_sub(since) >= i64::from(days) * DAY,
            Retention::UntilBackedUp => stored_as.is_some_and(|id| policy.backed_up.contains(&id)),
            Retention::NewestMessages(_) | Retention::NewestOctets(_) => beyond,
            Retention::RemoveOnceStored => true,
        };
        let barred = matches!(self.withheld, Some(Withheld::Renumbered | Withheld::RecentMode));
        let leaves = !barred && (wished || (due && self.withheld.is_none()));
        if leaves && row.is_some_and(|row| row.removals >= VAIN_REMOVALS) {
            self.returned += 1;
            return false;
        }
        if leaves && wished && !(due && self.withheld.is_none()) {
            self.deleted_here.extend(stored_as.map(|id| (message.number, id)));
        }
        leaves
    }

    /// Puts what is to be retrieved into the order in which it is asked for, and leaves what goes over the budget.
    fn in_order(&mut self, policy: &Policy, made_trouble: impl Fn(&ListedMessage) -> bool) {
        let small_first = |message: &ListedMessage| match policy.fetching.weak_link {
            true => message.octets.unwrap_or(0),
            false => 0,
        };
        self.retrieve.sort_by_key(|message| (made_trouble(message), small_first(message), message.number));
        if let Some(budget) = policy.fetching.budget {
            let mut octets = 0_u64;
            let mut fits = |message: &ListedMessage| {
                let first = octets == 0;
                octets = octets.saturating_add(message.octets.unwrap_or(0).max(1));
                // One is always fetched, or it would never come.
                first || octets <= budget || policy.wanted.contains(&(message.uidl.clone(), message.ordinal))
            };
            let (within, over): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.retrieve).into_iter().partition(|message| fits(message));
            self.retrieve = within;
            over.iter().for_each(|message| _ = self.leaving.remove(&message.number));
            self.left.extend(over.into_iter().map(|message| (message, Left::OverBudget)));
        }
        self.troublesome = self.retrieve.iter().filter(|message| made_trouble(message)).count();
    }
}

/// Unique-ids that stand for more than one message, now or before.
fn repeated(listing: &[ListedMessage], ledger: &[LedgerEntry]) -> HashSet<Uidl> {
    let now = listing.iter().filter(|message| message.ordinal > 0).map(|message| &message.uidl);
    let before = ledger.iter().filter(|entry| entry.ordinal > 0).map(|entry| &entry.uidl);
    now.chain(before).cloned().collect()
}

/// Whether the server has numbered its messages anew: of those it had, most are missing, and about as many unknown ones
/// are there instead.
fn is_renumbered(rows: &[Option<&LedgerEntry>], ledger: &[LedgerEntry]) -> bool {
    let there =
        |entry: &LedgerEntry| matches!(entry.state, CopyState::Stored | CopyState::DeleSent | CopyState::DeleteUnknown);
    let had = ledger.iter().filter(|entry| there(entry)).count();
    let met = rows.iter().flatten().filter(|row| there(row)).count();
    let unknown = rows.iter().filter(|row| row.is_none()).count();
    had >= STORM && met * 2 < had && unknown * 2 >= had
}

/// Why nothing may leave the server at this visit.
fn withheld(policy: &Policy, renumbered: bool) -> Option<Withheld> {
    let wishes = policy.binned.values().any(|there_too| *there_too);
    match policy.retention {
        Retention::LeaveCopy if !wishes => None,
        _ if renumbered => Some(Withheld::Renumbered),
        _ if policy.recent_mode => Some(Withheld::RecentMode),
        Retention::LeaveCopy => None,
        _ if !policy.maildrop.agreed => Some(Withheld::NewHere),
        Retention::Days(_) if policy.maildrop.clock_jumped => Some(Withheld::Clock),
        _ => None,
    }
}

/// The numbers of the messages beyond the newest that stay. The newest are those not stored yet, then those stored last.
fn beyond_the_newest(listing: &[ListedMessage], rows: &[Option<&LedgerEntry>], retention: Retention) -> HashSet<u32> {
    let (most_messages, most_octets) = match retention {
        Retention::NewestMessages(messages) => (messages as usize, u64::MAX),
        Retention::NewestOctets(octets) => (usize::MAX, octets),
        _ => return HashSet::new(),
    };
    let age = |message: &ListedMessage, row: Option<&LedgerEntry>| {
        stored_as(message, row)
            .map_or((0, u32::MAX - message.number), |id| (1, u32::try_from(i64::from(u32::MAX) - id.0).unwrap_or(0)))
    };
    let mut newest_first: Vec<_> = listing.iter().zip(rows.iter().copied()).collect();
    newest_first.sort_by_key(|(message, row)| age(message, *row));
    let mut octets = 0_u64;
    let mut stays = |at: usize, message: &ListedMessage| {
        octets = octets.saturating_add(message.octets.unwrap_or(0));
        at < most_messages && octets <= most_octets
    };
    let beyond = newest_first.iter().enumerate().filter(|(at, (message, _))| !stays(*at, message));
    beyond.map(|(_, (message, _))| message.number).collect()
}

/// Why a message that is not stored is not retrieved either.
fn reason_to_leave(message: &ListedMessage, row: Option<&LedgerEntry>, policy: &Policy) -> Option<Left> {
    let over = |limit: u64| message.octets.is_some_and(|octets| octets > limit);
    let wanted = || policy.wanted.contains(&(message.uidl.clone(), message.ordinal));
    if row.is_some_and(|row| row.state == CopyState::Erased && same_size(row, message)) {
        Some(Left::Erased)
    } else if over(LARGEST_MESSAGE) {
        Some(Left::TooLarge)
    } else if policy.fetching.headers_over.is_some_and(over) && !wanted() {
        Some(Left::HeaderFirst)
    } else if row.is_some_and(|row| row.tries >= VAIN_TRIES) && policy.visit % PATIENT_VISITS != 0 && !wanted() {
        Some(Left::Refused)
    } else {
        None
    }
}

/// Whether the ledger's row says that this listed message is stored here.
fn holds(entry: &LedgerEntry, listed: &ListedMessage) -> bool {
    let is_stored = match entry.state {
        CopyState::Stored | CopyState::DeleSent | CopyState::DeleteUnknown | CopyState::Vanished => true,
        // A unique-id that comes back after the server confirmed its removal may stand for another message.
        CopyState::Listed | CopyState::Refused | CopyState::Gone | CopyState::Erased => false,
    };
    is_stored && entry.message.is_some() && same_size(entry, listed)
}

/// Whether LIST gives the size that it gave when the row was last seen, as far as that is known.
fn same_size(entry: &LedgerEntry, listed: &ListedMessage) -> bool {
    entry.octets.is_none() || listed.octets.is_none() || entry.octets == listed.octets
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
    // Sorted lists and not maps: a maildrop may hold hundreds of thousands of messages.
    let mut sizes = sizes.to_vec();
    sizes.sort_by_key(|(number, _)| *number);
    let octets = |number: u32| {
        let behind = sizes.partition_point(|(other, _)| *other <= number);
        let last = sizes.get(behind.checked_sub(1)?)?;
        (last.0 == number).then_some(last.1)
    };
    let mut seen_numbers = HashSet::with_capacity(uidls.len());
    let mut messages = Vec::with_capacity(uidls.len());
    messages.extend(
        uidls.into_iter().filter(|(number, _)| seen_numbers.insert(*number)).map(|(number, uidl)| ListedMessage {
            number,
            octets: octets(number),
            uidl,
            ordinal: 0,
        }),
    );
    number_repeated(&mut messages);
    messages
}

/// Numbers those that have one unique-id, in the order of the listing.
fn number_repeated(messages: &mut [ListedMessage]) {
    let mut in_order: Vec<&mut ListedMessage> = messages.iter_mut().collect();
    in_order.sort_by(|left, right| left.uidl.cmp(&right.uidl));
    let mut before: Option<(Uidl, u32)> = None;
    for message in in_order {
        message.ordinal = match before {
            Some((uidl, ordinal)) if uidl == message.uidl => ordinal.saturating_add(1),
            _ => 0,
        };
        before = Some((message.uidl.clone(), message.ordinal));
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, LARGEST_MESSAGE, Plan, Policy, listing};
    use crate::account::{Fetching, MessageId, Retention, Uidl};
    use crate::archive::{CopyState, LedgerEntry, Left, ListedMessage, MaildropState, Withheld};

    /// A policy whose removals were agreed to.
    fn agreed(retention: Retention) -> Policy {
        Policy { retention, maildrop: MaildropState { agreed: true, ..Default::default() }, ..Policy::default() }
    }

    fn plan(listing: &[ListedMessage], ledger: &[LedgerEntry], retention: Retention) -> Plan {
        super::plan(listing, ledger, &agreed(retention))
    }

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
            since: 0,
            recognised: false,
            removals: 0,
            tries: 0,
        }
    }

    fn numbers(messages: &[ListedMessage]) -> Vec<u32> {
        messages.iter().map(|message| message.number).collect()
    }

    #[track_caller]
    fn check(plan: &Plan, retrieve: &[u32], stored: &[u32]) {
        let is_stored: Vec<u32> = plan.stored.iter().map(|(number, _)| *number).collect();
        assert_eq!((numbers(&plan.retrieve), is_stored), (retrieve.to_vec(), stored.to_vec()));
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
        assert_eq!(leaving(&decided), [2]);
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
        assert_eq!(decided.left_for(Left::TooLarge), 1);
    }

    /// Three messages stored as 1, 2 and 3, seen first at these ages of the maildrop, and one that is new.
    fn three_and_a_new_one() -> (Vec<ListedMessage>, Vec<LedgerEntry>) {
        let stored = |text, id, since| LedgerEntry { since, ..row(text, 0, Some(id), CopyState::Stored, 100) };
        let ledger = vec![stored("a", 1, 0), stored("b", 2, 10 * DAY), stored("c", 3, 20 * DAY)];
        (listed(&[("a", 100), ("b", 100), ("c", 100), ("d", 100)]), ledger)
    }

    fn leaving(plan: &Plan) -> Vec<u32> {
        let mut numbers: Vec<u32> = plan.leaving.iter().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn each_retention_removes_what_it_says() {
        let (messages, ledger) = three_and_a_new_one();
        let ids = |ids: &[i64]| ids.iter().map(|id| MessageId(*id)).collect::<Vec<_>>();
        let cases = [
            (Retention::LeaveCopy, &[][..]),
            (Retention::Days(12), &[1]),
            (Retention::Days(11), &[1, 2]),
            (Retention::Days(22), &[]),
            (Retention::UntilDeleted, &[3]),
            (Retention::UntilBackedUp, &[2]),
            (Retention::NewestMessages(2), &[1, 2]),
            (Retention::NewestMessages(9), &[]),
            (Retention::NewestOctets(300), &[1]),
            (Retention::RemoveOnceStored, &[1, 2, 3, 4]),
        ];
        for (retention, expected) in cases {
            let mut policy = agreed(retention);
            policy.maildrop.age = 21 * DAY;
            policy.backed_up = ids(&[2]).into_iter().collect();
            policy.binned = ids(&[3]).into_iter().map(|id| (id, false)).collect();
            let decided = super::plan(&messages, &ledger, &policy);
            assert_eq!(leaving(&decided), expected, "{retention}");
            assert_eq!((decided.withheld, numbers(&decided.retrieve)), (None, vec![4]), "{retention}");
        }
    }

    /// Quirk 79: neither a clock that jumps nor one that goes back expires anything.
    #[test]
    fn a_clock_that_jumped_expires_nothing() {
        let (messages, ledger) = three_and_a_new_one();
        let mut policy = agreed(Retention::Days(1));
        policy.maildrop.age = 21 * DAY;
        policy.maildrop.clock_jumped = true;
        let decided = super::plan(&messages, &ledger, &policy);
        assert_eq!((leaving(&decided), decided.withheld), (vec![], Some(Withheld::Clock)));
    }

    /// A new computer, or a restored backup: it asks before it removes anything but what was deleted on it.
    #[test]
    fn a_newcomer_removes_nothing_by_itself() {
        let (messages, ledger) = three_and_a_new_one();
        let mut policy = Policy { retention: Retention::RemoveOnceStored, ..Policy::default() };
        policy.binned = [(MessageId(2), true)].into();
        let decided = super::plan(&messages, &ledger, &policy);
        assert_eq!((leaving(&decided), decided.withheld), (vec![2], Some(Withheld::NewHere)));
        assert_eq!(decided.deleted_here, [(2, MessageId(2))].into());
    }

    #[test]
    fn what_was_deleted_here_leaves_the_server_on_the_users_word_only() {
        let (messages, ledger) = three_and_a_new_one();
        for (there_too, expected) in [(true, vec![2]), (false, vec![])] {
            let mut policy = agreed(Retention::LeaveCopy);
            policy.binned = [(MessageId(2), there_too)].into();
            assert_eq!(leaving(&super::plan(&messages, &ledger, &policy)), expected);
        }
    }

    /// Quirk 88.
    #[test]
    fn nothing_leaves_in_recent_mode() {
        let (messages, ledger) = three_and_a_new_one();
        let policy = Policy { recent_mode: true, ..agreed(Retention::RemoveOnceStored) };
        let decided = super::plan(&messages, &ledger, &policy);
        assert_eq!((leaving(&decided), decided.withheld), (vec![], Some(Withheld::RecentMode)));
    }

    /// Quirks 39 to 41: most known unique-ids are gone, and as many unknown ones are there.
    #[test]
    fn a_renumbered_mailbox_loses_nothing() {
        let (_, ledger) = three_and_a_new_one();
        let cases = [
            (&[("x", 100), ("y", 100)][..], true),
            (&[("x", 100), ("y", 100), ("a", 100)], true),
            (&[("x", 100), ("y", 100), ("a", 100), ("b", 100)], false),
            (&[("x", 100)], false),
            (&[], false),
        ];
        for (entries, renumbered) in cases {
            let mut decided = plan(&listed(entries), &ledger, Retention::RemoveOnceStored);
            assert_eq!(decided.renumbered, renumbered, "{entries:?}");
            assert_eq!(decided.leaving.is_empty(), renumbered || entries.is_empty(), "{entries:?}");
            if renumbered {
                decided.recognise(&[(1, MessageId(3))].into());
                assert_eq!(numbers(&decided.retrieve), [2], "{entries:?}");
                assert!(decided.stored.contains(&(1, MessageId(3))));
            }
        }
    }

    /// Quirk 82: a server that confirms a removal and keeps the message is not asked for ever.
    #[test]
    fn what_comes_back_twice_is_left_alone() {
        for (removals, expected) in [(0, vec![1]), (1, vec![1]), (2, vec![])] {
            let ledger = [LedgerEntry { removals, ..row("a", 0, Some(1), CopyState::Stored, 1) }];
            let decided = plan(&listed(&[("a", 1)]), &ledger, Retention::RemoveOnceStored);
            assert_eq!((leaving(&decided), decided.returned), (expected, u64::from(removals == 2)));
        }
    }

    /// Quirk 61.
    #[test]
    fn what_is_refused_again_and_again_is_tried_seldom() {
        for (tries, visit, tried) in [(0, 1, true), (2, 1, true), (3, 1, false), (3, 8, true), (90, 15, false)] {
            let ledger = [LedgerEntry { tries, ..row("a", 0, None, CopyState::Refused, 1) }];
            let policy = Policy { visit, ..agreed(Retention::LeaveCopy) };
            let decided = super::plan(&listed(&[("a", 1)]), &ledger, &policy);
            assert_eq!((decided.retrieve.len() == 1, decided.left_for(Left::Refused) == 1), (tried, !tried));
        }
    }

    #[test]
    fn what_was_erased_here_is_not_fetched_again_unless_it_is_another() {
        let ledger = [row("a", 0, None, CopyState::Erased, 1)];
        assert_eq!(plan(&listed(&[("a", 1)]), &ledger, Retention::LeaveCopy).left_for(Left::Erased), 1);
        check(&plan(&listed(&[("a", 2)]), &ledger, Retention::LeaveCopy), &[1], &[]);
    }

    #[test]
    fn a_weak_link_brings_small_messages_first_and_keeps_to_its_budget() {
        let messages = listed(&[("a", 900), ("b", 20), ("c", 300), ("d", 10)]);
        let fetching = Fetching { weak_link: true, headers_over: Some(500), budget: Some(100), ..Fetching::default() };
        let policy = Policy { fetching, ..agreed(Retention::RemoveOnceStored) };
        let decided = super::plan(&messages, &[], &policy);
        check(&decided, &[4, 2], &[]);
        assert_eq!((decided.left_for(Left::HeaderFirst), decided.left_for(Left::OverBudget)), (1, 1));
        assert_eq!(leaving(&decided), [2, 4], "what is left is not removed");
        let wanted = Policy { wanted: [(uidl("a"), 0)].into(), ..policy };
        check(&super::plan(&messages, &[], &wanted), &[4, 2, 1], &[]);
    }

    #[test]
    fn one_message_over_the_budget_still_comes() {
        let fetching = Fetching { budget: Some(100), ..Fetching::default() };
        let decided = super::plan(&listed(&[("a", 900), ("b", 20)]), &[], &Policy { fetching, ..Policy::default() });
        check(&decided, &[1], &[]);
    }

    /// Bytes that were never compared justify no removal: they are retrieved first.
    #[test]
    fn what_was_told_by_its_header_is_fetched_before_it_is_removed() {
        let ledger = [LedgerEntry { recognised: true, ..row("a", 0, Some(1), CopyState::Stored, 1) }];
        check(&plan(&listed(&[("a", 1)]), &ledger, Retention::LeaveCopy), &[], &[1]);
        let decided = plan(&listed(&[("a", 1)]), &ledger, Retention::RemoveOnceStored);
        check(&decided, &[1], &[]);
        assert_eq!(leaving(&decided), [1]);
    }

    #[test]
    fn a_listing_ignores_numbers_that_uidl_did_not_give_and_doubled_ones() {
        let joined = listing(vec![(3, uidl("c")), (1, uidl("a")), (3, uidl("x"))], &[(1, 10), (2, 20)]);
        assert_eq!(numbers(&joined), [3, 1]);
        assert_eq!(joined.iter().map(|message| message.octets).collect::<Vec<_>>(), [None, Some(10)]);
    }
}
