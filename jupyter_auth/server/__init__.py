"""The Jupyter Server extension, and the JupyterHub service."""
