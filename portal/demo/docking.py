"""What went over the docks of the demo: what is due has come and was used up, what is due soon is on its way, and the next stands packed."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from graphlib import TopologicalSorter
from typing import Any

from django.db import transaction

from apps.base import clock
from apps.base.acting import act_as
from apps.documents import selectors as documents
from apps.documents import services as engine
from apps.documents.selectors import Agreed
from apps.exchange import services as exchange
from apps.logistics import services as logistics
from apps.scheduling import selectors as plan_of
from apps.scheduling import services as scheduling
from apps.scheduling.selectors.picture import picture
from portal.demo.network import Member, Plan

# What was ordered comes together, as much of it as is due within so many days.
BATCH = 28
# A delivery stands packed at the dock for some days before it leaves.
PACKED = 3
HISTORY = dt.timedelta(days=60)
REASONS = {"en": "Used by the line", "zh-hans": "产线领用"}


def load(plan: Plan, members: Mapping[str, Member]) -> int:
    """Deliver what was ordered without a promise. Gives how many deliveries there are."""
    count = 0
    for trade in plan["trades"]:
        buyer, seller = members[trade["buyer"]], members[trade["seller"]]
        for days, lines in _batches([line for line in _lines(buyer, seller) if "promise" not in line.details], trade["ships"]).items():
            due = max(_due(line) for line in lines)
            delivery = Delivery(buyer, seller, f"{due:%y%m%d}", lines, ships=trade["ships"], due=due)
            delivery.pack(leaves=days != "packed")
            if days not in ("packed", "coming"):
                delivery.receive(short=len(lines) > 3, used=True)
            count += 1
    return count


def keep(plan: Plan, members: Mapping[str, Member]) -> int:
    """Let everybody do what he has promised by now: first those whose goods the others need. Gives how many deliveries there are.

    What the plan says was finished is finished, what should have left is on its way, what is due has come.
    """
    needs: dict[str, set[str]] = defaultdict(set)
    for trade in plan["trades"]:
        needs[trade["buyer"]].add(trade["seller"])
    count = 0
    for slug in TopologicalSorter(needs).static_order():
        count += _keep(slug, plan, members)
        # A receipt ends a promise, and the customer who sent it hears so only after he has said all.
        exchange.sweep()
    return count


def _keep(slug: str, plan: Plan, members: Mapping[str, Member]) -> int:
    seller, today, count = members[slug], clock.today(), 0
    _finish(seller)
    for trade in (trade for trade in plan["trades"] if trade["seller"] == slug):
        buyer = members[trade["buyer"]]
        for line in (line for line in _lines(buyer, seller) if "promise" in line.details):
            due = _promised(seller, line)
            if due - dt.timedelta(days=trade["ships"]) < today:
                delivery = Delivery(buyer, seller, line.number, [line], ships=trade["ships"], due=due)
                delivery.pack(leaves=True)
                if due <= today:
                    delivery.receive(short=False, used=False)
                count += 1
    return count


def _finish(member: Member) -> None:
    """Every job whose time is over is done, in the order of their ends."""
    person, now = member.desk("planner"), clock.now()
    with act_as(member.home, by=person):
        ends: dict[uuid.UUID, dt.datetime] = {}
        for bar in picture(since=now - HISTORY, until=now, at=now).bars:
            if not bar.done and not bar.held:
                ends[bar.job] = max(ends.get(bar.job, bar.ends_at), bar.ends_at)
        for job, end in sorted(ends.items(), key=lambda pair: pair[1]):
            if end <= now:
                scheduling.finish(job=job, by=person, at=end)


def _lines(buyer: Member, seller: Member) -> list[Agreed]:
    """What the seller agreed to, and has not shipped any of."""
    with act_as(seller.home, by=seller.desk("dock")):
        lines = documents.agreed_lines(side="seller", partner_id=buyer.home.id)
    return [line for line in lines if line.is_open and not line.sums.of("shipped")]


def _due(line: Agreed) -> dt.date:
    return max(day for day, _quantity in line.dates if day)


def _promised(seller: Member, line: Agreed) -> dt.date:
    """By when it is promised now, which is another day than the order's where the promise has moved."""
    with act_as(seller.home, by=seller.desk("dock")):
        record = plan_of.record(uuid.UUID(line.details["promise"]))
    assert record is not None
    assert record.promised_on is not None
    return record.promised_on


def _batches(lines: Sequence[Agreed], ships: int) -> Mapping[int | str, Sequence[Agreed]]:
    """The lines that go together: those that are due, by how long they have been; those on their way; those that leave next."""
    found: dict[int | str, list[Agreed]] = defaultdict(list)
    for line in lines:
        ahead = (_due(line) - clock.today()).days
        if ahead <= ships + PACKED:
            found[-ahead // BATCH if ahead <= 0 else "coming" if ahead <= ships else "packed"].append(line)
    return found


class Delivery:
    """What is shipped together. number: what its advices are called, after the two partners. ships: days from door to door. due: when it shall be there."""

    def __init__(self, buyer: Member, seller: Member, number: str, lines: Sequence[Agreed], *, ships: int, due: dt.date) -> None:
        self.buyer, self.seller, self.lines, self.ships, self.due = buyer, seller, lines, ships, due
        self.number = f"{buyer.home.slug[:2]}{seller.home.slug[:2]}-{number}".upper()

    def _moment(self, days: int) -> dt.datetime:
        """The morning so many days before it is due, never in the future."""
        return min(dt.datetime.combine(self.due - dt.timedelta(days=days), dt.time(9, 40), dt.UTC), clock.now())

    def _find(self, type: str, number: str) -> uuid.UUID | None:
        found: uuid.UUID | None = documents.heads(type=type).filter(number=number).values_list("id", flat=True).first()
        return found

    def pack(self, *, leaves: bool) -> None:
        """Write the despatch advice, and ship it where it leaves, unless that was done."""
        person, at = self.seller.desk("dock"), self._moment(self.ships)
        with act_as(self.seller.home, by=person), transaction.atomic():
            if self._find("despatch_advice", f"DA-{self.number}") is None:
                advice = engine.enter(type="despatch_advice", given=self._packed(), by=person, at=at)
                if leaves:
                    engine.make(type="despatch_advice", document=advice, move="ship", data={}, by=person, at=at)

    def _packed(self) -> dict[str, Any]:
        """Each line under a lot of its own, all on pallets of at most four lines. What was promised comes from whatever lot there is."""
        lines = []
        for index, line in enumerate(self.lines, start=1):
            lot = "" if "promise" in line.details else f"{self.number}-{index}"
            lines.append({"order": str(line.order), "line": line.position, "quantity": _said(line.sums.agreed), "lot": lot})
        contents = [{"line": index, "quantity": line["quantity"], "lot": line["lot"]} for index, line in enumerate(lines, start=1)]
        pallets = [{"type": "PX", "contains": contents[start : start + 4]} for start in range(0, len(contents), 4)]
        return {"number": f"DA-{self.number}", "lines": lines, "units": pallets}

    def receive(self, *, short: bool, used: bool) -> None:
        """Count what came, unless that was done. short: of the first line one piece is missing, and one is broken. used: it went into production since."""
        person, at = self.buyer.desk("dock"), self._moment(0)
        with act_as(self.buyer.home, by=person), transaction.atomic():
            advice = self._find("despatch_advice", f"DA-{self.number}")
            if advice is None or self._find("receipt_advice", f"RA-{self.number}") is not None:
                return
            given = {"number": f"RA-{self.number}", "despatch_advice": str(advice), "lines": self._counted(advice, short)}
            receipt = engine.enter(type="receipt_advice", given=given, by=person, at=at)
            engine.make(type="receipt_advice", document=receipt, move="send", data={}, by=person, at=at)
            if used:
                self._use(receipt, min(at + dt.timedelta(hours=4), clock.now()))

    def _counted(self, advice: uuid.UUID, short: bool) -> list[dict[str, Any]]:
        whole = documents.whole(id=advice)
        assert whole is not None
        rows: list[dict[str, Any]] = [{"line": line["position"], "received": _said(line["quantity"])} for line in whole.lines]
        if short:
            rows[0] |= {"received": _said(whole.lines[0]["quantity"] - 1), "rejected": "1", "reason": 1, "action": 2}
        return rows

    def _use(self, receipt: uuid.UUID, at: dt.datetime) -> None:
        """What was accepted goes into production, so that nobody finds it in stock."""
        whole = documents.whole(id=receipt)
        assert whole is not None
        person, reason = self.buyer.desk("planner"), REASONS[self.buyer.home.language]
        for line in whole.lines:
            accepted = line["details"]["counts"].get("accepted")
            if line["item_id"] and accepted:
                moved = {"source": "stock", "target": "production", "lot": line["details"]["lot"], "reason": reason}
                logistics.move_stock(item=line["item_id"], quantity=accepted, **moved, by=person, at=at)


def _said(quantity: Decimal) -> str:
    return format(quantity, "f")
