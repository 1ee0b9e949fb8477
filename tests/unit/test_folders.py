"""Where the user's files lie, also for users whom the machine does not know."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from robopatient.folders import home, new_socket_folder, user_cache, user_path, user_settings


def test_a_user_without_a_home_has_folders_among_the_temporary_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert home().parent == tmp_path
    assert user_cache().is_relative_to(tmp_path)
    assert user_path("~/a.toml") == home() / "a.toml"
    assert user_path("~nobody_of_this_name/a.toml") == Path("~nobody_of_this_name/a.toml")


def test_the_places_that_the_user_names_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    assert user_cache() == tmp_path / "cache" / "robopatient"
    assert user_settings() == tmp_path / "settings" / "robopatient"


def test_sockets_lie_where_their_path_is_short_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("scratch_of_the_group_" * 6)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    folder = new_socket_folder()
    assert len(os.fsencode(folder / "control-pull")) <= 107
    folder.rmdir()
