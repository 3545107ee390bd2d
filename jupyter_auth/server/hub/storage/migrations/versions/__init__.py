"""One file for each schema. The names of revisions are the schemas' numbers."""
