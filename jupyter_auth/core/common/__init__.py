"""What the rest of the core stands on: values and small tools that know nothing of it."""
