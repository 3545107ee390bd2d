"""The errors, as one tree; the next steps that they name; how a login ends.

AuthError
├── ConfigurationError      the configuration cannot work; says what to change
│   └── ProviderNotFound    no provider of that name; suggests similar names
├── LoginRequired           not signed in, and this run cannot ask
│   ├── ConsentRequired     signed in, but the person has not agreed that this notebook uses it
│   ├── RefreshRejected     the provider refused to renew the sign-in
│   └── InsufficientScope   signed in, but with fewer scopes than asked for
├── LoginDenied             the user or the provider declined
├── LoginExpired            the login was not finished in time
├── LoginCancelled          the login was cancelled
├── LoginFailed             the login went wrong; nothing was stored
│   ├── LoginOvertaken      a login to another provider took over its redirect URI
│   └── UserMismatch        the account belongs to another person than requested
├── Unavailable             no answer; trying again may work
│   └── ProviderUnavailable of a provider (in ``common.request_errors``)
├── ProviderError           the provider broke its protocol
├── Throttled               a call was not sent before ``retry_at`` (as above)
├── BrokerUnavailable       the Jupyter server's token broker does not answer
└── StoreError              tokens cannot be read or saved

Each class has a stable ``code``, which is sent between broker and kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

Step = Literal[
    "sign_in",
    "sign_in_waiting",  # by a form that a widget has not
    "make_session",  # of a provider that is defined in the code that runs
    "start_again",
    "name_provider",
    "name_or_add_provider",
    "add_provider",
    "add_secret",
    "reload",
    "restart_server",
    "doctor",
]


class NextStep(NamedTuple):
    """What to do next. The words are the front end's; provider and session key go into them.

    ``options``: more of a sign-in's command, quoted for a shell.
    """

    step: Step
    provider: str = ""
    session_key: str = ""
    options: str = ""

    def words(self, table: Mapping[Step, str]) -> str:
        """The sentence of that front end."""
        import shlex

        key = f" --key {shlex.quote(self.session_key)}" if self.session_key else ""
        options = f" {self.options}" if self.options else ""
        login = f"auth login {shlex.quote(self.provider)}{key}{options}"
        return table[self.step].format(login=login, provider=self.provider)


START_AGAIN = NextStep("start_again")
# A front end's words for each step. These are true in every process: a script's, and a notebook's
# whose front end is not known.
SCRIPT: dict[Step, str] = {
    "sign_in": "Sign in with `jupyter {login}` in a terminal.",
    "sign_in_waiting": "Sign in with `jupyter {login}` in a terminal.",
    "make_session": "Run the code that makes this session again.",
    "start_again": "Run this again.",
    "name_provider": "Name one, as in `UserSession({provider!r})`.",
    "name_or_add_provider": "Name one, as in `UserSession({provider!r})`, or add your own with"
    " `jupyter auth add` in a terminal.",
    "add_provider": "Run `jupyter auth add {provider} --client-id ID` in a terminal.",
    "add_secret": "If it has one, run `jupyter auth add {provider} --client-secret` in a terminal.",
    "reload": "Run this again.",
    "restart_server": "Restart the Jupyter server, then this process.",
    "doctor": "`jupyter auth doctor` in a terminal shows more.",
}
_front_end: list[Callable[[], Mapping[Step, str]]] = [lambda: SCRIPT]


def speak(table: Callable[[], Mapping[Step, str]]) -> None:
    """Word the next steps of this process's errors by what ``table`` returns at the time."""
    _front_end[:] = [table]


def advice(hint: str, step: NextStep | None, table: Mapping[Step, str] | None = None) -> str:
    """What to do next, in sentences: this process's front end's, or those of ``table``."""
    return f"{hint} {step.words(table or _front_end[0]())}".strip() if step else hint


class AuthError(Exception):
    """Whatever jupyter_auth raises. ``message`` says what happened, ``hint`` what to do next.

    ``next_step`` is the part of the hint that each front end words for itself. ``carries`` says
    what else of an error travels, and how it is read.
    """

    code: ClassVar[str] = "auth_error"
    carries: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    _shown_with = 0  # the ``id`` of its traceback, once IPython has shown it

    def __init__(self, message: str, *, hint: str = "", next_step: NextStep | None = None) -> None:
        self.message = message
        self.own_hint, self.next_step = hint, next_step
        self.hint = advice(hint, next_step)
        super().__init__(f"{message} {self.hint}".strip())

    def to_wire(self) -> dict[str, Any]:
        """The JSON object that travels from broker to kernel."""
        data: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.own_hint}
        if self.next_step:
            data["next_step"] = self.next_step._asdict()
        return data | {name: value for name in self.carries if (value := getattr(self, name))}

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: one block, or the traceback when ``%tb`` asks for the same again."""
        import sys

        trace = self.__traceback__
        if id(trace) == self._shown_with:
            views = sys.modules["IPython"].get_ipython().InteractiveTB
            shown: list[str] = views.structured_traceback(type(self), self, trace)
            return shown
        self._shown_with = id(trace)
        said = f"{type(self).__name__}: {self.message}"
        where = f"{_line_of_the_cell(trace)}%tb shows the traceback."
        return [said, *filter(None, [self.hint]), where]


def _line_of_the_cell(trace: TracebackType | None) -> str:
    """The person's own line that led to an error, as part of a sentence; "" without one."""
    import linecache
    from traceback import walk_tb

    own = [
        (line, linecache.getline(frame.f_code.co_filename, line).strip())
        for frame, line in walk_tb(trace)
        if frame.f_globals.get("__name__") == "__main__"
    ]
    if own and own[-1][1].startswith("get_ipython()"):  # a magic: that is not what was typed
        return ""
    return f"Line {own[-1][0]}: {own[-1][1]}\n" if own else ""


class ConfigurationError(AuthError):
    """What is configured cannot work."""

    code = "configuration_error"


class ProviderNotFound(ConfigurationError):
    """No provider is known by that name."""

    code = "provider_not_found"


class LoginRequired(AuthError):
    """Not signed in, and this run cannot ask."""

    code = "login_required"


class RefreshRejected(LoginRequired):
    """The provider refused to renew the sign-in (RFC 6749 5.2), in whatever words.

    ``final``: for good, as it said ``invalid_grant``. ``said``: in its words.
    """

    code = "refresh_rejected"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        next_step: NextStep | None = None,
        final: bool = False,
        said: str = "",
    ) -> None:
        super().__init__(message, hint=hint, next_step=next_step)
        self.final = final
        self.said = said


class InsufficientScope(LoginRequired):
    """The account was granted fewer scopes than are needed; ``scopes`` are those asked for.

    ``resource``: the API that they are for, if it is not the provider's own.
    """

    code = "insufficient_scope"
    carries: ClassVar = {"scopes": lambda words: tuple(map(str, words)), "resource": str}

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        next_step: NextStep | None = None,
        scopes: tuple[str, ...] = (),
        resource: str = "",
    ) -> None:
        super().__init__(message, hint=hint, next_step=next_step)
        self.scopes = tuple(scopes)
        self.resource = resource


class ConsentRequired(LoginRequired):
    """The person has not agreed that this notebook uses the account; ``scopes`` are its token's."""

    code = "consent_required"
    carries: ClassVar = {"scopes": lambda words: tuple(map(str, words))}

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        next_step: NextStep | None = None,
        scopes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, next_step=next_step)
        self.scopes = scopes


class LoginDenied(AuthError, ConnectionError):
    """The user or the provider declined (RFC 6749 4.1.2.1, ``access_denied``)."""

    code = "login_denied"


class LoginExpired(AuthError, ConnectionError):
    """The login was not finished in time."""

    code = "login_expired"


class LoginCancelled(AuthError):
    """The login was cancelled."""

    code = "login_cancelled"


class LoginFailed(AuthError):
    """The login went wrong. Nothing was stored."""

    code = "login_failed"


class LoginOvertaken(LoginFailed):
    """A later login to another provider uses the same redirect URI."""

    code = "login_overtaken"


class UserMismatch(LoginFailed, AssertionError):
    """The account belongs to another person than requested. Nothing was stored or sent."""

    code = "user_mismatch"


class Unavailable(AuthError):
    """No answer. Trying again may work."""

    code = "unavailable"


class ProviderError(AuthError):
    """The provider's answer breaks its protocol."""

    code = "provider_error"


class BrokerUnavailable(AuthError):
    """The Jupyter server's token broker does not answer, or speaks another version.

    ``retry_after``: seconds after which the same call may work; 0 if waiting does not help.
    """

    code = "broker_unavailable"
    carries: ClassVar = {"retry_after": float}

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        next_step: NextStep | None = None,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, hint=hint, next_step=next_step)
        self.retry_after = retry_after


class StoreError(AuthError):
    """Tokens cannot be read or saved."""

    code = "store_error"


class Outcome(NamedTuple):
    """A heading, a sentence, and the ``tone`` that picks icon and colour; then what to do.

    ``{to}`` in the sentence is the provider's place, `` to GitHub``. ``error`` is raised where a
    login has ended so.
    """

    title: str
    text: str
    tone: str
    hint: str = ""
    next_step: NextStep | None = None
    error: type[AuthError] = LoginFailed


OUTCOMES = {  # by a login's status
    "pending": Outcome("Sign-in pending", "The sign-in{to} is still pending.", "neutral"),
    "complete": Outcome("Signed in", "The sign-in{to} is complete.", "success"),
    "denied": Outcome(
        "Sign-in declined",
        "The sign-in{to} was declined.",
        "error",
        next_step=START_AGAIN,
        error=LoginDenied,
    ),
    "expired": Outcome(
        "Sign-in timed out",
        "The sign-in{to} timed out.",
        "late",
        next_step=START_AGAIN,
        error=LoginExpired,
    ),
    "cancelled": Outcome(
        "Sign-in cancelled", "The sign-in{to} was cancelled.", "neutral", error=LoginCancelled
    ),
    "failed": Outcome("Sign-in failed", "The sign-in{to} failed. Nothing was stored.", "error"),
}
