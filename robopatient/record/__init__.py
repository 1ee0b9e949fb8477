"""What was felt, heard and seen, kept."""
