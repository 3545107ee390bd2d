"""The browser API: pages, and JSON for front ends."""
