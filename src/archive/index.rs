//! Index.
use super::{Archive, Result};
use std::path::Path;
pub(super) struct Index {}
impl Index {
    pub(super) fn new(_folder: &Path) -> Index {
        Index {}
    }
}
impl Archive {
    pub(super) fn forget_erased(&self) -> Result<()> {
        Ok(())
    }
}
