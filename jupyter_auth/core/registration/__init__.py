"""From the address of an API to a provider and a client: nothing to look up or to register."""
