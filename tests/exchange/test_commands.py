"""The commands of the contract: provision, verify, deliver, createoperator."""

from __future__ import annotations

import hashlib
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command

from apps.base.models import new_id
from apps.exchange import crossing
from tests import cast as company
from tests.cast import Member, PageClient, ask, outside

Two = tuple[Member, Member]


def run(*words: str) -> str:
    out = StringIO()
    outside(call_command, *words, stdout=out, stderr=out)
    return out.getvalue()


def test_provision_makes_an_enterprise_and_prints_the_way_in(database: None) -> None:
    slug = company.fresh_number("shop-")
    told = run("provision", slug, "--name", "The Shop")
    path = re.search(r"/set-up/[\w-]+/", told)[0]  # type: ignore[index]
    email = re.search(r"\S+@\S+", told)[0]  # type: ignore[index]
    person, password = PageClient(), "three tall elephants"
    assert person.post(path, {"password": password, "again": password}).status_code == 303
    assert person.post("/accounts/login/", {"login": email, "password": password})["Location"] == "/"
    page = person.get("/settings/")
    assert page.status_code == 200
    assert "The Shop" in page.content.decode()
    assert PageClient().get(path).status_code == 404


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["Bad Slug", "--name", "X"], "slug"),
        (["fine-slug", "--name", "X", "--template", "castle"], "castle"),
        (["fine-slug", "--name", "X", "--email", "nonsense"], "e-mail"),
    ],
)
def test_provision_refuses_in_a_sentence_and_makes_nothing(database: None, words: list[str], why: str) -> None:
    before = ask("SELECT count(*) FROM public.tenants_enterprise")
    with pytest.raises(CommandError, match=why):
        run("provision", *words)
    assert ask("SELECT count(*) FROM public.tenants_enterprise") == before


def test_provision_refuses_a_name_that_is_taken(pair: Two) -> None:
    with pytest.raises(CommandError, match="taken"):
        run("provision", pair[0].slug, "--name", "Another")


def test_deliver_brings_what_a_crash_left(pair: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = pair
    with monkeypatch.context() as broken:
        broken.setattr(crossing, "deliver", lambda **_kwargs: 0)
        company.order(buyer, seller)
        company.order(buyer, seller)
    told = run("deliver")
    numbers = [int(number) for number in re.findall(r"\d+", told)]
    assert numbers[1] >= 2
    assert ask(
        "SELECT head - delivered AS lag FROM public.exchange_channel c JOIN public.exchange_cursor u ON u.channel_id = c.id WHERE sender_id = %s", [buyer.id]
    ) == [{"lag": 0}]


def test_verify_says_a_line_a_channel(pair: Two) -> None:
    buyer, seller = pair
    order = company.order(buyer, seller)
    company.move(seller, order, "confirm")
    assert run("verify", "--enterprise", buyer.slug).splitlines() == [
        f"{buyer.slug} → {seller.slug}: 1 envelopes, 1 delivered",
        f"{seller.slug} → {buyer.slug}: 1 envelopes, 1 delivered",
    ]


@pytest.mark.parametrize("what", ["body", "document"])
def test_verify_names_what_differs(pair: Two, what: str) -> None:
    buyer, seller = pair
    order = company.order(buyer, seller)
    if what == "body":
        ask("UPDATE public.exchange_envelope SET body = replace(convert_from(body, 'UTF8'), '81.50', '81.49')::bytea WHERE sender_id = %s", [buyer.id])
        expected = "digest"
    else:
        ask(f'UPDATE "{seller.home.schema}".documents_line SET price = 80 WHERE document_id = %s', [order])
        expected = str(ask(f'SELECT id FROM "{seller.home.schema}".documents_line WHERE document_id = %s', [order])[0]["id"])
    errors = StringIO()
    with pytest.raises(CommandError) as refused:
        outside(call_command, "verify", "--enterprise", seller.slug, stdout=StringIO(), stderr=errors)
    assert refused.value.returncode == 1
    assert expected in errors.getvalue()


def test_verify_knows_no_such_enterprise(database: None) -> None:
    with pytest.raises(CommandError, match="nobody"):
        run("verify", "--enterprise", "nobody")


def test_an_export_proves_itself_without_the_portal(pair: Two, tmp_path: Path) -> None:
    """Digests and signatures by hand, as somebody would who has the files and nothing else."""
    buyer, seller = pair
    order = company.order(buyer, seller)
    company.move(seller, order, "confirm")
    buyer.page_client().post("/settings/keys/rotate/")
    company.order(buyer, seller)
    run("verify", "--enterprise", seller.slug, "--export", str(tmp_path))
    keys = {row["id"]: row for row in _lines(tmp_path / "keys.jsonl")}
    for name, count in ((f"{buyer.slug}.{seller.slug}.jsonl", 2), (f"{seller.slug}.{buyer.slug}.jsonl", 1)):
        rows, previous = _lines(tmp_path / name), b""
        assert [row["seq"] for row in rows] == list(range(1, count + 1))
        for row in rows:
            digest = hashlib.sha256(row["body"].encode() + previous).digest()
            assert digest.hex() == row["digest"]
            key = keys[row["key"]]
            assert key["enterprise"] == row["sender"]
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["public"])).verify(bytes.fromhex(row["signature"]), digest)
            previous = digest


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_createoperator_prints_a_link(database: None) -> None:
    email = f"{new_id().hex}@example.org"
    path = re.search(r"/set-up/[\w-]+/", run("createoperator", email))[0]  # type: ignore[index]
    person, password = PageClient(), "three tall elephants"
    person.post(path, {"password": password, "again": password})
    person.post("/accounts/login/", {"login": email, "password": password})
    assert person.get("/admin/").status_code == 200
    with pytest.raises(CommandError):
        run("createoperator", "nonsense")
