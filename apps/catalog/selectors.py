"""Questions about items."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
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
    """The one item that fits each wanted one; None where none fits, or several do. One query, whatever the number."""
    own, partners, gtins = ([text for w in wanted if (text := getattr(w, name))] for name in ("own", "partners", "gtin"))
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, [partner_id, own, gtins, partner_id, partners])
        rows = [Candidate(*row) for row in cursor.fetchall()]
    return _choose(wanted, rows)


_CANDIDATES = (
    "SELECT i.id, i.number, i.gtin, i.name, i.unit, ARRAY(SELECT a.number FROM catalog_alias a WHERE a.item_id = i.id AND a.partner_id = %s ORDER BY a.number) "
    "FROM catalog_item i WHERE i.number = ANY(%s::text[]) OR i.gtin = ANY(%s::text[]) "
    "OR i.id IN (SELECT item_id FROM catalog_alias WHERE partner_id = %s AND number = ANY(%s::text[]))"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be meant, with the partner's numbers for it."""

    id: uuid.UUID
    number: str
    gtin: str
    name: str
    unit: str
    partners: list[str]


def _choose(wanted: Sequence[Wanted], rows: Sequence[Candidate]) -> dict[int, Match | None]:
    by_number = {row.number: row for row in rows}
    by_alias = {number: row for row in rows for number in row.partners}
    by_gtin: dict[str, list[Candidate]] = defaultdict(list)
    for row in rows:
        if row.gtin:
            by_gtin[row.gtin].append(row)
    chosen: dict[int, Match | None] = {}
    for w in wanted:
        found = by_number.get(w.own) or by_alias.get(w.partners)
        if found is None and len(by_gtin[w.gtin]) == 1:
            found = by_gtin[w.gtin][0]
        chosen[w.key] = _found(found) if found else None
    return chosen


def _found(row: Candidate) -> Match:
    return Match(id=row.id, number=row.number, partners=(row.partners or [""])[0], gtin=row.gtin, name=row.name, unit=row.unit)


def items(*, search: str = "") -> QuerySet[models.Item]:
    """One's own items, with the partners' numbers; `search` looks into number, names and GTIN."""
    found = models.Item.objects.prefetch_related("aliases")
    if search:
        found = found.filter(Q(number__icontains=search) | Q(name__icontains=search) | Q(name_zh__icontains=search) | Q(gtin=search))
    return found


def item(*, id: uuid.UUID) -> models.Item | None:
    return models.Item.objects.prefetch_related("aliases").filter(pk=id).first()
