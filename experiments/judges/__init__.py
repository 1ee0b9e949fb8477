"""Judges of pain expressions: what a face or voice tells of pain, and an evaluator that keeps them honest."""
