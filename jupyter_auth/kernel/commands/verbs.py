"""The verbs of ``%auth`` and ``jupyter auth`` as functions that return text and tables."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_auth.core import wire
from jupyter_auth.core.common.handles import is_address, marked, plain
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.errors import AuthError, LoginRequired, NextStep, ProviderNotFound, advice
from jupyter_auth.core.models import AccountKey
from jupyter_auth.kernel.broker import connect
from jupyter_auth.kernel.commands.limit_words import limit_words, moment
from jupyter_auth.kernel.commands.verb_parser import VerbUsageError, fields_of
from jupyter_auth.kernel.shown import Sentence, Shown, TextTable

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.common.rate_limits import Limits
    from jupyter_auth.core.consent.store import Consent
    from jupyter_auth.core.interfaces import Accounts
    from jupyter_auth.core.models import AccountInfo
    from jupyter_auth.core.provider.info import ProviderInfo


PROGRAMS = "programs"  # those without a notebook, among notebooks
FROM = {  # a provider's source, in people's words
    "configured": "this server",
    "user": "you",
    "found": "you",
    "code": "this code",
    "preset": "built in",
}


def run(given: Namespace, ask: Callable[[str], str]) -> Shown:
    """Run a verb that has no more options than these; ``ask`` as in ``fields_of``."""
    match given.verb:
        case "logout" if given.notebook:
            return Sentence(disallow(given.name or named(None), given.key, given.notebook))
        case "logout":
            return Sentence(logout(given.name or named(None), given.key))
        case "status":
            return status(given.name)
        case "providers":
            return providers()
        case "remove":
            return Sentence(remove(given.name))
        case _:
            if not given.name:
                raise VerbUsageError(
                    "Say what to add: a name or an address, as in"
                    f" `{given.prog} add https://mcp.acme.example/mcp`."
                )
            fields = fields_of(given, ask)
            return Sentence(add(given.name, fields, replace=given.replace, prog=given.prog))


def status(name: str | None = None, accounts: Accounts | None = None) -> TextTable:
    """The accounts and pending logins, of one provider or of all."""
    accounts = accounts or connect.connect()
    if name is not None:
        name = accounts.provider(name).name
    signed_in = [each for each in accounts.accounts() if name in {None, each.provider}]
    rows = {each.key: _row(each) for each in signed_in}
    for login in accounts.logins():
        if name in {None, login.provider} and login.key not in rows:
            until = f"link valid until {moment(login.expires_at)}"
            rows[login.key] = (login.provider, login.session_key, "signing in …", until, "")
    where = f"to {plain(name)}" if name else "anywhere"
    table = TextTable(
        headings=("provider", "label", "user", "until", "scopes"),
        rows=tuple(rows[key] for key in sorted(rows)),
        empty=f"You're not signed in {where}.",
    )
    table = _with_limits(table, [x for x in accounts.limits() if name in {None, x.provider}])
    table = _with_notebooks(table, accounts.allowed())
    return replace(table, rows=tuple((marked(row[0]), *row[1:]) for row in table.rows))


def _with_notebooks(table: TextTable, allowed: list[Consent]) -> TextTable:
    """Add a column where notebooks have to be allowed."""
    if not allowed:
        return table

    def may(name: str, key: str) -> str:
        known = {
            x.notebook or PROGRAMS: x for x in allowed if (x.provider, x.session_key) == (name, key)
        }
        return ", ".join(known)

    rows = tuple((*row, may(*row[:2])) for row in table.rows)
    return replace(table, headings=(*table.headings, "notebooks"), rows=rows)


def disallow(name: str, session_key: str, notebook: str) -> str:
    """End what a notebook may use. Returns what was done."""
    accounts = connect.connect()
    key = AccountKey(accounts.provider(name).name, session_key)
    ended = accounts.disallow(key, "" if notebook == PROGRAMS else notebook)
    did = "may no longer" if ended else "was not allowed to"
    return f"{notebook} {did} use your account at {key}."


def _with_limits(table: TextTable, limits: list[Limits]) -> TextTable:
    """Add a column and service accounts, where an API has reported its limits."""
    words = {
        (x.provider, x.session_key, x.client_id): said for x in limits if (said := limit_words(x))
    }
    if not words:
        return table
    people = tuple((*row, words.get((row[0], row[1], None), "")) for row in table.rows)
    keys = [(name, key) for name, key, client_id in words if client_id]
    services = tuple(
        # The client ID is needed only to tell two of one session key apart.
        (name, key, "service account" + f" {of}" * (keys.count((name, key)) > 1), "", "", said)
        for (name, key, of), said in words.items()
        if of
    )
    return replace(table, headings=(*table.headings, "limit"), rows=people + services)


def _row(account: AccountInfo) -> tuple[str, ...]:
    until = moment(account.expires_at) if account.expires_at else "signed out"
    until = "renewed automatically" if account.renewable else until
    if account.trouble:
        needed = "Sign-in needed" if account.over(time.time()) else f"{until}, then sign in again"
        until = f"{needed}: {account.trouble}"
    who = account.username or "signed in"
    return account.provider, account.session_key, who, until, " ".join(account.scopes)


def status_data(name: str | None = None) -> list[dict[str, Any]]:
    """``wire.info_to_wire`` of each account, for programs."""
    accounts = connect.connect()
    if name is not None:
        name = accounts.provider(name).name
    return [
        wire.info_to_wire(each) for each in accounts.accounts() if name in {None, each.provider}
    ]


def providers() -> TextTable:
    """All providers, one's own first; what a person has to do before a sign-in is said."""
    return TextTable(
        headings=("provider", "title", "host", "from", ""),
        rows=tuple(
            (
                plain(each.name),
                each.title,
                each.host or ("your own host" if each.missing else ""),
                FROM.get(each.source, each.source),
                "needs a registration" if each.needs_registration else "",
            )
            for each in connect.connect().providers(unregistered=True)
        ),
        empty="No provider is configured here.",
    )


def remove(name: str) -> str:
    """Remove a provider of one's own. Returns what was done."""
    accounts = connect.connect()
    if is_address(name):
        name = accounts.provider(name).name
    return f"Removed {plain(name)}. {accounts.remove(name).note}".strip()


def logout(name: str, session_key: str = DEFAULT_KEY, accounts: Accounts | None = None) -> str:
    """Sign out here, then at the provider. Returns what was done."""
    accounts = accounts or connect.connect()
    with suppress(ProviderNotFound):  # a removed one may have left an account
        name = accounts.provider(name).name
    key = AccountKey(name, session_key)
    keys = {each.key for each in accounts.accounts()}
    if key not in keys:
        title = accounts.provider(name).title
        said = f"You're not signed in to {title}{_under(session_key)}."
        if any(plain(each.provider) == name for each in keys):
            said += " Sign out in the notebook that defines it, or in JupyterLab's panel."
        return said
    gone = accounts.logout(name, session_key)
    how = " The provider has revoked the tokens." if gone.revoked else ""
    note = f" {gone.note}" if gone.note else ""
    return f"Signed out of {key}.{how}{note}"


def import_accounts(name: str) -> str:
    """Use the sign-ins that another package has stored. Returns a line for each."""
    accounts = connect.connect()
    found = accounts.import_accounts(name)
    title = accounts.provider(name).title
    if not found:
        raise LoginRequired(
            f"No other package has stored a sign-in to {title} here.",
            next_step=NextStep("sign_in", name),
        )
    lines = []
    for each in found:
        who = f" as {each.username}" if each.username else ""
        good = f"Signed in to {title}{who}{_under(each.session_key)}, from {each.path}."
        lines.append(f"{each.path}: {each.problem}" if each.problem else good)
    if all(each.problem for each in found):
        raise LoginRequired("\n".join(lines), next_step=NextStep("sign_in", name))
    lines.append("If the provider rotates refresh tokens, sign in to that package again.")
    return "\n".join(lines)


def use(name: str) -> str:
    """Make it the default provider of this process."""
    info = connect.use(connect.connect(), name)
    return f"{info.title} is now the default provider in this kernel."


def add(
    name: str, fields: Mapping[str, Any], *, replace: bool = False, prog: str = "jupyter auth"
) -> str:
    """Add a provider to the user's configuration: the one of an API, if ``name`` is its address,
    or one of that name, which changes if it is there. Returns what to do next.
    """
    accounts = connect.connect()
    done = "Changed" if fields and _is_own(accounts, name) else "Added"
    if is_address(name):
        info = accounts.find(name)
        name = info.name
        info = accounts.add(name, fields, replace=replace) if fields else info
    else:
        info = accounts.add(name, fields, replace=replace)
    kept = " Its client secret is stored in a file that only you can read." * (
        "client_secret" in fields
    )
    then = advice("", NextStep("sign_in", info.name, options=info.to_fill_in))
    if done == "Changed" and "client_secret" in info.missing:
        kept = " The client secret stored for it before is no longer used."
        then = f"{advice('', NextStep('add_secret', info.name))} {then}"
    host = f" ({info.host})" if info.host else ""
    said = f"{done} {info.title}{host}.{kept}"
    if not fields.keys() & {"client_id", "redirect_uri"}:
        return f"{said} {then}"
    return f"{said}\n{_to_register(accounts, name, prog)}\n{then}"


def _to_register(accounts: Accounts, name: str, prog: str) -> str:
    """The redirect URI of a client that was added, or how to see it."""
    with suppress(AuthError):
        if uri := accounts.configuration(name).redirect_uri:
            return f"Register this redirect URI there: {uri}"
    return f"`{prog} doctor {name}` shows the redirect URI to register there."


def _is_own(accounts: Accounts, name: str) -> bool:
    """Whether that is a provider of one's own already."""
    with suppress(AuthError):
        return accounts.provider(name).source in {"user", "found"}
    return False


def described(info: ProviderInfo) -> str:
    """What a sign-in there is for and where it leads, in lines."""
    facts = {"API": info.found_at or info.base_url, "Sign-in at": info.host}
    facts["Scopes"] = " ".join(info.scopes)
    return "\n".join([info.title, *(f"  {what}: {each}" for what, each in facts.items() if each)])


def missing(name: str, grant: str) -> tuple[str, ...]:
    """Which of client_id, client_secret and grants the user's own configuration lacks.

    ``grant``: the one that is asked for, or "".
    """
    from jupyter_auth.core.login.grants import missing as missing_for
    from jupyter_auth.core.provider.client_credentials import missing_package
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.provider.user_providers import user_file
    from jupyter_auth.core.registration.clients import obtains_client

    if connect.connect().provider(name).source not in {"user", "preset"}:
        return ()
    own = Providers(user_file=user_file()).outline(name)
    if missing_package(own):  # it may be in the broker's environment
        return ()
    lacking = missing_for(own, grant)
    if not own.unset and "client_id" in lacking and obtains_client(own):
        return ()
    several = not own.client_id and not grant and len(own.grants) > 1
    return missing_for(own, grant) + (("grants",) if several else ())


def guide(name: str, accounts: Accounts) -> str:
    """How to get a client ID there, in lines; "" if there is none to get."""
    from jupyter_auth.core.provider import guides
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.provider.user_providers import user_file

    own = Providers(user_file=user_file()).get(name)
    given = own.register
    if given and given.client == "none":
        return ""
    uri = shown = guides.redirect_uri(own)
    if not accounts.local:
        uri, shown = "the redirect URI below", _of_the_server(name, accounts)
    where = f"{own.title}: {given.url or own.address}" if given else own.address
    lines = [f"Register an OAuth client at {where}"]
    if given:
        lines += [f"  {number}. {each}" for number, each in enumerate(guides.steps(given, uri), 1)]
    lines.append(f"  Redirect URI: {shown}")
    if given:
        lines.append(f"  Kind of client: {guides.KINDS[given.client]}")
    return "\n".join([*lines, ""])


def _of_the_server(name: str, accounts: Accounts) -> str:
    """What a Jupyter server says of the redirect URI to register there."""
    with suppress(AuthError):
        for each in accounts.examine(name):
            if each.about == "Redirect URI":
                return each.says
    return f"`jupyter auth doctor {name}` shows it."


def fill_in(name: str, given: Namespace) -> None:
    """Save what ``--set`` of ``login`` gives, unless it is so already."""
    if given.set:
        connect.connect().add(name, {"set": dict(given.set)})


def sign_in(name: str, given: Namespace, **options: Any) -> None:
    """Sign in as the options of ``login`` say."""
    from jupyter_auth.kernel.session.user_session import UserSession

    asked = {"auth_force": given.force, "grant": given.grant, "scopes": given.scopes}
    asked["resource"] = given.resource
    UserSession(name, session_key=given.key, **asked, **options)


def named(name: str | None) -> str:
    """``name``, that of the API at an address, or that of the ``default_provider``, with their
    errors. An address that is not known is asked, which is for signing in.
    """
    return connect.name_of(connect.connect(), name)


def provider_names() -> list[str]:
    """For completion: the providers' names as they are listed, or none without a broker."""
    try:
        known = connect.connect().providers(unregistered=True)
    except AuthError:
        return []
    return list(dict.fromkeys(plain(each.name) for each in known))


def _under(session_key: str) -> str:
    return "" if session_key == DEFAULT_KEY else f" under the label {session_key[:40]}"
