"""Accounts whose tokens are made of another account's."""
