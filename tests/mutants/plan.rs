//! Mutants of what is planned, the ledger and retention. How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

pub const MUTANTS: &[Mutant] = &[];
