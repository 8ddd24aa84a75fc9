//! Mutants of the protocol, the fetch and what it writes (FAULTS.md 23-31 and 64-67). How to add one: the head of
//! `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[
    // A leave to remove that no proof stands behind.
    Change {
        file: "src/pop3/command.rs",
        from: "    pub fn of(proof: &impl ProvedStored) -> Removal {",
        to: "    pub fn unproved(number: u32) -> Removal {\n        Removal { number }\n    }\n
    pub fn of(proof: &impl ProvedStored) -> Removal {",
    },
];

pub const MUTANTS: &[Mutant] = &[Mutant {
    name: "dele-before-commit",
    file: "src/fetch/run.rs",
    from: "        store.put(receiving.next_batch()).await;",
    to: r#"        let batch = receiving.next_batch();
        if crate::mutant("dele-before-commit") || crate::mutant("dele-before-the-power-cut") {
            let early = batch.iter().map(|parcel| Removal::unproved(parcel.listed.number)).collect();
            _ = connection.remove(early).await;
        }
        store.put(batch).await;"#,
    killed_by: ("fetch", "a_copy_is_left_and_a_second_fetch_retrieves_nothing"),
}];
