"""CRC-32C (Castagnoli), by which TensorFlow's files tell damage."""

from typing import List, Union

import numpy as np

_POLYNOMIAL = 0x82F63B78
_ALL_ONES = 0xFFFFFFFF
_LANES = 4096
_SHORTEST_LANE = 64
"""Bytes below which it is quicker to take one after the other."""


def crc32c(data: Union[bytes, memoryview]) -> int:
    """Return the checksum of bytes.

    Long data is taken as lanes side by side, whose states are joined afterwards: the state after some bytes is the
    state before them, moved on by as many zeros, plus what the bytes alone give.
    """
    raw = np.frombuffer(data, np.uint8)
    width = raw.size // _LANES
    if width < _SHORTEST_LANE:
        return _moved_on(_ALL_ONES, raw) ^ _ALL_ONES
    lanes = raw[: width * _LANES].reshape(_LANES, width)
    states = np.zeros(_LANES, np.uint32)
    states[0] = _ALL_ONES
    for column in np.ascontiguousarray(lanes.T):
        states = _TABLE[(states ^ column) & 0xFF] ^ (states >> np.uint32(8))
    state = 0
    zeros = _tables_of_zeros(width)
    for lane in states.tolist():
        moved = zeros[0][state & 255] ^ zeros[1][state >> 8 & 255] ^ zeros[2][state >> 16 & 255] ^ zeros[3][state >> 24]
        state = moved ^ lane
    return _moved_on(state, raw[width * _LANES :]) ^ _ALL_ONES


def unmasked(stored: int) -> int:
    """Return the checksum that a file stores in LevelDB's way, which keeps checksums of checksums apart."""
    rotated = (stored - 0xA282EAD8) & _ALL_ONES
    return (rotated >> 17 | rotated << 15) & _ALL_ONES


def _table() -> np.ndarray:
    found = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        found = np.where(found & 1, found >> 1 ^ np.uint32(_POLYNOMIAL), found >> 1).astype(np.uint32)
    return found


def _moved_on(state: int, raw: np.ndarray) -> int:
    for byte in raw.tolist():
        state = _NUMBERS[(state ^ byte) & 255] ^ state >> 8
    return state


def _tables_of_zeros(count: int) -> List[List[int]]:
    """Return, for each byte of a state, what it becomes after so many zeros."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for _ in range(count):
        bits = _TABLE[bits & 0xFF] ^ (bits >> np.uint32(8))
    values = np.arange(256, dtype=np.uint32)
    tables = []
    for place in range(0, 32, 8):
        found = np.zeros(256, np.uint32)
        for bit in range(8):
            found ^= (values >> np.uint32(bit) & 1) * bits[place + bit]
        tables.append(found.tolist())
    return tables


_TABLE = _table()
_NUMBERS: List[int] = _TABLE.tolist()
