"""Where a provider sends the browser back to, and whether it may."""
