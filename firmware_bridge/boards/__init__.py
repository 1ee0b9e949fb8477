"""Sensor boards: each opens, reads bytes, turns them into frames, and closes."""
