//! An archive as version 1 of the program left it: only the first migration, and rows in every table that it knew.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};

use postkeep::account::Digest;
use rusqlite::{Connection, params};

use crate::bench::{copy_folder, small_mail, sound, stored};
use crate::support::rig;

const SCHEMA: &str = include_str!("../../migrations/001-archive.sql");

/// One that is made anew as often as one likes.
pub struct Old {
    pub folder: tempfile::TempDir,
    pub mail: Vec<Vec<u8>>,
}

impl Old {
    pub fn new(seed: u64, count: usize) -> Old {
        Old::with_pages(seed, count, 8_192)
    }

    /// With pages of so many octets, as those of version 1 were at last.
    pub fn with_pages(seed: u64, count: usize, octets: u32) -> Old {
        let folder = rig::folder();
        let mail: Vec<_> = small_mail(seed).take(count).collect();
        make(&folder.path().join("old"), &mail, octets);
        Old { folder, mail }
    }

    pub fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// The old archive anew.
    pub fn begin(&self) {
        let _ = fs::remove_dir_all(self.archive());
        copy_folder(&self.folder.path().join("old"), &self.archive());
    }

    /// Every message is there once, whole, and the archive is sound.
    pub fn holds_what_it_held(&self, when: &str) {
        let here = stored(&self.archive());
        let all = self.mail.iter().all(|message| here.get(message) == Some(&1));
        assert!(here.len() == self.mail.len() && all, "{when}");
        sound(&self.archive(), when);
    }
}

/// Makes the folder, and in it `mail.db` with this mail; of the account of the embedded server, which removes.
pub fn make(folder: &Path, mail: &[Vec<u8>], pages: u32) {
    fs::create_dir_all(folder).expect("a folder");
    let mut connection = Connection::open(folder.join("mail.db")).expect("a database");
    connection.pragma_update(None, "page_size", pages).expect("a setting");
    connection.pragma_update(None, "application_id", 0x506F_7374).expect("a setting");
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).expect("a setting");
    let transaction = connection.transaction().expect("a transaction");
    transaction.execute_batch(SCHEMA).expect("the schema");
    transaction.pragma_update(None, "user_version", 1).expect("a version");
    transaction
        .execute_batch(
            "INSERT INTO account VALUES (1, 'anna@example.org', 'anna@example.org', 'localhost', 9, 'none',
                 'anna@example.org', NULL, 'Anna', 0, 'echo x', 0);
             INSERT INTO account VALUES (2, 'old@example.org', 'old@example.org', 'localhost', 9, 'tls', 'old', NULL, '',
                 1, NULL, 1);
             INSERT INTO maildrop VALUES (1, 1, 'localhost', 'anna@example.org');
             INSERT INTO session (id, account, maildrop, began, ended, listed) VALUES (1, 1, 1, 5, 6, 20);
             INSERT INTO setting VALUES ('window', '800x600');
             INSERT INTO backup VALUES (1, 'abc', '/backup', 7);",
        )
        .expect("rows");
    for (index, message) in mail.iter().enumerate() {
        let id = index as i64 + 1;
        let digest = Digest::of(message).0;
        transaction
            .execute("INSERT INTO original VALUES (?1, ?2, ?2, ?3)", params![id, digest, message.len() as i64])
            .expect("a row");
        transaction.execute("INSERT INTO body VALUES (?1, 0, ?2)", params![id, message]).expect("a row");
        transaction.execute("INSERT INTO message VALUES (?1, ?1, 1, ?1, NULL)", [id]).expect("a row");
        transaction
            .execute(
                "INSERT INTO ledger VALUES (1, ?1, 0, ?2, ?3, ?4, 5, 5, 1)",
                params![format!("u{id}").into_bytes(), id, 1 + id % 5, message.len() as i64],
            )
            .expect("a row");
        transaction.execute("INSERT INTO mark VALUES (?1, 1, 0)", [id]).expect("a row");
        transaction.execute("INSERT INTO backup_message VALUES (?1, 1)", [id]).expect("a row");
    }
    transaction.commit().expect("committed");
    connection.close().expect("closed");
}
