from support.console import bench, clock, model  # noqa: F401
