"""A document and plain data, one for one: whatever the mapping does not lift out travels in this form.

An aggregate is a dict by the snake_case names of its children, a child that may repeat a list. A basic component is
its text, or a dict of `value` and its attributes. White space around values, comments, prefixes and extensions are gone.
"""

from typing import Any

from lxml import etree

from apps.exchange.formats.ubl import model, values

Data = dict[str, Any]

_NOT_CARRIED = {f"{{{model.EXT}}}UBLExtensions", f"{{{model.CAC}}}Signature"}


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


def fill(element: etree._Element, data: Data, kind: model.Aggregate) -> None:
    """Put `data` into `element`, in the order of the standard. ValueError names a key that the standard has not."""
    unknown = data.keys() - kind.by_key.keys()
    if unknown:
        raise ValueError(f"{kind.name} has no {sorted(unknown)}")
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


def _fill_leaf(element: etree._Element, leaf: Any, child: model.Child) -> None:
    if not isinstance(leaf, dict):
        element.text = str(leaf)
        return
    element.text = str(leaf["value"])
    for name in model.attributes(child.term):
        if model.snake(name) in leaf:
            element.set(name, str(leaf[model.snake(name)]))
