"""What an order stands on: the promises of its lines, what was configured, and the chain as far as one sees it oneself."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse

from apps.base import acting, units
from apps.base.templatetags.tributary import tone_of
from apps.customisation.services.configuring import in_reader_words
from apps.documents import selectors as conversation
from apps.documents.types import TYPES
from apps.network import selectors as network
from apps.scheduling import selectors as scheduling
from apps.scheduling import services as schedule
from apps.scheduling.selectors import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One enterprise's part in a chain. number, order_url, chip: of the order between him and us, None while there is none.

    promise_url: from what its date is made; own: it is us; here: it is the order whose page this is.
    """

    name: str
    own: bool
    here: bool
    item: str
    quantity: Decimal | None
    unit: str
    first_on: dt.date | None
    due_on: dt.date | None
    late: bool
    moved: bool
    number: str
    order_url: str
    promise_url: str
    chip: Mapping[str, Any] | None


def promised_panel(whole: conversation.Whole) -> dict[str, Any] | None:
    """The promises, configurations and the chain of an order; None where it has none of these. The number of queries does not depend on the lines."""
    records = {record.document: record for record in scheduling.of_order(whole.id)}
    lines = [line for line in (_line(line, whole, records) for line in whole.lines) if line]
    if not lines:
        return None
    stops, listened = _chain(whole, list(records.values()))
    return {"lines": lines, "chain": stops, "listened": [str(whole.id), *listened], "side": whole.head["side"]}


def _line(line: Mapping[str, Any], whole: conversation.Whole, records: Mapping[uuid.UUID, Record]) -> dict[str, Any] | None:
    record = records.get(_uuid(line["details"].get("promise")))
    configuration = configured(line["details"].get("configuration"))
    if record is None and configuration is None:
        return None
    return {
        "line": line["position"],
        "name": line["item__name"] or line["name"],
        "unit_label": units.label(line["unit"]),
        "record": record,
        "promise_url": reverse("promise", args=[record.document]) if record else "",
        "why": _why(record) if record and record.moved else [],
        "configuration": configuration,
    }


def _uuid(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return uuid.UUID(int=0)


def _why(record: Record) -> list[str]:
    head = conversation.head(id=record.document)
    return schedule.sentences(head["details"].get("why", ())) if head else []


def configured(wire: Any) -> dict[str, Any] | None:
    """A configuration as it travels, in the reader's words; None where there is none, or nobody can read it."""
    if not isinstance(wire, Mapping) or not isinstance(wire.get("choices"), Mapping):
        return None
    text = wire.get("text")
    words = in_reader_words(text) if isinstance(text, Mapping) and {"en", "zh"} <= set(text) else ""
    choices = [{"feature": feature, "value": value} for feature, value in sorted(wire["choices"].items()) if value is not None]
    return {"product": wire.get("product", ""), "text": words, "choices": choices}


# The chain ------------------------------------------------------------------------------------------------------------


def _chain(whole: conversation.Whole, records: Sequence[Record]) -> tuple[dict[str, list[Stop]], list[str]]:
    """Who stands before and behind us in this order, as far as one sees it: the customers, ourselves, the suppliers; and whose news to listen to."""
    if whole.head["side"] == "seller":
        before, behind = list(records), scheduling.serving([record.document for record in records])
    else:
        before, behind = list(scheduling.records([record.parent for record in records if record.parent]).values()), list(records)
    shown = [*before, *behind]
    names = network.names([record.partner_id for record in shown])
    orders = _orders([record.order_id for record in shown if record.order_id])
    stops = {
        "before": [_stop(record, whole, names, orders) for record in before],
        "own": [_own(before, behind)] if shown else [],
        "behind": [_stop(record, whole, names, orders) for record in behind],
    }
    listened = [str(key) for record in shown for key in (record.document, record.order_id) if key and key != whole.id]
    return stops, list(dict.fromkeys(listened))


def _orders(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Mapping[str, Any]]:
    return {row["id"]: row for row in conversation.heads(type="order").filter(pk__in=list(ids)).values("id", "number", "state")}


def _stop(record: Record, whole: conversation.Whole, names: Mapping[uuid.UUID, Any], orders: Mapping[uuid.UUID, Mapping[str, Any]]) -> Stop:
    order = orders.get(record.order_id) if record.order_id else None
    known = names.get(record.partner_id)
    return Stop(
        name=known.name if known else "–", own=False, here=record.order_id == whole.id, item=record.item_number, quantity=record.quantity,
        unit=units.label(record.unit), first_on=record.first_on, due_on=record.promised_on, late=record.late, moved=record.slipped,
        number=order["number"] if order else "", order_url=reverse("document", args=["orders", order["id"]]) if order else "",
        promise_url=reverse("promise", args=[record.document]), chip=chip_of("order", order["state"]) if order else None,
    )  # fmt: skip


def _own(before: Sequence[Record], behind: Sequence[Record]) -> Stop:
    """Ourselves: late where one of those who serve us is later than we asked, or we are later than we were asked."""
    return Stop(
        name=acting.home().name, own=True, here=False, item="", quantity=None, unit="", first_on=None,
        due_on=max((record.promised_on for record in before if record.promised_on), default=None), late=any(record.late for record in (*before, *behind)),
        moved=any(record.slipped for record in before), number="", order_url="", promise_url="", chip=None,
    )  # fmt: skip


def chip_of(type: str, code: str) -> dict[str, Any]:
    """A state in words, tone and icon."""
    state = TYPES[type].state(code)
    return {"label": state.label, "tone": tone_of(state.tone), "icon": state.icon}
