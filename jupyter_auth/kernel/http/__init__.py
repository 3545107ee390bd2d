"""The token on a request."""
