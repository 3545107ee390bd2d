"""Which guards there are, and the proof that each is needed: see ``README.md`` here."""
