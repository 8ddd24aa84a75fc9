-- The truth: accounts, originals, the ledger, marks, the sync log and the backup record. Shipped: never edit this file,
-- add another. Times are microseconds since 1970 in UTC. Booleans are 0 and 1.

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,               -- the address in lower case
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    security TEXT NOT NULL CHECK (security IN ('tls', 'starttls', 'none')),
    user TEXT NOT NULL,
    ca_file TEXT,
    name TEXT NOT NULL,
    leave_copy INTEGER NOT NULL CHECK (leave_copy IN (0, 1)),
    password_command TEXT,
    removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))   -- removed by the user, its mail kept
) STRICT;

-- The scope in which a UIDL means something.
CREATE TABLE maildrop (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id),
    host TEXT NOT NULL,
    user TEXT NOT NULL,
    UNIQUE (account, host, user)
) STRICT;

-- The sync log.
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id),
    maildrop INTEGER NOT NULL REFERENCES maildrop (id),
    began INTEGER NOT NULL,
    ended INTEGER,
    listed INTEGER NOT NULL DEFAULT 0,
    retrieved INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    kept INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0,
    problem TEXT
) STRICT;
CREATE INDEX session_account ON session (account, began);

-- What the server sent, by its hash. The bytes have a table of their own, so that no scan of the others reads them.
CREATE TABLE original (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    likeness BLOB NOT NULL CHECK (length(likeness) = 32),
    octets INTEGER NOT NULL
) STRICT;
CREATE INDEX original_likeness ON original (likeness);

CREATE TABLE body (
    original INTEGER PRIMARY KEY REFERENCES original (id),
    codec INTEGER NOT NULL,                    -- 0: as received
    bytes BLOB NOT NULL
) STRICT;

-- Two identical mails are two rows here on one original.
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    original INTEGER NOT NULL REFERENCES original (id),
    account INTEGER REFERENCES account (id),   -- null: imported, nobody's yet
    arrived INTEGER NOT NULL,
    twin_of INTEGER REFERENCES message (id)    -- shown as that one
) STRICT;
CREATE INDEX message_original ON message (original);
CREATE INDEX message_account ON message (account);
CREATE INDEX message_twin ON message (twin_of) WHERE twin_of IS NOT NULL;

-- Where copies of each message of a maildrop live. States: 0 listed, 1 stored, 2 DELE sent, 3 gone, 4 removal unknown,
-- 5 vanished, 6 refused.
CREATE TABLE ledger (
    maildrop INTEGER NOT NULL REFERENCES maildrop (id),
    uidl BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    message INTEGER REFERENCES message (id),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    octets INTEGER,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    last_session INTEGER NOT NULL,             -- 0: not seen by this archive yet
    PRIMARY KEY (maildrop, uidl, ordinal),
    CHECK (message IS NOT NULL OR state NOT IN (1, 2, 4))
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_message ON ledger (message, state);

CREATE TABLE mark (
    message INTEGER PRIMARY KEY REFERENCES message (id),
    read INTEGER NOT NULL CHECK (read IN (0, 1)),
    starred INTEGER NOT NULL CHECK (starred IN (0, 1))
) STRICT;

CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Backup folders, by the id each carries, and what was in them when they were last verified.
CREATE TABLE backup (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    folder_id TEXT NOT NULL UNIQUE,
    place TEXT NOT NULL,
    verified INTEGER NOT NULL
) STRICT;

CREATE TABLE backup_message (
    message INTEGER NOT NULL REFERENCES message (id),
    backup INTEGER NOT NULL REFERENCES backup (id),
    PRIMARY KEY (message, backup)
) STRICT, WITHOUT ROWID;
CREATE INDEX backup_message_backup ON backup_message (backup);

-- Originals and messages are only ever added. To erase mail for ever a transaction first puts a row in here and takes
-- it out before it commits; no other way of deleting them exists, and none of changing them.
CREATE TABLE erasing (
    yes INTEGER PRIMARY KEY CHECK (yes = 1)
) STRICT;

CREATE TRIGGER original_stays BEFORE DELETE ON original
WHEN NOT EXISTS (SELECT 1 FROM erasing)
BEGIN SELECT RAISE(ABORT, 'an original is never deleted'); END;

CREATE TRIGGER original_fixed BEFORE UPDATE ON original
BEGIN SELECT RAISE(ABORT, 'an original is never changed'); END;

CREATE TRIGGER body_stays BEFORE DELETE ON body
WHEN NOT EXISTS (SELECT 1 FROM erasing)
BEGIN SELECT RAISE(ABORT, 'an original is never deleted'); END;

CREATE TRIGGER body_fixed BEFORE UPDATE ON body
BEGIN SELECT RAISE(ABORT, 'an original is never changed'); END;

CREATE TRIGGER message_stays BEFORE DELETE ON message
WHEN NOT EXISTS (SELECT 1 FROM erasing)
BEGIN SELECT RAISE(ABORT, 'a message is never deleted'); END;

CREATE TRIGGER message_fixed BEFORE UPDATE OF id, original, arrived ON message
BEGIN SELECT RAISE(ABORT, 'a message keeps its original'); END;
