"""News goes up the stairs: a floor announces, the floors above react by declaration.

An app's `declarations.REACTIONS` maps the class of a piece of news to the dotted names of the functions that react to it.
They run at once, in the transaction of whoever announced, in the order of the floors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string

_reactions: dict[type, list[str]] = {}
_loaded: dict[type, list[Callable[[Any], None]]] = {}


def declared(room: str) -> list[Any]:
    """The value named `room` from each app's declarations, in the order of the floors."""
    found = []
    for config in apps.get_app_configs():
        if not config.name.startswith("apps."):
            continue
        if not (config.path and (_module := _declarations(config.name))):
            continue
        if hasattr(_module, room):
            found.append(getattr(_module, room))
    return found


def _declarations(app: str) -> Any:
    try:
        return import_module(f"{app}.declarations")
    except ModuleNotFoundError as error:
        if error.name != f"{app}.declarations":
            raise
        return None


def collect() -> None:
    """Read every app's reactions. Called once, when the apps are ready."""
    _reactions.clear()
    _loaded.clear()
    for reactions in declared("REACTIONS"):
        for news, names in reactions.items():
            _reactions.setdefault(news, []).extend(names)


def announce(news: Any) -> None:
    """Tell every declared reaction of this class of news. An error in one is an error of the whole move."""
    kind = type(news)
    if kind not in _loaded:
        _loaded[kind] = [import_string(name) for name in _reactions.get(kind, [])]
    for react in _loaded[kind]:
        react(news)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a partner may ask (`declarations.QUESTIONS`, by its name).

    document_type: both enterprises must have consented to documents of this type. answer: the dotted name of
    `(body, partner_id) -> dict`, which reads and answers in plain JSON; what it writes is undone.
    """

    document_type: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a shared table holds of an enterprise (`declarations.HELD`), for when it moves house or leaves.

    mine: which rows go with it, as a condition on `%(me)s`. same: the columns by which a row that is in another installation already is known to
    be the same. parties: the columns that name enterprises; such a row is never new to one that lives here already. left: what happens when it
    leaves, as SQL on `%(me)s` and `%(at)s`; empty: the row stays, for its partners. arrived: the same, for when it came in. own: columns that stand
    again as they did in rows whose enterprise_id it is. of: a column and the table in which its row must be; others are left behind.
    sealed_by: a column and the table of a superior to which nothing is added once it is here.
    dispensable: what one who lives here does not know of is left behind, too, and is no reason to refuse. moved: whether it goes into an export.
    What is declared later may refer to what is declared before; it arrives in this order, and leaves in the opposite one.
    """

    table: str
    mine: str
    same: tuple[str, ...] = ("id",)
    parties: tuple[str, ...] = ()
    left: str = ""
    arrived: str = ""
    own: tuple[str, ...] = ()
    of: tuple[str, str] | None = None
    sealed_by: tuple[str, str] | None = None
    dispensable: bool = False
    moved: bool = True


def ask_above(room: str, **question: Any) -> list[Any]:
    """The answers of the floors above to a question of a floor below, each by a function that is named under `room` in their declarations."""
    return [answer(**question) for answer in _answerers(room)]


@lru_cache(maxsize=64)
def _answerers(room: str) -> tuple[Callable[..., Any], ...]:
    return tuple(import_string(name) for names in declared(room) for name in names)
