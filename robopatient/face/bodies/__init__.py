"""Other bodies for the same expression: streams to faces of other programs, and heads of users."""
