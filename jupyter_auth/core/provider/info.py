"""What kernels may know of a provider, and which one is the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jupyter_auth.core.common.codec import ALWAYS
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.provider.field_types import Placeholder, Register, Throttle
from jupyter_auth.core.record import field, record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@record(frozen=True, kw_only=True)
class ProviderInfo:
    """What kernels may know of a provider. ``source``: configured, broken, code, user or preset.

    ``name``: a handle, if it was made in code. ``host``: where people sign in as far as the
    configuration says (see ``Login`` for the rest). ``unattended``: the broker can sign in without
    a person. ``reach``: as in ``Provider``. ``placeholders`` and ``register`` are what people are
    asked and told before they can sign in, ``missing`` is what is still to be given:
    ``set.<placeholder>``, ``client_id``, ``client_secret``. ``found_at``: the address that it
    was found by, if it was. ``resource``: its own API's identifier. ``resources``: more APIs, and
    the origins that the token for each may be sent to. ``vendor``, ``silent``: as in
    ``Provider``.
    """

    name: str
    title: str
    host: str
    scopes: tuple[str, ...] = ()
    base_url: str | None = None
    base_url_from: str | None = None
    api_origins: tuple[str, ...] = ()
    resource: str | None = None
    resources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refresh_on: tuple[int, ...] = (401,)
    api_headers: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    source: str = field(default="configured", metadata=ALWAYS)
    unattended: bool = False
    reach: str = ""
    ca_bundle: str | None = None
    placeholders: Mapping[str, Placeholder] = field(default_factory=dict)
    register: Register | None = None
    missing: tuple[str, ...] = ()
    found_at: str | None = None
    vendor: bool = False
    silent: bool = False

    @property
    def needs_registration(self) -> bool:
        """Whether a person has to register a client there first."""
        return "client_id" in self.missing

    @property
    def to_fill_in(self) -> str:
        """The options with which ``auth login`` sets placeholders that have no value, such as
        ``--set host=HOST``; "" if there are none.
        """
        unset = [each.removeprefix("set.") for each in self.missing if each.startswith("set.")]
        return " ".join(f"--set {each}={each.upper()}" for each in unset)

    @property
    def all_origins(self) -> tuple[str, ...]:
        """Where the token of any of its APIs may be sent."""
        return (*self.api_origins, *(each for more in self.resources.values() for each in more))


def in_order(known: Iterable[ProviderInfo]) -> list[ProviderInfo]:
    """As they are listed everywhere: one's own and the server's, then presets that work at once,
    those that need a registration, and those for the customers of one vendor.
    """
    return sorted(
        known,
        key=lambda each: (
            each.source == "preset",
            each.vendor,
            each.source == "preset" and each.needs_registration,
            plain(each.name),
        ),
    )


def configured_names(known: Iterable[ProviderInfo]) -> list[str]:
    """Those that were configured: neither presets nor made in code."""
    return [info.name for info in known if info.source not in {"preset", "code"}]


def default_names(known: Sequence[ProviderInfo]) -> list[str]:
    """Candidates for the default: the configured ones, else those found by an address, else those
    made in code.
    """
    made = [plain(info.name) for info in known if info.source == "code"]
    chosen = [info for info in known if not info.found_at]
    return configured_names(chosen) or configured_names(known) or made


def default_provider(known: Sequence[ProviderInfo]) -> str | None:
    """The only candidate, which is used if no provider is named or set as the default."""
    names = default_names(known)
    return names[0] if len(names) == 1 else None
