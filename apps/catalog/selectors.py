"""Questions about items."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.catalog import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An item looked for by one's own number, else by the partner's number for it, else by GTIN."""

    key: int
    own: str = ""
    partners: str = ""
    gtin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An item that was found. number: one's own; partners: the partner's number for it, where it is known."""

    id: uuid.UUID
    number: str
    partners: str
    gtin: str
    name: str
    unit: str


def match(*, partner_id: uuid.UUID, wanted: Sequence[Wanted]) -> dict[int, Match | None]:
    """The one item that fits each wanted one; None where none fits, or several do. Two queries, whatever the number."""
    own, partners, gtins = {w.own for w in wanted if w.own}, {w.partners for w in wanted if w.partners}, {w.gtin for w in wanted if w.gtin}
    aliases = models.Alias.objects.filter(partner_id=partner_id)
    items = models.Item.objects.filter(Q(number__in=own) | Q(gtin__in=gtins) | Q(pk__in=aliases.filter(number__in=partners).values("item_id")))
    rows = list(items.values("id", "number", "gtin", "name", "unit"))
    known = _aliases_of(aliases.filter(item_id__in=[row["id"] for row in rows]))
    return _choose(wanted, rows, known)


def _aliases_of(aliases: QuerySet[models.Alias]) -> Mapping[uuid.UUID, list[str]]:
    known: dict[uuid.UUID, list[str]] = defaultdict(list)
    for item_id, number in aliases.order_by("number").values_list("item_id", "number"):
        known[item_id].append(number)
    return known


def _found(row: Mapping[str, object], known: Mapping[uuid.UUID, list[str]]) -> Match:
    numbers = known.get(row["id"]) or [""]  # type: ignore[call-overload]
    return Match(partners=numbers[0], **row)  # type: ignore[arg-type]


def _choose(wanted: Sequence[Wanted], rows: Sequence[Mapping[str, object]], known: Mapping[uuid.UUID, list[str]]) -> dict[int, Match | None]:
    by_number = {row["number"]: row for row in rows}
    by_alias = {number: row for row in rows for number in known.get(row["id"], ())}  # type: ignore[call-overload]
    by_gtin: dict[object, list[Mapping[str, object]]] = defaultdict(list)
    for row in rows:
        if row["gtin"]:
            by_gtin[row["gtin"]].append(row)
    chosen: dict[int, Match | None] = {}
    for w in wanted:
        row = by_number.get(w.own) or by_alias.get(w.partners)
        if row is None and len(by_gtin[w.gtin]) == 1:
            row = by_gtin[w.gtin][0]
        chosen[w.key] = _found(row, known) if row else None
    return chosen


def items(*, search: str = "") -> QuerySet[models.Item]:
    """One's own items, with the partners' numbers; `search` looks into number, names and GTIN."""
    found = models.Item.objects.prefetch_related("aliases")
    if search:
        found = found.filter(Q(number__icontains=search) | Q(name__icontains=search) | Q(name_zh__icontains=search) | Q(gtin=search))
    return found


def item(*, id: uuid.UUID) -> models.Item | None:
    return models.Item.objects.prefetch_related("aliases").filter(pk=id).first()
