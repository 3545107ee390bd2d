"""Other front ends of notebooks: ``make`` puts them into an environment of their own.

That lies above this one, whose packages it uses.
"""

from __future__ import annotations

import sys
from pathlib import Path

FRONT_ENDS = Path(sys.prefix) / "front-ends"
(PACKAGES,) = FRONT_ENDS.glob("lib/python*/site-packages")
# Variables with which this Python runs them.
ABOVE = {
    "PYTHONPATH": str(PACKAGES),
    "JUPYTER_PATH": str(FRONT_ENDS / "share" / "jupyter"),
    "JUPYTER_CONFIG_PATH": str(FRONT_ENDS / "etc" / "jupyter"),
    "SOLARA_ASSETS_PROXY_CACHE_DIR": str(FRONT_ENDS / "share" / "solara" / "cdn"),
}
