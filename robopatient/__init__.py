"""The robotic patient: sensing, pain, expression, voice, face and record."""
