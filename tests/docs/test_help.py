"""Each message of the package has a heading, and what is written by hand is about a message."""

from __future__ import annotations

import ast
import functools
import re
import time

import pytest

import jupyter_auth
from generate import symptoms
from generate.messages import REST, classes, described, messages, trees
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
def nodes():
    """All of the code."""
    return [node for tree in trees().values() for node in ast.walk(tree)]


@functools.cache
def sentences():
    """All texts in the code, as they are shown, a line each."""
    found = [one for each in nodes() if (one := text_of(each))]
    return "\n".join(" ".join(each.split()) for each in found)


def text_of(node):
    """What it says; the parts of a text are joined by an ellipsis."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(p.value if isinstance(p, ast.Constant) else REST for p in parts)
    return ""


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
    """Each text of which an error is made is in a message."""
    public = described().keys() - {"AuthError"}
    calls = [each for each in nodes() if isinstance(each, ast.Call) and each.args]
    made = [text_of(each.args[0]) for each in calls if ast.unparse(each.func) in public]
    texts = [" ".join(text.split()) for text in made if text.strip(f"{REST}. '")]
    assert len(texts) > 200
    said = "\n".join(each.says for each in messages())
    assert [text for text in texts if not symptoms.pattern(text).search(said)] == []


@pytest.mark.parametrize("says", BY_HAND)
def test_what_is_written_by_hand_is_about_something_that_is_said(says):
    assert symptoms.named(says) or symptoms.pattern(says).search(sentences())


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
    for node in nodes():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding":
            about = [k.value for k in node.keywords if k.arg == "about"] or node.args[:1]
            rows |= {each.value for each in about if isinstance(each, ast.Constant)}
    assert len(rows) > 25
    assert {row for row in rows if row not in text} == set()
