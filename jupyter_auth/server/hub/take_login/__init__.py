"""The sign-ins of a Hub's own users at the same provider, which the service takes over."""
