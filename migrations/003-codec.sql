-- Originals may be stored packed, so a program that does not know how must not open them: that is what the number of
-- this version is for. Shipped: never edit this file, add another.

-- To store an original's bytes in another form, or bytes anew that rotted, a transaction first puts a row in here and
-- takes it out before it commits. The caller has compared their hash; whose bytes they are never changes.
CREATE TABLE rewriting (
    yes INTEGER PRIMARY KEY CHECK (yes = 1)
) STRICT;

DROP TRIGGER body_fixed;
CREATE TRIGGER body_fixed BEFORE UPDATE ON body
WHEN new.original <> old.original OR NOT EXISTS (SELECT 1 FROM rewriting)
BEGIN SELECT RAISE(ABORT, 'an original is never changed'); END;

-- Originals that were found not to be what was stored, until they are read whole again.
CREATE TABLE damage (
    original INTEGER PRIMARY KEY REFERENCES original (id) ON DELETE CASCADE,
    found INTEGER NOT NULL
) STRICT;
