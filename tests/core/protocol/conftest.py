"""What the tests of ID tokens share."""

from __future__ import annotations

import pytest

from core.id_tokens import Case


@pytest.fixture
def case(rogue, clock) -> Case:
    return Case(rogue, clock)
