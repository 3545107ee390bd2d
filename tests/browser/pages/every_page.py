"""Each page of ours in turn, as a person meets it: for tests that check them, and for pictures."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from browser.chromium import new_context
from browser.sign_in_tab import deny, from_jupyter, sign_in
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from providers import troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from browser.lab import Lab
    from browser.lab_providers import Campus

PHONE = {"width": 320, "height": 640}  # WCAG 2.2, 1.4.10
DESK = {"width": 1100, "height": 800}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": DESK},
    "dark": {"color_scheme": "dark", "viewport": DESK},
    "phone": {"color_scheme": "light", "viewport": PHONE, "has_touch": True},
    "phone-dark": {"color_scheme": "dark", "viewport": PHONE, "has_touch": True},
    "contrast": {"forced_colors": "active", "viewport": DESK},
}
TITLES = {
    "long": "The Consortium of Example Universities for Oceanography " + "und".join(["Meeres"] * 3),
    "right-to-left": "جامعة المثال (Example) للعلوم والتقنية",
}
PROBLEMS = ("expired", "gateway", "foreign", "overtaken", "forbidden", "busy", "away", "failed")


@contextmanager
def visitor(browser: Browser, lab: Lab, look: str, **options: object) -> Iterator[Page]:
    """A fresh browser of that look in which somebody is signed in to Jupyter."""
    context = new_context(browser, **LOOKS[look], **options)
    page = context.new_page()
    page.goto(f"{lab.url}/api/status?token={lab.token}")
    try:
        yield page
    finally:
        context.close()


@dataclass
class Tour:
    """The pages, by name. Each method returns when the page has come to rest."""

    page: Page
    lab: Campus

    def stops(self) -> dict[str, Callable[[], None]]:
        """All of them, in an order in which none is in another's way."""
        problems = {f"problem-{name}": lambda name=name: self.problem(name) for name in PROBLEMS}
        return {
            "asking": self.asking,
            "device-to-begin": self.device_to_begin,
            "demanded": self.demanded,  # from here on the server knows this browser
            "leaving": self.leaving,
            "found": self.found,
            "stuck": self.stuck,
            "unfit": self.unfit,
            "moved": self.moved,
            "by-hand": self.by_hand,
            "by-hand-refused": self.by_hand_refused,
            "device-asking": self.device_asking,
            "device": self.device,
            "device-no-code": self.device_no_code,
            "device-away": self.device_away,
            "expired": self.expired,
            "where": self.where,
            "where-refused": self.where_refused,
            "setup-default": self.setup_default,
            "setup": self.setup,
            "setup-refused": self.setup_refused,
            "setup-choice": self.setup_choice,
            "long-title": lambda: self.titled("long"),
            "right-to-left": lambda: self.titled("right-to-left"),
            "edit": self.edit,
            "edit-refused": self.edit_refused,
            "refused": self.refused,
            "instead": self.instead,
            "password": self.password,
            "password-refused": self.password_refused,
            "api-key": self.api_key,
            "api-key-refused": self.api_key_refused,
            "paste": self.paste,
            "paste-refused": self.paste_refused,
            "confirm": self.confirm,
            "confirm-elsewhere": self.confirm_elsewhere,
            "cancelled": self.cancelled,
            "denied": self.denied,
            "failed": self.failed,
            "said": self.said,
            "hidden": self.hidden,
            "complete": self.complete,
            "complete-ending": self.complete_ending,
            "signed-out": self.signed_out,
            **problems,
        }

    def asking(self) -> None:
        """In a browser that this server does not know, such as one with a stranger's link."""
        self.page.goto(self.lab.begin())
        expect(self.page.get_by_role("button", name="Continue to")).to_be_visible()

    def demanded(self) -> None:
        """By an API, with the longest words that it may use: it waits in a known browser too."""
        demand = {"api": "api.example.org", "scopes": ["files.write", "s" * 200], "max_age": "300"}
        from_jupyter(self.page, self.lab.begin(challenge=demand))
        expect(self.page.get_by_text("The API api.example.org asks for")).to_be_visible()
        expect(self.page.get_by_role("button", name="Continue to")).to_be_visible()

    def found(self) -> None:
        """In a browser that it knows, which waits all the same."""
        from_jupyter(self.page, self.lab.begin("found"))
        expect(self.page.get_by_role("button", name="Continue to")).to_be_visible()

    def device_to_begin(self) -> None:
        self.page.goto(self.lab.begin("device"))
        expect(self.page.get_by_role("button", name="Continue to")).to_be_visible()

    def leaving(self) -> None:
        """For as long as the server does not answer the page's question where to go."""
        url = self.lab.begin()
        self.page.route(url, lambda asked: asked.request.method == "POST" or asked.continue_())
        from_jupyter(self.page, url)
        self._heading("Sign in to")

    def stuck(self) -> None:
        self._let_go()
        from_jupyter(self.page, f"{self.lab.begin()}#stuck")
        expect(self.page.get_by_role("button", name="Cancel this sign-in")).to_be_visible()

    def unfit(self) -> None:
        """A redirect URI that leads to somebody else: nobody can be sent away with that."""
        from_jupyter(self.page, self.lab.begin("lost"))
        expect(self.page.get_by_role("alert")).to_contain_text("does not lead back")

    def moved(self) -> None:
        """A redirect URI of this very server, but for the port."""
        self._from_away("moved")
        expect(self.page.get_by_role("alert")).to_contain_text("Jupyter has moved to another port")
        expect(self.page.get_by_role("alert")).to_contain_text("Start Jupyter with `--port=8766")
        assert self.page.url.startswith(f"{self.lab.away}/")

    def by_hand(self) -> None:
        """A provider whose answer goes to a port of the browser's machine, which is another one."""
        self._from_away("desktop")
        expect(self.page.get_by_label("Paste it here")).to_be_visible()

    def by_hand_refused(self) -> None:
        self.page.get_by_label("Paste it here").fill("http://localhost:8765/oauth/back")
        self.page.get_by_role("button", name="Continue").click()
        expect(self.page.get_by_role("alert")).to_contain_text("not the address")

    def device_asking(self) -> None:
        """For as long as the server does not answer the page's question for a code."""
        url = self.lab.begin("device")
        self.page.route(url, lambda asked: asked.request.method == "POST" or asked.continue_())
        from_jupyter(self.page, url)
        expect(self.page.get_by_text("for a code")).to_be_visible()

    def device(self) -> None:
        self._let_go()
        from_jupyter(self.page, self.lab.begin("device"))
        expect(self.page.get_by_text("scan this with a phone")).to_be_visible()

    def device_no_code(self) -> None:
        """The provider is down when it is asked for one."""
        self.lab.rogue.script("device", troubles.status(503), times=1)
        from_jupyter(self.page, self.lab.begin("gadget"))
        expect(self.page.get_by_role("alert")).to_contain_text("answered 503")

    def device_away(self) -> None:
        """The provider goes away while it is asked how the login stands."""
        self.lab.rogue.script("token", troubles.status(503))
        self.page.get_by_role("button", name="Try again").click()
        expect(self.page.get_by_label("Your code")).to_be_visible()
        expect(self.page.get_by_role("alert")).to_contain_text("retried automatically")

    def expired(self) -> None:
        """By what the provider says of the code."""
        self.lab.rogue.script("token", troubles.error("expired_token"))
        self._heading("Sign-in timed out")
        self.lab.rogue.behave()

    def where(self) -> None:
        """A preset that leaves open where it is."""
        from_jupyter(self.page, self.lab.begin("keycloak"))
        expect(self.page.get_by_label("Host of your Keycloak")).to_be_visible()

    def where_refused(self) -> None:
        self.page.get_by_label("Host of your Keycloak").fill("https://login.acme.example/")
        self.page.get_by_label("Name of the realm").fill("research")
        self.page.get_by_role("button", name="Continue").click()
        expect(self.page.get_by_role("alert")).to_contain_text("must be a host name")
        expect(self.page.get_by_role("alert")).to_be_focused()

    def setup_default(self) -> None:
        """One that is at its usual place, if the person does not say otherwise."""
        from_jupyter(self.page, self.lab.begin("zenodo"))
        self.page.get_by_text("Not at zenodo.org?").click()
        expect(self.page.get_by_role("button", name="Use this one")).to_be_visible()

    def setup(self) -> None:
        """A preset whose registration nobody has made yet."""
        from_jupyter(self.page, self.lab.begin("github"))
        self._heading("Set up GitHub")

    def setup_refused(self) -> None:
        """What is kept beside it cannot be read: nothing is put into its place."""
        self.page.get_by_label("Client ID").fill("mine")
        self.page.get_by_label("Client secret").fill("a-secret-8e21")
        damaged = self.lab.own_providers / "client_secrets.json"
        damaged.parent.mkdir(exist_ok=True)
        damaged.write_text("{")
        damaged.chmod(0o600)
        self.page.get_by_role("button", name="Save and sign in").click()
        expect(self.page.get_by_role("alert")).to_contain_text("cannot be read")
        damaged.unlink()

    def setup_choice(self) -> None:
        """A preset whose registrations are for one of two grants."""
        from_jupyter(self.page, self.lab.begin("insiders"))
        expect(self.page.get_by_label("with a password")).to_be_visible()

    def titled(self, name: str) -> None:
        """A provider of the person's own, whose title is in each sentence of a form."""
        issuer = self.lab.rogue.issuer
        fields = {"title": TITLES[name], "issuer": issuer, "client_id": "x", "grants": ["password"]}
        self._own.save(name, fields)
        from_jupyter(self.page, self.lab.begin(name))
        self._heading(f"Sign in to {TITLES[name]}")

    def edit(self) -> None:
        """A preset that the person has registered at, with everything that can be said of it."""
        self._own.save("insiders", {"client_id": "wrong", "client_secret": Secret("a-secret-8e21")})
        from_jupyter(self.page, f"{self.lab.begin('insiders')}?edit")
        expect(self.page.get_by_label("Client ID")).to_have_value("wrong")

    def edit_refused(self) -> None:
        """Somebody has given the server another definition in the meantime."""
        ends = {"token_endpoint": "https://elsewhere.example/token"}
        self._own.save("insiders", {"endpoints": ends})
        self.page.get_by_label("Client secret").fill("another-secret-8e21")
        self.page.get_by_role("button", name="Save and sign in").click()
        expect(self.page.get_by_role("alert")).to_contain_text("configuration has changed")

    def refused(self) -> None:
        """The provider refuses the grant to this client, and another one is offered."""
        self.lab.rogue.script("authorize", troubles.deny("unauthorized_client"), times=1)
        from_jupyter(self.page, self.lab.begin("either"))
        self._heading("Sign-in failed")

    def instead(self) -> None:
        """Which was chosen by a click, and from which a click leads back."""
        self.page.get_by_role("button", name="Sign in with a password instead").click()
        expect(self.page.get_by_label("Password")).to_be_visible()

    def password(self) -> None:
        from_jupyter(self.page, self.lab.begin("school"))
        expect(self.page.get_by_label("User name")).to_be_focused()

    def password_refused(self) -> None:
        self.page.get_by_label("User name").fill("alice")
        self.page.get_by_label("Password").fill("a guess")
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("alert")).to_be_visible()
        expect(self.page.get_by_label("Password")).to_be_empty()

    def api_key(self) -> None:
        from_jupyter(self.page, self.lab.begin("keys"))
        expect(self.page.get_by_label("Key ID")).to_be_focused()

    def api_key_refused(self) -> None:
        self.page.get_by_label("Key ID").fill("an-id")
        self.page.get_by_label("Key", exact=True).fill("a-key…4f1d")
        self.page.get_by_role("button", name="Use this key").click()
        expect(self.page.get_by_role("alert")).to_contain_text("cannot be sent in a header")

    def paste(self) -> None:
        from_jupyter(self.page, self.lab.begin("4insight"))
        expect(self.page.get_by_label("Code from 4insight")).to_be_visible()

    def paste_refused(self) -> None:
        package = '{"endpoint": "https://evil.example/token", "code": "a-code"}'
        self.page.get_by_label("Code from 4insight").fill(package)
        self.page.get_by_role("button", name="Continue").click()
        expect(self.page.get_by_role("alert")).to_contain_text("Nothing was sent")

    def confirm(self) -> None:
        self.page.get_by_label("Code from 4insight").fill(self.lab.fourinsight.package())
        self.page.get_by_role("button", name="Continue").click()
        self._heading("Is this you?")

    def confirm_elsewhere(self) -> None:
        """In a browser of the same person that did not sign in at the provider."""
        self.page.context.clear_cookies(name=re.compile("^jupyter-auth-yes-"))
        self.page.reload()
        expect(self.page.get_by_text("Only the browser")).to_be_visible()

    def cancelled(self) -> None:
        self.stuck()
        self.page.get_by_role("button", name="Cancel this sign-in").click()
        self._heading("Sign-in cancelled")

    def denied(self) -> None:
        from_jupyter(self.page, self.lab.begin())
        deny(self.page)
        self._heading("Sign-in declined")

    def failed(self) -> None:
        """The provider knows this person now, and refuses this client."""
        from_jupyter(self.page, self.lab.begin("wrong"))
        self.page.get_by_role("button", name="Allow").click()
        self._heading("Sign-in failed")

    def said(self) -> None:
        """The provider sends the browser back with an error that has no state."""
        from_jupyter(self.page, self.lab.begin("campus"))
        self.page.wait_for_url("http://localhost:*/**")
        error = "error=unauthorized_client&error_description=Disabled by its owner"
        self.page.goto(f"{self.lab.url}/jupyter-auth/callback/campus?{error}")
        expect(self.page.get_by_role("alert")).to_contain_text("Disabled by its owner")

    def hidden(self) -> None:
        """Behind a proxy that gives the server another Host than the browser, over plain http."""
        away, here = self.lab.away, self.lab.url
        self.page.route(
            f"{away}/**",
            lambda asked: asked.fulfill(
                response=asked.fetch(
                    url=asked.request.url.replace(away, here), headers=asked.request.all_headers()
                )
            ),
        )
        self.page.goto(f"{away}/api/status?token={self.lab.token}")
        self.page.goto(self.lab.begin().replace(here, away))
        expect(self.page.get_by_role("alert")).to_contain_text(f'public_url = "{away}"')
        expect(self.page.get_by_role("button", name="Try again")).to_be_disabled()

    def complete_ending(self) -> None:
        """Without a refresh token."""
        answer = troubles.fields(refresh_token=troubles.MISSING)
        self.lab.rogue.script("token", answer, times=1)
        from_jupyter(self.page, self.lab.begin("either"))
        self._heading("Signed in")
        expect(self.page.get_by_text("This sign-in ends at")).to_be_visible()
        self.page.evaluate("window.wasSeen = true")

    def complete(self) -> None:
        self._let_go()
        self.page.context.clear_cookies(domain="localhost")
        from_jupyter(self.page, self.lab.begin())
        sign_in(self.page)

    def signed_out(self) -> None:
        self.page.goto(f"{self.lab.url}/jupyter-auth/signed-out")
        self._heading("You are signed out of Jupyter")

    def problem(self, name: str) -> None:
        self.page.goto(f"{self.lab.url}/jupyter-auth/problem/{name}")
        self._heading("")

    @property
    def _own(self) -> Providers:
        """What the person has written down."""
        return Providers(user_file=self.lab.own_providers / "providers.toml")

    def _from_away(self, provider: str) -> None:
        self.page.goto(f"{self.lab.away}/api/status?token={self.lab.token}")
        from_jupyter(self.page, self.lab.begin(provider).replace(self.lab.url, self.lab.away))
        # Over plain http and far away a browser does not say where a link stood: one click more.
        self.page.get_by_role("button", name="Continue to").click()

    def _let_go(self) -> None:
        """Answer no request late: the page may show the same login, and would only scroll."""
        self.page.goto("about:blank")
        self.page.unroute_all(behavior="ignoreErrors")

    def _heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=text)).to_be_visible()
