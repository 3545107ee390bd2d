"""Each message of the package has a heading, and what is written by hand is about a message."""

from __future__ import annotations

import ast
import functools
import re
import time

import pytest

import jupyter_auth
from generate import symptoms
from generate.messages import PACKAGE, REST, classes, described, messages
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.provider.field_types import Endpoints
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers

PAGES = symptoms.pages()
TEXTS = "\n".join(PAGES.values())
BY_HAND = [says for cause in symptoms.causes() for says in cause.get("says", ())]


@functools.cache
def sentences():
    """All texts in the code, as they are shown: the parts of one are joined by an ellipsis."""
    found = []
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else REST for p in node.values]
                found.append("".join(map(str, parts)))
    return found


def test_each_message_is_a_heading_with_something_to_do():
    for each in messages():
        heading = f"({symptoms.anchor(each)})="
        assert TEXTS.count(heading) == 1
        after = TEXTS.partition(heading)[2].split("\n")
        assert after[1].lstrip("# ") == symptoms.markdown(each.says)
        assert re.match(r"\S+ .*\S", after[3]), each.says


NOWHERE = Provider(name="acme", issuer="http://127.0.0.1:9", client_id="x")
RAISED = [  # code that raises some of them
    lambda: Providers().get("githb"),
    lambda: Providers().get("keycloak"),
    lambda: Providers().service("github"),
    lambda: Provider(name="Acme Corp"),
    lambda: Provider(name="acme"),
    lambda: Provider(name="acme", issuer="http://login.acme.example"),
    lambda: Party(provider=NOWHERE, endpoints=Endpoints()).endpoint("token_endpoint"),
    lambda: Discovery(time.time).endpoints(NOWHERE),
]


@pytest.mark.parametrize("raising", RAISED)
def test_what_is_raised_has_its_heading(raising):
    """In the very words that people see and search for."""
    with pytest.raises(AuthError) as raised:
        raising()
    error = classes()[type(raised.value).__name__]
    own = [symptoms.pattern(each.says) for each in messages() if each.error == error]
    assert any(each.search(raised.value.message) for each in own), raised.value


def test_no_message_is_missing():
    """Each text that stands where an error is made is in a message."""
    missing = [text for text in texts_of_errors() if not symptoms.named(text)]
    assert missing == []


def texts_of_errors():
    """First arguments of the classes themselves, if they are texts."""
    classes = {name for name in described() if name != "AuthError"}
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in classes and node.args:
                match node.args[0]:
                    case ast.Constant(value=str(text)):
                        yield " ".join(text.split())
                    case ast.JoinedStr(values=parts):
                        texts = [
                            str(p.value) if isinstance(p, ast.Constant) else REST for p in parts
                        ]
                        if (text := "".join(texts)).strip(f"{REST}. '"):
                            yield " ".join(text.split())


@pytest.mark.parametrize("says", BY_HAND)
def test_what_is_written_by_hand_is_about_something_that_is_said(says):
    pattern = symptoms.pattern(says)
    assert symptoms.named(says) or any(map(pattern.search, sentences()))


def test_each_error_that_people_may_catch_has_a_page_or_no_message():
    for name in described():
        assert getattr(jupyter_auth, name)
        assert f"help/messages/{name}.md" in PAGES


def test_the_table_of_symptoms_leads_to_headings():
    table = PAGES["_generated/symptoms.md"]
    links = re.findall(r"\]\(#([\w-]+)\)", table)
    assert len(links) > 30
    assert all(f"({link})=" in TEXTS for link in links)


def test_each_row_of_doctor_is_explained():
    text = (symptoms.HAND_WRITTEN.parent / "doctor.md").read_text(encoding="utf-8")
    rows = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding":
                about = [k.value for k in node.keywords if k.arg == "about"] or node.args[:1]
                rows |= {each.value for each in about if isinstance(each, ast.Constant)}
    assert len(rows) > 25
    assert {row for row in rows if row not in text} == set()
