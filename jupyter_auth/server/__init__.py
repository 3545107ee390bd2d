"""What runs in a web server: the Jupyter Server extension."""
