"""The tables of a journal file, as numbered steps that are never edited once shipped."""

from __future__ import annotations

APPLICATION_ID = 0x48444752
"""`HDGR`, so that another program's SQLite file is told apart."""

INSERT_ROW = "INSERT INTO journal (seq, at_ns, actor, kind, cause, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
INSERT_SNAPSHOT = "INSERT OR REPLACE INTO snapshots (actor, seq, kind, body, sha256) VALUES (?, ?, ?, ?, ?)"
INSERT_HEADER = "INSERT INTO header (id, number, first_seq, prev_hash, began_ns) VALUES (1, ?, ?, ?, ?)"
SELECT_HEADER = "SELECT number, first_seq, prev_hash, began_ns FROM header WHERE id = 1"
SELECT_LAST = "SELECT seq, at_ns, hash FROM journal ORDER BY seq DESC LIMIT 1"

V1 = (
    """CREATE TABLE header (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        number INTEGER NOT NULL CHECK (number >= 1),
        first_seq INTEGER NOT NULL CHECK (first_seq >= 1),
        prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
        began_ns INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE journal (
        seq INTEGER PRIMARY KEY,
        at_ns INTEGER NOT NULL,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        cause INTEGER NOT NULL,
        body BLOB NOT NULL,
        hash BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE snapshots (
        actor TEXT NOT NULL,
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body BLOB NOT NULL,
        sha256 BLOB NOT NULL,
        PRIMARY KEY (actor, seq)
    ) STRICT""",
)
