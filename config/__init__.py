"""Settings and fleet files: from YAML, environment and secret files to values that the daemon is built from."""
