"""The demo as a user finds it: the network of the contract, a refrigerator promised through four tiers, and a machine that breaks."""

from __future__ import annotations

import datetime as dt
import json
import stat
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from apps.base import clock
from apps.base.acting import in_lobby
from apps.catalog import selectors as items
from apps.documents import selectors as documents
from apps.exchange import formats
from apps.exchange import services as exchange
from apps.tenants import selectors as tenants
from tests.cast import Cast, Member, outside

TIERS = ("lakeside", "aurora", "boreal", "ironvale", "redstone")
SLUGS = {*TIERS, "kestrel", "linden", "quartz", "halide", "swift", "stranger"}
CHOICES = {
    "width": "800", "height": "1850", "doors": "french", "finish": "glass", "colour": "jade", "handle": "recessed", "compressor": "v95q", "energy": "b",
    "noise": "b", "water": "tank", "ice": "yes", "display": "touch", "wifi": "yes", "market": "eu",
}  # fmt: skip
Demo = Mapping[str, Member]


@pytest.fixture(scope="module")
def told(cast: Cast) -> Iterator[dict[str, Any]]:
    """The demo, loaded by its command beside the cast, with a week of plain orders; what `demo.json` says of it."""
    outside(call_command, "load_demo", weeks=1, verbosity=0)
    path = settings.VAR / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    yield json.loads(path.read_text("utf-8"))
    path.unlink()


@pytest.fixture(scope="module")
def demo(told: dict[str, Any]) -> dict[str, Member]:
    return {row["slug"]: Member(home=outside(_home, row["slug"]), token=row["token"]) for row in told["enterprises"]}


def _home(slug: str) -> Any:
    with in_lobby():
        return tenants.home(slug=slug)


def standing(demo: Demo) -> dict[str, tuple[int, ...]]:
    """How much each enterprise has: items, sites, documents of each kind."""
    found = {}
    for slug, member in demo.items():
        with member.acting():
            kinds = [documents.heads(type=kind).count() for kind in ("order", "promise", "despatch_advice", "receipt_advice")]
            found[slug] = (items.items().count(), items.sites().count(), *kinds)
    return found


def promises(member: Member, **more: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in {"limit": "500", **more}.items())
    rows: list[dict[str, Any]] = member.api.get(f"promises/?{query}").json()["results"]
    return rows


def ask(demo: Demo, **more: Any) -> dict[str, Any]:
    """Lakeside asks for a configured refrigerator, as a program does."""
    lakeside = demo["lakeside"].api
    made = lakeside.post("configurations/", {"seller": "aurora", "product": "aurora-one", "choices": CHOICES})
    assert made.status_code == 201, made.content
    assert (made.json()["valid"], made.json()["complete"]) == (True, True)
    body = {"seller": "aurora", "configuration": made.json()["uid"], "quantity": "3", "hold_minutes": 60, **more}
    asked = lakeside.post("promises/", body)
    assert asked.status_code == 201, asked.content
    return {"configured": made.json(), **asked.json()}


def test_the_network_is_the_one_of_the_contract(told: dict[str, Any], demo: Demo) -> None:
    assert set(demo) == SLUGS
    assert set(told) == {"url", "enterprises", "admin"}
    for row in told["enterprises"]:
        assert set(row) == {"slug", "name", "roles", "endpoints", "token", "users"}
        me = demo[row["slug"]].api.get("me/").json()["enterprise"]
        # The suite has a stranger of its own, who stands already where the whole of it runs.
        assert me["slug"] == row["slug"]
        assert me["endpoints"] == row["endpoints"] or row["slug"] == "stranger"
        assert all(set(user) == {"email", "password", "role"} for user in row["users"])
    assert demo["aurora"].home.language == "zh-hans"
    partners = {row["slug"]: set(row["document_types"]) for row in demo["boreal"].api.get("partners/").json()["results"]}
    traded = {"order", "promise", "despatch_advice", "receipt_advice"}
    assert partners == {"aurora": traded, "ironvale": traded, "redstone": traded, "swift": {"order"}}


def test_loading_again_adds_nothing(told: dict[str, Any], demo: Demo) -> None:
    before = standing(demo)
    path = settings.VAR / "demo.json"
    kept = path.read_text("utf-8")
    path.unlink()
    outside(call_command, "load_demo", weeks=1, verbosity=0)
    assert standing(demo) == before
    again = json.loads(path.read_text("utf-8"))
    assert [row["slug"] for row in again["enterprises"]] == [row["slug"] for row in told["enterprises"]]
    path.write_text(kept, "utf-8")


def test_what_stands_is_promised_held_and_moved(demo: Demo) -> None:
    ours = promises(demo["lakeside"], side="buyer")
    assert {"committed", "held", "moved", "answered", "kept"} <= {row["state"] for row in ours}
    with demo["lakeside"].acting():
        order = documents.heads(type="order").filter(number="LK-P2003").values_list("id", flat=True).first()
    seen = demo["aurora"].api.get(f"orders/{order}/").json()
    assert (seen["number"], seen["lines"][0]["quantity"], seen["lines"][0]["price"]) == ("LK-P2003", "8", "1655.00")
    docks = [row["state"] for row in demo["aurora"].api.get("despatch-advices/?side=buyer").json()["results"]]
    assert {"shipped", "received"} <= set(docks)
    for slug in TIERS[1:]:
        assert any(row["state"] in ("committed", "moved") for row in promises(demo[slug], side="seller")), slug


def test_a_configured_refrigerator_is_promised_through_four_tiers_and_moves_when_the_machine_breaks(demo: Demo) -> None:
    before = {slug: len(promises(demo[slug])) for slug in TIERS}
    asked = ask(demo)
    # 640 + 55 + 48 + 118 + 96.50 + 42 + 61 + 92 + 9 + 32 + 135 + 46 + 38, as the model says
    assert (asked["state"], asked["price"], asked["configured"]["price"]["amount"]) == ("held", "1412.50", "1412.50")
    assert dt.date.fromisoformat(asked["due_on"]) > clock.today() + dt.timedelta(days=18)
    assert asked["parts"] == []
    assert all(len(promises(demo[slug])) > before[slug] for slug in TIERS)
    taken = demo["lakeside"].api.post(f"promises/{asked['uid']}/moves/commit/", {"number": "LK-9001"})
    assert taken.status_code == 200, taken.content
    _reads_as_ubl(demo, asked["configured"])
    parts = {(part["seller"], part["item"]) for part in demo["aurora"].api.get(f"promises/{asked['uid']}/").json()["parts"]}
    assert ("boreal", "RM-10023") in parts
    days = {row["uid"]: row["due_on"] for row in promises(demo["lakeside"], side="buyer")}
    outside(call_command, "break", "CAST-1", enterprise="ironvale", hours=240, verbosity=0)
    outside(exchange.sweep)
    later = {row["uid"]: row["due_on"] for row in promises(demo["lakeside"], side="buyer")}
    assert later[asked["uid"]] > days[asked["uid"]]
    assert {row["state"] for row in promises(demo["lakeside"], side="buyer") if row["uid"] == asked["uid"]} == {"moved"}
    assert all(later[uid] >= day for uid, day in days.items() if day)
    assert promises(demo["stranger"]) == []


def _reads_as_ubl(demo: Demo, configured: Mapping[str, Any]) -> None:
    """The maker's system reads what was chosen from the order itself."""
    with demo["aurora"].acting():
        order = documents.heads(type="order").filter(number="LK-9001").values_list("id", flat=True).get()
    answer = demo["aurora"].api.get(f"orders/{order}/", headers={"Accept": "application/xml"})
    assert answer.status_code == 200, answer.content
    (line,) = formats.read(answer.content, "application/xml").content["lines"]
    assert line["details"]["configuration"]["digest"] == configured["digest"]
    assert line["details"]["configuration"]["choices"].items() >= CHOICES.items()


def test_the_maker_shows_his_refrigerator_to_everybody(demo: Demo) -> None:
    page = outside(Client().get, "/p/aurora/aurora-one/")
    assert page.status_code == 200
    assert "Four doors" in page.content.decode()
    assert outside(Client().get, "/p/stranger/aurora-one/").status_code == 404


def test_the_log_explains_every_row(demo: Demo) -> None:
    for slug in (*TIERS, "stranger"):
        with demo[slug].acting():
            checked, differences = exchange.verify()
        assert (differences, {channel.halted for channel in checked} - {False}) == ([], set())
