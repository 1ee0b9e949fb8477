"""Side-by-side measurements against peers and baselines."""
