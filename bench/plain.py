"""The floor of REST: plain views that ask the database the same by plain SQL, through the same wall, and answer the same JSON.

They check nothing but the token, know one type of documents and no format but JSON, and no middleware stands before them.
"""

from __future__ import annotations

import base64
import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.accounts import selectors as accounts
from apps.base.acting import Home, act_as, in_lobby
from apps.base.models import new_id

Row = dict[str, Any]
View = Callable[..., tuple[Any, int]]
HEAD = "id, number, state, side, partner_id, currency, note, issued_on, due_on, amount, line_count, version, created_at, updated_at"
LINE = (
    "l.id, l.position, l.reference, l.item_id, i.number AS item_number, l.buyer_item, l.seller_item, l.gtin, l.name, l.quantity, l.unit, l.price, l.price_base, "  # noqa: E501
    "l.note, l.response, l.offered_price, l.reason, l.substitute, l.agreed, l.agreed_price"
)
MOVES = {("draft", "buyer"): ["publish", "cancel"], ("published", "buyer"): ["cancel"]}


def _rows(query: str, parameters: Sequence[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _answer(data: Any, status: int = 200) -> HttpResponse:
    body = orjson.dumps(data, default=_plain)
    return HttpResponse(body, status=status, content_type="application/json", headers={"Content-Length": str(len(body))})


def served(view: View) -> Callable[..., HttpResponse]:
    """The view, acting for the enterprise of the request's token, in one transaction."""

    def serve(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with in_lobby():
            entry = accounts.entry_by_token(request.headers["Authorization"].removeprefix("Bearer "))
        if entry is None:
            return HttpResponse(status=401)
        with act_as(entry.home, by=entry.actor), transaction.atomic():
            return _answer(*view(request, entry.home, **kwargs))

    return serve


def _partners(rows: Sequence[Row]) -> dict[uuid.UUID, Row]:
    found = _rows("SELECT id, slug, name, gln, country, city, language FROM tenants_enterprise WHERE id = ANY(%s)", [list({row["partner_id"] for row in rows})])
    return {row["id"]: {"slug": row["slug"], "name": row["name"]} for row in found}


def _head(row: Row, home: Home, partners: Mapping[uuid.UUID, Row]) -> Row:
    own, other = {"slug": home.slug, "name": home.name}, partners[row["partner_id"]]
    bought = row["side"] == "buyer"
    return {
        "uid": row["id"],
        "type": "order",
        "number": row["number"],
        "state": row["state"],
        "moves": MOVES[row["state"], row["side"]],
        "side": row["side"],
        "buyer": own if bought else other,
        "seller": other if bought else own,
        "partner": other["slug"],
        **{name: row[name] for name in ("currency", "note", "issued_on", "due_on", "amount", "line_count", "version", "created_at", "updated_at")},
    }


def listed(request: HttpRequest, home: Home) -> tuple[Any, int]:
    limit = int(request.GET["limit"])
    rows = _rows(f"SELECT {HEAD} FROM documents_document WHERE type = 'order' ORDER BY updated_at DESC, id DESC LIMIT %s", [limit + 1])
    more, rows = len(rows) > limit, rows[:limit]
    partners = _partners(rows)
    cursor = base64.urlsafe_b64encode(orjson.dumps(["-updated_at", rows[-1]["updated_at"], rows[-1]["id"], 0])).decode().rstrip("=")
    following = request.build_absolute_uri(f"?cursor={cursor}&limit={limit}") if more else None
    return {"next": following, "previous": None, "results": [_head(row, home, partners) for row in rows]}, 200


def detail(request: HttpRequest, home: Home, uid: uuid.UUID) -> tuple[Any, int]:
    return _whole(home, uid), 200


def _whole(home: Home, uid: uuid.UUID) -> Row:
    row = _rows(f"SELECT {HEAD} FROM documents_document WHERE id = %s", [uid])[0]
    lines = _rows(f"SELECT {LINE} FROM documents_line l LEFT JOIN catalog_item i ON i.id = l.item_id WHERE l.document_id = %s ORDER BY l.position", [uid])
    schedules = _rows(
        "SELECT s.line_id, s.kind, s.id, s.quantity, s.due_on FROM documents_schedule s JOIN documents_line l ON l.id = s.line_id "
        "WHERE l.document_id = %s ORDER BY s.position",
        [uid],
    )
    by_line: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for schedule in schedules:
        by_line[schedule["line_id"]].append({"quantity": schedule["quantity"], "due_on": schedule["due_on"]})
    return {**_head(row, home, _partners([row])), "progress": None, "change": None, "lines": [_line(line, by_line[line["id"]]) for line in lines]}


def _line(row: Row, schedules: list[Row]) -> Row:
    return {
        "line": row["position"],
        "reference": row["reference"],
        "item": row["item_number"],
        "matched": row["item_id"] is not None,
        "partner_item": row["seller_item"],
        **{name: row[name] for name in ("buyer_item", "seller_item", "gtin", "name", "quantity", "unit", "price", "price_base")},
        "schedules": schedules,
        "offered": None,
        "agreed": None,
        "note": row["note"],
        "progress": None,
    }


def create(request: HttpRequest, home: Home) -> tuple[Any, int]:
    given = orjson.loads(request.body)
    partner = _rows("SELECT id, slug, name, gln, country, city, language FROM tenants_enterprise WHERE slug = %s AND ready", [given["seller"]])[0]
    partnership = _rows(
        "SELECT id, inviter_id, invitee_id, role, message, created_at FROM network_partnership WHERE (inviter_id = %s OR invitee_id = %s) "
        "AND (inviter_id = %s OR invitee_id = %s)",
        [home.id, home.id, partner["id"], partner["id"]],
    )[0]
    consents = _rows("SELECT id, enterprise_id, state, document_types FROM network_consent WHERE partnership_id = %s", [partnership["id"]])
    _partners([{"partner_id": partner["id"]}])
    taken = _rows("SELECT 1 AS a FROM documents_document WHERE issuer_id = %s AND number = %s AND type = 'order' LIMIT 1", [home.id, given["number"]])
    if len(consents) != 2 or taken:
        return None, 422
    numbers = [line["item"] for line in given["lines"]]
    items = {row["number"]: row for row in _rows("SELECT id, number, gtin, name, unit FROM catalog_item WHERE number = ANY(%s)", [numbers])}
    return _whole(home, _written(given, home, partner["id"], items)), 201


def _written(given: Row, home: Home, partner_id: uuid.UUID, items: Mapping[str, Row]) -> uuid.UUID:
    id, now = new_id(), dt.datetime.now(dt.UTC)
    document = {
        **dict.fromkeys(("note",), ""),
        "id": id,
        "type": "order",
        "side": "buyer",
        "partner_id": partner_id,
        "issuer_id": home.id,
        "number": given["number"],
        "state": "draft",
        "currency": given["currency"],
        "details": "{}",
        "line_count": len(given["lines"]),
        "issued_on": now.date(),
        "version": 1,
        "own_said": 0,
        "partner_said": 0,
        "seen_at": now,
        "created_at": now,
        "updated_at": now,
        "amount": sum(Decimal(line["quantity"]) * Decimal(line["price"]) for line in given["lines"]),
        "due_on": min(dt.date.fromisoformat(line["schedules"][0]["due_on"]) for line in given["lines"]),
    }
    step = {"id": new_id(), "document_id": id, "position": 1, "own": True, "by": "Benchmarks", "at": now, "move": "draft", "before": "", "after": "draft"}
    step |= {"said": 0, "seen": 0, "overruled": False, "data": "{}"}
    lines = [_new_line(id, position, line, items[line["item"]]) for position, line in enumerate(given["lines"], 1)]
    schedules = [
        {"id": new_id(), "line_id": line["id"], "kind": "requested", "position": position, "quantity": Decimal(one["quantity"]), "due_on": one["due_on"]}
        for line, asked in zip(lines, given["lines"], strict=True)
        for position, one in enumerate(asked["schedules"])
    ]
    for table, rows in (("document", [document]), ("line", lines), ("schedule", schedules), ("step", [step])):
        _insert(f"documents_{table}", rows)
    return id


def _new_line(document: uuid.UUID, position: int, line: Row, item: Row) -> Row:
    return {
        **dict.fromkeys(("reference", "seller_item", "note", "response", "reason"), ""),
        "id": new_id(),
        "document_id": document,
        "position": position,
        "item_id": item["id"],
        "buyer_item": line["item"],
        "gtin": item["gtin"],
        "name": item["name"],
        "quantity": Decimal(line["quantity"]),
        "unit": line["unit"],
        "price": Decimal(line["price"]),
        "details": "{}",
        "agreed": False,
    }


def _insert(table: str, rows: Sequence[Row]) -> None:
    columns = ", ".join(f'"{name}"' for name in rows[0])
    places = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES {places}", [value for row in rows for value in row.values()])


@lru_cache(maxsize=1)
def _clicked() -> dict[str, Any]:
    """What the portal answered to each click, by the address and the body."""
    found: dict[str, Any] = orjson.loads((Path(settings.ENVIRONMENT.var_dir) / "clicked.json").read_bytes())
    return found


def clicked(request: HttpRequest, home: Home) -> tuple[Any, int]:
    """A click in the configurator, answered from a dictionary."""
    return _clicked()[f"{request.get_full_path()} {request.body.decode()}"], 200


urlpatterns = [
    path("healthz", lambda request: _answer("ok")),
    path("api/v1/orders/", lambda request: served(create if request.method == "POST" else listed)(request)),
    path("api/v1/orders/<uuid:uid>/", served(detail)),
    path("api/v1/configurations/<uuid:uid>/", lambda request, uid: served(clicked)(request)),
]
