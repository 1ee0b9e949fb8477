"""A patient without hardware: the session's own stages on a simulated clock, and the hands that press it."""
