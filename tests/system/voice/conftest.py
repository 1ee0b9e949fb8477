from support.voice import ask_fixture, plain, play_fixture, rest_fixture  # noqa: F401
