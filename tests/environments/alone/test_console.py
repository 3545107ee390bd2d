"""Jupyter's console: a front end that shows plain text, and asks as a terminal does."""

from __future__ import annotations

from environments.front_ends import ABOVE
from environments.terminal import Terminal


def test_a_link_in_whole_and_what_is_pasted(env, oidc):
    with Terminal(env | ABOVE, "-m", "jupyter_console", "--simple-prompt") as console:
        console.read(r"In \[1\]: ")
        console.type("from jupyter_auth import LoginWidget, UserSession")
        console.read(r"In \[2\]: ")
        console.type("session = UserSession('idp')")
        link = console.read(r"Sign in to The IdP \(\S+\): (http\S+)\s")[1]
        console.read(r"Paste the address .* \(the page may not load\): ")
        console.type(oidc.login(link))
        console.read(r"In \[3\]: ")
        console.type("print('said', session.get('me').status_code)")
        console.read("said 200")
        console.read(r"In \[4\]: ")
        console.type("LoginWidget('idp')")
        console.read(r"Signed in to The IdP as alice\.")
        console.read(r"In \[5\]: ")
        console.type("UserSession('idp', session_key='b', interactive=False)")
        console.read(r"LoginRequired: You're not signed in to The IdP\.")
        console.read("Sign in with `jupyter auth login idp --key b` in a terminal")
        console.type("exit")
        assert "<" not in console.text.partition("In [2]")[2].replace("<ipython", "")
