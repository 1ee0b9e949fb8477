"""What flows on the bus, told to other programs: LSL streams and OSC messages, off unless the session asks for them."""
