"""The encrypted database that replicas share."""
