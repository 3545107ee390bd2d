"""What a response answers: whose token was sent, what the API said, and what to do.

It is asked for by a person, so it may ask the broker; it sends nothing to the API. No secret is
in it: what the network said passes ``NetworkWords``.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from requests.utils import get_environ_proxies, select_proxy

from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.handles import is_handle
from jupyter_auth.core.common.urls import origin_of
from jupyter_auth.core.errors import AuthError, ConfigurationError
from jupyter_auth.core.models import NO_CHALLENGE, AccountKey
from jupyter_auth.core.tokens.next_steps import ASKED_THERE, demanded
from jupyter_auth.kernel.broker.connect import connect
from jupyter_auth.kernel.http.origin_bound import host_in
from jupyter_auth.kernel.http.refusals import demand_of
from jupyter_auth.kernel.http.requests_auth import TokenAuth, sent_for
from jupyter_auth.kernel.report import Report, Section
from jupyter_auth.kernel.session.by_origin import code_for
from jupyter_auth.kernel.session.network_words import NetworkWords, claims_of

if TYPE_CHECKING:
    from jupyter_auth.core.models import Challenge, Token
    from jupyter_auth.kernel.http.requests_auth import Sent

REFUSED = (401, 403)
PROXY = 407
WAITS = (429, 503)


def explain(response: requests.Response, session: Any = None) -> Report:
    """What ``response`` answers. ``session``: the one that sent it, if it is still there."""
    if not isinstance(response, requests.Response):
        raise ConfigurationError(
            "Only a response of a session can be explained.",
            hint="Give it one, as in `session.explain(session.get(url))`.",
        )
    words = NetworkWords(response)
    sent = sent_for(response)
    key = _key(sent)
    findings = [_who(response, session, sent, key)]
    if sent:
        findings += _token(sent.token, key, response)
    findings += [*_way(response, session), _answer(response, sent, key, words)]
    url, status = response.url or "", response.status_code
    title = f"{response.request.method} {_place(url)} answered {_named(status)}"
    return Report((Section(title, tuple(findings)),))


def _key(sent: Sent | None) -> AccountKey | None:
    account = sent.auth.account if sent else None
    return AccountKey(*account) if account else None


def _place(url: str) -> str:
    """Its origin alone: a path or a query may hold secrets."""
    return f"{url.partition(':')[0]}://{host_in(url)}"


def _named(status: int) -> str:
    with suppress(ValueError):
        return f"{status} {HTTPStatus(status).phrase}"
    return str(status)


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "an impossible time"


# Who was sent


def _who(
    response: requests.Response, session: Any, sent: Sent | None, key: AccountKey | None
) -> Finding:
    if sent is None:
        return Finding("Account", _why_none(response, session), state="note")
    if key is None:
        return Finding("Account", "A token was sent.")
    if not sent.token.person and sent.token.kind == "bearer":
        return Finding("Account", f"Sent by the service account {key}.")
    account = None
    with suppress(AuthError):
        account = connect().account(key)
    who = f" as {account.username}" if account and account.username else ""
    gone = "" if account else " It has been signed out since."
    what = "API key of the account" if sent.token.kind == "api_key" else "account"
    return Finding("Account", f"Sent{who}, by the {what} {key}.{gone}")


def _why_none(response: requests.Response, session: Any) -> str:
    auth = getattr(session, "auth", None)
    if not isinstance(auth, TokenAuth):
        return "No account was sent."
    if not auth.signs(response.request):
        return "No account was sent: the call had an `auth` of its own."
    if any(sent_for(each) for each in response.history):
        return "No account was sent here: a redirect led to another origin, which gets no token."
    return auth.why_not(response.url or "")


# What for


def _token(token: Token, key: AccountKey | None, response: requests.Response) -> list[Finding]:
    parts, api = [], token.resource or None
    with suppress(AuthError):
        if key and not api:
            known = connect().configuration(key.provider)
            api = known.resource or known.audience
    if api:
        parts.append(f"for {api}")
    if token.scopes:
        parts.append(f"with the scopes {' '.join(token.scopes)}")
    if token.expires_at is not None:
        parts.append(f"valid until {_moment(token.expires_at)}")
    says = (
        f"Its token is {', '.join(parts)}."
        if parts
        else "The scopes and the expiry of its token are unknown."
    )
    over = not token.valid(time.time())
    found = [Finding("Token", says + " It has expired." * over, state="note" if over else "ok")]
    if token.kind == "bearer" and (claims := claims_of(token.access_token)):
        found.append(_own_words(claims, response))
    return found


def _own_words(claims: dict[str, str], response: requests.Response) -> Finding:
    """What a JWT says of itself (RFC 9068 2.2), unverified."""
    says = [f"{name} {value}" for name, value in claims.items() if name != "exp"]
    about, ends = "In the token", claims.get("exp")
    if ends:
        says.append(f"exp {_moment(float(ends))}")
    text = ", ".join(says) + "."
    if response.status_code in REFUSED and ends and float(ends) <= time.time():
        text += " By that it has expired: this machine's clock may be off."
        return Finding(about, text, "Correct the clock.", "wrong")
    audiences = {each for each in map(_origin, claims.get("aud", "").split()) if each}
    here = _origin(response.url or "")
    if response.status_code in REFUSED and audiences and here not in audiences:
        return Finding(
            about,
            f"{text} It was made for {' and '.join(sorted(audiences))}, not for {here}.",
            "Set `resource` or `audience` of the provider to what this API expects, and sign in"
            " again.",
            "wrong",
        )
    return Finding(about, text)


def _origin(url: str) -> str:
    with suppress(ConfigurationError):
        return origin_of(url)
    return ""


# Which way


def _way(response: requests.Response, session: Any) -> list[Finding]:
    found = []
    hops = [*response.history, response]
    places = [
        f"{_place(each.url or '')} ({each.status_code}, {'with' if sent_for(each) else 'without'}"
        " a token)"
        for each in hops
    ]
    if any(each.is_redirect for each in response.history):
        found.append(Finding("Redirects", " → ".join(places), state="note"))
    elif response.history:
        found.append(Finding("Tries", f"Sent {len(hops)} times: after a refusal or a wait."))
    if (proxy := _proxy(response.url or "", session)) and response.status_code != PROXY:
        found.append(Finding("Proxy", f"It went through {proxy}.", state="note"))
    return found


def _proxy(url: str, session: Any) -> str:
    known = dict(getattr(session, "proxies", {}))
    if getattr(session, "trust_env", True):
        known = {**get_environ_proxies(url), **known}
    found = select_proxy(url, known)
    return host_in(found) or host_in(f"http://{found}") if found else ""


# What the API said, and what to do


def _answer(
    response: requests.Response, sent: Sent | None, key: AccountKey | None, words: NetworkWords
) -> Finding:
    said = words.said()
    if response.status_code < requests.codes.bad_request:
        return Finding("Answer", said or "The API has accepted the request.")
    meaning, fix = _of_no_account(response, words) or (
        _of_the_account(response, key, words) if sent and key else _of_none(response)
    )
    return Finding("Answer", f"{meaning} It said: {said}" if said else meaning, fix, "wrong")


def _of_no_account(response: requests.Response, words: NetworkWords) -> tuple[str, str] | None:
    """What a refusal means that has nothing to do with who asks, and the fix."""
    status = response.status_code
    if status == PROXY:
        return (
            "A proxy answered, not the API: the proxy asks for a user name and password.",
            "Put them into HTTPS_PROXY: `http://USER:PASSWORD@HOST:PORT`.",
        )
    if status in WAITS and (after := words.clean(response.headers.get("Retry-After", ""))):
        when = f"in {after} seconds" if after.isdigit() else f"after {after}"
        return "The API accepts no more requests for now.", f"Send it again {when}."
    if status == requests.codes.too_many:
        return (
            "The API accepts no more requests for now.",
            "Send it again later, with fewer at a time.",
        )
    if status >= requests.codes.server_error:
        return "The API, or a server in front of it, has a problem.", "Try again later."
    return None


def _of_none(response: requests.Response) -> tuple[str, str]:
    """What a refusal means where no account was sent, and the fix."""
    if response.status_code in REFUSED:
        return "The API needs an account.", "See above why no account was sent."
    return "The API doesn't accept the request as it is.", ""


def _of_the_account(
    response: requests.Response, key: AccountKey | None, words: NetworkWords
) -> tuple[str, str]:
    """What a refusal means to the account that was sent, and the fix."""
    challenge = demand_of(response, response.url or "")
    if challenge is not None:
        return _demand(challenge, key, words)
    match response.status_code:
        case 401:
            new = " It refused a new one too." if response.history else ""
            again = f"Sign in again: {_code(key, 'auth_force=True')}."
            return f"The API refused this token.{new}", again
        case 403:
            return (
                "The API knows the account, but doesn't allow it this request.",
                f"Ask for the permission, or switch accounts: {_code(key, 'auth_force=True')}.",
            )
        case 404:
            return (
                "There is nothing at this address, or nothing that this account may see.",
                "Check the address, then what the account may see.",
            )
    return "The API doesn't accept the request as it is.", ""


def _demand(challenge: Challenge, key: AccountKey | None, words: NetworkWords) -> tuple[str, str]:
    """What the API wants of the sign-in, and the fix."""
    if challenge == NO_CHALLENGE:
        return (
            "The API asks for more, and doesn't say what.",
            "Look up which scopes this request needs.",
        )
    fix = ASKED_THERE  # a session asks for whatever an API demands
    if challenge.scopes:
        scopes = words.clean(" ".join(challenge.scopes))
        fix = f"Sign in with it: {_code(key, f'scopes={scopes!r}')}."
    elif challenge.max_age:
        fix = f"Sign in again: {_code(key, 'auth_force=True')}."
    return words.clean(demanded(challenge)), fix


def _code(key: AccountKey | None, more: str) -> str:
    if key is None or is_handle(key.provider):
        return f"`UserSession(..., {more})`"
    return code_for(key, more)
