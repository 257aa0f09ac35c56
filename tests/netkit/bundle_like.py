"""Checkpoints in TensorFlow's second format, written without TensorFlow, so that a test can have them say anything."""

import numpy as np

from netkit.crc32c import crc32c

TYPES = {"float32": 1, "float64": 2, "float16": 19, "bool": 10}
TYPES.update({"int32": 3, "uint8": 4, "int16": 5, "int8": 6, "int64": 9})
MAGIC = 0xDB4775248B80FB57
PLAIN, SNAPPY = 0, 1


def varint(value):
    """Return a number of variable length."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(number, value):
    """Return a field of a message: a whole number, or bytes."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def masked(data):
    """Return a checksum as LevelDB stores it."""
    found = crc32c(data)
    return (((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def header(shards=1, **others):
    """Return the header; others: bytes_order, needed (version)."""
    version = field(1, 1) + (field(2, others["needed"]) if "needed" in others else b"")
    order = field(2, others["order"]) if "order" in others else b""
    return field(1, shards) + order + field(3, version)


def entry(array, place, **lies):
    """Return the entry of a tensor; lies: kind, shape, shard, offset, size, checksum, slices."""
    said = {"kind": TYPES[array.dtype.name], "shape": array.shape, "shard": 0, "offset": place, "size": array.nbytes}
    said.update(lies)
    shape = b"".join(field(2, field(1, side)) for side in said["shape"])
    checksum = said.get("checksum", masked(array.tobytes()))
    found = field(1, said["kind"]) + field(2, shape) + field(3, said["shard"]) + field(4, said["offset"])
    found += field(5, said["size"]) + varint(6 << 3 | 5) + checksum
    return found + (field(7, b"") if "slices" in said else b"")


def table(entries, way=PLAIN, per_block=3):
    """Return a sorted table of keys and values; way: how its blocks are compressed."""
    raw, handles = b"", []
    for begin in range(0, len(entries), per_block):
        some = entries[begin : begin + per_block]
        handles.append((some[-1][0], varint(len(raw)) + varint(len(_packed(_block(some), way)))))
        raw += _trailed(_packed(_block(some), way), way)
    places = []
    for block in (_block([]), _block(handles)):
        places.append(varint(len(raw)) + varint(len(block)))
        raw += _trailed(block, PLAIN)
    return raw + b"".join(places).ljust(40, b"\0") + MAGIC.to_bytes(8, "little")


def bundle(folder, arrays, name="model.ckpt", way=PLAIN, lies=None):
    """Write a checkpoint of one shard and return its parts; lies: for `entry`, by name of the tensor."""
    raw, entries = b"", [(b"", header())]
    for tensor, array in sorted(arrays.items()):
        entries.append((tensor.encode(), entry(array, len(raw), **(lies or {}).get(tensor, {}))))
        raw += array.tobytes()
    parts = {"index": table(entries, way), "data-00000-of-00001": raw}
    paths = {part: folder / f"{name}.{part}" for part in parts}
    for part, path in paths.items():
        path.write_bytes(parts[part])
    return {part: str(path) for part, path in paths.items()}


def sample(rng=None):
    """Return arrays of every type."""
    rng = rng or np.random.default_rng(3)
    return {f"g/{kind}": rng.integers(0, 2, (2, 3)).astype(kind) for kind in TYPES} | {"count": np.array(7)}


def _block(entries):
    """Return a block whose keys say how much of the one before they begin with."""
    raw, before = b"", b""
    for key, value in entries:
        shared = next((n for n in range(min(len(key), len(before))) if key[n] != before[n]), min(len(key), len(before)))
        raw += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return raw + bytes(4) + (1).to_bytes(4, "little")


def _packed(block, way):
    """Return a block in Snappy's form: literals, and for every run of one byte a copy."""
    if way == PLAIN:
        return block
    raw, place = varint(len(block)), 0
    while place < len(block):
        run = 1
        while run < 60 and place + run < len(block) and block[place + run] == block[place]:
            run += 1
        raw += b"\0" + block[place : place + 1]
        if run > 1:
            raw += bytes([(run - 2) << 2 | 2]) + (1).to_bytes(2, "little")
        place += run
    return raw


def _trailed(block, way):
    kind = bytes([way])
    return block + kind + masked(block + kind)
