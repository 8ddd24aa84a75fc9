//! Bitmaps.
#[derive(Default)]
pub(super) struct Known {}
