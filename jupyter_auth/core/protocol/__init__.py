"""Requests to an authorization server, and its responses. Nothing here keeps state."""
