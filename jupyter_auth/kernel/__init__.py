"""What a notebook, a script or a terminal holds: sessions, the prompt, the widget, the verbs."""
