"""The evaluation of face generators as one page that needs nothing beside it: tables, plots, faces."""
