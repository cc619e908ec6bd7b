"""A request with a key that meets a lock: it waits as any other one, and what it could not get is no answer to keep."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from apps.tenants.wall import base as wall
from tests.cast import Cast, Member, order


@contextlib.contextmanager
def held(member: Member, document: uuid.UUID, *, seconds: float) -> Iterator[None]:
    """Somebody else holds the document's row for so long."""
    superuser = settings.ENVIRONMENT.superuser
    assert superuser is not None
    with psycopg.connect(superuser.url) as connection:
        connection.execute(f'SELECT 1 FROM "{member.home.schema}".documents_document WHERE id = %s FOR UPDATE'.encode(), [document])
        timer = threading.Timer(seconds, connection.rollback)
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
