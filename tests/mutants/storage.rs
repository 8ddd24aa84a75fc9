//! Mutants of power, crashes and storage (FAULTS.md 1-18). How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

pub const MUTANTS: &[Mutant] = &[];
