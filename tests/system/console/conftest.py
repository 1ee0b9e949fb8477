from support.console import clock, model  # noqa: F401
