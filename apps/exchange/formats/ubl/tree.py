"""A document and plain data, one for one: whatever the mapping does not lift out travels in this form.

An aggregate is a dict by the snake_case names of its children, a child that may repeat a list. A basic component is
its text, or a dict of `value` and its attributes. White space around values, comments and extensions are gone.
"""

import re
from typing import Any, Final

from django.utils.translation import gettext as _
from lxml import etree

from apps.exchange.formats.messages import Finding, Refused
from apps.exchange.formats.ubl import model, values

Data = dict[str, Any]

_UNSAYABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_CARRIED: Final = {f"{{{model.EXT}}}UBLExtensions", f"{{{model.CAC}}}Signature"}


def to_data(element: etree._Element, kind: model.Aggregate) -> Data:
    """The data of an aggregate that has passed `model.check`."""
    data: Data = {}
    for child in element:
        if child.tag in _NOT_CARRIED:
            continue
        known = kind.by_tag[str(child.tag)]
        made = to_data(child, model.aggregate(known.aggregate)) if known.aggregate else _leaf_data(child)
        if known.many:
            data.setdefault(known.key, []).append(made)
        else:
            data[known.key] = made
    return data


def _leaf_data(element: etree._Element) -> Any:
    text = values.text(element)
    attributes = {model.snake(str(name)): str(value) for name, value in element.attrib.items() if "{" not in str(name)}
    return {"value": text, **attributes} if attributes else text


def leaf_text(leaf: Any) -> str:
    """The value of a basic component, with attributes or without."""
    return str(leaf["value"] if isinstance(leaf, dict) else leaf)


def fill(element: etree._Element, data: Data, kind: model.Aggregate) -> None:
    """Put `data` into `element`, in the order of the standard. Raises `Refused` for a key that it does not know."""
    for key in data.keys() - kind.by_key.keys():
        raise Refused([_misfit(element, kind, key)])
    for child in kind.children:
        if child.key not in data:
            continue
        held = data[child.key]
        for one in held if child.many else [held]:
            made = etree.SubElement(element, child.tag)
            if child.aggregate:
                fill(made, one, model.aggregate(child.aggregate))
            else:
                _fill_leaf(made, one, child)


def _misfit(element: etree._Element, kind: model.Aggregate, key: str) -> Finding:
    return Finding(
        rule="UBL-MODEL",
        place=model.local(element),
        text=_("UBL has no place for “%(key)s” in %(parent)s.") % {"key": key, "parent": kind.name},
        mend=_("Remove it from the details."),
    )


def _fill_leaf(element: etree._Element, leaf: Any, child: model.Child) -> None:
    if not isinstance(leaf, dict):
        element.text = _clean(leaf)
        return
    element.text = _clean(leaf["value"])
    for name in model.attributes(child.term):
        if model.snake(name) in leaf:
            element.set(name, _clean(leaf[model.snake(name)]))


def _clean(text: Any) -> str:
    """What XML cannot hold (most control characters) is shown as missing, as a screen would."""
    return _UNSAYABLE.sub("\ufffd", str(text))
