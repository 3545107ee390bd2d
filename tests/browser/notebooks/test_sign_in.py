"""One click, and the kernel holds a session; from then on nobody is needed."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from browser import cells
from browser.sign_in_tab import closes_itself, follow, sign_in
from jupyter_auth.kernel.broker.watcher import WAIT

GO = "Sign in to Example University"
SIGNED_IN = "Signed in to Example University as alice"


def test_by_the_widget(notebook, oidc):
    book = notebook(cells.MAGIC, cells.call(oidc.issuer))
    book.run(0)
    tab = follow(book.output(0).get_by_role("link", name=GO))
    sign_in(tab)
    closes_itself(tab)
    expect(book.output(0)).to_contain_text(SIGNED_IN)
    expect(book.output(0)).to_contain_text("Stays signed in")
    expect(book.output(0).get_by_role("link")).to_have_count(0)
    book.run(1)
    expect(book.output(1)).to_contain_text("200 alice")


def test_by_a_session_inside_run_all(notebook, oidc):
    book = notebook(cells.call(oidc.issuer), "print('then', answer.ok)")
    book.start()
    link = book.output(0).get_by_role("link", name=GO)
    expect(link).to_be_visible()
    book.is_waiting(0)
    book.is_waiting(1)
    sign_in(follow(link))
    book.finished()
    expect(book.output(0)).to_contain_text(SIGNED_IN)
    expect(book.output(0)).to_contain_text("200 alice")
    expect(book.output(1)).to_have_text("then True")
    expect(book.output(0).get_by_role("link")).to_have_count(0)


def test_expired_tokens_are_nobodys_concern(notebook, oidc, signed_in, context):
    signed_in()
    book = notebook(cells.call(oidc.issuer), cells.call_past_expiry(oidc.issuer))
    tabs = len(context.pages)
    book.run(0)
    expect(book.output(0)).to_contain_text("200 alice")
    assert oidc.refresh_count == 0
    oidc.ttl(AccessToken=4)  # of the next one
    oidc.expire()  # before anybody expects it
    book.run()
    expect(book.output(0)).to_contain_text("200 alice")
    expect(book.output(1)).to_have_text("all of them {200}")
    assert oidc.refresh_count >= 2
    assert oidc.reuse_count == 0
    assert len(context.pages) == tabs
    assert len(oidc.events("authorization.success")) == 1


def test_one_click_is_enough_for_all_kernels(notebook, oidc):
    first, second = notebook(cells.call(oidc.issuer)), notebook(cells.call(oidc.issuer))
    first.start()
    expect(first.output(0).get_by_role("link", name=GO)).to_be_visible()
    second.start()
    sign_in(follow(second.output(0).get_by_role("link", name=GO)))
    for book in (second, first):
        book.finished()
        book.show()
        expect(book.output(0)).to_contain_text("200 alice")
    third = notebook(cells.call(oidc.issuer))
    third.run()
    expect(third.output(0)).to_contain_text("200 alice")
    expect(third.output(0).get_by_role("link")).to_have_count(0)
    assert len(oidc.events("authorization.success")) == 1
    assert len(oidc.events("grant.success")) == 1


def test_signing_out_reaches_the_provider_and_other_kernels(notebook, oidc, signed_in):
    before = oidc.secrets()
    signed_in()
    widget = notebook(cells.WIDGET)
    other = notebook(cells.call(oidc.issuer), cells.call_until_signed_out(oidc.issuer))
    widget.run()
    expect(widget.output(0)).to_contain_text(SIGNED_IN)
    other.start()
    expect(other.output(1)).to_contain_text("...")
    widget.show()
    widget.output(0).get_by_role("button", name="Sign out").click()
    other.finished()
    other.show()
    said = re.search(r"LoginRequired at ([\d.]+)", other.output(1).inner_text())
    [revoked, *_] = oidc.events("revocation.success")
    assert said
    assert float(said[1]) - revoked["time"] < WAIT - 5  # not by the end of a poll
    for kind in ("access_token", "refresh_token"):
        new = set(oidc.secrets()[kind]) - set(before[kind])
        assert new
        assert not [token for token in new if oidc.introspect(token)["active"]]
    widget.show()
    expect(widget.output(0)).to_contain_text("Not signed in to Example University.")
    again = follow(widget.output(0).get_by_role("button", name="Sign in"))
    again.get_by_role("button", name="Allow").click()  # the provider still knows this browser
    expect(widget.output(0)).to_contain_text(SIGNED_IN)
