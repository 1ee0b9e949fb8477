"""The record of what was felt, heard and seen."""
