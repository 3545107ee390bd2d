"""Pages, and JSON for front ends."""
