"""Voice and face in conflict with the press and with each other."""
