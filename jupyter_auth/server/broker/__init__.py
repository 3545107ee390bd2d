"""One user's engine behind HTTP: asynchronous and bounded."""
