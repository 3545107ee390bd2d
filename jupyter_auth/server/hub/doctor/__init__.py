"""What could keep a Hub's users from signing in."""
