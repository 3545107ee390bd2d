"""The loopback redirect (RFC 8252 7.3): a listener of this process, for logins without a server."""
