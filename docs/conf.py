"""How Sphinx builds this site: `make docs`. What is made from the code is in ``generate``."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.ext.napoleon import GoogleDocstring

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402 (found only now)

if TYPE_CHECKING:
    from sphinx.application import Sphinx

about = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
source = about["urls"]["Source"]

project = "jupyter_auth"
author = about["authors"][0]["name"]
release = about["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "_generated"]
default_role = "code"
nitpicky = True
smartquotes = False  # messages are searched for as they are said
# Types of the standard library and of others: their documentation is not read at build time.
nitpick_ignore_regex = [(r"py:.*", r"(?!jupyter_auth\.[A-Za-z]+$).*")]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "pydata_sphinx_theme"
html_title = "jupyter_auth"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_baseurl = about["urls"]["Documentation"]
html_theme_options = {
    "github_url": source,
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "show_toc_level": 2,
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc", "edit-this-page"],
    "use_edit_page_button": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_context = {
    "github_user": source.split("/")[-2],
    "github_repo": source.split("/")[-1],
    "github_version": "main",
    "doc_path": "docs",
}
html_sidebars = {"index": []}
copyright = "The jupyter_auth contributors, BSD-3-Clause"  # noqa: A001 (Sphinx's name)


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", _sections)
    app.connect("doctree-resolved", _dashes)
    app.connect("builder-inited", lambda _: made.update(generate.write(HERE)))
    app.connect("html-page-context", _without_edit_button)


def _sections(_app: Sphinx, what: str, name: str, of: object, _: object, lines: list[str]) -> None:
    """``Args:`` and ``Raises:``. In a property napoleon would take a colon for that of a type."""
    if what != "property":
        lines[:] = str(GoogleDocstring(lines, what=what, name=name, obj=of)).splitlines()


def _dashes(_app: Sphinx, page: nodes.document, _: str) -> None:
    """Sphinx leaves those between an argument and its meaning to ``smartquotes``."""
    for text in [each for each in page.findall(nodes.Text) if each == " -- "]:
        text.parent.replace(text, nodes.Text(" \N{EN DASH} "))


made: set[str] = set()


def _without_edit_button(
    _app: Sphinx, page: str, _: str, context: dict[str, Any], *_more: Any
) -> None:
    """What is made from the code is not in the repository."""
    if f"{page}.md" in made:
        context["theme_use_edit_page_button"] = False
