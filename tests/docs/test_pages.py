"""What the pages say of the code is true. Their snippets are run in ``tests/kernel``."""

from __future__ import annotations

import dataclasses
import re
import tomllib

import jupyter_auth
from documents import ROOT, documents, page
from generate import reference, repository
from jupyter_auth.core.provider.provider import Provider

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


def test_the_schema_is_that_of_the_code():
    text = reference.OPENAPI.read_text(encoding="utf-8")
    assert reference.renewed(text) == text, "run `make reference`"


def test_the_readme_is_short_and_works_on_pypi():
    assert README.count("\n") <= 130
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site, source = project["urls"]["Documentation"], project["urls"]["Source"]
    picture = source.replace("github.com", "raw.githubusercontent.com")
    written = {file.relative_to(ROOT).as_posix() for file in documents()}
    written |= {f"docs/{name}" for name in repository.PAGES.values()}
    for link in LINK.findall(README):
        place, _, path = link.partition("/en/latest/")
        if path:
            assert place == site
            assert f"docs/{path.replace('.html', '.md')}" in written, link
        elif link != site:
            assert link.startswith((f"{source}/blob/main/", f"{picture}/main/")), link
            assert (ROOT / link.partition("/main/")[2]).is_file(), link


def test_each_field_of_a_provider_has_a_meaning():
    assert all(field.metadata["meaning"] for field in dataclasses.fields(Provider))


def test_each_public_name_in_a_snippet_exists():
    for document in documents():
        text = document.read_text(encoding="utf-8")
        for names in re.findall(r"from jupyter_auth import ([\w, ]+)", text):
            assert all(hasattr(jupyter_auth, name.strip()) for name in names.split(",")), document


def test_each_file_that_contributing_names_is_there():
    for path in LINK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        assert path.startswith("https://") or (ROOT / path).exists(), path


def test_each_variable_is_explained():
    read = re.compile(r"""["']JUPYTER_AUTH_[A-Z_]*[A-Z]["']""")
    files = [*(ROOT / "jupyter_auth").rglob("*.py")]
    named = {name for file in files for name in read.findall(file.read_text(encoding="utf-8"))}
    assert len(named) > 5
    explained = page("reference/environment.md")
    assert {name for name in named if f"`{name[1:-1]}`" not in explained} == set()
