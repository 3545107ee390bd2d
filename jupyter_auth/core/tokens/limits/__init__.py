"""The limits of APIs, and lockouts that all programs of a person know."""
