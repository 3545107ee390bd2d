"""Where tokens are stored, when they are renewed, and for whom."""
