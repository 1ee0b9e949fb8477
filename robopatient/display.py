"""Whether a window can be shown on this machine: asked before Qt is, because Qt ends the process when it cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

__all__ = ["why_no_display"]

PROBE = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"
PROBE_TIMEOUT_S = 20.0
"""A cold import of Qt from a slow disk takes some seconds (assumption)."""
HEADLESS_PLATFORMS = ("offscreen", "minimal", "vnc", "eglfs", "linuxfb")
"""Platforms of Qt that need neither X11 nor Wayland."""


def why_no_display(environment: Mapping[str, str], platform: str = sys.platform) -> str:
    """Reason why no window can be shown, ending with how to fix it; "" when one can.

    A display that is named may still refuse, and a library of the xcb plug-in may be absent; in both cases Qt aborts
    the whole process. So a child process tries first.
    """
    wanted = environment.get("QT_QPA_PLATFORM", "").partition(":")[0]
    named = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") or wanted in HEADLESS_PLATFORMS
    if platform.startswith("linux") and not named:
        return "no display (DISPLAY and WAYLAND_DISPLAY are not set); start from a desktop, or use --headless"
    try:
        probe = subprocess.run(
            [sys.executable, "-c", PROBE],
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"Qt does not open a display within {PROBE_TIMEOUT_S:.0f} s; check DISPLAY, or use --headless"
    if probe.returncode == 0:
        return ""
    said = [line.strip() for line in probe.stderr.splitlines() if line.strip()]
    reason = next((line for line in said if "could not connect" in line or "plugin" in line), said[-1] if said else "")
    return f"Qt cannot open a display ({reason or 'no reason given'}); run `robopatient doctor`, or use --headless"
