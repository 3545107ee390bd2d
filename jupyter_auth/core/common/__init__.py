"""Values and small tools that the rest of the core uses."""
