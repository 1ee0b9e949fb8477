"""Data that ships: patients, voices, faces, phantoms, sessions. TOML and small weights, no code."""
