"""Asking the user to sign in: a link, a widget, a terminal."""
