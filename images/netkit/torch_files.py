"""Reading and writing tensor files without running what is inside them.

PyTorch's files are pickles, and a pickle can call any function. Here only containers, numbers and tensors are built.
"""

import collections
import pickle
import tarfile
import types
import zipfile
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import torch
from torch import nn

from stagekit import BadInput, write_atomically

_SAFE_SINCE = (2, 6)  # earlier `weights_only` readers could be made to run code (CVE-2025-32434)
_STORAGES = ("Float", "Double", "Half", "BFloat16", "Byte", "Char", "Short", "Int", "Long", "Bool")


def load_plain(path: str) -> Any:
    """Return the content of a PyTorch file: containers, numbers, strings and tensors on the host.

    Both of PyTorch's formats are read, the zip file and the older single pickle.

    Raises:
        BadInput: Where the file is missing, damaged, not such a file, or wants to build anything else.
    """
    try:
        _refuse_archives(path)
        if _version() >= _SAFE_SINCE:
            return torch.load(path, map_location="cpu", weights_only=True)
        return torch.load(path, map_location="cpu", pickle_module=_restricted_pickle())
    except BadInput:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        if not isinstance(error, (OSError, RuntimeError, pickle.UnpicklingError)):
            reason = "%s %s" % (type(error).__name__, reason)
        raise BadInput(
            "%s is not a readable file of tensors: %s" % (path, reason), "fetch the file again, or give another one"
        ) from error


def load_tensors(path: str, entry: Sequence[str] = ()) -> Dict[str, torch.Tensor]:
    """Return the named tensors of a file.

    Args:
        entry: Keys that lead to the state dict inside a larger checkpoint, such as ("icnn",); empty for a plain one.

    Raises:
        BadInput: As `load_plain`, and where there is no such entry or it is not a mapping of names to tensors.
    """
    return tensors_of(load_plain(path), path, entry)


def tensors_of(content: Any, path: str, entry: Sequence[str] = ()) -> Dict[str, torch.Tensor]:
    """Return the named tensors in what `load_plain` returned; as `load_tensors`.

    Args:
        path: For the messages.
    """
    for key in entry:
        if not isinstance(content, Mapping) or key not in content:
            raise BadInput("%s has no entry %r" % (path, key), "give a checkpoint of this network")
        content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise BadInput("%s does not map names to tensors" % path, "give a checkpoint of this network")
    return {str(name): value for name, value in content.items()}


def save_tensors(path: str, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write named tensors, on the host, as a zip file that `load_tensors` reads; the name appears when it is whole."""
    save_plain(path, {name: value.detach().cpu().clone() for name, value in tensors.items()})


def save_plain(path: str, content: Any) -> None:
    """Write containers, numbers, strings and tensors as a file that `load_plain` reads, whole or not at all."""
    with write_atomically(path) as stream:
        torch.save(content, stream)


def fill(module: nn.Module, tensors: Mapping[str, torch.Tensor], origin: str) -> None:
    """Copy tensors into the parameters and buffers of a module by name.

    Args:
        origin: Where they are from, for the message.

    Raises:
        BadInput: Names every missing, superfluous and misshapen tensor.
    """
    own = module.state_dict()
    problems = differences({name: tuple(value.shape) for name, value in own.items()}, tensors)
    if problems:
        raise BadInput(
            "%s does not fit %s: %s" % (origin, type(module).__name__, "; ".join(problems)),
            "give a checkpoint of this network",
        )
    module.load_state_dict({name: tensors[name].to(value.dtype) for name, value in own.items()})


def differences(shapes: Mapping[str, Tuple[int, ...]], tensors: Mapping[str, torch.Tensor]) -> List[str]:
    """Return a sentence for each kind of mismatch between expected shapes and tensors; empty where they agree."""
    missing = [name for name in shapes if name not in tensors]
    extra = [name for name in tensors if name not in shapes]
    misshapen = [
        "%s is %s and should be %s" % (name, _size(tuple(tensors[name].shape)), _size(shape))
        for name, shape in shapes.items()
        if name in tensors and tuple(tensors[name].shape) != tuple(shape)
    ]
    named = (("missing", missing), ("not part of it", extra), ("misshapen", misshapen))
    return ["%s: %s" % (kind, ", ".join(names)) for kind, names in named if names]


def _size(shape: Tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a scalar"


def _version() -> Tuple[int, int]:
    major, minor = torch.__version__.split(".")[:2]
    return int(major), int(minor)


def _refuse_archives(path: str) -> None:
    """Refuse the two formats that PyTorch would read in another way: TorchScript programs and tar files."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("constants.pkl") or "/code/" in name for name in archive.namelist()):
                raise BadInput("%s is a TorchScript program, not a file of tensors" % path, "give a state dict")
    elif tarfile.is_tarfile(path):
        raise BadInput("%s is in PyTorch's tar format of 2016" % path, "save it again with a newer PyTorch")


def _own(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a new function that calls the given one: a pickle may set attributes of what it is given."""

    def call(*parts: Any) -> Any:
        return function(*parts)

    return call


def _restricted_pickle() -> Any:
    """Return a stand-in for the `pickle` module whose unpickler builds containers and tensors only."""
    allowed: Dict[Tuple[str, str], Any] = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch", "Size"): torch.Size,
        ("torch._utils", "_rebuild_tensor"): _own(torch._utils._rebuild_tensor),
        ("torch._utils", "_rebuild_tensor_v2"): _own(torch._utils._rebuild_tensor_v2),
        ("torch._utils", "_rebuild_parameter"): _own(torch._utils._rebuild_parameter),
    }
    allowed.update((("torch", kind + "Storage"), getattr(torch, kind + "Storage")) for kind in _STORAGES)

    class RestrictedUnpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in allowed:
                raise BadInput(
                    "the file wants to call %s.%s, which no file of tensors needs" % (module, name),
                    "do not use this file: it may have been made to run code",
                )
            return allowed[module, name]

    def load(stream: Any, **options: Any) -> Any:
        return RestrictedUnpickler(stream, **options).load()

    module = types.ModuleType("restricted_pickle")
    module.__dict__.update(Unpickler=RestrictedUnpickler, load=load)
    return module
