"""What survives a crash: a port, and SQLite behind it."""
