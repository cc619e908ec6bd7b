"""Types that an app above owns: how they are entered, moved and told beyond what the declaration says.

The common doors (REST, pages) stay the same for every type; where an app has declared itself the owner of a type, they call it.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.module_loading import import_string

from apps.base import announcing
from apps.base.acting import Actor
from apps.documents.services.moving import _not_allowed, apply, lock, revise


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What an app declares about a type of its own (`declarations.OWNED`, by the type's code). Names are dotted.

    enter: `(given, by, at) -> uid` writes a new document from the body of a POST. revise: `(document, given, by, at, version)` changes a
    draft; empty: drafts of this type are not changed. make: `(document, move, data, by, at, version)` makes a move; empty: as for every
    type. tell: `(whole) -> dict` what REST tells beyond the common. shapes: the `Shapes` of all that, for the description of the interface.
    page: the URL name of the page on which a document is entered; empty: none. move_pages: by a move's code the URL name of the page that asks
    what it needs. lines: the template that shows its lines in place of the common one, with what `show: (whole) -> dict` gives; css: its style sheet.
    """

    enter: str
    shapes: str
    revise: str = ""
    make: str = ""
    tell: str = ""
    page: str = ""
    move_pages: Mapping[str, str] = field(default_factory=dict)
    lines: str = ""
    show: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What an app adds to the page of a type (`declarations.PANELS`, by the type's code), whoever owns it.

    code: its name, also as a part of the page that fetches itself anew. show: the dotted name of `(whole) -> dict | None`, what the template is
    given as `panel`; None: there is nothing to show. permission: who else sees none of it. moves: it stands not on the document's page but where
    these moves are confirmed. css: its style sheet, empty: none.
    """

    code: str
    template: str
    show: str
    permission: str
    moves: frozenset[str] = frozenset()
    css: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """The shapes of a type of one's own. asked: the serializer of a new document's body, with an example of it.

    told: the fields that `Owner.tell` adds; moves: the fields that a move takes beyond note and reason, by its code; each as a maker of a field.
    """

    asked: Any
    example: Mapping[str, Any]
    told: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    moves: Mapping[str, Mapping[str, Callable[[], Any]]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _owners() -> dict[str, Owner]:
    return {code: owner for declared in announcing.declared("OWNED") for code, owner in declared.items()}


def owner_of(type: str) -> Owner | None:
    """The owner of a type, None where the common way is all there is."""
    return _owners().get(type)


@lru_cache(maxsize=1)
def _panels() -> dict[str, list[Panel]]:
    found: dict[str, list[Panel]] = {}
    for declared in announcing.declared("PANELS"):
        for code, panels in declared.items():
            found.setdefault(code, []).extend(panels)
    return found


def panels_of(type: str, *, by: Actor, move: str = "") -> list[Panel]:
    """The panels of a type that this actor may see: of its page, or of the page on which a move is confirmed."""
    return [panel for panel in _panels().get(type, ()) if by.may(panel.permission) and (move in panel.moves if move else not panel.moves)]


def show_panel(panel: Panel, whole: Any) -> dict[str, Any] | None:
    """What a panel shows of a document; None where there is nothing."""
    shown: dict[str, Any] | None = import_string(panel.show)(whole)
    return shown


@lru_cache(maxsize=16)
def shapes_of(type: str) -> Owned | None:
    """The shapes of an owned type, None where the common way is all there is."""
    owner = owner_of(type)
    found: Owned | None = import_string(owner.shapes) if owner else None
    return found


def enter(*, type: str, given: Mapping[str, Any], by: Actor, at: dt.datetime) -> uuid.UUID:
    """Write a document of an owned type. Raises whatever its owner's service raises."""
    owner = _owners()[type]
    made: uuid.UUID = import_string(owner.enter)(given=given, by=by, at=at)
    return made


def make(*, type: str, document: uuid.UUID, move: str, data: Mapping[str, Any], by: Actor, at: dt.datetime, version: int | None = None) -> None:
    """Make a move by whoever owns the type; raises what `apply` raises, and what the owner does."""
    owner = owner_of(type)
    door = import_string(owner.make) if owner and owner.make else apply
    door(document=document, move=move, data=data, by=by, at=at, version=version)


def change(*, type: str, document: uuid.UUID, given: Mapping[str, Any], by: Actor, at: dt.datetime, version: int | None = None) -> None:
    """Change a draft by whoever owns the type. Raises what `revise` raises."""
    owner = owner_of(type)
    if owner and not owner.revise:
        row, document_type = lock(document, version=version)
        raise _not_allowed(document_type, row, "revise")
    door = import_string(owner.revise) if owner else revise
    door(document=document, given=given, by=by, at=at, version=version)


def tell(*, type: str, whole: Any) -> dict[str, Any]:
    """What REST tells of a document beyond the common."""
    owner = owner_of(type)
    return dict(import_string(owner.tell)(whole)) if owner and owner.tell else {}
