"""Bus messages for other programs: LSL streams and OSC messages, off unless the session enables them."""
