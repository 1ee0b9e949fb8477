"""Studies that are shipped: a folder each with its settings, its stimuli, and a page that says why."""
