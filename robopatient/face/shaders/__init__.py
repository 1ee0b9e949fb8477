"""GLSL 330 sources of the OpenGL renderer, one pair per material."""
