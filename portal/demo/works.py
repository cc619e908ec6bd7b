"""How the demo's enterprises work: sites, calendars, machines, bills of material, sources, stock, and the refrigerator that is made to order."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction

from apps.base import clock
from apps.base.acting import Actor, act_as
from apps.base.findings import Finding, Invalid
from apps.catalog import selectors as items
from apps.catalog import services as catalog
from apps.customisation import selectors as products
from apps.customisation import services as customisation
from apps.logistics import selectors as stock
from apps.logistics import services as logistics
from apps.scheduling import services as schedule
from portal.demo import painting
from portal.demo.network import Member, Plan

SINCE = dt.timedelta(weeks=19)
COUNTED = dt.timedelta(days=7)
REASONS = {"en": "Stocktaking", "zh-hans": "盘点"}
RESOURCE = ("code", "name", "name_zh", "calendar", "pool", "efficiency")
COMPONENT = ("item", "position", "component", "quantity", "condition", "scrap")
OPERATION = ("item", "position", "name", "name_zh", "pool", "setup", "run", "condition", "lag")
# What is never bought in parts of one.
PIECES = ("C62", "SET")
Row = Mapping[str, Any]


def load(plan: Plan, works: Plan, members: Mapping[str, Member]) -> None:
    """Let every enterprise know how it works. One that knows already is left alone: it was told all, or nothing."""
    for slug, row in works.items():
        member = members[slug]
        trades = [trade for trade in plan["trades"] if trade["buyer"] == slug]
        with act_as(member.home, by=member.desk("administrator")), transaction.atomic():
            if not items.sites().exists():
                _Works(member, row, trades).enter()


class _Works:
    """One enterprise's works, as the plan has them, on their way through the services."""

    def __init__(self, member: Member, row: Row, trades: Sequence[Row]) -> None:
        self.member, self.row, self.trades = member, row, trades
        self.by: Actor = member.desk("administrator")
        self.at = clock.now() - SINCE

    def enter(self) -> None:
        at, by = self.at, self.by
        for site in self.row["sites"]:
            catalog.save_site(**site, by=by, at=at)
        for number, name, name_zh, unit in self.row.get("items", ()):
            catalog.save_item(number=number, name=name, name_zh=name_zh, unit=unit, bought=False, sold=False, procurement="make", by=by, at=at)
        _sound(schedule.put_calendars([_calendar(row) for row in self.row["calendars"]], at=at))
        site = self.row["sites"][0]["code"]
        _sound(schedule.put_resources([{**dict(zip(RESOURCE, row, strict=True)), "site": site} for row in self.row["resources"]], at=at))
        for line in self.row.get("components", ()):
            catalog.save_component(**dict(zip(COMPONENT, line, strict=True)), by=by, at=at)
        _sound(schedule.put_operations([dict(zip(OPERATION, row, strict=True)) for row in self.row.get("operations", ())]))
        for source in self._sources():
            catalog.save_source(**source, by=by, at=at)

    def _sources(self) -> Iterator[Row]:
        """Where each thing is bought: from the partner of its trade, in its lots."""
        lots = {item: {"minimum": least, "multiple": multiple} for item, least, multiple in self.row.get("lots", ())}
        by_hand = self.row.get("by_hand", ())
        for trade in self.trades:
            for ours, _theirs, _name, _zh, unit, price, _lot, _gtin in (*trade["items"], *trade.get("more", ())):
                lot = lots.get(ours) or {"multiple": "1" if unit in PIECES else "0"}
                policy = "by_hand" if ours in by_hand else "automatic"
                days = {"lead_days": trade["lead"], "transport_days": trade["transport"]}
                yield {"item": ours, "partner": trade["seller"], "price": price, "currency": trade["currency"], "policy": policy, **days, **lot}


def count(works: Plan, members: Mapping[str, Member]) -> None:
    """Let every enterprise count its stock, which makes the ledger what the plan says. Nobody counts twice."""
    for slug, row in works.items():
        member = members[slug]
        person = member.desk("administrator")
        with act_as(member.home, by=person), transaction.atomic():
            if stock.moves().filter(reason=REASONS[member.home.language]).exists():
                continue
            known = items.ids(item for item, _quantity, _lot in row.get("stock", ()))
            for item, quantity, lot in row.get("stock", ()):
                reason = REASONS[member.home.language]
                logistics.adjust(item=known[item], counted=str(quantity), lot=lot, reason=reason, by=person, at=clock.now() - COUNTED)


def _calendar(row: Sequence[str]) -> Row:
    code, name, place, weekdays, saturday, sunday = row
    country, _colon, subdivision = place.partition(":")
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), weekdays)
    return {"code": code, "name": name, "country": country, "subdivision": subdivision, **week, "saturday": saturday, "sunday": sunday}


def _sound(put: Any) -> None:
    """Raises Invalid where a row of the plan was not taken."""
    if put.findings:
        raise Invalid([Finding(f"/{index}{finding.pointer}", finding.code, finding.detail) for index, finding in put.findings])


# The refrigerator -------------------------------------------------------------------------------------------------------


def sell(refrigerator: Plan, maker: Member) -> None:
    """Publish what can be configured. A product that is sold already stays as it is."""
    person, at = maker.desk("seller"), clock.now() - SINCE
    with act_as(maker.home, by=person):
        known = products.product(code=refrigerator["code"])
        if known is not None and known.release is not None:
            return
        with transaction.atomic():
            _sell(refrigerator, person, at)


def _sell(refrigerator: Plan, person: Actor, at: dt.datetime) -> uuid.UUID:
    about = {name: refrigerator[name] for name in ("item", "code", "name", "name_zh", "text", "text_zh")}
    doors, colour = refrigerator["paint"]["front"]
    front = customisation.keep_picture(body=painting.refrigerator(doors, painting.colour_of(colour)))
    code = customisation.save_product(given={**about, "picture": front, "public": True}, by=person, at=at).code
    customisation.save_release(product=code, given=_model(refrigerator), by=person, at=at)
    return customisation.publish(product=code, by=person, at=at).pk


def _model(refrigerator: Plan) -> Row:
    painted = _painted(refrigerator["paint"])
    features = [{**row, "options": _options(row, painted)} if "options" in row else row for row in refrigerator["features"]]
    return {**{name: refrigerator[name] for name in ("price", "currency", "rules", "examples")}, "features": features}


def _painted(paint: Plan) -> dict[tuple[str, str], str]:
    """The name of the picture of each option that has one, by feature and option."""
    fronts = {("doors", doors): painting.refrigerator(doors, painting.colour_of(paint["doors"])) for doors in painting.DOORS}
    pieces = {(code, option): painting.swatch(painting.colour_of(colour)) for code, each in paint["swatches"].items() for option, colour in each.items()}
    return {option: customisation.keep_picture(body=body) for option, body in {**fronts, **pieces}.items()}


def _options(feature: Row, painted: Mapping[tuple[str, str], str]) -> list[Row]:
    options = [dict(zip(("code", "name", "name_zh", "price"), row, strict=True)) for row in feature["options"]]
    return [{**option, "picture": painted.get((feature["code"], option["code"]), "")} for option in options]
