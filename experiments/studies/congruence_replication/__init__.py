"""The published congruence study, trial by trial."""
