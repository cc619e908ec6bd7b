"""An enterprise worth spying on, and those who try: every table of its home has rows, and every text and price in them gives itself away.

What is planted by services stands as it would in earnest. A table in which nothing stands after that (one that was added later, say)
gets a row from its own definition, so that no table is left untried.
"""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test.client import encode_multipart
from psycopg import sql
from psycopg.types.json import Jsonb

from apps.accounts import models as accounts
from apps.accounts import services as entering
from apps.base.acting import in_lobby
from apps.base.models import HomeModel, new_id
from apps.catalog import services as catalog
from apps.customisation import services as customisation
from apps.documents import selectors as reading
from apps.documents import services as documents
from apps.documents.types import COLLECTIONS
from apps.network import services as network
from apps.scheduling import services as scheduling
from tests.cast import AT, Member, ask, befriend, fresh_number, line, move, order, provision, stock, with_items
from tests.customisation import fridge
from tests.logistics.deliveries import advice, receipt
from tests.scheduling.chain import TYPES, make_chain
from tests.scheduling.test_promising import ask as ask_for_a_promise

SECRET = "ZAUNKOENIG"
"""Stands in every text of the victim's home, and in its files."""
SHOWN = "SCHAUFENSTER"
"""Stands instead in what the victim shows to its partners: a published product. A stranger must not see that either."""
PRICE = "91753.28"
"""Every price of the victim's home."""
PRICES = (PRICE, "91,753.28", "91.753,28", "91753,28", "91\u202f753,28", "91\u00a0753,28")
"""The same as people write it."""
UNSAID = "VERSCHWIEGEN"
"""Stands in codes of the victim's home that no attacker says, so that none of them can find his own words again."""
GTIN, SSCC, ODD_DAY = "4091827364501", "340987654000000422", "2071-08-13"
"""A number of one of its items, one of a pallet, and a day on which something is due, none of them anybody else's."""
ODD = "917463825"
"""A quantity that nobody else orders."""
ODDS = (ODD, "917,463,825", "917.463.825", "917\u202f463\u202f825", "917\u00a0463\u00a0825", "917 463 825")
"""The same as people write it."""
FILE = f"%PDF-1.7 {SECRET}".encode()
# Texts that other rows or the code go by: they stay as they are.
TECHNICAL = {
    *("type", "side", "state", "kind", "move", "before", "after", "unit", "currency", "stored", "sha256", "media_type", "fingerprint", "code", "pool"),
    *(
        "condition",
        "formula",
        "time_zone",
        "picture",
        "country",
        "gtin",
        "gln",
        "quantity",
        "run",
        "setup",
        "digest",
        "share",
        "place",
        "policy",
        "slug",
        "sscc",
    ),
    *("holidays", "query", "price", "key", "token", "response", "procurement", "status", "setup_family", "family", "load", "email"),
}
_scenes = itertools.count(1)


@dataclass
class Scene:
    """victim sells to customer and buys from last; neighbour is its partner, with no document between them; stranger is nobody's partner.
    bystander stands by to be invited: whoever knows a name of the directory may invite it.

    ids: the rows of the victim's home, by table, each type of document as a table of its own. secrets: links, tokens, names of files.
    """

    victim: Member
    customer: Member
    last: Member
    neighbour: Member
    stranger: Member
    bystander: Member
    ids: dict[str, list[uuid.UUID]] = field(default_factory=dict)
    secrets: dict[str, list[str]] = field(default_factory=dict)

    @property
    def attackers(self) -> tuple[Member, Member]:
        return self.stranger, self.neighbour

    @property
    def watched(self) -> tuple[Member, ...]:
        """Whose rows must be untouched."""
        return self.victim, self.customer, self.last


def assemble() -> Scene:
    """The victim with everything that it has, and two who want it."""
    number = next(_scenes)
    chain = make_chain(2)
    customer, victim, last = chain.members
    victim = with_items(victim, "T1", "N2")
    neighbour, stranger = provision(f"neighbour-{number}", f"Neighbour {number}"), provision(f"outsider-{number}", f"Outsider {number}")
    befriend(neighbour, victim, types=TYPES)
    for member in (neighbour, stranger):
        stock(member, "Z-1", "Of one's own")
    scene = Scene(victim, customer, last, with_items(neighbour, "Z-1"), with_items(stranger, "Z-1"), provision(f"bystander-{number}"))
    _trade(scene, chain)
    _furnish(scene)
    for model in homely():
        _plant(model, victim)
    _mark(scene)
    _collect(scene)
    return scene


def _trade(scene: Scene, chain: Any) -> None:
    """A promise that was taken, one that is held, an order that is delivered, and one that is talked about."""
    customer, victim = scene.customer, scene.victim
    taken = ask_for_a_promise(chain, hold_minutes=30)
    with customer.acting():
        scheduling.commit(document=taken.document, number=fresh_number("P"), by=customer.actor, at=AT)
    ask_for_a_promise(chain, hold_minutes=60)
    talked = order(customer, victim, [line("N1", price=PRICE)], note=f"{SECRET} note")
    with customer.acting():
        documents.apply(document=order(customer, victim, [line("N1")]), move="cancel", by=customer.actor, at=AT)
    victim.api.post(f"orders/{talked}/thread/", {"text": f"{SECRET} word"}, headers={"Idempotency-Key": f"{SECRET}-key"})
    attach(victim, talked)
    delivered = order(customer, victim, [line("N1", "7")])
    with victim.acting():
        documents.apply(document=delivered, move="confirm", by=victim.actor, at=AT)
    ship = [{"order": delivered, "line": 1, "quantity": "5", "lot": f"{SECRET}-lot"}]
    shipped = advice(victim, ship, units=[{"sscc": "340123450000000017", "type": "BX", "contains": [{"line": 1, "quantity": "5"}]}])
    receipt(customer, shipped, [{"line": 1, "received": "5"}])
    packed = [{"sscc": SSCC, "type": "BX", "contains": [{"line": 1, "quantity": "2"}]}]
    advice(victim, [{"order": delivered, "line": 1, "quantity": "2"}], ship=False, units=packed)
    order(customer, victim, [line("N1", ODD, price="1", due_on=ODD_DAY)])
    changed = order(customer, victim, [line("N1", "6")])
    move(victim, changed, "confirm")
    move(customer, changed, "change", {"lines": [{"line": 1, "price": PRICE, "reason": f"{SECRET} reason"}]})


def attach(member: Member, document: uuid.UUID) -> None:
    form = encode_multipart("b0undary", {"file": SimpleUploadedFile(f"{SECRET}.pdf", FILE)})
    answer = member.api.post(f"orders/{document}/attachments/", form, content_type="multipart/form-data; boundary=b0undary")
    assert answer.status_code == 201, answer.content


def _furnish(scene: Scene) -> None:
    """What lies in a home without anybody else: sites, closures, products, configurations, a plan, people and links."""
    victim = scene.victim
    by = victim.actor
    fridge.enter(victim, code="shown-one", item="FR-1")
    fridge.enter(victim, code="hidden-one", item="FR-2", publish=False)
    fridge.enter(scene.last, code="bought", item="FR-3")
    with victim.acting():
        network.invite_by_mail(email=f"guest@{SECRET}.example", role="supplier", document_types=["order"], language="en", by=by, at=AT)
        network.add_contact(email=f"contact@{SECRET}.example", language="en", by=by, at=AT)
        network.save_tolerance(terms={"late": {"days": "3"}}, group=f"group {SECRET}", by=by, at=AT)
        catalog.save_item(number="SPIED-ON", name="Spied on", by=by, at=AT)
        catalog.save_site(code="SPIED-SITE", name="Main", by=by, at=AT)
        scheduling.save_calendar(code="SPIED-WEEK", name="Week", monday="06:00-14:00", by=by, at=AT)
        picture = customisation.keep_picture(body=fridge_picture())
        scheduling.save_resource(code="SPIED-MACHINE", name="Idle", calendar="SPIED-WEEK", by=by, at=AT)
        scheduling.start_plan(by=by, at=AT)
        _answer_by_table(victim)
    enrich(victim, "")
    made = victim.api.post("configurations/", {"seller": scene.last.slug, "product": "bought", "choices": {"colour": "red"}})
    assert made.status_code == 201, made.content
    victim.person()
    victim.person("viewer")
    victim.page_client().post("/documents/orders/views/", {"name": SECRET, "query": "late=on"})
    with in_lobby():
        link = outside_lobby_link(victim)
        client = accounts.ApiClient.objects.filter(enterprise_id=victim.id).first()
        assert client is not None
        access = entering.grant_access(client_id=str(client.pk), client_secret=victim.token, at=dt.datetime.now(dt.UTC))
    assert access is not None
    scene.secrets = {"picture": [picture], "link": [link], "token": [victim.token, access["access_token"]]}


def _answer_by_table(victim: Member) -> None:
    """A table of answers that was checked, and waits for somebody to say go."""
    declared_type = COLLECTIONS["orders"]
    declared = declared_type.find_move("confirm")
    assert declared is not None
    waiting = reading.asked(reading.answerable(declared_type, declared, reading.heads(type="order")))
    rows = [{**row, "answer": "reject", "reason": f"{SECRET} reason"} for row in reading.sheet_rows(waiting)]
    body = documents.write_sheet(rows, kind=documents.CSV)
    taken = documents.upload_answers(type="order", name=f"{SECRET}.csv", body=body, by=victim.seller, at=AT)
    documents.work(bulk=taken.pk)


def enrich(victim: Member, end: str) -> None:
    """Rows of its own that nobody else has to do with. end: ends their codes, so that it can be done again."""
    by = victim.actor
    with victim.acting():
        catalog.save_item(number=f"{UNSAID}-ITEM{end}", name="Unsaid", gtin="" if end else GTIN, by=by, at=AT)
        catalog.save_site(code=f"{UNSAID}-SITE{end}", name="Unsaid", by=by, at=AT)
        scheduling.save_calendar(code=f"{UNSAID}-WEEK{end}", name="Unsaid", monday="06:00-14:00", by=by, at=AT)
        scheduling.save_resource(code=f"{UNSAID}-MACHINE{end}", name="Unsaid", calendar=f"{UNSAID}-WEEK{end}", by=by, at=AT)


def outside_lobby_link(victim: Member) -> str:
    return entering.set_up_link(user=victim.person("viewer").pk, at=dt.datetime.now(dt.UTC))


def fridge_picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + SECRET.encode()


def homely() -> list[type[models.Model]]:
    """The models of a home, those first to which others point."""
    found = [model for model in apps.get_models() if issubclass(model, HomeModel)]
    ordered: list[type[models.Model]] = []

    def add(model: type[models.Model], on_the_way: tuple[Any, ...] = ()) -> None:
        if model in ordered or model in on_the_way:
            return
        for other in _targets(model):
            add(other, (*on_the_way, model))
        ordered.append(model)

    for model in found:
        add(model)
    return ordered


def _targets(model: type[models.Model]) -> Iterator[type[models.Model]]:
    for one in model._meta.concrete_fields:
        if one.is_relation and one.related_model is not model and not one.null:
            yield one.related_model  # type: ignore[misc]


def superuser() -> psycopg.Connection[Any]:
    return psycopg.connect(settings.ENVIRONMENT.superuser.url, autocommit=True)


def _plant(model: type[models.Model], victim: Member) -> None:
    """A row in a table in which the victim has none, made from what its columns may hold."""
    schema, table = victim.home.schema, model._meta.db_table
    if ask(f'SELECT 1 FROM "{schema}"."{table}" LIMIT 1'):
        return
    columns = [one for one in model._meta.concrete_fields if not one.has_db_default()]
    values = {one.column: _value(one, schema, later=dt.timedelta(hours=place)) for place, one in enumerate(columns)}
    statement = sql.SQL("INSERT INTO {}.{} ({}) VALUES ({})").format(
        sql.Identifier(schema), sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join([sql.Placeholder()] * len(values))
    )
    with superuser() as connection:
        connection.execute(statement, list(values.values()))


def _value(one: Any, schema: str, *, later: dt.timedelta) -> Any:
    """A value that this column takes, and that is known again where it can be. later: no two times of a row are one."""
    if one.primary_key:
        return new_id()
    if one.is_relation:
        found = ask(f'SELECT id FROM "{schema}"."{one.related_model._meta.db_table}" LIMIT 1')
        return found[0]["id"] if found and not one.null else None
    if one.choices:
        return one.choices[0][0]
    if isinstance(one, models.DateTimeField):
        return AT + later
    for kind, value in _BY_KIND.items():
        if isinstance(one, kind):
            return value(one) if callable(value) else value
    raise AssertionError(f"no value is known for {one}: teach the scene one")


_BY_KIND: dict[type[Any], Any] = {
    models.UUIDField: lambda one: new_id(),
    models.JSONField: lambda one: Jsonb({SECRET: SECRET}),
    models.BinaryField: FILE,
    models.DateField: AT.date(),
    models.TimeField: AT.time(),
    models.BooleanField: True,
    models.DecimalField: PRICE,
    models.IntegerField: 7,
    models.CharField: lambda one: SECRET[: one.max_length],
    models.TextField: SECRET,
}


def _mark(scene: Scene) -> None:
    """Write the secret into every free text of the victim's home, and the price into every price."""
    schema = scene.victim.home.schema
    with superuser() as connection:
        connection.execute("SET session_replication_role = replica")
        for model in homely():
            table = sql.Identifier(schema, model._meta.db_table)
            for one in model._meta.concrete_fields:
                if change := _marked(one):
                    word = SHOWN if model._meta.app_label == "customisation" and model.__name__ != "Configuration" else SECRET
                    names = {"table": table, "column": sql.Identifier(one.column), "word": sql.Literal(f"{word}-"), "size": one.max_length or 4000}
                    connection.execute(sql.SQL(change).format(**names))
        hidden = sql.SQL("UPDATE {} SET name = {}, text = {} WHERE code = 'hidden-one'").format(sql.Identifier(schema, "customisation_product"), SECRET, SECRET)
        connection.execute(hidden)
        # By this one the attackers call it, so it is no news.
        connection.execute(sql.SQL("UPDATE {} SET number = 'SPIED-ON' WHERE number LIKE '%SPIED-ON'").format(sql.Identifier(schema, "catalog_item")))
        connection.execute(
            sql.SQL("UPDATE {} SET name = {} WHERE release_id IN (SELECT r.id FROM {} r JOIN {} p ON p.id = r.product_id WHERE p.code = 'hidden-one')").format(
                *(sql.Identifier(schema, f"customisation_{table}") if table else sql.Literal(SECRET) for table in ("feature", "", "release", "product"))
            )
        )
        connection.execute("UPDATE accounts_user SET name = %s || email WHERE email LIKE %s", [SECRET, f"%@{scene.victim.slug}.example"])
        connection.execute("UPDATE accounts_apiclient SET name = %s WHERE enterprise_id = %s", [f"{SECRET} program", scene.victim.id])


def _marked(one: Any) -> str:
    if one.is_relation or one.primary_key or one.choices or one.name in TECHNICAL:
        return ""
    if isinstance(one, models.CharField | models.TextField) and (one.max_length or 4000) >= 60:
        return "UPDATE {table} SET {column} = left({word} || {column}, {size}) WHERE {column} NOT LIKE '%' || {word} || '%'"
    return f"UPDATE {{table}} SET {{column}} = {PRICE} WHERE {{column}} IS NOT NULL" if isinstance(one, models.DecimalField) and "price" in one.name else ""


def _collect(scene: Scene) -> None:
    schema = scene.victim.home.schema
    for model in homely():
        rows = ask(f'SELECT id FROM "{schema}"."{model._meta.db_table}" ORDER BY id')
        scene.ids[model._meta.label] = [row["id"] for row in rows]
    for collection, kind in COLLECTIONS.items():
        scene.ids[collection] = [row["id"] for row in ask(f'SELECT id FROM "{schema}".documents_document WHERE type = %s ORDER BY id', [kind.code])]
    for collection in (collection for kind in COLLECTIONS.values() for collection in kind.answers):
        with scene.victim.acting():
            scene.ids[collection] = sorted(reading.answers(type="order", collection=collection).values_list("pk", flat=True))
    # A plan of a few promises is told with these, and not by itself.
    scene.ids["plans"] = [row["id"] for row in ask(f"SELECT id FROM \"{schema}\".scheduling_plan WHERE kind = 'full' ORDER BY id")]
    people = "SELECT id FROM {} WHERE enterprise_id = %s"
    scene.ids["accounts.Membership"] = [row["id"] for row in ask(people.format("accounts_membership"), [scene.victim.id])]
    scene.ids["accounts.ApiClient"] = [row["id"] for row in ask(people.format("accounts_apiclient"), [scene.victim.id])]
    scene.ids["network.Contact"] = [row["id"] for row in ask(people.format("network_contact"), [scene.victim.id])]
    invited = "SELECT id FROM network_invitation WHERE inviter_id = %s"
    scene.ids["network.Invitation"] = [row["id"] for row in ask(invited, [scene.victim.id])]
    scene.ids["exchange.Channel"] = [row["id"] for row in ask("SELECT id FROM exchange_channel WHERE sender_id = %s", [scene.victim.id])]
    for word, table in (("attachments/<", "documents_attachment"), ("originals/<", "documents_original")):
        scene.secrets[word] = [str(row["document_id"]) for row in ask(f'SELECT document_id FROM "{schema}".{table}')]
    scene.secrets["number"] = [row["number"] for row in ask(f'SELECT number FROM "{schema}".documents_document WHERE type = %s', ["order"])]
    with scene.victim.acting():
        scene.secrets["cursor"] = [reading.newest_cursor()]
    scene.secrets["share"] = [row["token"] for row in ask(f'SELECT token FROM "{schema}".customisation_configuration')]
