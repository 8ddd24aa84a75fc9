-- Originals may be stored many together: see archive::bundles. Shipped: never edit this file, add another.

-- Pieces of bundles. Number: the bundle's, times 4096, and the piece's in it.
CREATE TABLE piece (
    number INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- The bundle that an original is in, where its codec says that it is in one.
ALTER TABLE body ADD COLUMN bundle INTEGER;
CREATE INDEX body_bundle ON body (bundle) WHERE bundle IS NOT NULL;

-- A bundle goes when its last member was erased or is stored elsewhere. A piece is written anew where it rotted.
CREATE TRIGGER piece_stays BEFORE DELETE ON piece
WHEN NOT EXISTS (SELECT 1 FROM rewriting)
BEGIN SELECT RAISE(ABORT, 'an original is never deleted'); END;

CREATE TRIGGER piece_fixed BEFORE UPDATE ON piece
WHEN new.number <> old.number OR NOT EXISTS (SELECT 1 FROM rewriting)
BEGIN SELECT RAISE(ABORT, 'an original is never changed'); END;
