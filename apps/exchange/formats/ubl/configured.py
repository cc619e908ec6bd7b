"""What a configured line says beyond an item: its choices and the promise it stands on, as properties of the item (UBL AdditionalItemProperty).

One property each, told apart from those of others by its `ID`:

    tributary:configuration   Name: the product, Value: the digest, ValueQualifier: the release
    tributary:choice          Name: the feature, Value: what was chosen
    tributary:text            Name: a language, Value: the choices in its words
    tributary:promise         Name: “promise”, Value: the id of the promise that the order takes

Peppol's order has exactly these elements, so a configured order keeps to it.
"""

from typing import Any, Final

from apps.exchange.formats.ubl.tree import Data, leaf_text

_PROPERTY: Final = "additional_item_property"
_CONFIGURATION, _CHOICE, _TEXT, _PROMISE = (f"tributary:{name}" for name in ("configuration", "choice", "text", "promise"))


def take(line: Data) -> Data:
    """Take what is ours out of an order line's data, changed in place: `configuration` and `promise`, as far as it says them.

    Only what `put` would write again as it came; anything else is carried as the partner's own.
    """
    item = line.get("line_item", {}).get("item", {})
    came: list[Data] = item.get(_PROPERTY, [])
    heads = [one for one in came if one.get("id") == _CONFIGURATION]
    found = _found(heads[0], came[came.index(heads[0]) + 1 :]) if heads else {}
    if not found:
        return {}
    rest = came[: came.index(heads[0])]
    if rest + _properties(found["configuration"], found.get("promise")) != came:
        return {}
    item[_PROPERTY] = rest
    if not rest:
        del item[_PROPERTY]
    return found


def _found(head: Data, following: list[Data]) -> Data:
    release = leaf_text(head.get("value_qualifier", [""])[0])
    if not (release.isascii() and release.isdecimal() and len(release) < 10):
        return {}
    said = {kind: {_part(one, "name"): _part(one, "value") for one in following if one.get("id") == kind} for kind in (_CHOICE, _TEXT, _PROMISE)}
    configuration = {
        "product": _part(head, "name"), "release": int(release), "digest": _part(head, "value"), "choices": said[_CHOICE], "text": said[_TEXT],
    }  # fmt: skip
    return {"configuration": configuration, **said[_PROMISE]}


def _part(one: Data, name: str) -> str:
    return leaf_text(one[name]) if name in one else ""


def put(line: Data, configuration: Any, promise: Any) -> None:
    """The reverse of `take`: add to an order line's data, changed in place, what its content says. Nothing where it is not configured."""
    if isinstance(configuration, dict):
        item = line.setdefault("line_item", {}).setdefault("item", {})
        item[_PROPERTY] = [*item.get(_PROPERTY, ()), *_properties(configuration, promise)]


def _properties(configuration: Data, promise: Any) -> list[Data]:
    head = {**_property(_CONFIGURATION, configuration["product"], configuration["digest"]), "value_qualifier": [str(configuration["release"])]}
    made = [head, *(_property(_CHOICE, feature, value) for feature, value in configuration["choices"].items())]
    made += [_property(_TEXT, language, words) for language, words in configuration.get("text", {}).items()]
    return [*made, _property(_PROMISE, "promise", promise)] if promise else made


def _property(kind: str, name: str, value: str) -> Data:
    return {"id": kind, "name": str(name), "value": str(value)}
