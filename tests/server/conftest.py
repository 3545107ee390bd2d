"""A Jupyter server for this suite, and fresh browsers and kernels of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.presets.fourinsight import FourInsight
from providers.rogue import RogueProvider
from server.jupyter_process import Browser, JupyterProcess, Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.oidc import OidcProvider


@pytest.fixture(scope="session")
def school_server() -> Iterator[RogueProvider]:
    """One that takes passwords."""
    with RogueProvider() as provider:
        yield provider


@pytest.fixture(scope="session")
def fourinsight() -> Iterator[FourInsight]:
    """One that shows people a text to paste."""
    with FourInsight() as server:
        yield server


@pytest.fixture(scope="session")
def jupyter(
    oidc: OidcProvider,
    school_server: RogueProvider,
    fourinsight: FourInsight,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[JupyterProcess]:
    """One server for all tests that do not need one of their own. It knows the real provider."""
    idp = {
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "title": "Example ID",
        "scopes": ["openid", "profile", "offline_access"],
    }
    hub = idp | {"client_id": oidc.confidential_id, "client_secret": oidc.client_secret}
    device = idp | {"grants": ["device_code"]}
    home = tmp_path_factory.mktemp("jupyter")
    nightly = {"client_id": oidc.service_id, "client_secret": oidc.service_secret}
    service = {"issuer": oidc.issuer, "service": nightly}
    providers = {"idp": idp, "hub": hub, "nightly": service, "device": device}
    providers["school"] = {"issuer": school_server.issuer, "client_id": school_server.client_id}
    providers["school"]["grants"] = ["password"]
    providers["either"] = providers["school"] | {"grants": ["authorization_code", "password"]}
    providers["keys"] = {
        "issuer": school_server.issuer,
        "grants": ["api_key"],
        "api_origins": ["https://hub.example"],
        "api_key": {
            "parts": {"id": "Key ID", "key": "Key"},
            "headers": {"https://hub.example": {"x-key": "{id}:{key:head}"}},
        },
    }
    providers["4insight"] = fourinsight.table()
    names = [f"--ServerApp.local_hostnames={name}" for name in ("localhost", "notebooks.example")]
    with JupyterProcess(home, *names, providers=providers) as server:
        yield server


@pytest.fixture
def kernel(jupyter: JupyterProcess) -> Iterator[Kernel]:
    """A kernel of it; whoever was signed in is signed out when the test ends."""
    kernel = jupyter.kernel()
    yield kernel
    for login in kernel.call("GET", "logins")["logins"]:
        kernel.call("DELETE", f"logins/{login['id']}")
    for account in kernel.call("GET", "accounts")["accounts"]:
        who = f"provider={account['provider']}&session_key={account['session_key']}"
        kernel.call("DELETE", f"accounts?{who}&revoke=0")


@pytest.fixture
def browser(jupyter: JupyterProcess) -> Browser:
    """A person's browser, signed in to Jupyter."""
    return jupyter.browser()


@pytest.fixture
def rogue_login(kernel: Kernel, rogue: RogueProvider) -> Any:
    """Begins a login at the rogue provider, which the kernel brings along as ``rogue``."""

    def begin(name: str = "rogue", **wanted: Any) -> dict[str, Any]:
        mapping = {"issuer": rogue.issuer, "client_id": rogue.client_id, "scopes": ["openid"]}
        return kernel.begin(kernel.register(name, mapping | wanted))

    return begin
