"""What is loaded when, and what still runs without a package: each in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from robopatient.cli import GROUPS

pytestmark = pytest.mark.system
HEAVY = ("scipy", "numba", "torch", "PySide6", "zmq", "matplotlib", "sounddevice", "serial", "moderngl")


def test_help_imports_nothing_heavy():
    groups = [source.partition(":")[0] for _, sources in GROUPS.values() for source in sources]
    code = f"""
import importlib, sys, robopatient.cli
print([name for name in {["numpy", *HEAVY, *groups]!r} if name in sys.modules])
for name in {groups!r}:
    importlib.import_module(name)
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, robopatient; print(len([m for m in sys.modules if 'robopatient.' in m]))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "0"


def test_the_model_needs_no_qt():
    code = "import sys, robopatient.console.model as _; sys.exit(any('PySide6' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_frames_can_be_imported_without_pyserial_and_cobs():
    code = (
        "import sys; sys.modules['serial'] = sys.modules['cobs'] = None\n"
        "import firmware_bridge.frames, firmware_bridge.board\n"
        "from firmware_bridge.boards import make_board\n"
        "from firmware_bridge.errors import BridgePackageError\n"
        "try: make_board('virtual')\n"
        "except BridgePackageError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "robopatient[bridge]" in done.stdout


def test_a_run_needs_neither_torch_nor_the_training_libraries() -> None:
    program = (
        "import sys\n"
        "for name in ('torch', 'stable_baselines3', 'gymnasium'): sys.modules[name] = None\n"
        "from robopatient.expression import make_policy\n"
        "from robopatient.config import ExpressionConfig\n"
        "print(make_policy(ExpressionConfig(kind='ppo')).name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ppo:congruence@")


def test_without_egl_automatic_choice_is_the_rasteriser_and_gl_says_what_to_install() -> None:
    script = """
        import moderngl
        def refuse(*args, **kwargs):
            raise RuntimeError("libEGL.so not found")
        moderngl.create_standalone_context = refuse
        from robopatient.errors import DeviceError
        from robopatient.face.identity import load_identity
        from robopatient.face.render import make_renderer
        print(make_renderer("auto", load_identity("margaret"), 128).kind)
        try:
            make_renderer("gl", load_identity("margaret"), 128)
        except DeviceError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=120
    )
    kind, message = run.stdout.strip().splitlines()
    assert kind == "numba"
    assert "libegl1" in message
    assert 'face.renderer = "numba"' in message


def test_without_the_wheel_the_message_ends_with_what_to_type() -> None:
    script = """
        import importlib.util
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "anny" else find(name, *rest)
        from robopatient.errors import AssetError
        from robopatient.face.identity import load_identity
        from robopatient.face.render import make_renderer
        try:
            make_renderer("auto", load_identity("margaret"), 128)
        except AssetError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip().endswith("type: pip install 'robopatient[face]'")


def test_a_live_face_needs_neither_torch_nor_diffusers() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'diffusers', 'accelerate'): sys.modules[name] = None\n"
        "from robopatient.config import FaceConfig\n"
        "from robopatient.face.generator import make_engine\n"
        "face = make_engine(FaceConfig(engine='diffusion'), 1)\n"
        "print(len(face.step(None, 0).gaze_deg))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr
