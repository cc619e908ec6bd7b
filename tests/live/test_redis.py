"""Where Redis carries the news: the same events, as soon, and the poll behind it when Redis is gone."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from apps.live.services import notifying
from portal.embedded import free_port
from tests.cast import Member, order
from tests.live.conftest import heard, serve

Pair = tuple[Member, Member]
SERVER = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server on this machine")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis of this test's own: its address, and its process."""
    port = free_port()
    process = subprocess.Popen([str(SERVER), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)
    with redis.Redis(port=port) as client:
        for _attempt in range(100):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0", process
    process.kill()
    process.wait(5)


@pytest.fixture
def by_redis(server: tuple[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """This process's notifier goes by Redis, too."""
    settings.REDIS_URL = server[0]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [server[0]]}}}
    monkeypatch.setattr(notifying, "_notifier", notifying.Notifier())
    return server[0]


def test_redis_carries_the_news_to_every_process(by_redis: str, server: Any, pair: Pair) -> None:
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
        server[1].kill()
        order(buyer, seller)
        assert heard(here, 1, timeout=2) == heard(there, 1, timeout=2)
