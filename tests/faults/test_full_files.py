"""A full disk below the files: who sends one is told to come back, nothing is half kept, and with room again it goes on."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages

from apps.exchange import services as exchange
from apps.tenants.storage import HomeStorage
from tests import ground, tally
from tests.cast import Member, ask, order, snapshot
from tests.documents.test_attachments import listed, sent
from tests.faults.filling import NoDisk, filled, free, mounted

BODY = b"%PDF-1.7\n\x80\x81" + b"drawing " * 20_000


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, database: None) -> Iterator[Path]:
    """A disk of 4 MB on which all files are kept."""
    try:
        with mounted(ground.RUN / "small", "4M") as place:
            # Before the first file is kept: its folders must not be what finds no room.
            monkeypatch.setattr(storages["default"], "base_location", str(place / "media"))
            yield place
    except NoDisk as error:
        pytest.skip(f"no file system can be mounted here: {error}")


def waiting(sender: Member, receiver: Member) -> list[dict[str, Any]]:
    return ask(
        "SELECT c.head - u.delivered AS n, u.halted_at FROM exchange_channel c JOIN exchange_cursor u ON u.channel_id = c.id "
        "WHERE c.sender_id = %s AND c.receiver_id = %s",
        [sender.id, receiver.id],
    )


def refused(disk: Path, pair: tuple[Member, Member]) -> list[str]:
    """What is off about a file that finds no room, and about sending it again when there is some."""
    buyer, seller = pair
    uid, found = order(buyer, seller), []
    with filled(disk):
        before = snapshot(buyer, seller)
        answer = sent(buyer, uid, BODY, key="full")
        said = (answer.status_code, answer.headers.get("Content-Type"), answer.headers.get("Retry-After"), answer.json().get("type", "").rpartition("/")[2])
        if said != (503, "application/problem+json", "2", "unavailable"):
            found.append(f"a full disk is answered {said}")
        if snapshot(buyer, seller) != before:
            found.append("something of it stands in the database")
    if [path for path in (disk / "media").rglob("*") if path.is_file()]:
        found.append("something of it lies on the disk")
    if sent(buyer, uid, BODY, key="full").status_code != 201:
        found.append("with room again it is refused")
    told = [answer["sha256"] for answer in listed(buyer, uid)]
    held = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (disk / "media" / buyer.home.schema).rglob("*") if path.is_file()}
    if told != [hashlib.sha256(BODY).hexdigest()] or held != set(told):
        found.append("what was confirmed is not on the disk")
    return found + ([] if len(listed(seller, uid)) == 1 else ["the partner has it not"])


def test_a_file_that_finds_no_room_is_refused_whole(disk: Path, pair: tuple[Member, Member]) -> None:
    started = time.monotonic()
    found = refused(disk, pair)
    tally.tell("faults: no room for a file", tried=1, lost=len(found), seconds=time.monotonic() - started)
    assert found == []


def test_a_file_that_is_confirmed_without_room_is_found(disk: Path, pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that believes that what it was given is kept."""
    keep = HomeStorage.keep

    def kept(storage: HomeStorage, name: str, body: bytes) -> None:
        with contextlib.suppress(OSError):
            keep(storage, name, body)

    monkeypatch.setattr(HomeStorage, "keep", kept)
    found = refused(disk, pair)
    assert found[0].startswith("a full disk is answered (201,")
    assert {"something of it stands in the database", "what was confirmed is not on the disk"} <= set(found)


def test_a_file_that_is_half_kept_is_found(disk: Path, pair: tuple[Member, Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that writes under the very name, and leaves what it has begun."""

    def keep(storage: HomeStorage, name: str, body: bytes) -> None:
        place = Path(storage.path(name))
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            file.write(body)

    monkeypatch.setattr(HomeStorage, "keep", keep)
    assert refused(disk, pair)[0] == "something of it lies on the disk"


def test_a_receiver_without_room_takes_it_later(disk: Path, pair: tuple[Member, Member]) -> None:
    """The sender's file fits, the receiver's does not: the envelope waits, nothing stands still, and the sweep brings it."""
    buyer, seller = pair
    uid = order(buyer, seller)
    with filled(disk, leave=len(BODY) * 3 // 2):
        assert len(BODY) < free(disk) < 2 * len(BODY)
        assert sent(buyer, uid, BODY).status_code == 201
        assert waiting(buyer, seller) == [{"n": 1, "halted_at": None}]
        assert [len(listed(member, uid)) for member in pair] == [1, 0]
    exchange.sweep()
    assert waiting(buyer, seller) == [{"n": 0, "halted_at": None}]
    assert listed(seller, uid)[0]["sha256"] == listed(buyer, uid)[0]["sha256"]
    with seller.acting():
        assert exchange.verify()[1] == []
