"""``%auth``, ``jupyter auth`` and ``doctor``."""
