"""Simulated faces in pain to learn from: a parametric simulator, every constant of which says where it comes from."""
