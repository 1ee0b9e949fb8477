"""What a table of rated trials says: models of the answers, their uncertainty over people, and one page on it all."""
