"""How a preparation reports how far it is."""

from collections.abc import Callable

ProgressCallback = Callable[[int, int], None]
"""Called after every picture or pair with how many are done, and of how many; it may raise to stop the work."""
