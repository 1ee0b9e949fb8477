"""Counts become newtons, contacts and presses."""
