"""How good generated faces are: each module owns one family of numbers, none of which a training ever sees.

``compat`` repeats PainDiffusion's metrics with their defects, ``corrected`` fixes them, ``react`` follows the REACT
challenge, ``realism`` compares time courses, ``control`` swaps conditions, ``drift`` waits ten minutes.
"""
