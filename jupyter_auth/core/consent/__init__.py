"""Which notebooks may use an account: what its person agreed to."""
