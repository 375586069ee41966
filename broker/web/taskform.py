"""The step "task" of the wizard as a form: made of each kind's controls, typed, turned into settings and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from broker.annotation.kind import Control, Kind, Offer
from broker.errors import Invalid
from broker.kinds import registry
from broker.services.prepare import Task
from broker.store.jobs import Job

MOST_LABELS, FEWEST_LABEL_ROWS = 100, 2
MOST_LINES = 1000
FILES = {"image": "_image", "audio": "_audio", "video": "_video"}
"""The column that an import writes for each row's file, by what the file is."""
GROUPS = (
    ("image", "Images"),
    ("text", "Texts"),
    ("audio", "Sounds"),
    ("video", "Films"),
    ("", "More"),
)


@dataclass(frozen=True)
class Label:
    """One label as it was typed; examples a line each."""

    name: str = ""
    definition: str = ""
    examples: str = ""

    @property
    def typed(self) -> bool:
        """Whether anything was typed."""
        return bool(self.name.strip() or self.definition.strip() or self.examples.strip())

    def setting(self) -> dict[str, Any]:
        """The label as kinds' settings have it."""
        lines = [line.strip() for line in self.examples.splitlines() if line.strip()]
        return {"name": self.name.strip(), "definition": self.definition.strip(), "examples": lines}


@dataclass(frozen=True)
class Asked:
    """A control with what stands in it: a text, a truth for "yes", a list of Label for "labels"."""

    control: Control
    value: Any

    @property
    def prefix(self) -> str:
        """What the fields of its labels are named by: labels have a label_name."""
        return prefix(self.control)

    @property
    def shown(self) -> str:
        """The value in words, for the summary."""
        if self.control.sort == "labels":
            return ", ".join(one.name for one in self.value)
        if self.control.sort == "yes":
            return "yes" if self.value else "no"
        if self.control.sort == "choice":
            return dict(self.control.choices).get(str(self.value), str(self.value))
        return str(self.value)


@dataclass(frozen=True)
class TaskForm:
    """The step "task" as it was typed; `files` says of which medium the files are that a column of the data names."""

    title: str
    description: str
    guide: str
    offer: str
    asked: Sequence[Asked]
    files: Mapping[str, str]

    def task(self) -> Task:
        """What it asks for. Raises Invalid for a kind that is none."""
        kind, offer = registry.offer(self.offer) if self.offer else ("", None)
        settings = dict(offer.settings) if offer else {}
        for one in self.asked:
            settings |= self._setting(one, settings.get("media", ""))
        return Task(self.title, self.description, self.guide, kind, settings)

    def _setting(self, one: Asked, medium: str) -> dict[str, Any]:
        name, sort, value = one.control.name, one.control.sort, one.value
        if sort == "labels":
            return {name: [label.setting() for label in value if label.typed]}
        if sort == "lines":
            return {name: [line.strip() for line in value.splitlines() if line.strip()][:MOST_LINES]}
        if sort == "number":
            # An empty field leaves the kind's own default; what is no number is told by the kind.
            return {name: number(value)} if value.strip() else {}
        if sort == "column" and name == "field" and medium in FILES:
            return {name: value if self.files.get(value) == medium else FILES[medium]}
        return {name: value.strip() if isinstance(value, str) and sort != "long" else value}

    def labels(self, name: str) -> list[Label]:
        """The labels under this control, to be changed in place; none for a name that is none."""
        found = next((one.value for one in self.asked if one.control.name == name), None)
        return found if isinstance(found, list) else []


def number(text: str) -> Any:
    """The text as a number if it is one."""
    for sort in (int, float):
        try:
            return sort(text)
        except ValueError:
            continue
    return text.strip()


def prefix(control: Control) -> str:
    """What the fields of a control's labels are named by."""
    return control.name.removesuffix("s")


def controls(offer: str) -> Sequence[Control]:
    """What is asked for once this offer is chosen, in the order of the kind."""
    for kind, one in registry.offers():
        if one.name == offer:
            return [control for control in registry.ROOMS[kind].controls if control.name not in one.settings]
    return Kind.controls


def typed(files: Mapping[str, str]) -> TaskForm:
    """The form as it was sent."""
    form = request.form
    offer = form.get("offer", "")
    return TaskForm(
        form.get("title", ""),
        form.get("description", ""),
        form.get("guide", ""),
        offer,
        [Asked(control, _typed(control)) for control in controls(offer)],
        files,
    )


def _typed(control: Control) -> Any:
    if control.sort == "labels":
        return _typed_labels(prefix(control))
    if control.sort == "yes":
        return control.name in request.form
    # A control that the form did not have yet, because another kind was chosen, begins as the kind wishes.
    return request.form.get(control.name, _text(control, control.start))


def _typed_labels(name: str) -> list[Label]:
    form = request.form
    names, texts = form.getlist(f"{name}_name"), form.getlist(f"{name}_definition")
    examples = form.getlist(f"{name}_examples")
    return [
        Label(one, texts[at] if at < len(texts) else "", examples[at] if at < len(examples) else "")
        for at, one in enumerate(names[: MOST_LABELS + 1])
    ]


def kept(job: Job, files: Mapping[str, str]) -> TaskForm:
    """The form as the draft has it."""
    offer = chosen(job, files)
    asked = [Asked(control, _kept(control, job.settings)) for control in controls(offer)]
    return TaskForm(job.title, job.description, job.guide, offer, asked, files)


def _kept(control: Control, settings: Mapping[str, Any]) -> Any:
    value = settings.get(control.name, control.start)
    if control.sort == "labels":
        return [_label(one) for one in value or ()]
    return bool(value) if control.sort == "yes" else _text(control, value)


def _label(one: Mapping[str, Any]) -> Label:
    return Label(one.get("name", ""), one.get("definition", ""), "\n".join(one.get("examples", ())))


def _text(control: Control, value: Any) -> str:
    """A setting as it stands in a field."""
    if control.sort == "lines" and not isinstance(value, str):
        return "\n".join(map(str, value or ()))
    return "" if value is None else str(value)


def chosen(job: Job, files: Mapping[str, str]) -> str:
    """The offer that the draft's settings stand for; before any was chosen the one that suits the data."""
    room = registry.ROOMS.get(job.kind)
    # The most particular of those that fit: one that fixes nothing fits always.
    fitting = [one for one in room.offers if one.settings.items() <= job.settings.items()] if room else []
    if fitting:
        return max(fitting, key=lambda one: len(one.settings)).name
    if job.columns and not job.settings:
        there = [medium for medium, column in FILES.items() if column in job.columns or medium in files.values()]
        return next(one.name for _, one in registry.offers() if one.settings.get("media") == (there or ["text"])[0])
    return ""


def groups() -> list[tuple[str, list[Offer]]]:
    """All offers by what workers look at."""
    by_medium: dict[str, list[Offer]] = {medium: [] for medium, _ in GROUPS}
    for _, one in registry.offers():
        medium = str(one.settings.get("media", ""))
        by_medium[medium if medium in by_medium else ""].append(one)
    return [(title, by_medium[medium]) for medium, title in GROUPS if by_medium[medium]]


def files_in(payloads: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The columns of the data that name files, and what those are, as its first rows tell."""
    found: dict[str, str] = {}
    for payload in payloads:
        for column, one in payload.get("_media", {}).items():
            found.setdefault(column, str(one.get("medium", "")))
    return found


def of_offer(name: str) -> Offer | None:
    """The offer of this name, if there is one."""
    try:
        return registry.offer(name)[1]
    except Invalid:
        return None
