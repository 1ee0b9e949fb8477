"""The processes of a session: the loop, the supervisor, replay and film."""
