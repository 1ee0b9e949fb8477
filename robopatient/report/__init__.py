"""Pages that people read: one template, one style sheet, one way to draw a figure and to write a number.

``page`` makes a page of a template, ``figures`` an inline SVG of a matplotlib figure, ``numbers`` the text of a number;
``session`` and ``debrief`` are the pages of a session. Pages of other packages lie beside what they tell of.
"""
