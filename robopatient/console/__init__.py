"""The operator's window: a client of the session, which closing or crashing it never breaks."""
