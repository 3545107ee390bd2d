"""Python in a browser (Pyodide, as in JupyterLite): no sockets, no threads, no OpenSSL."""

import sys

IN_PYODIDE: bool = sys.platform == "emscripten"
