"""Ways to study a patient."""
