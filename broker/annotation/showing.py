"""What workers are shown of an item: the text or file of one column."""

from broker.annotation.asked import Asked
from broker.annotation.kind import Json
from broker.errors import Invalid

WORDS_A_SECOND = 4
UNSPACED = 3
"""Signs to a word where no blanks part them, as in Chinese."""


def plain(text: str) -> str:
    """The text as a browser has it in an attribute, so that offsets count the same signs on both sides: line ends are
    one sign, and U+0000 is not allowed.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def column(item: Json, field: str, media: str) -> str:
    """What stands in a column. Raises Invalid if that is nothing, or neither a text nor a number."""
    value = item.get(field)
    if not isinstance(value, str | int | float) or not str(value).strip():
        raise Invalid(f"column {field!r} is empty or no {media}")
    return plain(str(value))


def shown(asked: Asked, item: Json) -> str:
    """What is asked about. Raises Invalid if the item lacks it."""
    return column(item, asked.field, asked.media)


def given(asked: Asked, item: Json) -> str | None:
    """The text that an answer's offsets count in; None where the item is not at hand."""
    return plain(str(item[asked.field])) if item and asked.field in item else None


def reading_time(text: object) -> float:
    """Seconds that reading a text takes."""
    written = str(text)
    return max(len(written.split()), len(written) / (UNSPACED * 5)) / WORDS_A_SECOND
