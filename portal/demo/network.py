"""The demo's enterprises, people, partnerships and items, and how its plans are read."""

import datetime as dt
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.accounts import selectors as accounts
from apps.accounts import services as people
from apps.base import clock
from apps.base.acting import Actor, Home, act_as, as_operator, in_lobby
from apps.base.findings import Invalid
from apps.catalog import selectors as items
from apps.catalog import services as catalog
from apps.network import selectors as partners
from apps.network import services as partnerships
from apps.tenants import selectors as enterprises
from apps.tenants import services as tenants

# How long they have been partners: a little longer than they have had orders.
SINCE = dt.timedelta(weeks=20)
# What they say to one another. The carrier takes orders alone.
SUPPLY = ("order", "promise", "despatch_advice", "receipt_advice")

Plan = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An enterprise of the demo: its home, the people by role, and its API token."""

    home: Home
    people: Mapping[str, Actor]
    token: str

    def desk(self, role: str) -> Actor:
        """The person of a role; the administrator where there is none."""
        return self.people.get(role) or self.people["administrator"]


def read(name: str) -> Plan:
    """A part of the demo, as `fixtures/demo/NAME.toml` says it."""
    path: Path = settings.ROOT / "fixtures" / "demo" / f"{name}.toml"
    return tomllib.loads(path.read_text("utf-8"))


def with_check_digit(digits: str) -> str:
    """A GS1 key with its check digit (General Specifications 7.9): weights 3 and 1, from the right."""
    total = sum(int(digit) * (3, 1)[index % 2] for index, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def load(plan: Plan, *, password: str, say: Callable[[str], Any]) -> dict[str, Member]:
    """Make everything but the orders; what is there already is kept."""
    members = {row["slug"]: _member(row, password) for row in plan["enterprises"]}
    for guest in plan["guests"]:
        with in_lobby():
            _join(members[guest["slug"]].home, email=guest["email"], role=guest["role"])
    with as_operator():
        _operator(password)
    say(f"{len(members)} enterprises stand")
    for trade in plan["trades"]:
        _ally(members[trade["buyer"]], members[trade["seller"]], role="supplier", types=SUPPLY)
    for slug in members.keys() - {"swift", "stranger"}:
        _ally(members[slug], members["swift"], role="carrier", types=("order",))
    for trade in plan["trades"]:
        _enter_items(trade, members[trade["buyer"]], members[trade["seller"]])
    return members


def _member(row: Mapping[str, Any], password: str) -> Member:
    with in_lobby():
        home = enterprises.home(slug=row["slug"])
    home = home or _provision(row)
    with in_lobby():
        staff = {}
        for name, local, role, language in row["people"]:
            email = f"{local}@{row['slug']}.example"
            user = _join(home, email=email, role=role, name=name, password=password, language=language)
            staff[role] = Actor(kind="person", id=user, name=name, permissions=accounts.permissions_of(role))
        _client, token = people.issue_token(enterprise=home.id, name="Demo", at=clock.now())
    member = Member(home=home, people=staff, token=token)
    _say_when(member, row)
    return member


def _say_when(member: Member, row: Mapping[str, Any]) -> None:
    """When somebody is there to answer; whoever administers the enterprise hears of late answers."""
    name, local = next((name, local) for name, local, role, _language in row["people"] if role == "administrator")
    by = member.desk("administrator")
    email = f"{local}@{row['slug']}.example"
    with act_as(member.home, by=by):
        partnerships.save_office(days=range(5), opens=dt.time(8), closes=dt.time(17), person=name, email=email, by=by, at=clock.now())


def _provision(row: Mapping[str, Any]) -> Home:
    gln = with_check_digit(row["gln"])
    return tenants.provision(
        slug=row["slug"],
        name=row["name"],
        at=clock.now(),
        roles=row["roles"],
        endpoints=endpoints(row),
        gln=gln,
        tax_number=row["tax"],
        **{field: row[field] for field in ("country", "city", "language", "currency", "time_zone")},
    )


def endpoints(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where messages find an enterprise: its GLN, and its tax number under a scheme of the portal's."""
    return [("0088", with_check_digit(row["gln"])), ("9999", row["tax"])]


def _join(home: Home, *, email: str, role: str, name: str = "", password: str | None = None, language: str = "") -> Any:
    try:
        return people.join(enterprise=home.id, email=email, role=role, name=name, password=password, language=language, at=clock.now()).user_id
    except Invalid:
        return people.find(email=email)


def _operator(password: str) -> None:
    _user, token = people.make_operator(email="operator@tributary.example", name="Operator", at=clock.now())
    people.use_set_up_link(token=token, password=password, at=clock.now())


def _ally(one: Member, other: Member, *, role: str, types: Sequence[str]) -> None:
    at = clock.now() - SINCE
    inviter, invitee = one.desk("administrator"), other.desk("administrator")
    with act_as(one.home, by=inviter):
        if not any(partner.slug == other.home.slug for partner in partners.partners()):
            partnerships.invite(slug=other.home.slug, role=role, document_types=types, by=inviter, at=at)
    with act_as(other.home, by=invitee):
        asked = next((partner for partner in partners.partners() if partner.slug == one.home.slug and partner.state == "asked"), None)
        if asked:
            partnerships.accept(partnership=asked.partnership_id, by=invitee, at=at)


def _enter_items(trade: Mapping[str, Any], buyer: Member, seller: Member) -> None:
    """What is traded, in the catalogue of each side: bought by the one; made, priced and shipped by the other."""
    offered = {"procurement": "make", "shipping_days": trade["ships"]}
    for ours, theirs, name, name_zh, unit, price, _lot, gtin in (*trade["items"], *trade.get("more", ())):
        row = {"name": name, "name_zh": name_zh, "unit": unit, "gtin": with_check_digit(gtin)}
        _enter_item(buyer, {**row, "number": ours, "bought": True, "sold": False}, seller, theirs)
        _enter_item(seller, {**row, "number": theirs, "bought": False, "sold": True, "price": price, **offered}, buyer, ours)


def _enter_item(member: Member, row: Mapping[str, Any], partner: Member, alias: str) -> None:
    """Enter an item, or say of one that is there already what this trade says; the other partners' numbers for it stay."""
    person = member.desk("administrator")
    with act_as(member.home, by=person):
        known = items.items(search=row["number"]).filter(number=row["number"]).first()
        kept = [] if known is None else [id for _item, id, _number in items.aliases([known.pk]) if id != partner.home.id]
        aliases = [{"partner": partner.home.slug, "number": alias}]
        catalog.save_item(id=known.pk if known else None, aliases=aliases, keep_aliases_of=kept, by=person, at=clock.now(), **row)


def cast_of(plan: Plan, members: Mapping[str, Member], *, password: str, url: str) -> dict[str, Any]:
    """What `var/demo.json` says: where, who, and with which token."""
    cast = []
    for row in plan["enterprises"]:
        users = [{"email": f"{local}@{row['slug']}.example", "password": password, "role": role} for _name, local, role, _language in row["people"]]
        users += [{"email": guest["email"], "password": password, "role": guest["role"]} for guest in plan["guests"] if guest["slug"] == row["slug"]]
        cast.append(
            {
                "slug": row["slug"],
                "name": row["name"],
                "roles": row["roles"],
                "endpoints": [{"scheme": scheme, "id": value} for scheme, value in endpoints(row)],
                "token": members[row["slug"]].token,
                "users": users,
            }
        )
    return {"url": url, "enterprises": cast, "admin": {"email": "operator@tributary.example", "password": password}}
