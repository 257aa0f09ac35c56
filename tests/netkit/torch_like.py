"""Files in PyTorch's formats, written without PyTorch, so that a test can have them say anything."""

import io
import pickle
import sys
import types
import zipfile

import numpy as np

KINDS = {
    "float32": "FloatStorage",
    "int64": "LongStorage",
    "uint8": "ByteStorage",
    "float16": "HalfStorage",
    "float64": "DoubleStorage",
}


class Lying:
    """A tensor of a storage, with an offset, a shape and strides that need not be true."""

    def __init__(self, key, array, offset=0, shape=None, strides=None, count=None):
        self.key = key
        self.array = np.ascontiguousarray(array)
        self.offset = offset
        self.shape = self.array.shape if shape is None else shape
        self.strides = tuple(step // array.itemsize for step in self.array.strides) if strides is None else strides
        self.count = self.array.size if count is None else count


def _modules():
    """Return the names that such a file holds, as modules that Python's pickler can look them up in."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in KINDS.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def rebuild(*_parts):
        raise AssertionError("a test must not rebuild anything")

    rebuild.__module__, rebuild.__name__, rebuild.__qualname__ = "torch._utils", *["_rebuild_tensor_v2"] * 2
    utils._rebuild_tensor_v2 = rebuild
    return {"torch": torch, "torch._utils": utils}


class _Storage:
    def __init__(self, tensor):
        self.tensor = tensor


def pickled(content):
    """Return the pickle of content in which `Lying` stands for tensors, and its tensors by key."""
    modules, kept, found = _modules(), {}, {}

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if not isinstance(value, _Storage):
                return None
            tensor = value.tensor
            kind = getattr(modules["torch"], KINDS[tensor.array.dtype.name])
            return ("storage", kind, tensor.key, "cpu", tensor.count)

        def reducer_override(self, value):
            if not isinstance(value, Lying):
                return NotImplemented
            found[value.key] = value
            arguments = (_Storage(value), value.offset, value.shape, value.strides, False, {})
            return modules["torch._utils"]._rebuild_tensor_v2, arguments

    kept = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump(content)
    finally:
        for name, module in kept.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
    return stream.getvalue(), found


def zipped(path, content, replaced=None):
    """Write the newer format; replaced: bytes for the pickle."""
    raw, tensors = pickled(content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", raw if replaced is None else replaced)
        for key, tensor in tensors.items():
            archive.writestr(f"archive/data/{key}", tensor.array.tobytes())
        archive.writestr("archive/version", "3\n")
    return path


def legacy(path, content, cut=0):
    """Write the older format; cut: bytes that are missing at the end."""
    raw, tensors = pickled(content)
    parts = [pickle.dumps(part, protocol=2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    parts += [raw, pickle.dumps(list(tensors), protocol=2)]
    for tensor in tensors.values():
        parts += [tensor.array.size.to_bytes(8, "little"), tensor.array.tobytes()]
    written = b"".join(parts)
    path.write_bytes(written[: len(written) - cut])
    return path
