"""Who waits for a sign-in waits on while the Hub's service is started anew. Issue 11, point 6."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from jupyter_auth.core.common.request_errors import Throttled
from jupyter_auth.core.errors import BrokerUnavailable
from jupyter_auth.kernel.prompt import wait
from patience import PATIENCE


class Service:
    """Fails as it is given, then has a login that is complete."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.away = False

    def changes(self, since=0, wait=0.0):
        del since, wait
        if self.away:
            self.away = False
            raise BrokerUnavailable("Away.", retry_after=1.0)
        return SimpleNamespace(sequence=1)

    def login(self, login_id):
        if self.failures:
            raise self.failures.pop(0)
        return SimpleNamespace(id=login_id, status="complete")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(wait, "LOOK", 0.0)


def test_it_is_away_for_a_while_or_has_no_room():
    service = Service(
        BrokerUnavailable("Away.", retry_after=1.0),
        Throttled("Too many."),
        BrokerUnavailable("No room.", retry_after=10.0),
    )
    assert wait._ended(service, "x", time.monotonic() + PATIENCE).id == "x"


def test_it_is_away_when_the_waiting_begins():
    service = Service()
    service.away = True
    assert wait._ended(service, "x", time.monotonic() + PATIENCE).id == "x"


def test_a_broker_that_is_gone_is_said_at_once():
    service = Service(BrokerUnavailable("Gone."))
    with pytest.raises(BrokerUnavailable, match="Gone"):
        wait._ended(service, "x", time.monotonic() + PATIENCE)


def test_nor_is_it_waited_for_beyond_the_time_that_there_is():
    service = Service(*[BrokerUnavailable("Away.", retry_after=1.0)] * 2)
    with pytest.raises(BrokerUnavailable, match="Away"):
        wait._ended(service, "x", time.monotonic() - 1.0)
