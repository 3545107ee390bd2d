"""Where tokens rest, when they are renewed, and for whom."""
