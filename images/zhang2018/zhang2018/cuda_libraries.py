"""Makes the CUDA libraries of the installed wheels known to TensorFlow 2.10, which looks only on the library path."""

import ctypes
import glob
import importlib.util
import os


def preload_cuda_libraries() -> None:
    """Load the libraries of the nvidia wheels, where they are installed; call it before TensorFlow is imported.

    A library that another one needs is loaded on a later pass; what cannot be loaded is left for TensorFlow to miss.
    """
    spec = importlib.util.find_spec("nvidia")
    if spec is None or spec.submodule_search_locations is None:
        return
    folders = list(spec.submodule_search_locations)
    waiting = [path for folder in folders for path in glob.glob(os.path.join(folder, "*", "lib", "*.so*"))]
    while waiting:
        left = [path for path in waiting if not _loaded(path)]
        if len(left) == len(waiting):
            return
        waiting = left


def _loaded(path: str) -> bool:
    try:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True
