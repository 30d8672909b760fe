"""Bytes to an XML tree, without trust: no DTD, no entities, no network, bounded size and depth."""

import re
from datetime import date
from decimal import Decimal

from lxml import etree

from . import limits
from .findings import refuse

_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


def parse(content: bytes) -> etree._Element:
    """Give the root element of a UTF-8 file; anything else is refused with an `XML-` rule."""
    if len(content) > limits.BYTES_OF_FILE:
        raise refuse(
            "XML-SIZE",
            "file",
            f"{len(content)} bytes",
            f"at most {limits.BYTES_OF_FILE}",
            "send attachments apart from the invoice",
        )
    _require_utf8(content)
    # Refused before parsing: nothing of a DTD is ever looked at.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise refuse(
            "XML-DTD", "file", "a document type declaration", "none", "remove it: it is never read"
        )
    try:
        root = etree.fromstring(content, _parser())
    except etree.XMLSyntaxError as error:
        raise refuse(
            "XML-SYNTAX",
            f"line {error.lineno}",
            error.msg,
            "well-formed XML",
            "send the file again as your program wrote it",
        ) from None
    _require_bounded(root)
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _require_utf8(content: bytes) -> None:
    declared = _DECLARED_ENCODING.match(content.removeprefix(b"\xef\xbb\xbf").lstrip())
    name = declared.group(1).decode().upper() if declared else "UTF-8"
    if name not in ("UTF-8", "US-ASCII", "ASCII"):
        raise refuse("XML-ENCODING", "file", name, "UTF-8", "save the file as UTF-8")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise refuse(
            "XML-ENCODING", f"byte {error.start}", error.reason, "UTF-8", "save the file as UTF-8"
        ) from None


def _require_bounded(root: etree._Element) -> None:
    depth = deepest = elements = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
        elements += event == "start"
    for rule, found, bound in (
        ("XML-DEPTH", deepest, limits.DEPTH_OF_XML),
        ("XML-ELEMENTS", elements, limits.ELEMENTS_OF_XML),
    ):
        if found > bound:
            raise refuse(rule, "file", found, f"at most {bound}", "split the invoice")


class Node:
    """An element with the lookups that invoices need; a missing element answers with None."""

    def __init__(self, element: etree._Element, namespaces: dict[str, str], path: str) -> None:
        self._element = element
        self._namespaces = namespaces
        self.path = path

    def all(self, path: str) -> "list[Node]":
        """All elements at a path such as `cac:Party/cbc:ID`."""
        found = self._element.findall(path, self._namespaces)
        return [Node(element, self._namespaces, f"{self.path}/{path}") for element in found]

    def one(self, path: str) -> "Node | None":
        """The element at `path`, or None; a second one is refused, for it could contradict."""
        found = self.all(path)
        if len(found) > 1:
            raise refuse(
                "XML-REPEATED", found[0].path, f"{len(found)} times", "once", "keep the right one"
            )
        return found[0] if found else None

    def has(self, path: str) -> bool:
        """Say whether anything stands at `path`."""
        return self._element.find(path, self._namespaces) is not None

    def attribute(self, name: str) -> str:
        """The attribute, empty where it is absent."""
        return (self._element.get(name) or "").strip()

    @property
    def value(self) -> str:
        """The text with white space collapsed, empty where there is none."""
        value = " ".join((self._element.text or "").split())
        if len(value) > limits.CHARACTERS_OF_VALUE:
            raise refuse(
                "XML-VALUE",
                self.path,
                f"{len(value)} characters",
                f"at most {limits.CHARACTERS_OF_VALUE}",
                "shorten it",
            )
        return value

    def text(self, path: str) -> str:
        """The text of the one element at `path`, empty where there is none."""
        node = self.one(path)
        return node.value if node else ""

    def number(self, path: str) -> Decimal | None:
        """The exact decimal at `path`, or None."""
        node = self.one(path)
        return node.decimal if node else None

    @property
    def decimal(self) -> Decimal:
        """This element's exact decimal; exponents, NaN and huge numbers are refused."""
        digits = self.value.lstrip("+-").replace(".", "")
        decimals = len(self.value.partition(".")[2])
        if (
            not _DECIMAL.fullmatch(self.value)
            or len(digits) > limits.DIGITS_OF_AMOUNT + limits.DECIMALS_OF_QUANTITY
            or decimals > limits.DECIMALS_OF_QUANTITY
        ):
            raise refuse(
                "XML-NUMBER",
                self.path,
                repr(self.value[:40]),
                "a decimal number such as 1200.50",
                "write digits and one point",
            )
        return Decimal(self.value)

    def date(self, path: str) -> date | None:
        """The date at `path` (ISO 8601, or CII's format 102), or None."""
        node = self.one(path)
        if node is None:
            return None
        match = _DATE.fullmatch(node.value)
        try:
            year, month, day = map(int, match.groups()) if match else (0, 0, 0)
            return date(year, month, day)
        except ValueError:
            raise refuse(
                "XML-DATE", node.path, repr(node.value[:40]), "a date such as 2026-03-31", "mend it"
            ) from None
