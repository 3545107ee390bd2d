"""The JupyterHub service: all users' accounts in one database, behind the Hub's own proxy."""
