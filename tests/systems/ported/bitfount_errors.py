"""Bitfount: a sign-in that may come to nothing, caught as before."""

from jupyter_auth import UserSession

try:
    UserSession("bitfount", username="alice")
except AssertionError:
    print("that was somebody else")
except ConnectionError:
    print("denied, or too late")
