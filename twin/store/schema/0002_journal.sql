-- What happened to a twin, by kind of log: the newest entries, in the order of at and seq.
CREATE TABLE journal (
    twin_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    seq INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (twin_id, kind, at, seq)
) WITHOUT ROWID;
