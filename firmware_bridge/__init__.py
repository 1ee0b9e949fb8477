"""Sensor boards: bytes to counts with a host time. Contains nothing about pain."""
