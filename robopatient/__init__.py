"""The robotic patient: sensing, pain, expression, voice, face and record."""

__version__ = "0.1.0"
