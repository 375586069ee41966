"""Public ids: what people and programs see instead of row numbers.

A row number is enciphered by a Feistel network over 60 bits, keyed by the installation's secret: the id takes no
column and no index, cannot be counted through, and does not tell a gold HIT by its neighbours.
"""

import hashlib
from typing import cast

from broker.errors import NotFound

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH, HALF, ROUNDS = 12, 30, 4
REMEMBERED = 50_000
MASK, LOW = (1 << HALF) - 1, (1 << 15) - 1


CHUNKS = [a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET]
"""15 bits as three letters."""
VALUES = {letters: value for value, letters in enumerate(CHUNKS)}


class Names:
    """Public ids of one sort of row, such as H… for HITs; they match ^[A-Z0-9]{1,64}$."""

    def __init__(self, secret: bytes, prefix: str) -> None:
        self._prefix = prefix
        keys = (hashlib.blake2b(f"{prefix}{n}".encode(), key=secret[:64]).digest() for n in range(ROUNDS))
        # A hash that has taken in its key is copied for each number: half the work of keying it anew.
        self._rounds = [hashlib.blake2b(key=key, digest_size=4) for key in keys]
        # What is shown is soon read, and HITs are shown to several workers.
        self._shown: dict[int, str] = {}
        self._read: dict[str, int] = {}

    def _mix(self, turn: int, half: int) -> int:
        keyed = self._rounds[turn].copy()
        keyed.update(half.to_bytes(4, "big"))
        return int.from_bytes(keyed.digest(), "big") & MASK

    def show(self, number: int) -> str:
        """The public id of a row number."""
        return self._shown.get(number) or self._remember(number, self._enciphered(number))

    def _remember(self, number: int, name: str) -> str:
        if len(self._shown) >= REMEMBERED:
            # Anew, not replaced one by one: threads may be reading.
            self._shown, self._read = {}, {}
        self._shown[number], self._read[name] = name, number
        return name

    def _enciphered(self, number: int) -> str:
        left, right = number >> HALF, number & MASK
        for turn in range(ROUNDS):
            left, right = right, left ^ self._mix(turn, right)
        return f"{self._prefix}{CHUNKS[left >> 15]}{CHUNKS[left & LOW]}{CHUNKS[right >> 15]}{CHUNKS[right & LOW]}"

    def read(self, name: str) -> int:
        """The row number of a public id. Raises NotFound for what is none."""
        known = self._read.get(name)
        return self._deciphered(name) if known is None else known

    def _deciphered(self, name: str) -> int:
        body = name.removeprefix(self._prefix)
        chunks = [VALUES.get(body[place : place + 3]) for place in range(0, LENGTH, 3)]
        if len(body) != LENGTH or body == name or None in chunks:
            raise NotFound(f"{name[:70]!r} does not exist")
        first, second, third, fourth = cast("list[int]", chunks)
        left, right = first << 15 | second, third << 15 | fourth
        for turn in reversed(range(ROUNDS)):
            left, right = right ^ self._mix(turn, left), left
        return left << HALF | right
