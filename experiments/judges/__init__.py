"""Judges of pain expressions: they predict pain from a face or voice; the evaluator checks that they do."""
