"""What a provider is, and where its definition is found."""
