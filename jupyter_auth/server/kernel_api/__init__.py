"""The kernels' socket: the broker as kernels ask it."""
