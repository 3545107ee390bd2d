"""Whose a Hub API token is: asked of the Hub, and remembered for as long as that is believed."""
