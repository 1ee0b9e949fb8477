"""Perceptual studies: designs, constraints, staircases, questions, and the machine that runs trial after trial."""
