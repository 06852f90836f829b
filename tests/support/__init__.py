"""Real counterparts for tests: servers that are started for the session and stopped with it."""
