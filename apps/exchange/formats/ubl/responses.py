"""A response to an order: the data of a document as content, and back.

A seller splits a line by answering it with several; in the content these are one line with several schedules, and its
`details.parts` keep them apart. The simple response of UBL 2.0 (accepted or not, no lines) is the same content.
"""

import copy
from decimal import Decimal
from itertools import count
from typing import Final

from apps.exchange.formats.messages import PartyLike
from apps.exchange.formats.ubl import amounts, deliveries, mapping, parties, vocabulary
from apps.exchange.formats.ubl.orders import context, derive_currency, fresh, header_rows
from apps.exchange.formats.ubl.tree import Data, leaf_text
from apps.exchange.formats.ubl.values import canonical

CUSTOMIZATION: Final = "urn:fdc:peppol.eu:poacc:trns:order_response:3"
PROFILE: Final = "urn:fdc:peppol.eu:poacc:bis:ordering:3"
SIMPLE: Final = "OrderResponseSimple"
FULL: Final = "OrderResponse"

_OF_A_SIMPLE_ONE: Final = ("accepted_indicator", "rejection_note")


def content(data: Data, document: str) -> Data:
    """The content of an OrderResponse or OrderResponseSimple; `data` is used up."""
    lines: list[Data] = data.pop("order_line", [])
    rows = mapping.SIMPLE_RESPONSE if document == SIMPLE else mapping.RESPONSE
    made: Data = mapping.lift(data, rows, document, {})
    said = made.pop("code", None)
    header = _meaning(document).get(said, "") if said is not None else ""
    derive_currency(made, data, lines)
    header_day = deliveries.first_day(data.get("delivery", []), deliveries.PROMISED)
    parts = [_part(line, header, header_day, made) for line in lines]
    made["code"] = header or _derived_code(parts)
    _note_code(data, said, document, made["code"])
    made["details"] = data
    made["lines"] = _merged(parts)
    amounts.note(made)
    return made


def _meaning(document: str) -> dict[str, str]:
    return vocabulary.ACCEPTED if document == SIMPLE else vocabulary.HEADER


def _note_code(data: Data, said: str | None, document: str, meant: str) -> None:
    if document == SIMPLE:
        data["document"] = SIMPLE
    if said is None:
        data.setdefault("derived", []).append("code")
    elif said != vocabulary.code(meant, _meaning(document), None):
        data["code_said"] = said


def _derived_code(lines: list[Data]) -> str:
    """What the lines amount to. Without any line nothing was promised: it is only an acknowledgement."""
    answers = {line["response"] for line in lines}
    if not answers:
        return "AB"
    return {frozenset({"accept"}): "AP", frozenset({"reject"}): "RE"}.get(frozenset(answers), "CA")


def _part(line: Data, header: str, header_day: str | None, made: Data) -> Data:
    core: Data = mapping.lift(line, mapping.RESPONSE_LINE, "OrderLine", context(made))
    item = line.get("line_item", {})
    said = core.get("response")
    core["response"] = _response(said, core, header)
    if said is None:
        line["derived"] = ["response"]
    elif said != _line_code(core["response"], None):
        line["code_said"] = said
    offered = _offered(item, core, header_day)
    core.update({"schedules": offered} if offered else {})
    substitutes = line.get("seller_substituted_line_item")
    if substitutes:
        core["substitute"] = mapping.lift(substitutes[0], mapping.SUBSTITUTE, "LineItem", {})
    core["details"] = line
    amounts.note_line(core, item, made.get("currency"))
    return core


def _offered(item: Data, core: Data, header_day: str | None) -> deliveries.Schedules | None:
    """The schedules that the deliveries of a line offer, unless the line is refused, or nothing is said of dates."""
    found = deliveries.schedules(item.get("delivery", []), core.get("quantity"), header_day, deliveries.PROMISED)
    said = len(found) > 1 or "due_on" in found[0]
    return found if said and core["response"] != "reject" else None


def _response(said: str | None, core: Data, header: str) -> str:
    if said is None:
        alone = "change" if "quantity" in core or "price" in core else "accept"
        return {"AP": "accept", "RE": "reject"}.get(header, alone)
    meant = vocabulary.LINE[said]
    later = Decimal(core.get("backorder", "0"))
    if meant == "change" and later > 0 and later >= Decimal(core.get("quantity", "0")):
        return "backorder"
    return meant


def _line_code(response: str, said: str | None) -> str:
    return vocabulary.code("change" if response == "backorder" else response, vocabulary.LINE, said)


def _merged(parts: list[Data]) -> list[Data]:
    groups: dict[str, list[Data]] = {}
    for position, part in enumerate(parts):
        part["position"] = position
        groups.setdefault(part["reference"], []).append(part)
    lines = [_merge(group) for group in groups.values()]
    for line in lines:
        line.pop("position", None)
    return lines


def _merge(parts: list[Data]) -> Data:
    if len(parts) == 1:
        return parts[0]
    return {**_summary(parts), "details": {"parts": parts}}


def _summary(parts: list[Data]) -> Data:
    """What the parts of a split line say together."""
    made: Data = {}
    for part in reversed(parts):
        made.update({key: value for key, value in part.items() if key not in ("details", "position")})
    answers = {part["response"] for part in parts}
    made["response"] = answers.pop() if len(answers) == 1 else "change"
    kept = [part for part in parts if part["response"] != "reject"]
    made.update({key: _sum(kept, key) for key in ("quantity", "backorder") if any(key in part for part in kept)})
    spread_over = [schedule for part in kept for schedule in _part_schedules(part)]
    made.update({"schedules": spread_over} if any(spread_over) else {})
    return made


def _sum(parts: list[Data], key: str) -> str:
    return format(sum((Decimal(part[key]) for part in parts if key in part), Decimal(0)), "f")


def _part_schedules(part: Data) -> deliveries.Schedules:
    alone = {"quantity": part["quantity"]} if "quantity" in part else {}
    return list(part.get("schedules", [alone]))


def document(content: Data) -> str:
    """Which document can say `content`: the simple one only what it can, and only where it came so."""
    simple = content.get("details", {}).get("document") == SIMPLE
    return SIMPLE if simple and content["code"] in ("AP", "RE") and not content["lines"] else FULL


def data(content: Data, buyer: PartyLike, seller: PartyLike) -> Data:
    """The data of a document of the kind that `document` says, with what `content` says."""
    kind = document(content)
    made: Data = copy.deepcopy(content.get("details", {}))
    if fresh(content):
        made = {"customization": CUSTOMIZATION, "profile": PROFILE, **made}
    amounts.settle(made, content)
    if made.pop("document", None) != kind:
        for key in _OF_A_SIMPLE_ONE:
            made.pop(key, None)
    derived, said = made.pop("derived", []), made.pop("code_said", None)
    parties.place(made, "buyer", buyer, address=False)
    parties.place(made, "seller", seller, address=False)
    header_day = deliveries.first_day(made.get("delivery", []), deliveries.PROMISED)
    lines = [] if fresh(content) and _says_no_more(content) else _apart(content["lines"])
    if lines:
        made["order_line"] = [_line_data(line, header_day, content) for line in lines]
        _number(made["order_line"])
    header = {**content, "code": vocabulary.code(content["code"], _meaning(kind), said)}
    if "code" in derived and _derived_code(content["lines"]) == content["code"]:
        del header["code"]
    if fresh(content) and not lines:
        header.update(_note(content))
    rows = mapping.SIMPLE_RESPONSE if kind == SIMPLE else mapping.RESPONSE
    mapping.put(made, header_rows(rows, made, content, derived), kind, header, {})
    return made


def _says_no_more(content: Data) -> bool:
    """Whether the lines only repeat the code of the whole; Peppol (T76-R008 to R010) then wants none."""
    of_all = {"AP": "accept", "AB": "accept", "RE": "reject"}.get(content["code"])
    return all(line["response"] == of_all and "substitute" not in line for line in content["lines"])


def _note(content: Data) -> Data:
    """The reasons of the lines that are not written go into the note of the whole."""
    said = [content.get("note"), *(line.get("reason") for line in content["lines"])]
    texts = list(dict.fromkeys(text for text in said if text))
    return {"note": "; ".join(texts)} if texts else {}


def _apart(lines: list[Data]) -> list[Data]:
    """One line for each line of the document, in its order."""
    parts = [part for line in lines for part in _parts(line)]
    placed = [part for part in parts if "position" in part]
    others = iter([part for part in parts if "position" not in part])
    at = {part["position"]: part for part in placed}
    if len(at) < len(placed) or any(position >= len(parts) for position in at):
        return parts
    return [at[index] if index in at else next(others) for index in range(len(parts))]


def _parts(line: Data) -> list[Data]:
    parts = line.get("details", {}).get("parts", [])
    if parts and _comparable(_summary(parts)) == _comparable(line):
        return list(parts)
    schedules = line.get("schedules", [])
    in_place = line.get("details", {}).get("line_item", {}).get("delivery", [])
    if not parts and (len(schedules) < 2 or len(in_place) > 1):
        return [line]
    return [_one_of(line, parts, index, schedule) for index, schedule in enumerate(schedules or [{}])]


def _comparable(line: Data) -> Data:
    """What a line says, whoever wrote its numbers."""
    numbers: Data = {key: canonical(line[key]) for key in ("quantity", "price", "price_base", "backorder") if key in line}
    schedules = [{key: canonical(value) if key == "quantity" else value for key, value in schedule.items()} for schedule in line.get("schedules", [])]
    return {**line, **numbers, "schedules": schedules, "details": None}


def _one_of(line: Data, parts: list[Data], index: int, schedule: dict[str, str]) -> Data:
    details = copy.deepcopy(parts[min(index, len(parts) - 1)]["details"] if parts else line.get("details", {}))
    if index >= max(len(parts), 1):
        details.get("line_item", {}).pop("id", None)
    core = {key: line[key] for key in line if key not in ("details", "schedules", "backorder")}
    made = {**core, "details": details}
    if schedule:
        made.update(schedules=[schedule], quantity=schedule.get("quantity", line.get("quantity", "")))
    if index == 0 and "backorder" in line and line["response"] != "backorder":
        made["backorder"] = line["backorder"]
    return made


def _line_data(line: Data, header_day: str | None, content: Data) -> Data:
    made: Data = copy.deepcopy(line.get("details", {}))
    amounts.settle_line(made, line, content.get("currency"))
    derived, code_said = made.pop("derived", []), made.pop("code_said", None)
    item: Data = made.setdefault("line_item", {})
    said: Data = {**line, "response": _line_code(line["response"], code_said)}
    if "response" in derived and _response(None, line, content["code"]) == line["response"]:
        del said["response"]
    if line["response"] == "backorder" and "backorder" not in line and "quantity" in line:
        said["backorder"] = line["quantity"]
    if fresh(content) and "name" not in line:
        # Peppol's rules forbid an empty Item, and a line of ours need not repeat what was ordered.
        said["name"] = line["reference"]
    deliveries.settle(item, _offered(item, line, header_day), line.get("schedules"), line, deliveries.PROMISED)
    _say_substitute(made, line)
    item.setdefault("item", {})
    mapping.put(made, mapping.RESPONSE_LINE, "OrderLine", said, context(content), as_given=fresh(content))
    return made


def _number(lines: list[Data]) -> None:
    """Give every line that has no id of its own the lowest number that no other has."""
    taken = {leaf_text(line["line_item"]["id"]) for line in lines if "id" in line["line_item"]}
    free = (str(number) for number in count(1) if str(number) not in taken)
    for line in lines:
        if "id" not in line["line_item"]:
            line["line_item"]["id"] = next(free)


def _say_substitute(made: Data, line: Data) -> None:
    held = made.get("seller_substituted_line_item", [])
    if "substitute" in line:
        first = held[0] if held else {"id": line["reference"], "item": {}}
        first.setdefault("item", {})
        mapping.put(first, mapping.SUBSTITUTE, "LineItem", line["substitute"], {})
        made["seller_substituted_line_item"] = [first, *held[1:]]
    elif held:
        del made["seller_substituted_line_item"]
