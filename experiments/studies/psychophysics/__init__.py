"""How strongly a reaction grows with its cause."""
