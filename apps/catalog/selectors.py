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
    """One's own items, with the partners' numbers; `search` looks into number, names, GTIN and the partners' numbers."""
    found = models.Item.objects.prefetch_related("aliases")
    if search:
        aliases = models.Alias.objects.filter(number__icontains=search).values("item_id")
        named = Q(number__icontains=search) | Q(name__icontains=search) | Q(name_zh__icontains=search)
        found = found.filter(named | Q(gtin=search) | Q(pk__in=aliases))
    return found


def item(*, id: uuid.UUID) -> models.Item | None:
    return models.Item.objects.prefetch_related("aliases").filter(pk=id).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of items by number, and whether there are more on either side."""

    items: Sequence[models.Item]
    more_before: bool
    more_after: bool


def page(*, search: str = "", partner_id: uuid.UUID | None = None, after: str = "", before: str = "", limit: int = 50) -> Page:
    """The items whose number comes after (or before) the given one; partner_id: only those for which this partner has a number."""
    found = items(search=search).order_by("number")
    if partner_id is not None:
        found = found.filter(pk__in=models.Alias.objects.filter(partner_id=partner_id).values("item_id"))
    if before and not after:
        rows = list(found.filter(number__lt=before).order_by("-number")[: limit + 1])
        return Page(items=rows[:limit][::-1], more_before=len(rows) > limit, more_after=bool(rows))
    rows = list((found.filter(number__gt=after) if after else found)[: limit + 1])
    return Page(items=rows[:limit], more_before=bool(after and rows), more_after=len(rows) > limit)


def likely(*, number: str = "", gtin: str = "", name: str = "", limit: int = 8) -> list[models.Item]:
    """One's own items that may be meant: of the same GTIN or number first, then those whose name has the longest word of `name`."""
    word = max((part for part in name.split() if len(part) > 2), key=len, default=name.strip())
    conditions = [Q(gtin=gtin)] if gtin else []
    conditions += [Q(number__iexact=number), Q(number__icontains=number)] if number else []
    conditions += [Q(name__icontains=word) | Q(name_zh__icontains=word)] if word else []
    found: dict[uuid.UUID, models.Item] = {}
    for condition in conditions:
        for row in models.Item.objects.filter(condition).order_by("number")[:limit]:
            found.setdefault(row.pk, row)
    return list(found.values())[:limit]


def aliases(items: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, uuid.UUID, str]]:
    """What partners call these items: item, partner, the partner's number. One query."""
    return list(models.Alias.objects.filter(item_id__in=items).order_by("number", "id").values_list("item_id", "partner_id", "number"))
