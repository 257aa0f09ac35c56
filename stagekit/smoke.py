"""What every image's build-time smoke test does with the image's own code."""

import importlib
import pkgutil
from typing import List


def import_package(name: str) -> List[str]:
    """Import a package and every module in it, apart from ``__main__``, and return their names.

    Raises whatever a module raises on import; a package that cannot be imported must not become an image.
    """
    package = importlib.import_module(name)
    found = [module.name for module in pkgutil.walk_packages(package.__path__, name + ".")]
    names = [module for module in found if not module.endswith(".__main__")]
    for module in names:
        importlib.import_module(module)
    return [name, *names]
