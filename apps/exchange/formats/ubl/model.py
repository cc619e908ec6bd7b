"""What the standard says about the structure of a document, as data, and what a document says against it.

Source: OASIS UBL 2.4 (contains 2.1 to 2.3), clause 3 and the library of common components.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _
from lxml import etree

from apps.exchange.formats.messages import Finding

CBC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
CAC: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
EXT: Final = "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
DOCUMENT: Final = "urn:oasis:names:specification:ubl:schema:xsd:%s-2"

_TERMS: Final = (
    ("BinaryObject", "binary"),
    ("Amount", "amount"),
    ("Code", "code"),
    ("Date", "date"),
    ("Time", "time"),
    ("ID", "identifier"),
    ("URI", "identifier"),
    ("Indicator", "indicator"),
    ("Measure", "measure"),
    ("Quantity", "quantity"),
    ("Numeric", "numeric"),
    ("Percent", "numeric"),
    ("Rate", "numeric"),
)
_ATTRIBUTES: Final = {
    "amount": "currencyID! currencyCodeListVersionID",
    "binary": "mimeCode! format encodingCode characterSetCode uri filename",
    "code": "listID listAgencyID listAgencyName listName listVersionID name languageID listURI listSchemeURI",
    "date": "",
    "time": "",
    "identifier": "schemeID schemeName schemeAgencyID schemeAgencyName schemeVersionID schemeDataURI schemeURI",
    "indicator": "",
    "measure": "unitCode! unitCodeListVersionID",
    "quantity": "unitCode unitCodeListID unitCodeListAgencyID unitCodeListAgencyName",
    "numeric": "format",
    "text": "languageID languageLocaleID",
}
# The few elements that the content calls by a shorter name than their own.
_SHORT: Final = {
    "AccountingCustomerParty": "invoicee",
    "BuyerCustomerParty": "buyer",
    "CustomizationID": "customization",
    "OriginatorCustomerParty": "originator",
    "ProfileID": "profile",
    "SellerSupplierParty": "seller",
    "UBLVersionID": "ubl_version",
    "ValidityPeriod": "validity",
}
_BORDER: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@cache
def snake(name: str) -> str:
    """`AccountingCostCode` as `accounting_cost_code`."""
    return _BORDER.sub("_", name).lower()


@dataclass(frozen=True, kw_only=True)
class Child:
    """An element as it may stand in an aggregate. `aggregate` is empty for a basic component, whose `term` counts."""

    name: str
    aggregate: str
    least: int
    many: bool
    rank: int

    @cached_property
    def tag(self) -> str:
        return f"{{{CAC if self.aggregate else CBC}}}{self.name}"

    @cached_property
    def term(self) -> str:
        return next((term for suffix, term in _TERMS if self.name.endswith(suffix)), "text")

    @cached_property
    def key(self) -> str:
        return _SHORT.get(self.name) or snake(self.name)


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """The children of an aggregate, by tag, name and key, in the order in which they must stand."""

    name: str
    children: tuple[Child, ...]

    @cached_property
    def by_tag(self) -> dict[str, Child]:
        return {child.tag: child for child in self.children}

    @cached_property
    def by_name(self) -> dict[str, Child]:
        return {child.name: child for child in self.children}

    @cached_property
    def by_key(self) -> dict[str, Child]:
        return {child.key: child for child in self.children}


@cache
def attributes(term: str) -> dict[str, bool]:
    """The attributes that a basic component of this representation term may have, and whether it must."""
    return {name.rstrip("!"): name.endswith("!") for name in _ATTRIBUTES[term].split()}


@cache
def aggregate(name: str) -> Aggregate:
    """The aggregate (or document) `name`; KeyError where the standard, as far as orders reach, has none."""
    return _library()[name]


@cache
def _library() -> dict[str, Aggregate]:
    rows = (Path(__file__).parent / "structure.txt").read_text(encoding="utf-8").splitlines()
    return {made.name: made for made in (_row(row) for row in rows if not row.startswith("#"))}


def _row(row: str) -> Aggregate:
    name, _colon, rest = row.partition(": ")
    basic, _bar, associations = rest.partition("|")
    words = [(word, False) for word in basic.split()] + [(word, True) for word in associations.split()]
    return Aggregate(name=name, children=tuple(_child(word, of, rank) for rank, (word, of) in enumerate(words)))


def _child(word: str, association: bool, rank: int) -> Child:
    bare = word.rstrip("?*+")
    sign = word[len(bare) :]
    name, _colon, holds = bare.partition(":")
    return Child(
        name=name,
        aggregate=(holds or name) if association else "",
        least=0 if sign in ("?", "*") else 1,
        many=sign in ("*", "+"),
        rank=rank,
    )


def local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def place(element: etree._Element) -> str:
    """The path of an element, positions counted among its like, and its line (which only what was read has)."""
    path = "".join(f"/{local(step)}{_position(step)}" for step in reversed([element, *element.iterancestors()]))
    return _("%(path)s, line %(line)d") % {"path": path, "line": element.sourceline} if element.sourceline else path


def _position(element: etree._Element) -> str:
    parent = element.getparent()
    if parent is None:
        return ""
    alike = parent.findall(str(element.tag))
    return f"[{alike.index(element) + 1}]" if len(alike) > 1 else ""


LeafCheck = Callable[[etree._Element, Child], Iterable[Finding]]


def check(root: etree._Element, leaf: LeafCheck) -> Iterator[Finding]:
    """Everything in which the tree departs from the standard; `leaf` judges the value of each basic component."""
    yield from _check(root, aggregate(local(root)), leaf)


def _check(element: etree._Element, kind: Aggregate, leaf: LeafCheck) -> Iterator[Finding]:
    yield from _bare(element)
    seen: dict[str, int] = {}
    rank = -1
    for child in element:
        if child.tag == f"{{{EXT}}}UBLExtensions":
            continue
        known = kind.by_tag.get(str(child.tag))
        if known is None:
            yield _unknown(child, kind)
            continue
        seen[known.name] = seen.get(known.name, 0) + 1
        if known.rank < rank:
            yield _misplaced(child, kind.children[rank])
        rank = max(rank, known.rank)
        yield from _check(child, aggregate(known.aggregate), leaf) if known.aggregate else leaf(child, known)
    yield from _counts(element, kind, seen)


def _bare(element: etree._Element) -> Iterator[Finding]:
    texts = [element.text, *(child.tail for child in element)]
    if any(text and text.strip() for text in texts):
        yield Finding(
            rule="UBL-MODEL",
            place=place(element),
            text=_("%(name)s holds elements, and there is text between them.") % {"name": local(element)},
            mend=_("Remove the text, or put it into an element of its own."),
        )
    foreign = [name for name in element.attrib if not str(name).startswith(f"{{{XSI}}}")]
    if foreign:
        yield Finding(
            rule="UBL-MODEL",
            place=place(element),
            text=_("%(name)s has the attribute %(attribute)s, which the standard does not know there.") % {"name": local(element), "attribute": foreign[0]},
            mend=_("Remove the attribute."),
        )


def _unknown(child: etree._Element, kind: Aggregate) -> Finding:
    name = local(child)
    twin = next((known for known in kind.children if known.name == name), None)
    near = difflib.get_close_matches(name, [known.name for known in kind.children], n=1)
    if twin:
        mend = _("Put %(name)s into the namespace %(namespace)s.") % {
            "name": name,
            "namespace": CAC if twin.aggregate else CBC,
        }
    elif near:
        mend = _("Did you mean %(name)s?") % {"name": near[0]}
    else:
        mend = _("Remove the element, or put it where the standard has it.")
    return Finding(
        rule="UBL-MODEL",
        place=place(child),
        text=_("%(parent)s has no element %(name)s.") % {"parent": kind.name, "name": name},
        mend=mend,
    )


def _misplaced(child: etree._Element, after: Child) -> Finding:
    names = {"name": local(child), "after": after.name}
    return Finding(
        rule="UBL-MODEL",
        place=place(child),
        text=_("%(name)s stands after %(after)s; the standard has it before.") % names,
        mend=_("Move %(name)s before %(after)s.") % names,
    )


def _counts(element: etree._Element, kind: Aggregate, seen: dict[str, int]) -> Iterator[Finding]:
    for child in kind.children:
        count = seen.get(child.name, 0)
        names = {"parent": kind.name, "name": child.name}
        if count < child.least:
            yield Finding(
                rule="UBL-MODEL",
                place=place(element),
                text=_("%(parent)s lacks %(name)s.") % names,
                mend=_("Add %(name)s.") % names,
            )
        elif count > 1 and not child.many:
            yield Finding(
                rule="UBL-MODEL",
                place=place(element),
                text=_("%(parent)s has %(name)s more than once.") % names,
                mend=_("Keep one %(name)s.") % names,
            )
