"""``jupyter lab``, ``jupyter notebook`` or ``jupyter server`` with files of its own."""

from __future__ import annotations

import json
import os
import subprocess

from patience import PATIENCE
from server.jupyter_process import JupyterProcess

STARTERS = {"lab": "jupyterlab", "notebook": "notebook", "server": "jupyter_server"}


WRITTEN = {
    ".json": lambda settings: json.dumps({"JupyterAuth": settings}),
    ".py": lambda settings: "".join(f"c.JupyterAuth.{k} = {v!r}\n" for k, v in settings.items()),
}


class Started(JupyterProcess):
    """``files``: what each sets as ``c.JupyterAuth``, or its whole text."""

    def __init__(self, home, starter, files, *arguments):
        super().__init__(home, *arguments)
        self._module = STARTERS[starter]
        for name, settings in files.items():
            file = home / "config" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            text = settings if isinstance(settings, str) else WRITTEN[file.suffix](settings)
            file.write_text(text)

    def command(self):
        module = {"jupyter_server": self._module}
        words = [module.get(word, word) for word in super().command()]
        return [word for word in words if not word.startswith("--config=")]

    def environment(self):
        return super().environment() | {"JUPYTER_NO_CONFIG": ""}

    def shown(self, flag):
        """What it prints instead of starting."""
        return subprocess.run(
            [*self.command(), flag],
            env=os.environ | self.environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout
