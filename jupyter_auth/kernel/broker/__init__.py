"""How a kernel reaches the accounts: at a Jupyter server, a Hub service, or in this process."""
