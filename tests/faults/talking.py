"""What a partner's program may say, made up from the published description of the interface: whatever type is declared is spoken here.

Nothing is known here of one type or another. What a field holds follows from its name and kind; a field with the name of a type holds the uid of
such a document, and the lines beside it are that document's lines.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from apps.documents.types import TYPES
from apps.documents.vocabulary import OTHER, DocumentType
from tests.faults.stage import Pair

Told = Mapping[str, Any]
# Fields that need not be said, and are, as more comes of it.
ALSO = ("item", "due_on", "hold_minutes", "unit")
HOLD_MINUTES = 600
ONLY_ANSWERED = 0.2
"""How often nothing is held at first: whoever wants it held says so by a move."""


class NothingToName(Exception):
    """A document names another, and there is none yet."""


@dataclass(frozen=True)
class Topic:
    """What is spoken about. document: the one that is moved; None: a new one. named: what a new one may name, by type. chance: decides."""

    pair: Pair
    chance: random.Random
    number: str
    document: Told | None = None
    named: Mapping[str, Sequence[Told]] = field(default_factory=dict)


@dataclass(frozen=True)
class Language:
    """schema: the OpenAPI of a running portal."""

    schema: Mapping[str, Any]

    @cached_property
    def types(self) -> list[DocumentType]:
        """The registered types that can be entered."""
        return [each for each in TYPES.values() if "post" in self.schema["paths"].get(f"/api/v1/{each.collection}/", {})]

    def entry(self, document_type: DocumentType, topic: Topic) -> dict[str, Any]:
        """The body of a new document. Raises NothingToName."""
        return self._object(self._body(f"/api/v1/{document_type.collection}/"), topic, {"partner": OTHER[document_type.issuer]})

    def move(self, document_type: DocumentType, code: str, topic: Topic) -> dict[str, Any]:
        """The body of a move."""
        return self._object(self._body(f"/api/v1/{document_type.collection}/{{uid}}/moves/{code}/"), topic, {})

    def _body(self, path: str) -> Mapping[str, Any]:
        return self._resolved(self.schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        return found

    def _object(self, schema: Mapping[str, Any], topic: Topic, within: Mapping[str, Any]) -> dict[str, Any]:
        required, properties = schema.get("required", ()), schema.get("properties", {})
        about = dict(within)
        for name in properties:
            if name in TYPES and name in required and "named" not in about:
                about["named"] = self._named(name, topic)
        if "named" not in about and "lines" in required and (names := [n for n in self._lines(properties) if n in TYPES]):
            about["named"] = self._named(names[0], topic)
        said: dict[str, Any] = {}
        for name, each in properties.items():
            # Some moves want to know why; in a line it is a code, where anything is said at all.
            why = name == "reason" and topic.document is not None and "line" not in about
            if name in required or name in ALSO or why or (name == "lines" and topic.document is not None and topic.chance.random() < 0.6):
                said[name] = self._value(name, self._resolved(each), topic, about, needed=name in required)
        return said

    def _lines(self, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._resolved(self._resolved(properties.get("lines", {})).get("items", {})).get("properties", {})
        return found

    def _named(self, code: str, topic: Topic) -> Told:
        if topic.document is not None and topic.document["type"] != code:
            # A document that is said anew goes on naming what it named.
            lines = [{**line, "line": line[code]["line"]} for line in topic.document["lines"]]
            return {"uid": topic.document["lines"][0][code]["uid"], "lines": lines}
        if not topic.named.get(code):
            raise NothingToName(code)
        return topic.chance.choice(topic.named[code])

    def _value(self, name: str, schema: Mapping[str, Any], topic: Topic, about: Mapping[str, Any], *, needed: bool) -> Any:
        kind = schema.get("type")
        if name in TYPES:
            return about["named"]["uid"]
        if kind == "array" and name == "lines":
            return self._rows(self._resolved(schema["items"]), topic, about, needed=needed)
        if kind == "array":
            return [{"quantity": about.get("quantity", "40"), "due_on": _day(topic.chance)}] if name == "schedules" else []
        hold = 0 if topic.document is None and topic.chance.random() < ONLY_ANSWERED else HOLD_MINUTES
        simple = {
            about.get("partner", ""): (topic.pair.seller if about.get("partner") == "seller" else topic.pair.buyer).slug,
            "item": topic.pair.item, "unit": "C62", "currency": "EUR", "number": topic.number, "hold_minutes": hold, "reason": "It is so.",
            "due_on": _day(topic.chance), "price": f"{topic.chance.randint(10, 90)}.50", "line": about.get("line", 1), "quantity": about.get("quantity", "40"),
        }  # fmt: skip
        if name in simple:
            return simple[name]
        if kind == "object":
            return self._object(schema, topic, about)
        if "pattern" in schema:
            return about.get("quantity", "40")
        return {"integer": 1, "boolean": True}.get(str(kind), "Said by chance")

    def _rows(self, schema: Mapping[str, Any], topic: Topic, about: Mapping[str, Any], *, needed: bool) -> list[dict[str, Any]]:
        """Lines: of a new document, of what it names, or an answer to each line of the document itself."""
        chance = topic.chance
        if named := about.get("named"):
            return [self._object(schema, topic, {**about, "line": line["line"], "quantity": _part(line, chance)}) for line in named["lines"]]
        if topic.document is None or "line" not in schema["properties"]:
            wanted = [str(chance.randint(1, 60)) for _line in range(chance.choice((1, 1, 2)))]
            return [self._object(schema, topic, {**about, "quantity": quantity}) for quantity in wanted]
        response = "change" if needed else chance.choice(("accept", "change", "change", "reject", "backorder"))
        return [self._answer(schema, line, response, topic, needed=needed) for line in topic.document["lines"]]

    def _answer(self, schema: Mapping[str, Any], line: Told, response: str, topic: Topic, *, needed: bool) -> dict[str, Any]:
        about = {"line": line["line"], "quantity": line["quantity"]}
        said = self._object(schema, topic, about)
        said.pop("item", None)
        more = {"change": ("price", "schedules"), "backorder": ("schedules", "reason"), "reject": ("reason",)}.get(response, ())
        for name in more:
            said[name] = self._value(name, self._resolved(schema["properties"][name]), topic, about, needed=True)
        return said if needed else {**said, "response": response}


def _day(chance: random.Random) -> str:
    return f"2027-{chance.randint(6, 12):02d}-{chance.randint(1, 28):02d}"


def _part(line: Told, chance: random.Random) -> str:
    """All of a line that is left, or a part of it."""
    progress = line.get("progress") or {}
    whole = int(float(progress.get("to_ship") or line.get("shipped") or line["quantity"]))
    return str(whole if chance.random() < 0.7 else chance.randint(0, whole))
