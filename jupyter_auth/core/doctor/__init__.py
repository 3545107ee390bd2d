"""What could keep the package from working, for ``doctor``."""
