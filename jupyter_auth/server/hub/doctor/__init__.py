"""Checks of a Hub service and its configuration."""
