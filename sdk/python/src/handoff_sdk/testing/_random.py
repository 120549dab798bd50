"""The host's random bytes, so that a recorded delivery gets the same ones.

ChaCha20 (RFC 8439 section 2.3, with the original 64-bit counter and nonce, both from zero) keyed with the delivery's seed.
Each request takes whole words of four bytes.
"""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF
_ROUNDS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
_DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


class Random:
    """A source of random bytes."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._position = 0

    def bytes(self, count: int) -> bytes:
        """The next bytes."""
        number, skip = self._position // 16, self._position % 16 * 4
        found = b""
        while len(found) < skip + count:
            found += _block(self._seed, number)
            number += 1
        self._position += -(-count // 4)
        return found[skip : skip + count]


def _block(seed: bytes, number: int) -> bytes:
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", seed)]
    start += [number & _MASK, number >> 32 & _MASK, 0, 0]
    state = start.copy()
    for _ in range(10):
        for four in (*_ROUNDS, *_DIAGONALS):
            _quarter(state, *four)
    return struct.pack("<16I", *((mixed + first) & _MASK for mixed, first in zip(state, start)))


def _quarter(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for to, add, turned, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[to] = (state[to] + state[add]) & _MASK
        mixed = state[turned] ^ state[to]
        state[turned] = (mixed << by | mixed >> 32 - by) & _MASK


def seed_of(seed: bytes, index: int) -> bytes:
    """The seed of a delivery of a case: the case's for the first, and another one for each later one."""
    (last,) = struct.unpack(">Q", seed[24:])
    return seed[:24] + struct.pack(">Q", last ^ index)
