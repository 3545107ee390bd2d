"""How a person is asked to sign in: a link, a widget, a terminal."""
