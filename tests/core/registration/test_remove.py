"""A person's own provider is removed: accounts, the client there, its secret, its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.registration.registering import RegisteringRogue
from core.sign_in import sign_in
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from jupyter_auth.core.provider import user_providers
from jupyter_auth.core.provider.registry import Providers
from providers.troubles import status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clock import Clock
    from jupyter_auth.core.tokens.store import FileStore


@pytest.fixture
def rogue(clock: Clock) -> Iterator[RegisteringRogue]:
    with RegisteringRogue(clock=clock) as provider:
        yield provider


@pytest.fixture
def file(tmp_path: Path, rogue: RegisteringRogue) -> Path:
    """The person's own file, written by hand."""
    made = tmp_path / "providers.toml"
    made.write_text(
        f"""# Mine.
[other]  # at work
issuer = "https://login.other.example"
client_id = "x"

# The one to try things out.
[idp]
issuer = "{rogue.issuer}"  # here
# indented
    [idp.throttle]
    limit = 10

# Of the next one.
[third]
issuer = "https://login.third.example"
"""
    )
    return made


@pytest.fixture
def engine(file: Path, files: FileStore, clock: Clock) -> Iterator[Engine]:
    ours = {"ours": {"issuer": "https://login.ours.example", "client_id": "x"}}
    engine = Engine(Providers(ours, user_file=file), files, clock=clock)
    yield engine
    engine.close()


def test_all_of_it_goes_and_what_is_anothers_stays(engine, rogue, file):
    first, second = sign_in(engine, rogue), sign_in(engine, rogue, "idp", "second")
    done = engine.remove("idp")
    assert (done.removed, done.revoked, done.note) == (True, True, "")
    assert {first.refresh_token.reveal(), second.refresh_token.reveal()} <= {*rogue.revoked}
    assert rogue.client_id == ""  # deleted there
    assert engine.accounts() == []
    with pytest.raises(ProviderNotFound):
        engine.provider("idp")
    assert file.read_text() == (
        """# Mine.
[other]  # at work
issuer = "https://login.other.example"
client_id = "x"

# The one to try things out.

# Of the next one.
[third]
issuer = "https://login.third.example"
"""
    )


def test_the_name_is_free_for_another_one(engine, rogue):
    sign_in(engine, rogue)
    engine.remove("idp")
    assert engine.add("idp", {"issuer": "https://elsewhere.example", "client_id": "y"})


def test_its_client_secret_is_forgotten(engine, file):
    engine.add("mine", {"issuer": "https://x.example", "client_id": "y", "client_secret": "s3cret"})
    assert "s3cret" in user_providers.secrets_file(file).read_text()
    engine.remove("mine")
    assert "s3cret" not in user_providers.secrets_file(file).read_text()


def test_what_the_provider_refuses_is_said_and_not_fatal(engine, rogue):
    sign_in(engine, rogue)
    rogue.script("manage", status(500))
    assert "500" in engine.remove("idp").note
    with pytest.raises(ProviderNotFound):
        engine.provider("idp")


def test_a_provider_that_is_away_can_be_removed(engine, rogue):
    rogue.offline()
    assert "a client was registered there, it still is: 127.0.0.1" in engine.remove("idp").note
    with pytest.raises(ProviderNotFound):
        engine.provider("idp")


@pytest.mark.parametrize("name", ["ours", "github"])
def test_only_ones_own_can_be_removed(engine, name):
    with pytest.raises(ConfigurationError, match="can't be removed"):
        engine.remove(name)
    assert engine.provider(name)


def test_one_that_is_broken_can_be_removed(engine, file):
    file.write_text(file.read_text() + '\n[broken]\nisuer = "x"\n')
    assert engine.remove("broken").removed
    assert "broken" not in file.read_text()


@pytest.mark.parametrize(
    "text",
    [
        'idp.issuer = "https://x.example"\n',
        '[idp]\nissuer = """\n[other]\n"""\n',
        'idp = {issuer = "https://x.example"}\n',
    ],
)
def test_a_file_that_would_lose_more_is_left_alone(file, text):
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="cannot be changed"):
        user_providers.remove_table(file, "idp")
    assert file.read_text() == text
