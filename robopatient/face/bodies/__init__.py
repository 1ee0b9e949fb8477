"""Other bodies for the same expression: faces of other programs that are streamed to, and heads that users bring."""
