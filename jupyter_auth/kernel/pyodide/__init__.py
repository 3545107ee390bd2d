"""Accounts of Python in a browser, without any server: as in JupyterLite."""
