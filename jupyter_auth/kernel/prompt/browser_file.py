"""Opens this machine's browser without the URL in a command line, which other users can read.

It is opened on a file of this user's that redirects there, as Jupyter does.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
import weakref
import webbrowser
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_auth.core.common.private_files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable

# Where Snap and Flatpak install: such a browser cannot read a temporary file.
_CONFINED = (
    *("/snap/bin", "/var/lib/snapd/snap/bin"),
    *("/var/lib/flatpak/exports/bin", "~/.local/share/flatpak/exports/bin"),
)
_BROWSERS = ("firefox", "chrom", "brave", "edge", "opera", "vivaldi", "epiphany")


class BrowserFile:
    """Opens the browser at ``url``, by a file that exists until ``remove`` or this object's end.

    A browser that may be unable to read files is opened at ``url`` itself.
    """

    def __init__(self, url: str) -> None:
        self.remove: Callable[[], object] = lambda: None
        file = None if _reads_no_files() else self._written(url)
        webbrowser.open(file.as_uri() if file else url)

    def _written(self, url: str) -> Path | None:
        """A file of mode 0600 in a directory of mode 0700; None if it cannot be written."""
        try:
            directory = Path(tempfile.mkdtemp(prefix="jupyter_auth-"))
            self.remove = weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
            file = directory / "sign-in.html"
            write_private(file, _page(url).encode())
        except OSError:
            return None
        return file


def _page(url: str) -> str:
    href = escape(url)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={href}"><title>Sign in</title>'
        f'<p><a href="{href}">Sign in</a></p></html>\n'
    )


def _reads_no_files() -> bool:
    """Whether the browser is Windows' own (in WSL), a program's own, or may be confined."""
    if "microsoft" in platform.release().lower() or Path("/.flatpak-info").exists():
        return True
    if _is_in_this_process():
        return True
    found = (each.name for place in _CONFINED for each in Path(place).expanduser().glob("*"))
    return any(browser in name.lower() for name in found for browser in _BROWSERS)


def _is_in_this_process() -> bool:
    """Whether a program registered a browser of its own, which no command line starts."""
    with suppress(webbrowser.Error):
        kind = type(webbrowser.get())
        return webbrowser.BaseBrowser in kind.__bases__ and kind.__module__ != webbrowser.__name__
    return False
