"""Kinds whose answers fall apart into labelled places: Dawid-Skene judges each place."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeVar

from broker.annotation.kind import Kind

A = TypeVar("A")


class Cells(Kind[A]):
    """A kind whose every answer is a label (one of `options`) at each of the same places."""

    @abstractmethod
    def options(self) -> tuple[str, ...]:
        """The labels a place can have, in the order their ties are broken."""

    @abstractmethod
    def places(self) -> Sequence[str]:
        """The places that every answer labels."""

    @abstractmethod
    def split(self, answer: A) -> Mapping[str, str]:
        """The label at each place."""

    @abstractmethod
    def join(self, labels: Mapping[str, str]) -> A:
        """The answer with these labels at its places; join(split(a)) == a."""
