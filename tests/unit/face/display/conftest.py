"""Windows of these tests open on Qt's offscreen platform, unless another was chosen."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
