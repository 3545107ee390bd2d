"""What tells several accounts at one provider apart."""

DEFAULT_KEY = "default"
