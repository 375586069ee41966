"""What the settings of most kinds have in common: what is shown, the question about it, the labels to give."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Media = Literal["image", "text", "audio", "video", "none"]


class Label(BaseModel):
    """One label with what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Short
    definition: str = Field("", max_length=2000)
    examples: tuple[Annotated[str, StringConstraints(max_length=500)], ...] = Field((), max_length=20)


class Asked(BaseModel):
    """A question about what stands in one column of the data; a room narrows `media` to what it can show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    media: Media
    field: Short
    question: Question


class Labelling(Asked):
    """A question that is answered with labels, whose names differ."""

    labels: tuple[Label, ...] = Field(min_length=1, max_length=100)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names in the order of the settings."""
        return tuple(label.name for label in self.labels)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(f"label {name!r} stands there twice")
        return self
