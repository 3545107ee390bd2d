"""One person's engine, as the handlers of a web server see it."""
