"""Recordings of real faces, and other formats of face motion, into this project's latent and back.

Nothing licensed is shipped: formats were written from their public descriptions and are tested on tiny files of our
own making. What a format does not hold (the pressed place, the voice) stays at rest in the conditions, and the card of
the corpus says so.
"""
