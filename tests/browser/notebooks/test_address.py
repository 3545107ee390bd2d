"""An MCP server in a notebook, by its address alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser.sign_in_tab import allow, follow, identify
from providers.servers.mcp_servers import FastMcpElsewhere

CALL = """
from jupyter_auth import UserSession
session = UserSession({!r})
call = {{"jsonrpc": "2.0", "id": 1, "method": "tools/call"}}
call["params"] = {{"name": "add", "arguments": {{"a": 2, "b": 3}}}}
accept = {{"Accept": "application/json, text/event-stream"}}
answer = session.post("", json=call, headers=accept).json()
print("the sum is", answer["result"]["content"][0]["text"])
"""


@pytest.fixture
def numbers(oidc):
    with FastMcpElsewhere(oidc) as server:
        yield server


def test_from_an_address_to_the_answer_of_a_tool(notebook, numbers, oidc):
    at = numbers.site.removeprefix("http://")
    book = notebook(
        f"%load_ext jupyter_auth\n%auth login {numbers.address}", CALL.format(numbers.address)
    )
    book.run(0)
    tab = follow(book.output(0).get_by_role("link", name=f"Sign in to Numbers ({at})"))
    main = tab.get_by_role("main")
    expect(main).to_contain_text(numbers.address)
    expect(main).to_contain_text(oidc.issuer.removeprefix("http://"))
    expect(main).to_contain_text("api:read")
    tab.get_by_role("button", name="Continue").click()
    identify(tab)
    allow(tab)
    tab.close()
    expect(book.output(0)).to_contain_text("Signed in to")
    book.run(1)
    expect(book.output(1)).to_contain_text("the sum is 5")
