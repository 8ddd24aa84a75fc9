//! Opening: the folder, the lock, the checks before SQLite touches a file, the settings that durability rests on.
//!
//! Never creates anything over a file that is there: what is not ours is refused and left as it was.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::error::{ArchiveError, Result};

/// "Post" in ASCII: tells our databases from anybody else's.
pub(super) const APPLICATION_ID: i32 = 0x506F_7374;

pub(super) const MAIL: &str = "mail.db";

/// The kind of file that gives pages back a few at a time: `auto_vacuum = INCREMENTAL`.
pub(super) const BY_STEPS: i32 = 2;
const LOCK: &str = "lock";

/// The largest file that is looked at whole when it is opened after a crash, in octets: a second or two.
const EXAMINED: u64 = 1 << 30;

/// Instructions of SQLite's virtual machine between two points at which a test may kill a migration.
#[cfg(debug_assertions)]
const MIGRATION_STEP: i32 = 200;

/// By more than this no migration raises the number of the schema.
const MIGRATED: i32 = 10_000;

const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/001-archive.sql"),
    include_str!("../../migrations/002-trust.sql"),
    include_str!("../../migrations/003-codec.sql"),
    include_str!("../../migrations/004-bundles.sql"),
];

/// The schema version that this program writes, as `user_version` holds it.
pub(super) fn known_version() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Makes the folder (0700) where there is none; one that is there and empty is closed to others too.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let io = |error| ArchiveError::io(folder, error);
    let empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(io)?;
            sync_folder(folder.parent().unwrap_or(folder))?;
            tracing::trace!(phase = "folder made");
            true
        }
        Err(error) => return Err(io(error)),
    };
    if empty {
        close_to_others(folder, 0o700).map_err(io)?;
    }
    Ok(())
}

#[cfg(unix)]
fn close_to_others(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn close_to_others(_path: &Path, _mode: u32) -> std::io::Result<()> {
    Ok(()) // the profile folder is the user's own there
}

/// Makes a rename or a new file in `folder` last through a power cut. Some file systems refuse it, which is no error; a
/// disk that fails is.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    use std::io::ErrorKind;
    let named = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match File::open(named).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        // Windows opens no folders, and a folder above ours need not be ours to read.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(ArchiveError::DiskError { folder: folder.to_owned(), detail: error.to_string() }),
        Ok(()) => Ok(()),
    }
}

/// Takes the archive's lock for the life of the file handle; the system gives it back when the process ends, however.
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    let file = options.open(&path).map_err(|error| unwritable(folder, &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ArchiveError::Locked),
        Err(TryLockError::Error(error)) => Err(ArchiveError::io(&path, error)),
    }
}

/// Locks the archive's file itself too: a folder of another name may hold the same file by a link, and then has a lock
/// of its own. The handle also tells whether the file is still in its place: see [`in_place`].
pub(super) fn hold(folder: &Path) -> Result<File> {
    let path = folder.join(MAIL);
    let file = File::open(&path).map_err(|error| ArchiveError::io(&path, error))?;
    // Elsewhere such a lock is the same as those that SQLite takes, and would keep it out.
    #[cfg(target_os = "linux")]
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(ArchiveError::Locked);
    }
    Ok(file)
}

/// Whether the file that is open is the one that stands in the folder. On a drive that was pulled out, or in a folder
/// that was removed, SQLite goes on writing to a file that nobody will ever find again.
#[cfg(unix)]
pub(super) fn in_place(folder: &Path, held: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let there = fs::metadata(folder.join(MAIL)).map(identity);
    there.is_ok_and(|there| held.metadata().map(identity).is_ok_and(|held| held == there))
}

#[cfg(not(unix))]
pub(super) fn in_place(folder: &Path, _held: &File) -> bool {
    folder.join(MAIL).exists() // an open file cannot be removed there
}

/// Refuses a journal that another archive wrote: nothing in SQLite tells it from ours, and what stands in it would take
/// the place of our pages. Told by the number of the schema, which begins at random in each archive and only grows.
pub(super) fn refuse_foreign_journal(connection: &Connection, folder: &Path) -> Result<()> {
    let path = folder.join(MAIL);
    let mut header = Vec::with_capacity(100);
    let read = File::open(&path).and_then(|file| file.take(100).read_to_end(&mut header));
    read.map_err(|error| ArchiveError::io(&path, error))?;
    let through_journal: i32 = connection.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    let grown = through_journal.wrapping_sub(big_endian(&header, 40));
    if (0..MIGRATED).contains(&grown) { Ok(()) } else { Err(ArchiveError::ForeignJournal { file: path }) }
}

/// After an end in the middle of work, which leaves a journal: has SQLite look at the file through the journal before
/// anything is written, so that a journal that belongs to another file does no harm. Larger archives are left to
/// `check`.
pub(super) fn examine(folder: &Path) -> Result<()> {
    let path = folder.join(MAIL);
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size(&with_suffix(&path, "-wal")) == 0 || size(&path) > EXAMINED {
        return Ok(());
    }
    let connection = reader(&path)?;
    refuse_foreign_journal(&connection, folder)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(ArchiveError::Damaged { folder: folder.to_owned(), detail: verdict }) }
}

fn unwritable(folder: &Path, path: &Path, error: std::io::Error) -> ArchiveError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            ArchiveError::ReadOnly { folder: folder.to_owned() }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ArchiveError::DiskFull { folder: folder.to_owned() },
        _ => ArchiveError::io(path, error),
    }
}

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let _ = options;
}

/// Creates an empty file of mode 0600, whatever the umask; SQLite gives its -wal and -shm the same.
pub(super) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    options.open(path)?;
    close_to_others(path, 0o600)
}

/// What lies at the place of `mail.db`, found without SQLite, so that a file that is not ours is not even opened by it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Ours,
}

pub(super) fn inspect(folder: &Path) -> Result<Found> {
    let path = folder.join(MAIL);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let journal = fs::metadata(with_suffix(&path, "-wal")).is_ok_and(|journal| journal.len() > 0);
            return if journal { Err(ArchiveError::JournalAlone { file: path }) } else { Ok(Found::Nothing) };
        }
        Err(error) => return Err(ArchiveError::io(&path, error)),
    };
    let mut header = Vec::with_capacity(100);
    file.by_ref().take(100).read_to_end(&mut header).map_err(|error| ArchiveError::io(&path, error))?;
    if header.is_empty() {
        return Err(ArchiveError::Empty { file: path });
    }
    if !header.starts_with(b"SQLite format 3\0") || header.len() < 100 {
        return Err(ArchiveError::NotADatabase { file: path });
    }
    let application_id = big_endian(&header, 68);
    if application_id != APPLICATION_ID {
        return Err(ArchiveError::Foreign { file: path, application_id });
    }
    refuse_newer(big_endian(&header, 60))?;
    Ok(Found::Ours)
}

/// Whether an older version of the program wrote the archive last. Asked of SQLite, for the number may be in the journal.
pub(super) fn is_older(connection: &Connection) -> Result<bool> {
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version < known_version())
}

fn big_endian(header: &[u8], at: usize) -> i32 {
    header.get(at..at + 4).and_then(|octets| octets.try_into().ok()).map_or(0, i32::from_be_bytes)
}

fn refuse_newer(found: i32) -> Result<()> {
    let known = known_version();
    if found > known { Err(ArchiveError::Newer { found, known }) } else { Ok(()) }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes `mail.db` beside its place and renames it there, so that there is never half an archive.
pub(super) fn create(folder: &Path) -> Result<()> {
    let fresh = folder.join("mail.db.new");
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(with_suffix(&fresh, suffix));
    }
    create_private(&fresh).map_err(|error| unwritable(folder, &fresh, error))?;
    tracing::trace!(phase = "empty file made");
    let mut connection = Connection::open_with_flags(&fresh, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Most of the file is messages, which in larger pages are shorter chains: a quarter less work to store.
    connection.pragma_update(None, "page_size", 16_384)?;
    connection.pragma_update(None, "auto_vacuum", BY_STEPS)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "schema_version", random_number())?;
    settle(&connection)?;
    migrate(&mut connection)?;
    // The last connection to close brings everything from the journal into the file.
    connection.close().map_err(|(_, error)| error)?;
    File::open(&fresh).and_then(|file| file.sync_all()).map_err(|error| ArchiveError::io(&fresh, error))?;
    let place = folder.join(MAIL);
    tracing::trace!(phase = "schema made");
    fs::rename(&fresh, &place).map_err(|error| ArchiveError::io(&place, error))?;
    tracing::trace!(phase = "archive named");
    sync_folder(folder)?;
    tracing::trace!(phase = "archive made");
    Ok(())
}

/// Where the number of the schema begins: see [`refuse_foreign_journal`].
fn random_number() -> i32 {
    use std::hash::{BuildHasher as _, RandomState};
    i32::try_from(RandomState::new().hash_one(std::process::id()) >> 34).unwrap_or(0)
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let migrations = Migrations::new(MIGRATIONS.iter().map(|sql| M::up(sql)).collect());
    // So that tests can have it killed after each few instructions of SQLite: finer than at each statement.
    #[cfg(debug_assertions)]
    connection.progress_handler(
        MIGRATION_STEP,
        Some(|| {
            tracing::trace!(phase = "migrating");
            false
        }),
    )?;
    let migrated = migrations.to_latest(connection);
    #[cfg(debug_assertions)]
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match migrated {
        Ok(()) => Ok(()),
        Err(rusqlite_migration::Error::RusqliteError { err, .. }) => Err(ArchiveError::Sqlite(err)),
        Err(_) => refuse_newer(i32::MAX),
    }
}

/// The one connection that writes.
pub(super) fn writer(folder: &Path) -> Result<Connection> {
    let path = folder.join(MAIL);
    // No lock of SQLite's own: there is one around it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags)?;
    settle(&connection)?;
    leave_no_trace(&path)?;
    refuse_newer(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)?;
    migrate(&mut connection)?;
    // The journal was just made. SQLite syncs its name too, but does not tell when that fails.
    sync_folder(folder)?;
    Ok(connection)
}

/// Sets what durability rests on and reads it back: a library that silently does otherwise must not be written to.
fn settle(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::from_secs(20))?;
    let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    for (setting, value) in [("synchronous", "FULL"), ("fullfsync", "ON"), ("checkpoint_fullfsync", "ON")] {
        connection.pragma_update(None, setting, value)?;
    }
    // After a large import the journal gives its room back.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // A row that moves to another page leaves nothing of itself behind, for nobody would find that when it is erased.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    distrust(connection)?;
    assured(connection, &journal)
}

/// Reads back what durability rests on.
pub(super) fn assured(connection: &Connection, journal: &str) -> Result<()> {
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    let foreign_keys: i64 = connection.pragma_query_value(None, "foreign_keys", |row| row.get(0))?;
    for (setting, held, found) in [
        ("journal_mode=WAL", journal == "wal", journal.to_owned()),
        ("synchronous=FULL", synchronous == 2, synchronous.to_string()),
        ("foreign_keys=ON", foreign_keys == 1, foreign_keys.to_string()),
    ] {
        if !held {
            return Err(ArchiveError::NotDurable { setting, found });
        }
    }
    Ok(())
}

/// What every connection has: nothing in a file that someone handed us is executed or believed.
fn distrust(connection: &Connection) -> Result<()> {
    for (setting, value) in [("foreign_keys", "ON"), ("cell_size_check", "ON"), ("trusted_schema", "OFF")] {
        connection.pragma_update(None, setting, value)?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// A connection that cannot write. On a medium that takes no journal files the database is read as it stands.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    match prepare_reader(&connection) {
        Ok(()) => leave_no_trace(path).map(|()| connection),
        Err(error) if writable(path) => Err(error),
        Err(_) => {
            let uri = format!("file:{}?immutable=1", uri_path(path));
            let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
            prepare_reader(&connection)?;
            Ok(connection)
        }
    }
}

/// To be called once a database has its journal files open. SQLite makes those by name, some time after it opened the
/// database itself: where a drive was pulled out in between, they now lie in the empty mount point, and are removed.
pub(super) fn leave_no_trace(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    // A disk that cannot say is no drive that went: then nothing is touched, for another process may be at work.
    if folder.join(MAIL).try_exists().map_err(|error| ArchiveError::io(path, error))? {
        return Ok(());
    }
    // A journal with something in it is none of those.
    for suffix in ["-wal", "-shm", ""] {
        let stray = with_suffix(path, suffix);
        if suffix == "-shm" || fs::metadata(&stray).is_ok_and(|stray| stray.len() == 0) {
            let _ = fs::remove_file(stray);
        }
    }
    Err(ArchiveError::Missing { folder: folder.to_owned() })
}

fn prepare_reader(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::from_secs(20))?;
    distrust(connection)?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(())
}

/// Whether journal files can be made beside `path`.
fn writable(path: &Path) -> bool {
    path.parent().is_some_and(|folder| tempfile::Builder::new().prefix(".write-").tempfile_in(folder).is_ok())
}

fn uri_path(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .flat_map(|letter| match letter {
            '?' => "%3f".chars().collect::<Vec<_>>(),
            '#' => "%23".chars().collect(),
            '%' => "%25".chars().collect(),
            other => vec![other],
        })
        .collect()
}

/// Refuses a version that changed between the look at the file and now.
pub(super) fn known(connection: &Connection) -> Result<()> {
    refuse_newer(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
