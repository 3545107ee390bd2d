"""Files with an account's token, kept fresh for programs that read it from there."""
