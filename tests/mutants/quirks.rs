//! Mutants of how servers behave (POP3_QUIRKS.md). How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

pub const MUTANTS: &[Mutant] = &[];
