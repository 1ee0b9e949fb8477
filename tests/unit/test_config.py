from __future__ import annotations

from pathlib import Path

import pytest

from robopatient.config import SessionConfig, asset_path, decode_toml, load_session, reference
from robopatient.errors import AssetError, ConfigError


def test_defaults_make_a_session():
    assert load_session(None) == SessionConfig()


def test_an_unknown_key_is_named_with_its_path(tmp_path):
    path = tmp_path / "session.toml"
    path.write_text("[voice]\nlevl_dbfs = -20\n")
    with pytest.raises(ConfigError, match=r"session\.toml.*levl_dbfs.*voice"):
        load_session(path)


@pytest.mark.parametrize(
    ("override", "key"),
    [("voice.level_dbfs=3", "voice.level_dbfs"), ("board.rate_hz=5000", "board.rate_hz"), ("seed=-1", "seed")],
)
def test_a_value_out_of_range_is_named_with_its_path(override, key):
    with pytest.raises(ConfigError, match=key):
        load_session(None, [override])


@pytest.mark.parametrize("text", ["voice.level_dbfs", "=3", "voice..x=1", "seed.x.y=1"])
def test_a_malformed_override_says_how_to_write_it(text, tmp_path):
    path = tmp_path / "session.toml"
    path.write_text("seed = 1\n")
    with pytest.raises(ConfigError, match="--set"):
        load_session(path, [text])


def test_overrides_take_toml_values_and_plain_words():
    config = load_session(None, ["voice.identity=david", "control.loop_hz=500", "console.enabled=false"])
    assert config.voice.identity == "david"
    assert config.control.loop_hz == 500.0
    assert config.console.enabled is False


def test_toml_that_is_none_is_named(tmp_path):
    path = tmp_path / "session.toml"
    path.write_text("[voice\n")
    with pytest.raises(ConfigError, match=r"session\.toml: is not TOML"):
        load_session(path)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(AssetError, match=r"absent\.toml"):
        decode_toml(tmp_path / "absent.toml", SessionConfig)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AssetError, match=r"binary\.toml"):
        decode_toml(binary, SessionConfig)


def test_an_unknown_asset_lists_the_known_ones():
    with pytest.raises(AssetError, match="square-290"):
        asset_path("phantoms", "nowhere")


def test_a_reference_resolves_or_says_why_not():
    assert reference("robopatient.config:SessionConfig") is SessionConfig
    for text in ("nonsense", "robopatient.config:Nothing", "robopatient.nowhere:Thing"):
        with pytest.raises(ConfigError, match=text.split(":")[0]):
            reference(text)


def test_a_session_is_told_by_its_path_or_by_the_name_of_a_shipped_one(tmp_path):
    shipped = load_session("demo")
    assert shipped.title == "Demonstration on the virtual phantom"
    assert load_session(Path("demo")) == shipped
    own = tmp_path / "mine"
    own.write_text('title = "Mine"')
    assert load_session(own).title == "Mine"
    with pytest.raises(AssetError, match="choose one of demo"):
        load_session("nothing")
    with pytest.raises(AssetError, match=r"nowhere\.toml: no such file"):
        load_session(tmp_path / "nowhere.toml")


def test_a_shipped_file_is_found_by_its_path_in_a_checkout_from_any_folder(tmp_path, monkeypatch):
    by_name = load_session("demo")
    monkeypatch.chdir(tmp_path)
    assert load_session("assets/sessions/demo.toml") == by_name
    (tmp_path / "assets" / "sessions").mkdir(parents=True)
    (tmp_path / "assets" / "sessions" / "demo.toml").write_text("seed = 77")
    assert load_session("assets/sessions/demo.toml").seed == 77  # a file that is here is meant
    with pytest.raises(AssetError, match="no such file"):
        load_session("assets/sessions/nobody.toml")
