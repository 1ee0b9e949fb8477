"""A set drawn by Ray: the same bytes, also when a worker or the head is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.datasets.generate import generate
from policies.worker_pool import ray_cluster
from robopatient.errors import MissingPackageError, SessionError

pytestmark = pytest.mark.system

DESIGN = """
title = "Few"
seed = 3
[balance]
people = 6
[show]
pain_nrs = [7.0]
other = ["happy"]
[picture]
views = ["frontal"]
size_px = 96
label_px = 24
renderer = "numba"
[extra]
webdataset = true
"""


@pytest.fixture(scope="module")
def design(tmp_path_factory) -> str:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'robopatient[cluster]'")
    path = tmp_path_factory.mktemp("design") / "few.toml"
    path.write_text(DESIGN)
    return str(path)


@pytest.fixture(scope="module")
def made(design, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "set"
    generate(design, out, workers=1, say=lambda text: None)
    return out


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def processes_named(text: str) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def drawn(out: Path) -> int:
    return len(list(out.glob("work/p*[0-9]/files.sha256")))


def wait_for(what, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_killed_worker_of_a_cluster_is_drawn_again_and_the_bytes_are_the_same(design, made, tmp_path):
    before = processes_named("ray::draw")
    errors: list[BaseException] = []

    def run() -> None:
        try:
            generate(design, tmp_path / "set", ray="local", say=lambda text: None)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: processes_named("ray::draw") - before or not thread.is_alive())
    for worker in processes_named("ray::draw") - before:
        os.kill(worker, signal.SIGKILL)
    thread.join()
    assert not errors
    assert bytes_of(tmp_path / "set") == bytes_of(made)


def free_port() -> int:
    """Below those that the system hands out, among which Ray's own parts choose theirs."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no free port")


@pytest.fixture
def head() -> Iterator[str]:
    """Address of a Ray head of one core."""
    port = free_port()
    folder = tempfile.mkdtemp(prefix="ray-")  # a socket's path is short
    ray = Path(sys.executable).with_name("ray")
    options = ["--head", f"--port={port}", "--num-cpus=1", "--include-dashboard=false", f"--temp-dir={folder}"]
    subprocess.run([ray, "start", *options, "--node-ip-address=127.0.0.1"], check=True, capture_output=True)
    yield f"127.0.0.1:{port}"
    for left in processes_named(folder):
        os.kill(left, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def test_a_lost_head_ends_the_command_with_what_to_do_and_nothing_is_lost(design, made, head, tmp_path):
    out = tmp_path / "set"
    program = "from robopatient.cli import main; main()"
    command = [sys.executable, "-c", program, "dataset", "generate", design, "--out", str(out)]
    environment = os.environ | {"RAY_AUTH_MODE": "token"}  # what a head asks for, unless it is told otherwise
    running = subprocess.Popen([*command, "--ray", head], stderr=subprocess.PIPE, text=True, env=environment)
    wait_for(lambda: drawn(out) > 0 or running.poll() is not None)
    for server in processes_named(f"--gcs_server_port={head.rpartition(':')[2]}"):
        os.kill(server, signal.SIGKILL)
    _, said = running.communicate(timeout=90)
    assert running.returncode == 1
    assert "the cluster was lost" in said
    assert "type the command again to go on" in said
    assert "Traceback" not in said
    assert drawn(out) > 0
    generate(design, out, workers=1, say=lambda text: None)
    assert bytes_of(out) == bytes_of(made)


def test_nobody_at_the_address_is_told_at_once():
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'robopatient[cluster]'")
    told = r"no cluster answers.*ray start --head, or use --ray local"
    with pytest.raises(SessionError, match=told), ray_cluster("127.0.0.1:1"):
        pass


def test_without_ray_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    told = r"--ray local: ray cannot be imported.*robopatient\[cluster\]"
    with pytest.raises(MissingPackageError, match=told), ray_cluster("local"):
        pass
