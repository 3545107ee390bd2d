"""``make bench``: prints each figure with median, quartiles and limit."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from bench.measure import Figure, interleaved, ratios
from bench.peers import plain_api, sign_in
from kernel.kernel_process import environment
from kernel.stored_token import store_token
from providers.oidc import OidcProvider
from server.jupyter_process import JupyterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = "--short" in sys.argv


def starts(home: Path) -> Iterator[Figure]:
    """Cold processes with what an installation has compiled; a valid token is stored."""
    env = environment(home)
    env.pop("PYTHONDONTWRITEBYTECODE", None)

    def row(name: str, ours: list[str], theirs: str, limit: float) -> Figure:
        def run(command: list[str]) -> None:
            subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)

        slices = 5 if SHORT else 25
        took = interleaved(slices, lambda: run(ours), lambda: run(python(theirs)))
        return Figure(name, ratios(*took), "x", limit)

    def python(code: str) -> list[str]:
        return [sys.executable, "-c", code]

    with plain_api() as url:
        store_token(env, url)
        imported = python("import jupyter_auth; jupyter_auth.UserSession")
        yield row("import UserSession / import requests", imported, "import requests", 1.1)
        session = f"s = UserSession('idp', interactive=False); s.get({url!r}).text"
        plain = f"s = requests.Session(); s.headers['Authorization'] = 'x'; s.get({url!r}).text"
        script = python(f"from jupyter_auth import UserSession; {session}")
        yield row("script's first answer / plain's", script, f"import requests; {plain}", 1.15)
        token = [str(Path(sys.executable).with_name("jupyter-auth")), "token", "idp"]
        yield row("jupyter-auth token NAME / import requests", token, "import requests", 1.0)


def requests_made(jupyter: JupyterProcess) -> Iterator[Figure]:
    """Against an API that takes everything: what counts is the CPU of this process."""
    os.environ["JUPYTER_AUTH_CONNECTION"] = str(jupyter.connection_file)
    from jupyter_auth import UserSession

    with plain_api() as url:
        ours = UserSession("idp", api_origins=[url], interactive=False)
        plain = requests.Session()
        plain.headers["Authorization"] = "Bearer " + "x" * 43
        plain.trust_env = ours.trust_env
        for session in (ours, plain):
            session.get(url)
        calls = 20 if SHORT else 200

        def many(session: requests.Session) -> None:
            for _ in range(calls):
                session.get(url)

        cpu, cpu_plain = interleaved(
            6 if SHORT else 24, lambda: many(ours), lambda: many(plain), time.process_time
        )
        yield Figure(
            "CPU of a request / of plain requests with a header", ratios(cpu, cpu_plain), "x", 1.0
        )
        yield injection(ours, url)


def injection(session: requests.Session, url: str) -> Figure:
    """Only the header: the check of the origin, the cached token, and putting it on."""
    request = requests.Request("GET", url).prepare()
    sign, number = session.auth.sign, 10_000
    samples = []
    for _ in range(5 if SHORT else 25):
        start = time.perf_counter()
        for _ in range(number):
            sign(request)
        samples.append((time.perf_counter() - start) / number * 1e6)
    return Figure("header injection, cached token", samples, "us", 1.0)


def kernel_api(jupyter: JupyterProcess) -> Iterator[Figure]:
    """A cached token through the socket, from a kernel's own client."""
    from jupyter_auth.kernel.broker.broker_client import BrokerClient

    client = BrokerClient(jupyter.connection_file)
    client.token("idp")
    samples = []
    for _ in range(100 if SHORT else 2000):
        start = time.perf_counter()
        client.token("idp")
        samples.append((time.perf_counter() - start) * 1e3)
    yield Figure("kernel API, cached token", samples, "ms", 1.0)


def waiting_cell(jupyter: JupyterProcess, oidc: OidcProvider) -> Iterator[Figure]:
    """From the provider's redirect to the cell that goes on, the provider's answers taken off."""
    from jupyter_auth.kernel.broker.broker_client import BrokerClient

    client = BrokerClient(jupyter.connection_file)
    samples = []
    for _ in range(3 if SHORT else 15):
        client.logout("idp", revoke=False)
        since, gone_on = client.changes().sequence, []

        def wait(since: int = since, gone_on: list[float] = gone_on) -> None:
            while not client.accounts():
                since = client.changes(since, 25).sequence
            gone_on.append(time.perf_counter())

        waiter = threading.Thread(target=wait)
        waiter.start()
        arrived = sign_in(jupyter, oidc)
        waiter.join()
        samples.append((gone_on[0] - arrived) * 1e3)
    yield Figure("redirect to waiting cell, provider's answers included", samples, "ms", 100.0)


def main() -> int:
    figures: list[Figure] = []
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    with OidcProvider() as oidc:
        provider = {"issuer": oidc.issuer, "client_id": oidc.client_id}
        with JupyterProcess(home, providers={"idp": provider}) as jupyter:
            sign_in(jupyter, oidc)
            for part in (
                starts(home / "alone"),
                requests_made(jupyter),
                kernel_api(jupyter),
                waiting_cell(jupyter, oidc),
            ):
                for figure in part:
                    figures.append(figure)
                    sys.stdout.write(f"{figure}\n")
                    sys.stdout.flush()
    above = [figure.name for figure in figures if figure.median > (figure.limit or float("inf"))]
    load = statistics.fmean(os.getloadavg()[:1])
    sys.stdout.write(
        f"{len(figures) - len(above)} of {len(figures)} within limits; load {load:.1f}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
