-- What a person wishes about the server's copies, what is known of each server, the bin, and the log in detail.
-- Shipped: never edit this file, add another.

-- Retention in the words of the command line: always, 30d, until-deleted, until-backup, none, newest:500, newest:500MB.
ALTER TABLE account ADD COLUMN retention TEXT NOT NULL DEFAULT 'always';
UPDATE account SET retention = 'none' WHERE leave_copy = 0;
ALTER TABLE account DROP COLUMN leave_copy;
ALTER TABLE account ADD COLUMN every INTEGER NOT NULL DEFAULT 15;         -- minutes between two visits; 0: only when asked
ALTER TABLE account ADD COLUMN weak_link INTEGER NOT NULL DEFAULT 0 CHECK (weak_link IN (0, 1));
ALTER TABLE account ADD COLUMN headers_over INTEGER;                      -- octets; larger messages wait for a word
ALTER TABLE account ADD COLUMN budget INTEGER;                            -- octets that one visit may bring

-- Whether removals from this maildrop were agreed to on this computer. It does not come with a restored backup.
ALTER TABLE maildrop ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0 CHECK (agreed IN (0, 1));
UPDATE maildrop SET agreed = 1 WHERE account IN (SELECT id FROM account WHERE retention <> 'always');
-- Mailbox time in seconds: moves with visits only, at most two days by each, so that no clock expires anything.
ALTER TABLE maildrop ADD COLUMN age INTEGER NOT NULL DEFAULT 0;
ALTER TABLE maildrop ADD COLUMN last_visit INTEGER;
ALTER TABLE maildrop ADD COLUMN last_login INTEGER;
ALTER TABLE maildrop ADD COLUMN login_refused INTEGER NOT NULL DEFAULT 0 CHECK (login_refused IN (0, 1));
ALTER TABLE maildrop ADD COLUMN login_delay INTEGER;                      -- seconds, as CAPA says
ALTER TABLE maildrop ADD COLUMN expire INTEGER;                           -- days, as CAPA says
ALTER TABLE maildrop ADD COLUMN habits INTEGER NOT NULL DEFAULT 0;        -- bits: see archive::Habits

-- States as before, and 7: deleted here for good, its copy stays on the server and is not fetched again.
CREATE TABLE ledger_next (
    maildrop INTEGER NOT NULL REFERENCES maildrop (id),
    uidl BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    message INTEGER REFERENCES message (id),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    octets INTEGER,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    last_session INTEGER NOT NULL,             -- 0: not seen by this archive yet
    since INTEGER NOT NULL DEFAULT 0,          -- the maildrop's age when first seen
    recognised INTEGER NOT NULL DEFAULT 0 CHECK (recognised IN (0, 1)),   -- by its header section, not by its bytes
    removals INTEGER NOT NULL DEFAULT 0,       -- how often the server confirmed its removal
    tries INTEGER NOT NULL DEFAULT 0,          -- how often it was asked for in vain
    PRIMARY KEY (maildrop, uidl, ordinal),
    CHECK (message IS NOT NULL OR state NOT IN (1, 2, 4))
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_next
    (maildrop, uidl, ordinal, message, state, octets, first_seen, last_seen, last_session)
    SELECT maildrop, uidl, ordinal, message, state, octets, first_seen, last_seen, last_session FROM ledger;
DROP TABLE ledger;
ALTER TABLE ledger_next RENAME TO ledger;
CREATE INDEX ledger_message ON ledger (message, state);

-- Messages left on the server of which only the header section was fetched. Never taken for the message.
CREATE TABLE awaited (
    maildrop INTEGER NOT NULL REFERENCES maildrop (id),
    uidl BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    header BLOB NOT NULL,
    wanted INTEGER NOT NULL DEFAULT 0 CHECK (wanted IN (0, 1)),           -- the next visit fetches it whole
    PRIMARY KEY (maildrop, uidl, ordinal)
) STRICT, WITHOUT ROWID;

-- Deleted here, and still to be had back.
CREATE TABLE bin (
    message INTEGER PRIMARY KEY REFERENCES message (id),
    since INTEGER NOT NULL,
    age INTEGER NOT NULL,                                                 -- the archive's own time then: see archive::bin
    there_too INTEGER NOT NULL CHECK (there_too IN (0, 1))                -- the server's copy goes as well
) STRICT;

-- What was erased from the bin: should it come again under another unique-id, it goes there at once.
CREATE TABLE erased (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32)
) STRICT, WITHOUT ROWID;

-- The sync log in detail: one thing that a visit saw or did, as archive::LogEntry writes it.
CREATE TABLE session_entry (
    session INTEGER NOT NULL REFERENCES session (id),
    ordinal INTEGER NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (session, ordinal)
) STRICT, WITHOUT ROWID;
