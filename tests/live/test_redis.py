"""Where Redis carries the news: the same events, as soon, and the poll behind it when Redis is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.live.services import notifying
from portal.settings import layers_by
from tests import redising
from tests.cast import Member, order
from tests.live.conftest import heard, serve
from tests.redising import Redis

Pair = tuple[Member, Member]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    with redising.running(tmp_path) as found:
        yield found


@pytest.fixture
def by_redis(server: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """This process's notifier goes by Redis, too."""
    settings.REDIS_URL = server.url
    settings.CHANNEL_LAYERS = layers_by(server.url)
    monkeypatch.setattr(notifying, "_notifier", notifying.Notifier())
    return server.url


def test_redis_carries_the_news_to_every_process(by_redis: str, server: Redis, pair: Pair) -> None:
    buyer, seller = pair
    with (
        serve(REDIS_URL=by_redis) as one,
        serve(REDIS_URL=by_redis) as other,
        one.listen(seller) as here,
        other.listen(seller) as there,
        one.listen(buyer) as own,
    ):
        order(buyer, seller)
        assert heard(here, 1) == heard(there, 1)
        heard(own, 2)
        for _ in range(5):
            time.sleep(0.1)
            uid = order(buyer, seller)
            started = time.monotonic()
            assert [heard(socket, 1, timeout=0.4)[0]["document"]["uid"] for socket in (here, there)] == [str(uid)] * 2
            assert time.monotonic() - started < 0.4
        server.kill()
        order(buyer, seller)
        assert heard(here, 1, timeout=2) == heard(there, 1, timeout=2)
