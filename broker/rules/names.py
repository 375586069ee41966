"""Public ids: what people and programs see instead of row numbers.

A row number is enciphered by a Feistel network over 60 bits, keyed by the installation's secret: the id takes no
column and no index, cannot be counted through, and does not tell a gold HIT by its neighbours.
"""

import hashlib

from broker.errors import NotFound

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH, HALF, ROUNDS = 12, 30, 4
MASK = (1 << HALF) - 1


class Names:
    """Public ids of one sort of row, such as H… for HITs; they match ^[A-Z0-9]{1,64}$."""

    def __init__(self, secret: bytes, prefix: str) -> None:
        self._prefix = prefix
        self._keys = [hashlib.blake2b(f"{prefix}{n}".encode(), key=secret[:64]).digest() for n in range(ROUNDS)]

    def _mix(self, turn: int, half: int) -> int:
        digest = hashlib.blake2b(half.to_bytes(4, "big"), key=self._keys[turn], digest_size=4).digest()
        return int.from_bytes(digest, "big") & MASK

    def show(self, number: int) -> str:
        """The public id of a row number."""
        left, right = number >> HALF, number & MASK
        for turn in range(ROUNDS):
            left, right = right, left ^ self._mix(turn, right)
        mixed = left << HALF | right
        return self._prefix + "".join(ALPHABET[mixed >> shift & 31] for shift in range(55, -1, -5))

    def read(self, name: str) -> int:
        """The row number of a public id. Raises NotFound for what is none."""
        body = name.removeprefix(self._prefix)
        if len(body) != LENGTH or body == name or any(letter not in ALPHABET for letter in body):
            raise NotFound(f"{name[:70]!r} does not exist")
        mixed = 0
        for letter in body:
            mixed = mixed << 5 | ALPHABET.index(letter)
        left, right = mixed >> HALF, mixed & MASK
        for turn in reversed(range(ROUNDS)):
            left, right = right ^ self._mix(turn, left), left
        return left << HALF | right
