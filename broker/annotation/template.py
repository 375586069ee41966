"""Liquid templates of requesters, whom nobody trusts: escaped output, and an end to size, loops, nesting and time.

The filters are those that SageMaker Ground Truth documents for custom templates: to_json, grant_read_access,
skip_autoescape; templates written for it run unchanged.
"""

import functools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LiquidError, LoopIterationLimitError, OutputStreamLimitError
from liquid.filter import with_context
from liquid.output import LimitedStringIO
from markupsafe import Markup

from broker.errors import Invalid, Problem

LONGEST = 200_000
"""Characters of a template."""
SECONDS = 2.0
"""How long rendering a page may take."""
LARGEST = 2_000_000
"""Bytes of a rendered page, and the most that one filter may make."""
REMEMBERED = 64
GRANT = " grant"
"""Where a render keeps the function behind grant_read_access; no template can write a name with a space."""
Grant = Callable[[str], str]


class OutOfTime(OutputStreamLimitError):
    """Rendering took too long."""


class Json(str):
    """JSON that is shown as it is, in a script or within single quotes, and that `escape` still escapes."""

    __slots__ = ()

    def __html__(self) -> str:
        return str.__str__(self)


class _Buffer(LimitedStringIO):
    """What is rendered; a write after the deadline fails."""

    def __init__(self, limit: int, deadline: float) -> None:
        super().__init__(limit=limit)
        self.deadline = deadline

    def write(self, text: str) -> int:
        _check(self.deadline)
        return super().write(text)


class _Context(RenderContext):
    """A render with a deadline, which every name looked up and everything written watches."""

    __slots__ = ("deadline",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.deadline = time.monotonic() + SECONDS

    def get(self, *arguments: Any, **options: Any) -> Any:
        _check(self.deadline)
        return super().get(*arguments, **options)

    def get_buffer(self, buf: Any = None) -> LimitedStringIO:
        return _Buffer(LARGEST - getattr(buf, "size", 0), self.deadline)


class _Template(BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> LimitedStringIO:
        return _Buffer(LARGEST, time.monotonic() + SECONDS)


class _Theirs(Environment):
    template_class = _Template
    context_depth_limit = 20
    block_nesting_limit = 30
    loop_iteration_limit = 20_000
    output_stream_limit = LARGEST
    local_namespace_limit = 1_000_000


def render(template: str, task_input: Mapping[str, Any], grant: Grant) -> str:
    """The page of one item; `grant` gives a place of storage an address that browsers can read.

    Raises Invalid for a template that is none, or whose rendering exceeds a limit.
    """
    try:
        return str(_parsed(template).render(**{"task": {"input": task_input}, GRANT: grant}))
    except LiquidError as error:
        raise _invalid(error) from None
    except (RecursionError, MemoryError, OverflowError, ValueError, ArithmeticError) as error:
        raise _complaint(f"the page could not be made: {type(error).__name__}") from None


def check(template: str) -> None:
    """Raises Invalid for a template that is too long or no Liquid, naming the line."""
    if len(template) > LONGEST:
        raise _complaint(f"{len(template):,} characters are more than {LONGEST:,}")
    try:
        _parsed(template)
    except LiquidError as error:
        raise _invalid(error) from None
    except RecursionError:
        raise _complaint("too deeply nested") from None


@functools.lru_cache(REMEMBERED)
def _parsed(template: str) -> BoundTemplate:
    return _environment().from_string(template)


@functools.cache
def _environment() -> Environment:
    theirs = _Theirs(autoescape=True)
    theirs.add_filter("to_json", _to_json)
    theirs.add_filter("skip_autoescape", lambda value: Markup(_text(value)))  # noqa: S704 - asked for by name
    theirs.add_filter("grant_read_access", _grant_read_access)
    sizes: dict[str, Callable[..., int]] = {"replace": _replaced, "join": _joined}
    for name, act in list(theirs.filters.items()):
        theirs.add_filter(name, _bounded(act, sizes.get(name)))
    return theirs


def _bounded(act: Callable[..., Any], size: Callable[..., int] | None) -> Callable[..., Any]:
    """The filter, which neither walks an endless range nor makes more than a page may hold."""

    @functools.wraps(act)  # with the marks by which Liquid knows what the filter wants to be given
    def bounded(*given: Any, **options: Any) -> Any:
        if any(isinstance(one, range) and len(one) > _Theirs.loop_iteration_limit for one in given):
            raise LoopIterationLimitError("loop iteration limit reached", token=None)
        if size is not None and size(*given) > LARGEST:
            raise OutputStreamLimitError(f"a filter may make at most {LARGEST:,} characters", token=None)
        return act(*given, **options)

    return bounded


def _replaced(value: Any = "", old: Any = "", new: Any = "", *_: Any) -> int:
    text = _text(value)
    return len(text) + text.count(_text(old)) * len(_text(new))


def _joined(value: Any = "", glue: Any = " ", *_: Any) -> int:
    return len(value) * len(_text(glue)) if isinstance(value, list | tuple | range) else 0


def _to_json(value: Any) -> Json:
    text = json.dumps(value, ensure_ascii=False, default=str)
    for sign in "<>&'\u2028\u2029":  # so that data ends neither a script nor an attribute in single quotes
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Json(text)


@with_context
def _grant_read_access(value: Any, *, context: RenderContext) -> str:
    grant: Grant = context.globals[GRANT]  # type: ignore[assignment]
    return grant(_text(value))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise OutOfTime(f"rendering takes longer than {SECONDS:g} seconds", token=None)


def _invalid(error: LiquidError) -> Invalid:
    context = error.context()
    place = f"line {context[0]}: " if context else ""
    return _complaint(f"{place}{error.message}")


def _complaint(text: str) -> Invalid:
    problem = Problem(text, column="template")
    return Invalid(f"template: {text}", problems=[problem])
