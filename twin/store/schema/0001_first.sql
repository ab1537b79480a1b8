-- A twin's durable state, in named parts of JSON.
CREATE TABLE part (
    twin_id TEXT NOT NULL,
    name TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (twin_id, name)
) WITHOUT ROWID;

-- Reports that the Central System must still learn, in the order of seq.
CREATE TABLE report (
    twin_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (twin_id, seq)
) WITHOUT ROWID;

-- Commands that were taken and may be delivered again.
CREATE TABLE receipt (
    twin_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    request_id TEXT NOT NULL,
    at REAL NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (twin_id, topic, request_id)
) WITHOUT ROWID;
CREATE INDEX receipt_at ON receipt (at);

-- Twins that were added at run time, as they stood in the request.
CREATE TABLE added (
    twin_id TEXT PRIMARY KEY,
    record BLOB NOT NULL
) WITHOUT ROWID;

-- One row: until when the process certainly ran, before which instant no clock may start again,
-- and how often this store was opened.
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    alive REAL,
    floor REAL,
    starts INTEGER NOT NULL
);
INSERT INTO clock (id, alive, floor, starts) VALUES (1, NULL, NULL, 0);
