"""QuestionForm: MTurk's XML language of questions, read into data classes that check answers (asking.py).

The contract is AWS's page "QuestionForm" of the Requester API; FileUploadAnswer went in the schema of 2017-11-06.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError

import defusedxml
import defusedxml.ElementTree

from broker.annotation.asking import STYLES, Choice, Content, Form, FreeText, Media, Pattern, Question, Selection
from broker.errors import Invalid

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
UNREADABLE = (
    "There was an error parsing the XML question or answer data in your request.  Please make sure the data is "
    "well-formed and validates against the appropriate schema."
)
LONGEST = 1_000_000
WHITE = re.compile(r"\s+")


class BadXml(Invalid):
    """The XML is none, or not what its schema says; `code` is MTurk's name of the fault."""

    code = "AWS.MechanicalTurk.XMLParseError"


class BadXhtml(BadXml):
    """FormattedContent that is no well-formed XHTML."""

    code = "AWS.MechanicalTurk.XHTMLParseError"


def parse(xml: str | bytes) -> Element:
    """The root of XML that may be hostile: no document type, no entities, no network. Raises BadXml."""
    if len(xml) > LONGEST:
        raise BadXml(f"{UNREADABLE} (more than {LONGEST:,} characters)")
    try:
        root: Element = defusedxml.ElementTree.fromstring(xml.strip(), forbid_dtd=True)
    except (ParseError, defusedxml.DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise BadXml(f"{UNREADABLE} ({error})") from None
    return root


def read(xml: str) -> Form:
    """A QuestionForm. Raises BadXml, naming the element, and BadXhtml."""
    root = parse(xml)
    namespace, name = split_tag(root)
    if name != "QuestionForm" or not namespace.startswith(SCHEMAS):
        raise BadXml(f"{UNREADABLE} (the root is {name}, not QuestionForm of {SCHEMAS}…)")
    form = Form(tuple(_part(child) for child in root))
    names = [question.name for question in form.questions]
    for one in names:
        if names.count(one) > 1:
            raise BadXml(f"{UNREADABLE} (QuestionIdentifier {one!r} stands there twice)")
    if not names:
        raise BadXml(f"{UNREADABLE} (QuestionForm: no Question)")
    return form


def split_tag(element: Element) -> tuple[str, str]:
    """The namespace and the name of an element."""
    namespace, _, name = str(element.tag).rpartition("}")
    return namespace.removeprefix("{"), name


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return split_tag(element)[1]


def child(element: Element, name: str) -> Element | None:
    """The first child of this name, of any namespace."""
    return next((one for one in element if local(one) == name), None)


def words(element: Element | None) -> str:
    """The text of an element, "" without one."""
    return ("".join(element.itertext()) if element is not None else "").strip()


def _need(element: Element, name: str) -> Element:
    found = child(element, name)
    if found is None:
        raise BadXml(f"{UNREADABLE} ({local(element)}: {name} is missing)")
    return found


def _unknown(element: Element, where: str) -> BadXml:
    return BadXml(f"{UNREADABLE} ({where}: {local(element)} is not known)")


def _part(element: Element) -> tuple[Content, ...] | Question:
    if local(element) == "Overview":
        return _contents(element)
    if local(element) == "Question":
        return _question(element)
    raise _unknown(element, "QuestionForm")


def _question(element: Element) -> Question:
    name = words(_need(element, "QuestionIdentifier"))
    if not name:
        raise BadXml(f"{UNREADABLE} (QuestionIdentifier is empty)")
    shown = child(element, "QuestionContent")
    return Question(
        name=name,
        title=words(child(element, "DisplayName")),
        required=words(child(element, "IsRequired")).lower() in ("true", "1"),
        content=_contents(shown) if shown is not None else (),
        answer=_answer(_need(element, "AnswerSpecification")),
    )


def _contents(element: Element) -> tuple[Content, ...]:
    return tuple(_content(one) for one in element)


def _content(element: Element) -> Content:
    readers: dict[str, Callable[[Element], Content]] = {
        "Title": lambda one: Content("title", words(one)),
        "Text": lambda one: Content("text", words(one)),
        "List": lambda one: Content("list", entries=tuple(words(entry) for entry in one)),
        "FormattedContent": _formatted,
        "Binary": _binary,
        "EmbeddedBinary": _binary,
        "Application": _application,
    }
    if local(element) not in readers:
        raise _unknown(element, "content")
    return readers[local(element)](element)


def _formatted(element: Element) -> Content:
    text = words(element)
    try:
        defusedxml.ElementTree.fromstring(f"<div>{_named_entities(text)}</div>", forbid_dtd=True)
    except (ParseError, defusedxml.DefusedXmlException, ValueError) as error:
        raise BadXhtml(
            "There was an error parsing the XHTML data in your request.  Please make sure the data is well-formed and "
            f"validates against the appropriate schema. (FormattedContent: {error})"
        ) from None
    return Content("formatted", text)


def _named_entities(text: str) -> str:
    # XHTML's own entities, such as &nbsp;, are declared by its document type, which XML parsers do not load.
    return re.sub(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)[A-Za-z][A-Za-z0-9]*;", "&#160;", text)


def _binary(element: Element) -> Content:
    mime = child(element, "MimeType") if local(element) == "Binary" else child(element, "EmbeddedMimeType")
    sort = words(_need(mime, "Type")).lower() if mime is not None else ""
    return _medium(element, sort)


def _medium(element: Element, sort: str) -> Content:
    media: dict[str, Media] = {"image": "image", "audio": "audio", "video": "video"}
    return Content(
        media.get(sort, "link"),
        words(child(element, "AltText")),
        url=_address(words(_need(element, "DataURL"))),
        width=_pixels(element, "Width"),
        height=_pixels(element, "Height"),
    )


def _application(element: Element) -> Content:
    """Java applets and Flash, which no browser runs any more: their address as a link."""
    inner = next((one for one in element if local(one) in ("JavaApplet", "Flash")), None)
    if inner is None:
        raise BadXml(f"{UNREADABLE} (Application: JavaApplet or Flash is missing)")
    address = words(child(inner, "FlashMovieURL")) or words(child(inner, "AppletPath"))
    return Content("link", f"{local(inner)}: no browser runs it any more", url=_address(address))


def _address(url: str) -> str:
    if not re.match(r"https?://[^\s]+$", url):
        raise BadXml(f"{UNREADABLE} (DataURL {url[:100]!r} is no http address)")
    return url


def _pixels(element: Element, name: str) -> int | None:
    text = words(child(element, name))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def _answer(element: Element) -> FreeText | Selection:
    for one in element:
        if local(one) == "FreeTextAnswer":
            return _free_text(one)
        if local(one) == "SelectionAnswer":
            return _selection(one)
        if local(one) == "FileUploadAnswer":
            raise BadXml(f"{UNREADABLE} (FileUploadAnswer is no longer supported, as of schema 2017-11-06)")
    raise BadXml(f"{UNREADABLE} (AnswerSpecification: FreeTextAnswer or SelectionAnswer is missing)")


def _free_text(element: Element) -> FreeText:
    limits = child(element, "Constraints")
    rules = list(limits) if limits is not None else []
    number = next((one for one in rules if local(one) == "IsNumeric"), None)
    length = next((one for one in rules if local(one) == "Length"), None)
    return FreeText(
        numeric=number is not None,
        least=_decimal(number, "minValue"),
        most=_decimal(number, "maxValue"),
        shortest=_whole(length, "minLength") or 0,
        longest=_whole(length, "maxLength"),
        patterns=tuple(_pattern(one) for one in rules if local(one) == "AnswerFormatRegex"),
        default=words(child(element, "DefaultText")),
        lines=min(_count(element, "NumberOfLinesSuggestion", 1), 100),
    )


def _pattern(element: Element) -> Pattern:
    regex = element.get("regex", "")
    said = element.get("errorText") or f"must match {regex}"
    return Pattern(regex, said, element.get("flags", ""))


def _decimal(element: Element | None, name: str) -> Decimal | None:
    text = element.get(name) if element is not None else None
    if text is None:
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise BadXml(f"{UNREADABLE} ({name}: {text!r} is no number)")
    return number


def _whole(element: Element | None, name: str) -> int | None:
    text = element.get(name) if element is not None else None
    return _natural(text.strip(), name) if text is not None else None


def _natural(text: str, name: str) -> int:
    # A length such as 1e9999999 is a decimal, too, and takes minutes to write out.
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadXml(f"{UNREADABLE} ({name}: {text[:40]!r} is no whole number)")
    return int(text)


def _count(element: Element, name: str, default: int) -> int:
    text = words(child(element, name))
    return _natural(text, name) if text else default


def _selection(element: Element) -> Selection:
    listed = list(_need(element, "Selections"))
    choices = tuple(_choice(one) for one in listed if local(one) == "Selection")
    other = next((one for one in (*listed, *element) if local(one) == "OtherSelection"), None)
    style = WHITE.sub("", words(child(element, "StyleSuggestion"))).lower() or "radiobutton"
    if style not in STYLES:
        raise BadXml(f"{UNREADABLE} (StyleSuggestion: {style!r} is none of {', '.join(STYLES)})")
    if not choices:
        raise BadXml(f"{UNREADABLE} (Selections: no Selection)")
    _distinct(choices)
    least, most = _count(element, "MinSelectionCount", 1), _count(element, "MaxSelectionCount", 1)
    return Selection(choices, least, max(least, most), style, _other(other))


def _other(element: Element | None) -> FreeText | None:
    return _free_text(element) if element is not None else None


def _choice(element: Element) -> Choice:
    name = words(_need(element, "SelectionIdentifier"))
    for one in element:
        if local(one) in ("Text", "FormattedContent", "Binary"):
            return Choice(name, _content(one))
    raise BadXml(f"{UNREADABLE} (Selection {name!r}: Text, FormattedContent or Binary is missing)")


def _distinct(choices: Sequence[Choice]) -> None:
    names = [choice.name for choice in choices]
    for name in names:
        if names.count(name) > 1:
            raise BadXml(f"{UNREADABLE} (SelectionIdentifier {name!r} stands there twice)")
