"""The way to whoever keeps the accounts: a Jupyter server, a Hub service, or this process."""
