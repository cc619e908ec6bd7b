"""A request with a key that meets a lock: it waits as any other one, and what it could not get is no answer to keep."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from apps.base import patience
from apps.catalog.models import Item
from apps.documents.models import Document
from apps.tenants.wall import base as wall
from tests.cast import Cast, Member, order, outside


@contextlib.contextmanager
def held(member: Member, document: uuid.UUID, *, seconds: float) -> Iterator[None]:
    """Somebody else holds the document's row for so long."""
    superuser = settings.ENVIRONMENT.superuser
    assert superuser is not None
    with psycopg.connect(superuser.url) as opened:
        opened.execute(f'SELECT 1 FROM "{member.home.schema}".documents_document WHERE id = %s FOR UPDATE'.encode(), [document])
        timer = threading.Timer(seconds, opened.rollback)
        timer.start()
        yield
        timer.join()


def test_a_lock_is_waited_for_longer_than_another_with_the_same_key(cast: Cast) -> None:
    uid = order(cast.maker, cast.supplier, publish=False)
    with held(cast.maker, uid, seconds=0.4):
        answer = cast.maker.api.post(f"orders/{uid}/moves/publish/", {}, headers={"Idempotency-Key": f"wait-{uid}"})
    assert answer.status_code == 200


def test_too_busy_is_no_answer_to_keep(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = order(cast.maker, cast.supplier, publish=False)
    key = {"Idempotency-Key": f"busy-{uid}"}
    with monkeypatch.context() as patch, held(cast.maker, uid, seconds=0.5):
        patch.setattr(wall, "LIMITS", wall.LIMITS.replace("lock_timeout = '5s'", "lock_timeout = '100ms'"))
        assert cast.maker.api.post(f"orders/{uid}/moves/publish/", {}, headers=key).status_code == 503
    answer = cast.maker.api.post(f"orders/{uid}/moves/publish/", {}, headers=key)
    assert answer.status_code == 200
    assert answer.json()["state"] == "published"


def test_whoever_has_waited_in_vain_is_told_at_once_and_may_ask_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait has its limit; without a limit of their sum a request would wait for a connection after it has waited for an answer."""
    monkeypatch.setattr(patience, "IN_VAIN", 0.3)

    def ask() -> int:
        connection.close()
        patience.lose(patience.SILENCE)
        with cast.maker.acting(), pytest.raises(OperationalError, match="waited long enough"):
            Item.objects.count()
        time.sleep(0.4)
        with cast.maker.acting():
            return Item.objects.count()

    assert outside(ask) == 2


def test_a_wait_for_a_connection_is_taken_from_the_wait_for_an_answer(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = order(cast.maker, cast.supplier, publish=False)
    monkeypatch.setattr(patience, "SILENCE", 1.6)

    def ask() -> float:
        patience.lose(0.6)
        began = time.monotonic()
        with cast.maker.acting(), pytest.raises(OperationalError, match="has not answered"), transaction.atomic():
            Document.objects.select_for_update().get(pk=uid)
        return time.monotonic() - began

    with held(cast.maker, uid, seconds=2.5):
        assert outside(ask) < 1.5
    connection.close_if_unusable_or_obsolete()
