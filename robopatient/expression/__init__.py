"""Pain becomes an expression: how this patient shows it, in voice and face."""
