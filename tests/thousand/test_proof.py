"""The bundle that proves a channel without the portal: whatever is changed in it is named by the checker that goes with it."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from apps.exchange import crossing, services
from apps.exchange import selectors as exchange
from tests import ground, seeds, tally
from tests.cast import AT, Member, ask, line, make_pair, move, order, outside

ENVELOPES = 7
MANY = 20_000
Change = Callable[[list[str], int], list[str]]


def _checker() -> Any:
    spec = importlib.util.spec_from_file_location("check_bundle", ground.ROOT / "tools" / "check_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checker = _checker()


@pytest.fixture(scope="module")
def partners(database: None) -> tuple[Member, Member]:
    """Two who have said something to one another, in both directions, with every kind of character."""
    buyer, seller = make_pair()
    for number in range(ENVELOPES - 1):
        document = order(buyer, seller, [line("A-1")], note=f"“{number}” \\ / \x7f \t\n\u2028 压缩机 🚚 é")
        move(seller, document, "confirm")
    move(buyer, document, "cancel", {"reason": "No more"})
    return buyer, seller


@pytest.fixture(scope="module")
def whole(partners: tuple[Member, Member], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The buyer's bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    outside(call_command, "verify", "--enterprise", partners[0].slug, "--export", str(folder), verbosity=0)
    return folder


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def checked(*folders: Path, keys: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """The exit status, and the faults."""
    found = [checker.Bundle(folder) for folder in folders]
    faults = [fault for bundle in found for fault in bundle.faults]
    faults += [fault for index, one in enumerate(found) for other in found[index + 1 :] for fault in checker.compare(one, other)]
    arguments = [str(folder) for folder in folders] + [part for key in keys for part in ("--key", key)]
    return checker.main(arguments), faults


def file_of(partners: tuple[Member, Member], what: str) -> str:
    buyer, seller = partners[0].slug, partners[1].slug
    return {"envelopes": f"{buyer}.{seller}.jsonl", "receipts": f"{buyer}.{seller}.receipts.jsonl", "keys": "keys.jsonl"}[what]


def test_a_whole_bundle_holds_wherever_it_is_taken(whole: Path, tmp_path: Path, partners: tuple[Member, Member]) -> None:
    """In a folder where there is nothing else, by a Python that has neither Django nor our code on its path."""
    place = Path(shutil.copytree(whole, tmp_path / "elsewhere"))
    guard = "import sys, runpy; sys.argv = ['check_bundle.py', '.']; sys.modules['django'] = sys.modules['psycopg'] = None; "
    command = [sys.executable, "-I", "-c", guard + "runpy.run_path('check_bundle.py', run_name='__main__')"]
    done = subprocess.run(command, cwd=place, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    buyer, seller = partners
    assert f"{buyer.slug}.{seller.slug}: {ENVELOPES} envelopes; the receiver signed for {ENVELOPES} of them in {ENVELOPES} receipts" in done.stdout
    with buyer.acting():
        assert all(key.fingerprint in done.stdout for key in exchange.keys(enterprise=buyer.id))


def _flip(rows: list[str], at: int) -> list[str]:
    return [*rows[:at], rows[at].replace("81.50", "81.49"), *rows[at + 1 :]]


def _drop(rows: list[str], at: int) -> list[str]:
    return rows[:at] + rows[at + 1 :]


def _insert(rows: list[str], at: int) -> list[str]:
    """A row that stands there already, under the number of its place, and all that follow."""
    forged = json.loads(rows[at])
    forged["kind"] = "order.cancel"
    return [*rows[:at], json.dumps(forged, ensure_ascii=False, separators=(",", ":")), *rows[at:]]


def _again(rows: list[str], at: int) -> list[str]:
    return [*rows[:at], rows[at], *rows[at:]]


def _swap(rows: list[str], at: int) -> list[str]:
    other = at + 1 if at + 1 < len(rows) else at - 1
    changed = list(rows)
    changed[at], changed[other] = rows[other], rows[at]
    return changed


def _cut(rows: list[str], at: int) -> list[str]:
    return rows[:at]


PLACES = (0, ENVELOPES // 2, ENVELOPES - 2)


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("change", [_flip, _drop, _insert, _again, _swap, _cut], ids=lambda change: change.__name__.strip("_"))
def test_whatever_is_done_to_an_envelope_is_named(bundle: Path, partners: tuple[Member, Member], change: Change, at: int) -> None:
    path = bundle / file_of(partners, "envelopes")
    path.write_text("\n".join(change(checker.lines(path), at)) + "\n", "utf-8")
    status, faults = checked(bundle)
    assert status == 1
    named = {f"envelope {at + 1}", f"line {at + 1}", f"{path.stem}: it ends with envelope {at}"}
    assert any(name in fault for name in named for fault in faults), faults


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("field", ["channel", "seq", "sender", "receiver", "kind", "key", "body", "digest", "signature"])
def test_every_field_of_an_envelope_is_bound(bundle: Path, partners: tuple[Member, Member], field: str, at: int) -> None:
    path = bundle / file_of(partners, "envelopes")
    rows = checker.lines(path)
    row = json.loads(rows[at])
    row[field] = row[field] + 1 if field == "seq" else _other(row[field])
    rows[at] = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    path.write_text("\n".join(rows) + "\n", "utf-8")
    status, faults = checked(bundle)
    assert status == 1
    assert any(f"envelope {at + 1}" in fault or f"line {at + 1}" in fault for fault in faults), faults


def _other(text: str) -> str:
    """The text with one character of its middle changed, to another of its kind."""
    middle = next(index for index in range(len(text) // 2, len(text)) if text[index].isalnum())
    return text[:middle] + ("1" if text[middle] == "0" else "0") + text[middle + 1 :]


def test_every_single_byte_counts(bundle: Path, partners: tuple[Member, Member]) -> None:
    """One bit of each of many places of each file, wherever it falls: in a number, a quotation mark, a name, the end of a line."""
    tried = 0
    for path in sorted(path for path in bundle.iterdir() if path.suffix in (".json", ".jsonl")):
        whole = path.read_bytes()
        for place in [*range(0, len(whole), max(1, len(whole) // 40)), len(whole) - 1]:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert checker.Bundle(bundle).faults != [], (path.name, place)
            tried += 1
        path.write_bytes(whole)
    assert checker.Bundle(bundle).faults == []
    assert tried > 150


def test_a_statement_that_is_written_otherwise_is_not_the_one_that_was_signed(bundle: Path) -> None:
    """The same number in capital letters, in a place that no signature is over: its own."""
    (path,) = bundle.glob("statement.*.json")
    whole = json.loads(path.read_text("utf-8"))
    path.write_text(path.read_text("utf-8").replace(whole["signature"], whole["signature"].upper()), "utf-8")
    status, faults = checked(bundle)
    assert status == 1
    assert f"{path.name}: it is not as the enterprise signed it" in faults


def test_a_checker_that_believes_every_signature_would_be_seen(bundle: Path, partners: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant of this harness: what it lets pass, the tests above would report."""
    path = bundle / file_of(partners, "envelopes")
    rows = checker.lines(path)
    row = json.loads(rows[1])
    rows[1] = json.dumps({**row, "signature": _other(row["signature"])}, ensure_ascii=False, separators=(",", ":"))
    path.write_text("\n".join(rows) + "\n", "utf-8")
    assert checked(bundle)[0] == 1
    monkeypatch.setattr(checker.Keys, "signed", lambda *_given: True)
    assert checked(bundle) == (0, [])


@pytest.mark.night
def test_twenty_thousand_changes_of_a_bundle_are_all_named(bundle: Path) -> None:
    """Bytes changed, dropped, doubled and exchanged, anywhere in any file."""
    began, seed = time.perf_counter(), seeds.fresh()
    chance, unnamed = random.Random(seed), 0
    files = sorted(path for path in bundle.iterdir() if path.suffix in (".json", ".jsonl"))
    for _turn in range(MANY):
        path = chance.choice(files)
        whole = path.read_bytes()
        changed = whole
        while changed == whole:
            at, width = chance.randrange(len(whole)), chance.choice((1, 1, 7, 300))
            piece = chance.choice((b"", bytes([whole[at] ^ 1 << chance.randrange(8)]), whole[at : at + width] * 2))
            changed = whole[:at] + piece + whole[at + width :]
        path.write_bytes(changed)
        unnamed += checker.Bundle(bundle).faults == []
        path.write_bytes(whole)
    tally.tell("changes of a bundle", tried=MANY, lost=unnamed, seconds=time.perf_counter() - began, seed=seed)
    assert unnamed == 0


@pytest.mark.parametrize("what", ["receipts", "keys"])
@pytest.mark.parametrize("change", [_drop, _again, _swap, _cut], ids=lambda change: change.__name__.strip("_"))
@pytest.mark.parametrize("at", [0, 1])
def test_whatever_is_done_to_a_receipt_or_a_key_is_named(bundle: Path, partners: tuple[Member, Member], what: str, change: Change, at: int) -> None:
    path = bundle / file_of(partners, what)
    rows = change(checker.lines(path), at)
    path.write_text("".join(f"{row}\n" for row in rows), "utf-8")
    status, faults = checked(bundle)
    # The order of the keys says nothing.
    assert status == (0 if (what, change) == ("keys", _swap) else 1)
    assert all(path.name.removesuffix(".jsonl") in fault or "signature" in fault or "statement" in fault for fault in faults), faults


def test_a_tail_that_was_cut_everywhere_is_named_by_the_receipts_and_by_the_other_party(bundle: Path, partners: tuple[Member, Member], tmp_path: Path) -> None:
    """The party that made the bundle cuts its own, receipts and all, and signs anew: the other one's bundle tells."""
    path = bundle / file_of(partners, "envelopes")
    path.write_text("\n".join(checker.lines(path)[:-2]) + "\n", "utf-8")
    faults = checked(bundle)[1]
    assert any("the tail was cut" in fault and f"envelope {ENVELOPES}" in fault for fault in faults)
    assert any(f"it ends with envelope {ENVELOPES - 2}, and the tail to {ENVELOPES} was cut" in fault for fault in faults)
    others = tmp_path / "other"
    outside(call_command, "verify", "--enterprise", partners[1].slug, "--export", str(others), verbosity=0)
    assert checked(others) == (0, [])
    assert any(f"{others} has a receipt for envelope {ENVELOPES}" in fault for fault in checked(bundle, others)[1])


def test_files_that_are_missing_or_too_many_are_named(bundle: Path, partners: tuple[Member, Member]) -> None:
    statement = bundle / f"statement.{partners[0].slug}.json"
    kept = statement.read_bytes()
    statement.unlink()
    assert any("there is no statement" in fault for fault in checked(bundle)[1])
    statement.write_bytes(kept)
    path = bundle / file_of(partners, "envelopes")
    shutil.copy(path, bundle / "a.b.jsonl")
    assert "a.b: no statement is about it" in checked(bundle)[1]
    (bundle / "a.b.jsonl").unlink()
    path.unlink()
    assert any("the file is missing" in fault for fault in checked(bundle)[1])


def test_only_the_keys_that_one_knows_are_taken(bundle: Path, partners: tuple[Member, Member]) -> None:
    with partners[0].acting():
        known = [key.fingerprint for member in partners for key in exchange.keys(enterprise=member.id)]
    assert checked(bundle, keys=tuple(known))[0] == 0
    assert checked(bundle, keys=tuple(known[:1]))[0] == 1


def test_one_folder_may_hold_the_bundles_of_both(partners: tuple[Member, Member], tmp_path: Path) -> None:
    for member in partners:
        outside(call_command, "verify", "--enterprise", member.slug, "--export", str(tmp_path), verbosity=0)
    assert checked(tmp_path) == (0, [])


# Receipts ------------------------------------------------------------------------------------------------------------

RECEIPTS = (
    "SELECT r.seq FROM public.exchange_receipt r JOIN public.exchange_channel c ON c.id = r.channel_id WHERE c.sender_id = %s AND c.receiver_id = %s ORDER BY 1"
)


def test_a_batch_is_signed_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = make_pair()
    with monkeypatch.context() as patch:
        patch.setattr(crossing, "_after_commit", lambda sender, home: None)
        for _number in range(3):
            order(buyer, seller, [line("A-1")])
    assert ask(RECEIPTS, [buyer.id, seller.id]) == []
    assert outside(crossing.deliver, sender=buyer.id, receiver=seller.id, home=seller.home) == 3
    assert ask(RECEIPTS, [buyer.id, seller.id]) == [{"seq": 3}]
    with buyer.acting():
        assert services.verify()[1] == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE public.exchange_receipt SET digest = 'x' WHERE channel_id = %s", "signed for another one"),
        ("UPDATE public.exchange_receipt SET at = at + interval '1 second' WHERE channel_id = %s", "the signature of its receipt is not the receiver's"),
        ("DELETE FROM public.exchange_receipt WHERE channel_id = %s", "signed no receipt"),
        ("UPDATE public.exchange_receipt SET seq = seq + 5 WHERE channel_id = %s", "it is not in the log"),
    ],
)
def test_verify_names_a_receipt_that_does_not_hold(change: str, named: str) -> None:
    buyer, seller = make_pair()
    order(buyer, seller, [line("A-1")])
    channel = ask("SELECT id FROM public.exchange_channel WHERE sender_id = %s", [buyer.id])[0]["id"]
    ask(change, [channel])
    for member in (buyer, seller):
        with member.acting():
            assert any(named in difference.text for difference in services.verify()[1])


def test_nobody_signs_for_another(partners: tuple[Member, Member]) -> None:
    """The sender cannot write a receipt into its own channel, however it is signed."""
    buyer = partners[0]
    statement = (
        "INSERT INTO exchange_receipt (channel_id, seq, digest, key_id, signature, at) "
        "SELECT channel_id, 99, digest, key_id, signature, %s FROM exchange_envelope WHERE sender_id = %s LIMIT 1"
    )
    with buyer.acting(), pytest.raises(DatabaseError, match="row-level security"), connection.cursor() as cursor:
        cursor.execute(statement, [AT, buyer.id])
