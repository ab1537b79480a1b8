-- What is known of the process as a whole, by name.
CREATE TABLE node (
    name TEXT PRIMARY KEY,
    data BLOB NOT NULL
) WITHOUT ROWID;
