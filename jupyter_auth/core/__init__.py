"""One person's accounts: protocol, store and engine. Knows no notebook and no server."""
