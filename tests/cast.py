"""The cast: enterprises made through the services, and what a test does with them.

Nothing here writes a table by hand. `Member` is one enterprise with its people and its token.
"""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.test import Client
from django.test.client import ClientHandler
from psycopg.rows import dict_row

from apps.accounts import services as accounts
from apps.accounts.selectors import permissions_of
from apps.base.acting import Acting, Actor, Home, act_as, in_lobby
from apps.base.models import new_id
from apps.catalog import services as catalog
from apps.documents import services as documents
from apps.network import services as network
from apps.tenants import services as tenants

AT = dt.datetime(2027, 1, 4, 9, 30, tzinfo=dt.UTC)
SYSTEM = Actor(kind="system")
T = TypeVar("T")
_numbers = itertools.count(1)


def fresh_number(prefix: str = "45") -> str:
    """A document number that no test has used."""
    return f"{prefix}{next(_numbers):08d}"


def outside(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call `work` as a new request or process would be: with nobody acting, whatever the test has open."""
    return contextvars.Context().run(work, *args, **kwargs)


# What all requests go through, by whether forms must prove where they come from: made once, because its middleware lists every static file.
_handlers = {strict: ClientHandler(enforce_csrf_checks=strict) for strict in (False, True)}


class Browser(Client):
    """Django's test client, with a handler that is there already."""

    def __init__(self, *, enforce_csrf_checks: bool = False, **more: Any) -> None:
        super().__init__(enforce_csrf_checks=enforce_csrf_checks, **more)
        self.handler = _handlers[enforce_csrf_checks]


@dataclass(frozen=True)
class Api:
    """JSON in, JSON out, as a partner's program: Django's test client with a token."""

    token: str

    def request(self, method: str, path: str, data: Any = None, *, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        """path: below /api/v1/, or absolute. data: sent as JSON, unless it is bytes."""
        path = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        given = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        more.setdefault("content_type", "application/json")
        return outside(Browser(raise_request_exception=False).generic, method, path, body, headers=given, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.request("GET", path, **more)

    def post(self, path: str, data: Any = None, **more: Any) -> Any:
        return self.request("POST", path, data, **more)

    def patch(self, path: str, data: Any = None, **more: Any) -> Any:
        return self.request("PATCH", path, data, **more)

    def put(self, path: str, data: Any = None, **more: Any) -> Any:
        return self.request("PUT", path, data, **more)

    def delete(self, path: str, **more: Any) -> Any:
        return self.request("DELETE", path, **more)


def legible(response: Any) -> str:
    """A page as it came, in one line, without the tokens of its forms: by chance any short word stands in them."""
    html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"', "", response.content.decode())
    return re.sub(r"\s+", " ", html)


class PageClient(Browser):
    """A person's browser: Django's test client, each request as from outside."""

    def request(self, **request: Any) -> Any:
        return outside(super().request, **request)


@dataclass(frozen=True)
class Member:
    """One enterprise of the cast. items: its own item numbers, the first of them known to its partners."""

    home: Home
    token: str
    items: tuple[str, ...] = ()
    people: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def slug(self) -> str:
        return self.home.slug

    @property
    def id(self) -> uuid.UUID:
        return self.home.id

    def as_role(self, role: str, name: str = "") -> Actor:
        """A person in a role of this enterprise, with the permissions of that role and no others."""
        return Actor(kind="person", id=new_id(), name=name or f"{role.title()} of {self.home.name}", permissions=permissions_of(role))

    @cached_property
    def actor(self) -> Actor:
        """The administrator, who may do everything."""
        return self.as_role("administrator")

    @cached_property
    def buyer(self) -> Actor:
        return self.as_role("buyer")

    @cached_property
    def seller(self) -> Actor:
        return self.as_role("seller")

    @cached_property
    def viewer(self) -> Actor:
        return self.as_role("viewer")

    @contextlib.contextmanager
    def acting(self, by: Actor | None = None) -> Iterator[Acting]:
        """Act for this enterprise, as `by` or as its administrator."""
        with act_as(self.home, by=by or self.actor) as acting:
            yield acting

    @property
    def api(self) -> Api:
        """REST with this enterprise's token (role `integration`)."""
        return Api(self.token)

    def person(self, role: str = "administrator", email: str = "") -> Any:
        """The user in this role, made at the first asking; without a password."""
        if role not in self.people:
            self.people[role] = outside(self._join, role, email or f"{role}@{self.slug}.example")
        return self.people[role]

    def _join(self, role: str, email: str) -> Any:
        with in_lobby():
            return accounts.join(enterprise=self.id, email=email, role=role, name=f"{role.title()} of {self.home.name}", at=AT).user

    def page_client(self, role: str = "administrator", **more: Any) -> PageClient:
        """A browser in which this enterprise's person of that role has logged in."""
        user, client = self.person(role), PageClient(**more)
        outside(self._login, client, user)
        return client

    def _login(self, client: PageClient, user: Any) -> None:
        with in_lobby():
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")


def provision(slug: str, name: str = "", **profile: Any) -> Member:
    """A new enterprise with an API token."""
    home = outside(tenants.provision, slug=slug, name=name or slug.title(), at=AT, **profile)
    return Member(home=home, token=outside(_token, home))


def _token(home: Home) -> str:
    with in_lobby():
        return accounts.issue_token(enterprise=home.id, name="Tests", at=AT)[1]


def befriend(one: Member, other: Member, *, role: str = "supplier", types: Sequence[str] = ("order",)) -> uuid.UUID:
    """Make `other` the supplier (customer, carrier) of `one`, with the consent of both. Gives the partnership's id."""
    with one.acting():
        partnership = network.invite(slug=other.slug, role=role, document_types=types, by=one.actor, at=AT).partnership_id
    with other.acting():
        network.accept(partnership=partnership, by=other.actor, at=AT)
    return partnership


def stock(member: Member, number: str, name: str, *, of: Mapping[str, str] | None = None, **more: Any) -> Any:
    """Enter an item. of: the partners' numbers for it, by slug."""
    aliases = [{"partner": slug, "number": theirs} for slug, theirs in (of or {}).items()]
    with member.acting():
        return catalog.save_item(number=number, name=name, aliases=aliases, by=member.actor, at=AT, **more)


def line(item: str, quantity: str = "40", price: str | None = "81.50", due_on: str = "2027-01-15", unit: str = "C62", **more: Any) -> dict[str, Any]:
    """One line of an order with one date, as in the contract."""
    return {"item": item, "quantity": quantity, "unit": unit, "price": price, "schedules": [{"quantity": quantity, "due_on": due_on}], **more}


def order(
    buyer: Member,
    seller: Member,
    lines: Sequence[Mapping[str, Any]] | int = 1,
    *,
    publish: bool = True,
    number: str = "",
    currency: str = "EUR",
    at: dt.datetime = AT,
    **more: Any,
) -> uuid.UUID:
    """An order under a fresh number. lines: as in the contract, or how many. Gives its id, the same on both sides."""
    given = [line(buyer.items[0])] * lines if isinstance(lines, int) else list(lines)
    with buyer.acting():
        row = documents.draft(type="order", partner=seller.slug, number=number or fresh_number(), currency=currency, lines=given, by=buyer.actor, at=at, **more)
        if publish:
            documents.apply(document=row.pk, move="publish", by=buyer.actor, at=at)
    return row.pk


def move(
    member: Member, document: uuid.UUID, code: str, data: Mapping[str, Any] | None = None, *, by: Actor | None = None, at: dt.datetime = AT, **more: Any
) -> Any:
    """Make a move as this enterprise."""
    with member.acting(by=by):
        return documents.apply(document=document, move=code, data=data, by=by or member.actor, at=at, **more)


def ask(query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Ask, or change, the database as its superuser: behind the wall, as nobody of ours can."""
    with psycopg.connect(settings.ENVIRONMENT.superuser.url, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


CLOCK = "answer_due_at,answer_next_at,answer_stage"
"""What a turn of the beat computes of a document by itself, whenever it comes: whether a request has changed something does not show in it."""


def snapshot(*members: Member) -> dict[str, list[str]]:
    """Every row of these homes, and of the channels, cursors, envelopes and consents that concern them: equal if nothing has changed."""
    found: dict[str, list[str]] = {}
    with psycopg.connect(settings.ENVIRONMENT.superuser.url, autocommit=True) as connection:
        for member in members:
            places = [(f'"{member.home.schema}"."{table}"', "true", f"{member.slug}.{table}") for table in _tables(connection)]
            places += [(f"public.{table}", condition, f"{member.slug}.public.{table}") for table, condition in PUBLIC.items()]
            selects = [f"SELECT '{name}', (to_jsonb(t) - '{{{CLOCK}}}'::text[])::text FROM {table} t WHERE {condition}" for table, condition, name in places]
            found |= {name: [] for _table, _condition, name in places}
            for name, row in connection.execute(" UNION ALL ".join(selects).encode(), {"me": member.id}):
                found[name].append(row)
    return {name: sorted(rows) for name, rows in found.items()}


_known: list[str] = []


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    if not _known:
        _known.extend(row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'template_home' ORDER BY 1"))
    return _known


PUBLIC = {
    "network_contact": "enterprise_id = %(me)s",
    "network_office": "enterprise_id = %(me)s",
    "network_tolerance": "enterprise_id = %(me)s",
    "network_answerlink": "enterprise_id = %(me)s",
    "network_invitation": "%(me)s IN (inviter_id, enterprise_id)",
    "network_partnership": "inviter_id = %(me)s OR invitee_id = %(me)s",
    "network_consent": "partnership_id IN (SELECT id FROM public.network_partnership WHERE inviter_id = %(me)s OR invitee_id = %(me)s)",
    "exchange_channel": "sender_id = %(me)s OR receiver_id = %(me)s",
    "exchange_cursor": "channel_id IN (SELECT id FROM public.exchange_channel WHERE sender_id = %(me)s OR receiver_id = %(me)s)",
    "exchange_receipt": "channel_id IN (SELECT id FROM public.exchange_channel WHERE sender_id = %(me)s OR receiver_id = %(me)s)",
    "exchange_envelope": "sender_id = %(me)s OR receiver_id = %(me)s",
}


@contextlib.contextmanager
def unchanged(*members: Member) -> Iterator[None]:
    """Nothing that these enterprises hold or said has changed in the block."""
    before = snapshot(*members)
    yield
    after = snapshot(*members)
    differing = {name: (before.get(name, []), after.get(name, [])) for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert differing == {}


@dataclass(frozen=True)
class Cast:
    """maker buys from supplier, who buys from subsupplier; carrier works for all of them; stranger is nobody's partner."""

    maker: Member
    supplier: Member
    subsupplier: Member
    carrier: Member
    stranger: Member

    def __iter__(self) -> Iterator[Member]:
        return iter((self.maker, self.supplier, self.subsupplier, self.carrier, self.stranger))


def assemble() -> Cast:
    """Provision the cast, with partnerships and items."""
    maker = provision("maker", "Maker GmbH", gln="4006381000000", endpoints=[("0088", "4006381000000")], country="DE", city="Bremen")
    supplier = provision("supplier", "Supplier Ltd", endpoints=[("0088", "5012345000008")], country="GB", city="Leeds", currency="GBP")
    subsupplier = provision(
        "subsupplier", "Sub-supplier 铸造", endpoints=[("0088", "6901234000009")], country="CN", city="宁波", language="zh-hans", currency="CNY"
    )
    carrier = provision("carrier", "Carrier SA")
    stranger = provision("stranger", "Stranger AG")
    befriend(maker, supplier)
    befriend(supplier, subsupplier)
    for member in (maker, supplier, subsupplier):
        befriend(member, carrier, role="carrier")
    stock(maker, "M-COMP", "Compressor", name_zh="压缩机", gtin="4006381333931")
    stock(maker, "M-BOARD", "Control board", name_zh="控制板")
    stock(supplier, "S-COMP", "Compressor RX", name_zh="压缩机", of={"maker": "M-COMP"}, gtin="4006381333931")
    stock(supplier, "S-BOARD", "Board", of={"maker": "M-BOARD"})
    stock(supplier, "S-CAST", "Casting", name_zh="铸件")
    stock(subsupplier, "X-CAST", "铸件 7", of={"supplier": "S-CAST"})
    stock(carrier, "C-RUN", "Transport", of={"maker": "M-COMP"})
    stock(stranger, "Z-1", "Nothing to do with anybody")
    return Cast(
        maker=with_items(maker, "M-COMP", "M-BOARD"),
        supplier=with_items(supplier, "S-CAST", "S-COMP", "S-BOARD"),
        subsupplier=with_items(subsupplier, "X-CAST"),
        carrier=with_items(carrier, "C-RUN"),
        stranger=with_items(stranger, "Z-1"),
    )


def with_items(member: Member, *items: str) -> Member:
    return Member(home=member.home, token=member.token, items=items, people=member.people)


_pairs = itertools.count(1)


def make_pair(**profile: Any) -> tuple[Member, Member]:
    """Two fresh partners, buyer and seller, who know three items of one another: A-1 … A-3 are the seller's S-1 … S-3."""
    number = next(_pairs)
    buyer, seller = provision(f"buyer-{number}", f"Buyer {number}", **profile), provision(f"seller-{number}", f"Seller {number}", **profile)
    befriend(buyer, seller)
    for index in (1, 2, 3):
        stock(buyer, f"A-{index}", f"Item {index}")
        stock(seller, f"S-{index}", f"Item {index}", of={buyer.slug: f"A-{index}"})
    return with_items(buyer, "A-1", "A-2", "A-3"), with_items(seller, "S-1", "S-2", "S-3")
