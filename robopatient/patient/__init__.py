"""Force becomes pain: where it is tender, how much, and how it fades."""
