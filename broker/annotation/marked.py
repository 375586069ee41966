"""Kinds whose answer is a set of labelled marks on an image: matched one to one, aggregated mark by mark."""

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from broker.annotation import reading
from broker.annotation.drawn import Drawn, Size, content, entries, size_in, sized, weights
from broker.annotation.kind import Json, Verdict, Vote
from broker.truth.clusters import Gathering
from broker.truth.matching import pairs

P = TypeVar("P")
ALMOST = 1 - 1e-9
OTHER_LABEL = 0.75
"""How much less alike two marks of different labels are, where both may mean one thing."""


class Mark(NamedTuple, Generic[P]):
    """A label and where it is: what `place` holds is the room's."""

    label: str
    place: P


@dataclass(frozen=True)
class Marks(Generic[P]):
    """The marks of one answer, in order and each once; the image's width and height, where the answer says them."""

    marks: tuple[Mark[P], ...]
    size: Size | None = field(default=None, compare=False)


class Marked(Drawn[Marks[P]]):
    """A kind of marks: a room says how one is read and written, how alike two are, and what several make together."""

    key: ClassVar[str]
    """Where the marks stand in the answer."""
    near: ClassVar[float] = 0.4
    """How alike two people's marks must be to mean the same thing."""
    renamed: ClassVar[bool] = True
    """Whether two marks of different labels may mean the same thing."""

    @abstractmethod
    def place(self, raw: Mapping[str, Any], name: str, size: Size | None) -> P:
        """Where a mark is, from its JSON. Raises Invalid."""

    @abstractmethod
    def written(self, mark: Mark[P]) -> dict[str, Any]:
        """A mark's JSON as the element documents it."""

    @abstractmethod
    def alike(self, one: P, other: P, size: Size) -> float:
        """How alike two places are: 1 for the same .. 0."""

    @abstractmethod
    def merged(self, places: Sequence[P], weights: Sequence[float], size: Size) -> P:
        """The place that places of the given weights make together."""

    @abstractmethod
    def corner(self, place: P) -> tuple[int, int]:
        """The largest x and y of a place."""

    def parse(self, raw: Any, item: Json) -> Marks[P]:  # noqa: ARG002 - the answer says the size of its image
        """A worker's marks. Raises Invalid."""
        given = content(raw)
        size = size_in(given)
        found = {self._mark(one, f"{self.key}[{at}]", size) for at, one in enumerate(entries(given, self.key, 10_000))}
        self.counted(len(found))
        return self.tidy(found, size)

    def dump(self, answer: Marks[P]) -> dict[str, Any]:
        """The JSON of the crowd element."""
        return sized({self.key: [self.written(mark) for mark in answer.marks]}, answer.size)

    def brief(self, answer: Marks[P]) -> str:
        """How many marks of each label: "2 car, 1 van"."""
        counts = Counter(mark.label for mark in answer.marks)
        return ", ".join(f"{counts[label]} {label}" for label in self.names if label in counts) or "nothing"

    def tidy(self, marks: Iterable[Mark[P]], size: Size | None) -> Marks[P]:
        """The answer of these marks, in the order of the labels."""
        return Marks(tuple(sorted(set(marks), key=lambda mark: (self.names.index(mark.label), mark.place))), size)

    def likeness(self, one: Marks[P], other: Marks[P]) -> float:
        """Twice the sum of the likeness of matched marks over the number of all marks; only like labels match.

        With a likeness of 0 or 1 this is the F1 of one answer against the other.
        """
        if one == other:
            return 1.0
        if not one.marks or not other.marks:
            return 0.0
        # Always in the same order, so that ties in the matching fall the same way.
        first, second = sorted((one, other), key=lambda answer: answer.marks)
        size = self.extent((one, other))
        table = [[self._same(mark, mate, size) for mate in second.marks] for mark in first.marks]
        shared = math.fsum(table[row][column] for row, column in pairs(table))
        return min(2 * shared / (len(one.marks) + len(other.marks)), ALMOST)

    def aggregate(self, votes: Sequence[Vote[Marks[P]]]) -> Verdict[Marks[P]]:
        """The things that votes mean, as many of the most supported ones as make the answer most like all votes."""
        heavy = weights(votes)
        answers = [vote.answer for vote in votes]
        given = dict.fromkeys(answers)
        levels = list(given) if len(given) == 1 else self._levels(answers, heavy)
        scored = [(self._liked(level, answers, heavy), level) for level in levels]
        liked, answer = max(scored, key=lambda pair: pair[0])
        return Verdict(answer, min(liked, 1.0))

    def extent(self, answers: Sequence[Marks[P]]) -> Size:
        """The size of the image; where no answer says it, what the marks span."""
        known = [answer.size for answer in answers if answer.size]
        corners = known or [self.corner(mark.place) for answer in answers for mark in answer.marks] or [(1, 1)]
        return max(1, *(x for x, _ in corners)), max(1, *(y for _, y in corners))

    def _levels(self, answers: Sequence[Marks[P]], heavy: Sequence[float]) -> list[Marks[P]]:
        """The answers that may be the consensus, the ones of more marks first: they win ties, as people miss things
        more often than they make them up.
        """
        size = self.extent(answers)
        corners = [self.corner(mark.place) for answer in answers for mark in answer.marks]
        fits = all(x <= size[0] and y <= size[1] for x, y in corners)
        known = size if fits and any(answer.size for answer in answers) else None
        gathering = Gathering(
            lambda one, other: self._near(one, other, size), lambda marks, heavy: self._merged(marks, heavy, size)
        )
        ranked = sorted(
            gathering.clusters([answer.marks for answer in answers], heavy), key=lambda one: -one.support(heavy)
        )
        supports = [round(cluster.support(heavy), 9) for cluster in ranked]
        ends = [at + 1 for at in range(len(ranked)) if at + 1 == len(ranked) or supports[at + 1] < supports[at]]
        counts = [min(count, self.settings.most) for count in reversed(ends) if count >= self.settings.least]
        if self.settings.least == 0:
            counts.append(0)
        elif not counts:
            counts = [len(ranked)]
        return [self.tidy((cluster.center for cluster in ranked[:count]), known) for count in dict.fromkeys(counts)]

    def _liked(self, level: Marks[P], answers: Sequence[Marks[P]], heavy: Sequence[float]) -> float:
        """The weighted mean likeness to all answers, rounded so that ties are ties."""
        likes = (weight * self.likeness(level, answer) for weight, answer in zip(heavy, answers, strict=True))
        return round(math.fsum(likes) / math.fsum(heavy), 9)

    def _merged(self, marks: Sequence[Mark[P]], heavy: Sequence[float], size: Size) -> Mark[P]:
        shares = {
            label: math.fsum(w for m, w in zip(marks, heavy, strict=True) if m.label == label) for label in self.names
        }
        label = max(self.names, key=lambda name: round(shares[name], 9))
        places = [mark.place for mark in marks]
        same = {place: math.fsum(w for p, w in zip(places, heavy, strict=True) if p == place) for place in places}
        place, most = max(same.items(), key=lambda pair: pair[1])
        return Mark(label, place if most > math.fsum(heavy) / 2 else self.merged(places, heavy, size))

    def _same(self, one: Mark[P], other: Mark[P], size: Size) -> float:
        return self.alike(one.place, other.place, size) if one.label == other.label else 0.0

    def _near(self, one: Mark[P], other: Mark[P], size: Size) -> float:
        if one.label != other.label and not self.renamed:
            return 0.0
        alike = self.alike(one.place, other.place, size)
        return 0.0 if alike < self.near else alike if one.label == other.label else alike * OTHER_LABEL

    def _mark(self, raw: Any, name: str, size: Size | None) -> Mark[P]:
        given = reading.record(raw, name)
        return Mark(self.label(given.get("label"), f"{name}.label"), self.place(given, name, size))
