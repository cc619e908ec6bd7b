"""A full disk below the files: who sends one is told to come back, nothing is half kept, and with room again it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages

from apps.exchange import services as exchange
from tests import ground, tally
from tests.cast import Member, ask, order, unchanged
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


def test_a_file_that_finds_no_room_is_refused_whole(disk: Path, pair: tuple[Member, Member]) -> None:
    started = time.monotonic()
    buyer, seller = pair
    uid = order(buyer, seller)
    with filled(disk), unchanged(buyer, seller):
        answer = sent(buyer, uid, BODY, key="full")
        assert (answer.status_code, answer.headers["Content-Type"], answer.headers["Retry-After"]) == (503, "application/problem+json", "2")
        assert answer.json()["type"].endswith("/problems/unavailable")
    assert [path for path in (disk / "media").rglob("*") if path.is_file()] == []
    assert sent(buyer, uid, BODY, key="full").status_code == 201
    assert [len(listed(member, uid)) for member in pair] == [1, 1]
    tally.tell("faults: no room for a file", tried=1, seconds=time.monotonic() - started)


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
