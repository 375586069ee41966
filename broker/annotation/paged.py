"""Kinds whose HIT is a page that others wrote: it is shown in a frame that can reach nothing else."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, TypeVar

from broker.annotation.kind import Json, Kind

A = TypeVar("A")


@dataclass(frozen=True)
class Source:
    """What a frame shows: a site at `url`, or `content` in HTML, Liquid over `task.input`, or QuestionForm XML.

    `height` is the frame's in pixels; 0 lets it be as high as its content, or for a site as high as the window.
    """

    sort: Literal["external", "html", "form", "liquid"]
    url: str = ""
    content: str = ""
    height: int = 0


class Paged(Kind[A]):
    """A kind with pages of others. Its `task_input` has `media` "page" and holds nothing of the item."""

    @abstractmethod
    def source(self, item: Json) -> Source:
        """The page of an item. Raises Invalid if there is none."""
