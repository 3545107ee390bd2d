"""Everything that can go wrong, as one tree.

AuthError
├── ConfigurationError      what is configured cannot work; says what to change
│   └── ProviderNotFound    no provider of that name; names those near it
├── LoginRequired           nobody is signed in, and nobody is there to ask
│   ├── RefreshRejected     the provider ended the sign-in (``invalid_grant``)
│   └── InsufficientScope   signed in, but with fewer scopes than asked for
├── LoginDenied             the person or the provider said no
├── LoginExpired            nobody finished the login in time
├── LoginCancelled          somebody cancelled it
├── LoginFailed             it came back wrong; nothing was stored
│   ├── LoginOvertaken      one to another provider took its redirect URI over
│   └── UserMismatch        the account is another person's than was asked for
├── Unavailable             no answer; try again, nothing is lost
│   └── ProviderUnavailable of a provider (in ``common.request_errors``)
├── ProviderError           it answered, but not what its protocol says
├── Throttled               a call was not sent: too early, see ``retry_at`` (as above)
├── BrokerUnavailable       the Jupyter server's token broker does not answer
└── StoreError              tokens cannot be read or written here

Each class has a stable ``code``: it is what travels between broker and kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    """What to do next. The words are the front end's; provider and session key go into them."""

    step: Step
    provider: str = ""
    session_key: str = ""

    def words(self, table: Mapping[Step, str]) -> str:
        """The sentence of that front end."""
        import shlex

        key = f" --key {shlex.quote(self.session_key)}" if self.session_key else ""
        login = f"auth login {shlex.quote(self.provider)}{key}"
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

    def __init__(self, message: str, *, hint: str = "", next_step: NextStep | None = None) -> None:
        self.message = message
        self.own_hint, self.next_step = hint, next_step
        self.hint = advice(hint, next_step)
        super().__init__(f"{message} {self.hint}".strip())

    def to_wire(self) -> dict[str, Any]:
        """The JSON object that travels from broker to kernel."""
        told: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.own_hint}
        if self.next_step:
            told["next_step"] = self.next_step._asdict()
        return told | {name: value for name in self.carries if (value := getattr(self, name))}


class ConfigurationError(AuthError):
    """What is configured cannot work."""

    code = "configuration_error"


class ProviderNotFound(ConfigurationError):
    """No provider is known by that name."""

    code = "provider_not_found"


class LoginRequired(AuthError):
    """Nobody is signed in, and nobody is there to ask."""

    code = "login_required"


class RefreshRejected(LoginRequired):
    """The provider refused the refresh token for good (RFC 6749 5.2, ``invalid_grant``)."""

    code = "refresh_rejected"


class InsufficientScope(LoginRequired):
    """The account was granted fewer scopes than are needed; ``scopes`` are those asked for."""

    code = "insufficient_scope"
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
        self.scopes = tuple(scopes)


class LoginDenied(AuthError, ConnectionError):
    """The person or the provider said no (RFC 6749 4.1.2.1, ``access_denied``)."""

    code = "login_denied"


class LoginExpired(AuthError, ConnectionError):
    """Nobody finished the login while it was open."""

    code = "login_expired"


class LoginCancelled(AuthError):
    """Somebody cancelled the login."""

    code = "login_cancelled"


class LoginFailed(AuthError):
    """The login came back wrong. Nothing was stored."""

    code = "login_failed"


class LoginOvertaken(LoginFailed):
    """A sign-in to another provider has begun since that comes back to the same address."""

    code = "login_overtaken"


class UserMismatch(LoginFailed, AssertionError):
    """The account is another person's than was asked for. Nothing was stored, nothing was sent."""

    code = "user_mismatch"


class Unavailable(AuthError):
    """Somebody does not answer. Try again: nothing is lost."""

    code = "unavailable"


class ProviderError(AuthError):
    """The provider answered, but not what its protocol says. Nothing is lost."""

    code = "provider_error"


class BrokerUnavailable(AuthError):
    """The Jupyter server's token broker does not answer, or speaks another version.

    ``retry_after``: the seconds after which the same call may do; 0: not by waiting alone.
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
    """Tokens cannot be read or written where they should rest."""

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
