"""Labelled face data sets: a balanced design becomes people, pictures, clips and the labels of every frame."""
