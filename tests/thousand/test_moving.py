"""One enterprise is taken out in a file, leaves, and comes back, here or elsewhere: its partners keep what was said, and nothing else remains."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from apps.base.acting import act_as, in_lobby
from apps.base.findings import Invalid
from apps.base.models import new_id
from apps.customisation import models as customisation
from apps.customisation.services import knowing
from apps.documents import services as documents
from apps.exchange import crossing, services
from apps.exchange.services import keys
from apps.network import services as network
from apps.scheduling.tasks import replan
from apps.tenants import selectors as tenancy
from apps.tenants import services as tenants
from apps.tenants.services import leaving
from apps.tenants.storage import folder_of
from apps.tenants.tasks import HEADER, Unsigned
from portal.settings import caches_by
from tests import redising
from tests.cast import AT, Cast, Member, PageClient, ask, fresh_number, line, make_pair, move, order, outside, provision, snapshot
from tests.customisation import fridge

engine: Any = importlib.import_module("apps.customisation.services.solving.engine")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
Two = tuple[Member, Member]


def run(*words: str) -> str:
    out = StringIO()
    outside(call_command, *words, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: str) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        run(*words)
    return refusal.value


@pytest.fixture
def partners() -> Iterator[Two]:
    """Two with a history: orders, an answer, a message, a file at each, a person, an open invitation of a third."""
    buyer, seller = make_pair()
    document = order(buyer, seller, [line("A-1"), line("A-2", "5", "9.990")])
    move(seller, document, "confirm")
    with buyer.acting():
        documents.attach(document=document, name="a.pdf", body=PDF, by=buyer.actor, at=AT)
        documents.remark(document=document, text="On Monday, “please”. 星期一 \\ \t", by=buyer.actor, at=AT)
        cache.set("kept", 1)
    buyer.page_client()
    third = provision(fresh_number("third-"))
    with third.acting():
        network.invite(slug=buyer.slug, role="supplier", document_types=["order"], by=third.actor, at=AT)
    yield buyer, seller
    for member in (buyer, seller, third):
        shutil.rmtree(folder_of(member.home), ignore_errors=True)


def left(member: Member) -> dict[str, int]:
    """Where the database still speaks of an enterprise, by its id, its short name, its schema or its people: how many rows of each table."""
    tables = [row["tablename"] for row in ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    signs = [str(member.id), member.id.hex, f"@{member.slug}.", member.home.schema]
    condition = " OR ".join(f"to_jsonb(t)::text LIKE '%%{sign}%%'" for sign in signs)
    found = {table: ask(f'SELECT count(*) AS n FROM public."{table}" t WHERE {condition}', [])[0]["n"] for table in tables}
    found |= {
        "schemas": ask("SELECT count(*) AS n FROM pg_namespace WHERE nspname = %s", [member.home.schema])[0]["n"],
        "roles": ask("SELECT count(*) AS n FROM pg_roles WHERE rolname = %s", [member.home.schema])[0]["n"],
        "folders": int(folder_of(member.home).exists()),
        "memory": sum(sign in remembered() for sign in (repr(member.id), f"product-of-{member.slug}")),
    }
    return {name: count for name, count in found.items() if count}


def remembered() -> str:
    """All that this process keeps by an enterprise's id, or by what is in its home (`tests.attacks.remembering`), in words."""
    return repr([(*knowing._kept, *knowing._kept.values()), [key[0] for key in engine._kept], [*keys._opened]])


def configure(member: Member) -> None:
    """Have a product, and configure it: this process knows it from then on."""
    fridge.enter(member, code=f"product-of-{member.slug}")
    with member.acting():
        assert knowing.known(customisation.Release.objects.get()).engine.session({}).valid


def home_rows(member: Member) -> dict[str, list[Any]]:
    """The rows of a home, but for the life of the cluster and the transaction in which a step was written."""
    found = {name: rows for name, rows in snapshot(member).items() if ".public." not in name}
    strip = ("epoch", "xid")
    return {
        name: sorted(json.dumps({key: value for key, value in json.loads(row).items() if key not in strip}) for row in rows) for name, rows in found.items()
    }


def proven(*members: Member) -> list[str]:
    found = []
    for member in members:
        with act_as(member.home):
            found += [difference.text for difference in services.verify()[1]]
    return found


def leave(member: Member, file: Path | None = None) -> str:
    more = ["--export", str(file)] if file else []
    return run("offboard", member.slug, "--yes", member.slug, *more)


LOG = {"exchange_channel", "exchange_cursor", "exchange_envelope", "exchange_signingkey", "network_consent", "network_partnership"}


def test_whoever_leaves_is_gone_and_his_partner_keeps_everything(partners: Two, tmp_path: Path) -> None:
    buyer, seller = partners
    configure(buyer)
    before = home_rows(seller)
    assert {"memory", "accounts_membership", "accounts_user", "accounts_apiclient", "exchange_sealedkey", "schemas", "folders"} <= left(buyer).keys()
    assert "has left" in leave(buyer)
    remaining = left(buyer)
    assert remaining.pop("tenants_enterprise") == 1
    assert set(remaining) == LOG
    assert (remaining["network_partnership"], remaining["network_consent"]) == (1, 1)
    assert home_rows(seller) == before
    assert proven(seller) == []
    assert (seller.api.get("orders/").status_code, seller.api.get("partners/").status_code, buyer.api.get("me/").status_code) == (200, 200, 401)
    with in_lobby():
        assert tenancy.find(slug=buyer.slug) is None
    run("verify", "--enterprise", seller.slug, "--export", str(tmp_path))
    with act_as(buyer.home):
        assert cache.get("kept") is None


@pytest.mark.night
def test_what_stays_in_the_memory_of_a_process_is_reported(partners: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: the engines of his products stay."""
    monkeypatch.setattr(knowing.solving, "forget", lambda: None)
    configure(partners[0])
    leave(partners[0])
    assert left(partners[0])["memory"] == 1


def test_a_task_of_whoever_left_does_nothing(partners: Two) -> None:
    """What was handed on before he left: a message names him, and nobody acts for him any more."""
    buyer, _seller = partners
    with buyer.acting():
        headers = {HEADER: replan._seal()}
    leave(buyer)
    with pytest.raises(Unsigned, match="no enterprise"):
        outside(lambda: replan.apply(kwargs={}, headers=headers, throw=True))


def test_what_is_kept_in_redis_for_whoever_left_is_forgotten(partners: Two, tmp_path: Path, settings: Any) -> None:
    buyer, seller = partners
    with redising.running(tmp_path) as redis:
        settings.CACHES = caches_by(redis.url)
        for member in partners:
            with member.acting():
                cache.set("kept", member.slug)
        assert redis.say("DBSIZE") == b":2"
        leave(buyer)
        assert redis.say("DBSIZE") == b":1"
        with seller.acting():
            assert cache.get("kept") == seller.slug


@pytest.mark.night
def test_the_short_name_of_whoever_left_is_nobodys(partners: Two) -> None:
    leave(partners[0])
    with pytest.raises(Invalid) as refusal:
        outside(tenants.provision, slug=partners[0].slug, name="Another", at=AT)
    assert [finding.code for finding in refusal.value.findings] == ["taken"]
    assert "has left" in leave(partners[0])
    assert "no enterprise" in str(refused("export", partners[0].slug))


@pytest.mark.night
def test_nobody_speaks_to_whoever_left(partners: Two) -> None:
    buyer, seller = partners
    leave(buyer)
    document = ask(f'SELECT id FROM "{seller.home.schema}".documents_document LIMIT 1')[0]["id"]
    for moved in (seller.api.post(f"orders/{document}/moves/cancel/"), seller.api.post(f"orders/{document}/thread/", {"text": "Hello?"})):
        assert 400 <= moved.status_code < 500
    assert proven(seller) == []


@pytest.mark.night
def test_a_person_of_two_enterprises_stays_with_the_other_one(partners: Two) -> None:
    buyer, seller = partners
    email = f"both@{fresh_number('b')}.example"
    one, both = buyer.person("viewer"), [member.person("planner", email) for member in partners]
    assert both[0].pk == both[1].pk
    client = seller.page_client("planner")
    outside(_choose, client, buyer.slug)
    gone = buyer.page_client("viewer")
    leave(buyer)
    assert ask("SELECT email FROM accounts_user WHERE id = ANY(%s)", [[one.pk, both[0].pk]]) == [{"email": email}]
    assert client.get("/catalogue/").status_code == 200
    assert gone.get("/catalogue/").status_code == 302
    assert ask("SELECT session_key FROM django_session WHERE session_key = %s", [gone.cookies["sessionid"].value]) == []


def _choose(client: PageClient, slug: str) -> None:
    with in_lobby():
        session = client.session
        session["enterprise"] = slug
        session.save()


@pytest.mark.night
def test_nothing_is_done_without_the_name_a_second_time(partners: Two) -> None:
    before = snapshot(*partners)
    assert refused("offboard", partners[0].slug).returncode == 2
    assert refused("offboard", partners[0].slug, "--yes", partners[1].slug).returncode == 2
    assert "no enterprise" in str(refused("offboard", "nobody-here", "--yes", "nobody-here"))
    assert snapshot(*partners) == before
    assert partners[0].api.get("me/").status_code == 200


@pytest.mark.night
def test_what_a_partner_has_not_taken_in_is_delivered_first_or_holds_everything_up(partners: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = partners
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "_after_commit", lambda sender, home: None)
        late = order(buyer, seller, [line("A-1")])
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "deliver", lambda **_anything: 0)
        assert f"have not taken in yet: {seller.slug}" in str(refused("offboard", buyer.slug, "--yes", buyer.slug))
    assert left(buyer)["schemas"] == 1
    leave(buyer)
    assert ask(f'SELECT id FROM "{seller.home.schema}".documents_document WHERE id = %s', [late]) == [{"id": late}]


@pytest.mark.night
def test_killed_in_the_middle_it_goes_on(partners: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = partners

    def killed(*_anything: object) -> None:
        raise KeyboardInterrupt

    for place in ("_take_away", "folder_of"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(leaving, place, killed)
            leave(buyer)
        assert buyer.api.get("me/").status_code == 401
        assert proven(seller) == []
    leave(buyer)
    assert set(left(buyer)) == {*LOG, "tenants_enterprise"}


@pytest.mark.night
def test_people_who_were_forgotten_to_be_forgotten_would_be_seen(partners: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: nobody above hears that the enterprise leaves."""
    monkeypatch.setattr(leaving.announcing, "announce", lambda news: None)
    leave(partners[0])
    assert {"accounts_membership", "accounts_user", "accounts_apiclient"} <= left(partners[0]).keys()


# There and back ------------------------------------------------------------------------------------------------------


def test_whoever_left_comes_back_as_he_was(partners: Two, tmp_path: Path) -> None:
    buyer, seller = partners
    file = tmp_path / "buyer.zip"
    rows, files = home_rows(buyer), {path.name: path.read_bytes() for path in folder_of(buyer.home).rglob("*")}
    told = leave(buyer, file)
    assert "public/exchange_envelope.jsonl: " in told
    told = run("import", str(file))
    assert f"({buyer.slug}) is here and open." in told
    assert "/set-up/" in told
    assert home_rows(buyer) == rows
    assert {path.name: path.read_bytes() for path in folder_of(buyer.home).rglob("*")} == files != {}
    assert proven(buyer, seller) == []
    order(buyer, seller, [line("A-1")])
    assert proven(buyer, seller) == []
    assert buyer.api.get("me/").status_code == 401, "tokens do not come back"
    assert ask("SELECT count(*) AS n FROM exchange_signingkey WHERE enterprise_id = %s AND retired_at IS NULL", [buyer.id]) == [{"n": 1}]
    assert {row["role"] for row in ask("SELECT role FROM accounts_membership WHERE enterprise_id = %s", [buyer.id])} == {"administrator"}
    # The feed begins with what was written here.
    newest = ask(f'SELECT max(xid) AS xid FROM "{buyer.home.schema}".documents_step')[0]["xid"]
    assert newest <= ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid")[0]["xid"]


def _forget_all_of(*members: Member) -> None:
    """As if this were an installation that has never heard of them."""
    ids = [member.id for member in members]
    for table, columns in (
        ("exchange_receipt", "channel_id IN (SELECT id FROM public.exchange_channel WHERE sender_id = ANY(%(i)s))"),
        ("exchange_envelope", "sender_id = ANY(%(i)s)"),
        ("exchange_cursor", "receiver_id = ANY(%(i)s)"),
        ("exchange_channel", "sender_id = ANY(%(i)s)"),
        ("exchange_sealedkey", "enterprise_id = ANY(%(i)s)"),
        ("exchange_signingkey", "enterprise_id = ANY(%(i)s)"),
        ("network_consent", "partnership_id IN (SELECT id FROM public.network_partnership WHERE inviter_id = ANY(%(i)s) OR invitee_id = ANY(%(i)s))"),
        ("network_partnership", "inviter_id = ANY(%(i)s) OR invitee_id = ANY(%(i)s)"),
        ("tenants_enterprise", "id = ANY(%(i)s)"),
    ):
        ask(f"DELETE FROM public.{table} WHERE {columns}", {"i": ids})  # type: ignore[arg-type]


@pytest.mark.night
def test_both_come_to_an_installation_that_does_not_know_them(partners: Two, tmp_path: Path) -> None:
    buyer, seller = partners
    rows = [home_rows(member) for member in partners]
    for member in partners:
        leave(member, tmp_path / f"{member.slug}.zip")
    _forget_all_of(*partners)
    run("import", str(tmp_path / f"{buyer.slug}.zip"))
    assert proven(buyer) == []
    assert ask("SELECT ready, offboarded_at IS NULL AS here FROM tenants_enterprise WHERE slug = %s", [seller.slug]) == [{"ready": False, "here": False}]
    with in_lobby():
        assert tenancy.home(slug=seller.slug) is None
    run("import", str(tmp_path / f"{seller.slug}.zip"))
    assert [home_rows(member) for member in partners] == rows
    assert proven(buyer, seller) == []


@pytest.fixture
def away(partners: Two, tmp_path: Path) -> tuple[Two, Path]:
    """The buyer has left, and his export lies there."""
    file = tmp_path / "buyer.zip"
    leave(partners[0], file)
    return partners, file


def _rewrite(file: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """The archive with some of its members changed, or left out."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, body in members.items():
            if (changed := change(name, body)) is not None:
                archive.writestr(name, changed)


def _nothing_came(buyer: Member) -> bool:
    return set(left(buyer)) == {*LOG, "tenants_enterprise"}


@pytest.mark.parametrize("member", ["public/exchange_envelope.jsonl", "home/documents_line.jsonl", "people.jsonl", "partners.jsonl", "files"])
@pytest.mark.night
def test_a_member_that_was_changed_or_is_missing_is_refused(away: tuple[Two, Path], member: str) -> None:
    (buyer, _seller), file = away
    kept = file.read_bytes()
    for change in (lambda body: body[:1] + b" " + body[1:], lambda body: None):
        _rewrite(file, lambda name, body, change=change: change(body) if name.startswith(member) else body)  # type: ignore[misc]
        assert refused("import", str(file)).returncode == 1
        assert _nothing_came(buyer)
        file.write_bytes(kept)
    file.write_bytes(kept[: len(kept) // 2])
    assert refused("import", str(file)).returncode == 1
    assert refused("import", str(file.with_name("nothing.zip"))).returncode == 1
    assert _nothing_came(buyer)


@pytest.mark.night
def test_nothing_comes_in_the_name_of_an_enterprise_that_lives_here(away: tuple[Two, Path]) -> None:
    """The log here does not know what the export says that the seller said; he lives here, so it is not believed."""
    (buyer, seller), file = away
    ask("DELETE FROM exchange_receipt WHERE channel_id IN (SELECT id FROM exchange_channel WHERE sender_id = %s)", [seller.id])
    ask("DELETE FROM exchange_envelope WHERE sender_id = %s", [seller.id])
    ask("DELETE FROM exchange_cursor WHERE receiver_id = %s", [buyer.id])
    ask("DELETE FROM exchange_channel WHERE sender_id = %s", [seller.id])
    assert "lives here" in str(refused("import", str(file)))
    assert left(buyer).keys() <= {*LOG, "tenants_enterprise"}


def _forge(file: Path, member: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """One row more in a member, made of its first one, with everything else of the archive as it must be."""
    with zipfile.ZipFile(file) as archive:
        manifest, rows = json.loads(archive.read("manifest.json")), archive.read(member)
    forged = rows + json.dumps(change(json.loads(rows.splitlines()[0]))).encode() + b"\n"
    manifest["members"][member] = hashlib.sha256(forged).hexdigest()
    changed = {"manifest.json": json.dumps(manifest).encode(), member: forged}
    _rewrite(file, lambda name, body: changed.get(name, body))


@pytest.mark.night
def test_nothing_is_added_to_a_channel_that_is_here(away: tuple[Two, Path]) -> None:
    """A receipt in the seller's name, for more than he took."""
    (buyer, _seller), file = away
    _forge(file, "public/exchange_receipt.jsonl", lambda row: {**row, "seq": 99})
    assert "exchange_receipt" in str(refused("import", str(file)))
    channels = "SELECT id FROM exchange_channel WHERE %s IN (sender_id, receiver_id)"
    assert ask(f"SELECT seq FROM exchange_receipt WHERE seq = 99 AND channel_id IN ({channels})", [buyer.id]) == []
    assert _nothing_came(buyer)


@pytest.mark.night
def test_nobody_brings_a_key_of_another(away: tuple[Two, Path], cast: Cast) -> None:
    (buyer, _seller), file = away
    key, stranger = str(new_id()), str(cast.stranger.id)
    _forge(file, "public/exchange_signingkey.jsonl", lambda row: {**row, "id": key, "enterprise_id": stranger})
    assert "lives here" in str(refused("import", str(file)))
    assert ask("SELECT id FROM exchange_signingkey WHERE id = %s", [key]) == []
    assert _nothing_came(buyer)


@pytest.mark.night
def test_nobody_consents_for_another(away: tuple[Two, Path], cast: Cast) -> None:
    """What nobody here knows of is left behind, and the rest comes."""
    (buyer, seller), file = away
    consent = str(new_id())
    _forge(file, "public/network_consent.jsonl", lambda row: {**row, "id": consent, "enterprise_id": str(cast.stranger.id)})
    run("import", str(file))
    assert ask("SELECT id FROM network_consent WHERE id = %s", [consent]) == []
    assert proven(buyer, seller) == []


@pytest.mark.night
def test_an_export_that_is_older_than_the_log_is_refused(partners: Two, tmp_path: Path) -> None:
    buyer, seller = partners
    run("export", buyer.slug, "--to", str(tmp_path / "old.zip"))
    before = snapshot(buyer, seller)
    assert "is here already" in str(refused("import", str(tmp_path / "old.zip")))
    assert snapshot(buyer, seller) == before
    order(buyer, seller, [line("A-1")])
    leave(buyer)
    assert refused("import", str(tmp_path / "old.zip")).returncode == 1
    assert _nothing_came(buyer)


@pytest.mark.night
def test_an_export_of_another_release_is_refused(away: tuple[Two, Path]) -> None:
    (buyer, _seller), file = away
    _rewrite(file, lambda name, body: body.replace(b'"documents.0001_initial"', b'"documents.0002_other"') if name == "manifest.json" else body)
    assert "same release" in str(refused("import", str(file)))
    assert _nothing_came(buyer)


@pytest.mark.night
def test_no_secret_is_in_an_export(away: tuple[Two, Path]) -> None:
    with zipfile.ZipFile(away[1]) as archive:
        names = archive.namelist()
        everything = b"".join(archive.read(name) for name in names)
    assert not any(part in name for name in names for part in ("sealed", "token", "session", "apiclient"))
    assert b"argon2" not in everything
    assert b"gAAAA" not in everything
    assert (away[1].stat().st_mode & 0o777) == 0o600
