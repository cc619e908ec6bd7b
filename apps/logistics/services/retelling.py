"""The past, said again: each purchase line of a file goes through the moves that a line of today goes through, at the days on which it was.

The buyer publishes the order, the vendor confirms it for the day promised, ships it and the buyer receives it on the day it came. Each
move is a transaction of its own, and what is there already is found by its number: the telling can be stopped anywhere, and goes on.
"""

import datetime as dt
import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from apps.base.acting import Actor, Home, act_as, in_lobby
from apps.base.findings import Invalid
from apps.base.retrying import whole
from apps.catalog import selectors as catalog
from apps.catalog import services as items
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.types import TYPES
from apps.exchange.services import sweeping
from apps.logistics.services import despatching, receiving
from apps.logistics.services.chronicles import Bought, Fault, slug_of
from apps.logistics.services.despatching import OverDelivery
from apps.logistics.services.receiving import AlreadyReceived
from apps.network import selectors as network
from apps.network import services as partnering
from apps.tenants import selectors as tenants
from apps.tenants import services as tenancy

EXCHANGED = ("order", "despatch_advice", "receipt_advice")
TELLER = Actor(kind="system", name="History")
NUMBER_LIMIT = 60
MORNING, ANSWER, SHIPPED, RECEIVED = (dt.time(hour, tzinfo=dt.UTC) for hour in (8, 9, 10, 12))
REFUSALS = (Invalid, engine.NotAllowed, engine.NoSuchDocument, engine.Uncountable, OverDelivery, AlreadyReceived, network.NoPartner, partnering.ConsentRefused)


class NotOurs(Exception):
    """A vendor's short name belongs to an enterprise that is no supplier of the buyer's: nothing is said in its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one order came to. rows: how many rows of the file stand in the portal; faults: those that do not, and why; said: the moves made now."""

    order: str
    rows: int = 0
    said: int = 0
    faults: Sequence[Fault] = ()


@dataclass(slots=True)
class Teller:
    """Says one buyer's history. Whatever is said is said for the buyer, and for vendors that are his suppliers."""

    buyer: Home
    currency: str
    at: dt.datetime
    said: int = 0
    _vendors: dict[str, Home] = field(default_factory=dict)
    _items: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def tell(self, lines: Iterable[Bought]) -> Iterator[Told]:
        """All orders, one by one, in the order of the file. What is refused is told with its rows, and the others go on. Raises NotOurs."""
        for number, of_order in orders_of(lines).items():
            vendor = of_order[0].vendor
            mine = [line for line in of_order if line.vendor == vendor]
            others = [line for line in of_order if line.vendor != vendor]
            faults = [Fault(row=line.row, detail=_("The order %(order)s is with another vendor, too.") % {"order": number}) for line in others]
            before = self.said
            try:
                self._order(number, mine)
            except REFUSALS as refusal:
                faults += [Fault(row=line.row, detail=str(refusal)) for line in mine]
            yield Told(order=number, rows=len(of_order) - len(faults), said=self.said - before, faults=faults)

    def _order(self, number: str, lines: Sequence[Bought]) -> None:
        vendor = self._vendor(lines[0].vendor)
        self._enter_items(vendor, lines)
        order = self._publish(vendor, number, lines)
        self._there(vendor, order)
        with act_as(vendor, by=TELLER):
            if _may(order, "confirm"):
                self._say(lambda: engine.apply(document=order, move="confirm", by=TELLER, at=at_hour(_ordered_on(lines), ANSWER)))
        deliveries: dict[str, list[tuple[int, Bought]]] = defaultdict(list)
        for position, line in enumerate(lines, start=1):
            deliveries[f"{line.advice} {line.came_on:%y%m%d}"[-NUMBER_LIMIT:]].append((position, line))
        for advice, shipped in sorted(deliveries.items(), key=lambda each: each[1][0][1].came_on):
            self._deliver(vendor, order, advice, shipped)

    def _say(self, move: Callable[[], object]) -> None:
        def made() -> None:
            with transaction.atomic():
                move()

        whole(made)
        self.said += 1

    def _vendor(self, name: str) -> Home:
        """The vendor's home, made and befriended where that was not done. Raises NotOurs."""
        slug = slug_of(name, buyer=self.buyer.slug)
        if slug not in self._vendors:
            with in_lobby():
                home = tenants.home(slug=slug)
            home = home or tenancy.provision(slug=slug, name=name[:200], roles=["supplier"], at=self.at)
            self._befriend(home)
            self._vendors[slug] = home
        return self._vendors[slug]

    def _befriend(self, vendor: Home) -> None:
        with act_as(self.buyer, by=TELLER):
            known = network.known(slug=vendor.slug)
            if known is not None and known.role != "supplier":
                raise _not_ours(vendor)
        if known is None:
            self._invite(vendor)
        with act_as(vendor, by=TELLER):
            if self.buyer.id not in {partner.id for partner in network.active()}:
                asked = network.known(slug=self.buyer.slug)
                assert asked is not None
                partnering.accept(partnership=asked.partnership_id, by=TELLER, at=self.at)

    def _invite(self, vendor: Home) -> None:
        """Make an enterprise a supplier that was made for this history and holds nothing yet: it knows nobody, and has no items."""
        with act_as(vendor, by=TELLER):
            if network.partners() or catalog.items().exists():
                raise _not_ours(vendor)
        with act_as(self.buyer, by=TELLER):
            partnering.invite(slug=vendor.slug, role="supplier", document_types=EXCHANGED, by=TELLER, at=self.at)

    def _enter_items(self, vendor: Home, lines: Sequence[Bought]) -> None:
        """The buyer's items under their names, and the vendor's under the same ones."""
        for home in (self.buyer, vendor):
            fresh = {item_number(line.item): line.item for line in lines}
            fresh = {number: name for number, name in fresh.items() if number not in self._items[home.slug]}
            if not fresh:
                continue
            aliases = [self.buyer.slug] if home is vendor else []
            with act_as(home, by=TELLER):
                for number in fresh.keys() - catalog.ids(fresh).keys():
                    named = [{"partner": partner, "number": number} for partner in aliases]
                    items.save_item(number=number, name=fresh[number], aliases=named, by=TELLER, at=self.at)
            self._items[home.slug] |= fresh.keys()

    def _publish(self, vendor: Home, number: str, lines: Sequence[Bought]) -> uuid.UUID:
        found: list[uuid.UUID] = []
        with act_as(self.buyer, by=TELLER):
            known = documents.by_number(type="order", number=number, side="buyer", partner_id=vendor.id)
            if known is not None:
                return known
            given, at = [_line(line) for line in lines], at_hour(_ordered_on(lines), MORNING)

            def publish() -> None:
                row = engine.say(type="order", move="publish", partner=vendor.id, number=number, currency=self.currency, lines=given, by=TELLER, at=at)
                found.append(row.pk)

            self._say(publish)
        return found[-1]

    def _there(self, home: Home, document: uuid.UUID) -> None:
        """What was said has come to the other side; the sweep brings what did not at once."""
        with act_as(home, by=TELLER):
            standing = documents.head(id=document)
        if standing is None:
            sweeping.sweep()

    def _deliver(self, vendor: Home, order: uuid.UUID, number: str, shipped: Sequence[tuple[int, Bought]]) -> None:
        came_on = shipped[0][1].came_on
        advice = self._ship(vendor, order, number, shipped, at_hour(came_on, SHIPPED))
        self._there(self.buyer, advice)
        with act_as(self.buyer, by=TELLER):
            head = documents.head(id=advice)
            if head is None or not receiving.is_receivable(head):
                return
            lines = [{"line": index, "received": format(line.quantity, "f")} for index, (_position, line) in enumerate(shipped, start=1)]
            kept = documents.by_number(type=receiving.TYPE, number=number, side="buyer", partner_id=vendor.id)
            at = at_hour(came_on, RECEIVED)
            if kept is not None:
                self._say(lambda: engine.apply(document=kept, move="send", by=TELLER, at=at))
            else:
                given = {"number": number, "despatch_advice": str(advice), "lines": lines}
                self._say(lambda: receiving.receive(given=given, by=TELLER, at=at))

    def _ship(self, vendor: Home, order: uuid.UUID, number: str, shipped: Sequence[tuple[int, Bought]], at: dt.datetime) -> uuid.UUID:
        found: list[uuid.UUID] = []
        with act_as(vendor, by=TELLER):
            known = documents.by_number(type=despatching.TYPE, number=number, side="seller", partner_id=self.buyer.id)
            if known is not None and not _may(known, "ship"):
                return known
            lines = [{"order": str(order), "line": position, "quantity": format(line.quantity, "f")} for position, line in shipped]

            def ship() -> None:
                advice = known or despatching.enter(given={"number": number, "lines": lines}, by=TELLER, at=at)
                engine.apply(document=advice, move="ship", by=TELLER, at=at)
                found.append(advice)

            self._say(ship)
        return found[-1]


def _not_ours(vendor: Home) -> NotOurs:
    return NotOurs(_("“%(slug)s” is there, and no supplier of this history.") % {"slug": vendor.slug})


def orders_of(lines: Iterable[Bought]) -> dict[str, list[Bought]]:
    """The lines by their order, in the order of the file."""
    found: dict[str, list[Bought]] = defaultdict(list)
    for line in lines:
        found[line.order].append(line)
    return found


def item_number(name: str) -> str:
    """A number for an item that has none but its name: the name, and where that is too long its beginning and a digest."""
    return name if len(name) <= NUMBER_LIMIT else f"{name[:47].rstrip()} {hashlib.sha256(name.encode()).hexdigest()[:12]}"


def at_hour(day: dt.date, hour: dt.time) -> dt.datetime:
    return dt.datetime.combine(day, hour)


def _ordered_on(lines: Sequence[Bought]) -> dt.date:
    """When an order was sent: as the file says, but no later than the first of its lines was due or came."""
    return min(day for line in lines for day in (line.sent_on, line.due_on, line.came_on) if day is not None)


def _line(line: Bought) -> dict[str, object]:
    quantity = format(line.quantity, "f")
    price = {"price": format(line.value, "f"), "price_base": quantity}
    dates = [{"quantity": quantity, "due_on": line.due_on.isoformat()}]
    return {"item": item_number(line.item), "quantity": quantity, "unit": "C62", **price, "schedules": dates}


def _may(document: uuid.UUID, move: str) -> bool:
    """Whether a document of the acting home is in a state that allows a move."""
    head = documents.head(id=document)
    if head is None:
        raise engine.NoSuchDocument
    declared = TYPES[head["type"]].find_move(move)
    return declared is not None and head["state"] in declared.before
