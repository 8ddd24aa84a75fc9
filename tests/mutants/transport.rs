//! Mutants of TLS and the network (FAULTS.md 32-51). How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

pub const MUTANTS: &[Mutant] = &[];
