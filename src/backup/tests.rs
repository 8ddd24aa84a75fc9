//! What the whole of a backup, an export and an import must do, shown on an archive.
