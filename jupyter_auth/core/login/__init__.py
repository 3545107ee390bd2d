"""A person signs in: one file for each grant."""
