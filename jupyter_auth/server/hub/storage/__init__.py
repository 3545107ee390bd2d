"""What is in the database, encrypted, and how replicas share it."""
