"""Questions about items: which one is meant, what it is made of, whence it comes; and about sites."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.base import acting, announcing
from apps.base.rows import rows
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
        found = [Candidate(*row) for row in cursor.fetchall()]
    return _choose(wanted, found)


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


def _choose(wanted: Sequence[Wanted], candidates: Sequence[Candidate]) -> dict[int, Match | None]:
    by_number = {row.number: row for row in candidates}
    by_alias = {number: row for row in candidates for number in row.partners}
    by_gtin: dict[str, list[Candidate]] = defaultdict(list)
    for row in candidates:
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
        held = list(found.filter(number__lt=before).order_by("-number")[: limit + 1])
        return Page(items=held[:limit][::-1], more_before=len(held) > limit, more_after=bool(held))
    held = list((found.filter(number__gt=after) if after else found)[: limit + 1])
    return Page(items=held[:limit], more_before=bool(after and held), more_after=len(held) > limit)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An item as the planner sees it. unit: UN/ECE Rec 20; procurement: make, buy or stock; shipping_days: from being finished to the customer's door;
    price: the list price."""

    id: uuid.UUID
    number: str
    name: str
    name_zh: str
    unit: str
    procurement: str
    shipping_days: int
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A line of a bill of material. quantity, condition: formulas as text (`apps.base.formulas`), in units of the component for one unit of the item.

    scrap: percent of what is taken that is lost; fixed: so much more a job. alternates: the lines that may stand in for it, best first,
    one for one. The dates are the first and the last day on which it holds, None where there is no bound.
    """

    id: uuid.UUID
    item: uuid.UUID
    position: int
    component: uuid.UUID
    quantity: str
    scrap: Decimal
    fixed: Decimal
    condition: str
    priority: int
    valid_from: dt.date | None
    valid_until: dt.date | None
    alternates: tuple["Component", ...] = ()

    def taken(self, net: Decimal) -> Decimal:
        """What must be taken so that `net` is left after the scrap, to the sixth digit upwards. The fixed quantity is not in it."""
        return (net / (1 - self.scrap / 100)).quantize(_SIXTH, ROUND_UP)

    def holds(self, on: dt.date) -> bool:
        """Whether the day lies within its dates."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_until is None or on <= self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """From which partner an item is bought. The fields are those of `models.Source`."""

    id: uuid.UUID
    item: uuid.UUID
    partner_id: uuid.UUID
    lead_days: int
    transport_days: int
    minimum: Decimal
    multiple: Decimal
    price: Decimal | None
    currency: str
    priority: int
    policy: str
    asked: bool
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """All that some items are made of, down to the last component: the items by id, the lines by their item in the order of their position,
    the sources by their item in the order of their priority. An item without lines (without sources) is no key there."""

    items: dict[uuid.UUID, Made]
    components: dict[uuid.UUID, tuple[Component, ...]]
    sources: dict[uuid.UUID, tuple[Source, ...]]


_SIXTH = Decimal("0.000001")
_COMPONENT = ("id", "item", "position", "component", "quantity", "scrap", "fixed", "condition", "priority", "valid_from", "valid_until")
_COMPONENT_COLUMNS = "c.id, c.item_id, c.position, c.component_id, c.quantity, c.scrap, c.fixed, c.condition, c.priority, c.valid_from, c.valid_until"
# UNION drops what was reached before: a circle ends there.
_REACHED = (
    "WITH RECURSIVE reached(id) AS (SELECT unnest(%s::uuid[]) UNION SELECT c.component_id FROM catalog_component c JOIN reached r ON c.item_id = r.id) "
    f"SELECT {_COMPONENT_COLUMNS}, c.alternate_of_id FROM catalog_component c JOIN reached r ON c.item_id = r.id ORDER BY c.position, c.id"
)
_SOURCE = ("id", "item", "partner_id", "lead_days", "transport_days", "minimum", "multiple", "price", "currency", "priority", "policy", "asked", "active")
_SOURCES = (
    "SELECT id, item_id, partner_id, lead_days, transport_days, minimum, multiple, price, currency, priority, policy, asked, active "
    "FROM catalog_source WHERE item_id = ANY(%s::uuid[]) ORDER BY priority, id"
)
_MADE = ("id", "number", "name", "name_zh", "unit", "procurement", "shipping_days", "price")
_ITEMS = "SELECT id, number, name, name_zh, unit, procurement, shipping_days, price FROM catalog_item WHERE id = ANY(%s::uuid[])"


def structure(items: Sequence[uuid.UUID], *, inactive: bool = False) -> Structure:
    """All components and sources that can be reached from `items`, themselves among them, whatever their conditions and dates say.

    Three queries, whatever the number and the depth; a circle does no harm. inactive: also the sources that are switched off.
    """
    components = _components(rows(_REACHED, (*_COMPONENT, "alternate_of"), [list(items)]))
    ids = {*items, *(one.component for lines in components.values() for line in lines for one in (line, *line.alternates))}
    return Structure(
        items={row["id"]: Made(**row) for row in rows(_ITEMS, _MADE, [list(ids)])},
        components=components,
        sources=_sources(list(ids), inactive=inactive),
    )


def _components(found: Sequence[dict[str, Any]]) -> dict[uuid.UUID, tuple[Component, ...]]:
    """The lines by item, each with those that may stand in for it."""
    alternates: dict[uuid.UUID, list[Component]] = defaultdict(list)
    main: list[dict[str, Any]] = []
    for row in found:
        of = row.pop("alternate_of")
        if of is None:
            main.append(row)
        else:
            alternates[of].append(Component(**row))
    grouped: dict[uuid.UUID, list[Component]] = defaultdict(list)
    for row in main:
        standing_in = sorted(alternates.get(row["id"], ()), key=lambda one: (one.priority, one.position))
        grouped[row["item"]].append(Component(**row, alternates=tuple(standing_in)))
    return {item: tuple(lines) for item, lines in grouped.items()}


def _sources(items: Sequence[uuid.UUID], *, inactive: bool) -> dict[uuid.UUID, tuple[Source, ...]]:
    grouped: dict[uuid.UUID, list[Source]] = defaultdict(list)
    for row in rows(_SOURCES, _SOURCE, [list(items)]):
        if inactive or row["active"]:
            grouped[row["item"]].append(Source(**row))
    return {item: tuple(found) for item, found in grouped.items()}


def components(item: uuid.UUID) -> tuple[Component, ...]:
    """The lines of one item's own bill of material, by position. One query."""
    query = f"SELECT {_COMPONENT_COLUMNS}, c.alternate_of_id FROM catalog_component c WHERE c.item_id = %s ORDER BY c.position, c.id"
    return _components(rows(query, (*_COMPONENT, "alternate_of"), [item])).get(item, ())


def sources(item: uuid.UUID, *, inactive: bool = False) -> tuple[Source, ...]:
    """From whom the item is bought, the lowest priority first. One query."""
    return _sources([item], inactive=inactive).get(item, ())


def line(*, id: uuid.UUID) -> models.Component | None:
    """One line of a bill of material, with both of its items."""
    return models.Component.objects.select_related("item", "component", "alternate_of").filter(pk=id).first()


def source(*, id: uuid.UUID) -> models.Source | None:
    """One source, with its item."""
    return models.Source.objects.select_related("item").filter(pk=id).first()


def offered(*, but: uuid.UUID, most: int) -> list[models.Item]:
    """The first items by number that could be a component of another one, to choose from."""
    return list(models.Item.objects.exclude(pk=but).order_by("number")[:most])


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An item into which another one goes. level: 1 where it is a component itself, 2 where it is one of a component …"""

    id: uuid.UUID
    number: str
    name: str
    name_zh: str
    level: int


# A row for each item and level, at most as deep as a bill of material may be: a circle ends there too.
_USES = (
    "WITH RECURSIVE used(id, level) AS (SELECT c.item_id, 1 FROM catalog_component c WHERE c.component_id = %s "
    "UNION SELECT c.item_id, u.level + 1 FROM catalog_component c JOIN used u ON c.component_id = u.id WHERE u.level < %s) "
    "SELECT i.id, i.number, i.name, i.name_zh, min(u.level) FROM used u JOIN catalog_item i ON i.id = u.id GROUP BY i.id ORDER BY min(u.level), i.number"
)
DEEPEST = 50


def where_used(item: uuid.UUID) -> list[Use]:
    """The items that need this one, the nearest first, up to the top. One query."""
    return [Use(**row) for row in rows(_USES, ("id", "number", "name", "name_zh", "level"), [item, DEEPEST])]


def ids(numbers: Iterable[str]) -> dict[str, uuid.UUID]:
    """The items with these numbers of one's own. One query."""
    return {row["number"]: row["id"] for row in rows("SELECT number, id FROM catalog_item WHERE number = ANY(%s::text[])", ("number", "id"), [list(numbers)])}


def numbers(items: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """One's own numbers of these items. One query."""
    return {row["id"]: row["number"] for row in rows("SELECT id, number FROM catalog_item WHERE id = ANY(%s::uuid[])", ("id", "number"), [list(items)])}


def existing(items: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these ids that are items."""
    wanted = list(items)
    return set(numbers(wanted)) if wanted else set()


_COUNTS = (
    "SELECT (SELECT count(*) FROM catalog_component WHERE item_id = %s AND alternate_of_id IS NULL), "
    "(SELECT count(DISTINCT item_id) FROM catalog_component WHERE component_id = %s), "
    "(SELECT count(*) FROM catalog_source WHERE item_id = %s)"
)


def tabs(item: uuid.UUID, current: str) -> list[dict[str, Any]]:
    """The pages about an item for whoever acts, those that the floors above declare (`ITEM_TABS`) among them: label, url, count, current.

    A declared tab has code, label, url (the name of an address that takes the item's id) and permission. One query.
    """
    lines, uses, offers = rows(_COUNTS, ("lines", "uses", "offers"), [item] * 3)[0].values()
    own = [
        ("item", _("Overview"), "item", None),
        ("structure", _("Made of"), "item_structure", lines),
        ("uses", _("Used in"), "item_uses", uses),
        ("sources", _("Sources"), "item_sources", offers),
    ]
    more = [
        (tab["code"], tab["label"], tab["url"], None)
        for declared in announcing.declared("ITEM_TABS")
        for tab in declared
        if acting.actor().may(tab["permission"])
    ]
    return [{"label": label, "url": reverse(url, args=[item]), "count": count, "current": code == current} for code, label, url, count in (*own, *more)]


def sites() -> QuerySet[models.Site]:
    """One's own sites: the main one first, then by code."""
    return models.Site.objects.order_by("-main", "code")


def site(*, id: uuid.UUID) -> models.Site | None:
    return models.Site.objects.filter(pk=id).first()
