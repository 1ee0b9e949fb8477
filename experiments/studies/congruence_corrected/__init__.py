"""The congruence study put right."""
