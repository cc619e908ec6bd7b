"""Cache keys: each in the room of whoever acts, so that no enterprise reads what was kept for another. And a cache that may fall silent."""

import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

import redis
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

from apps.base import acting
from apps.base.patience import AWAY

log = logging.getLogger(__name__)


def key_of(key: str, prefix: str, version: int) -> str:
    """The key as it is stored. Raises NobodyActs without a context."""
    context = acting.current()
    return f"{prefix}:{context.role}:{version}:{key}"


class Silence:
    """What this process knows of a Redis that did not answer. until: when it is asked again; changed: keys that were written meanwhile."""

    def __init__(self) -> None:
        self.until = 0.0
        self.changed: set[str] = set()
        self.lock = threading.Lock()

    def begin(self, error: redis.RedisError) -> None:
        self.until = time.monotonic() + AWAY
        log.warning("the cache does not answer (%s): each process keeps for itself meanwhile", type(error).__name__)


_silence = Silence()


def _patiently(verb: str, *, writes: bool) -> Any:
    """The cache's method of this name: asked of Redis where it answers, and of this process's memory where it does not."""

    def ask(self: "PatientCache", given: Any, *more: Any, **named: Any) -> Any:
        if time.monotonic() >= _silence.until:
            try:
                self.come_back()
                return getattr(RedisCache, verb)(self, given, *more, **named)
            except redis.RedisError as error:
                _silence.begin(error)
        if writes:
            self.note([given] if isinstance(given, str) else given, named.get("version"))
        return getattr(self.memory, verb)(given, *more, **named)

    return ask


class PatientCache(RedisCache):
    """Redis where it answers; while it does not, the memory of this process: a cache must not be what stops the portal.

    What is written meanwhile is removed from Redis before it is asked again: neither an old value nor a lock that nobody holds outlives the silence.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.memory = LocMemCache("while-redis-is-silent", params)

    add, set, touch, delete, incr, set_many, delete_many = (
        _patiently(verb, writes=True) for verb in ("add", "set", "touch", "delete", "incr", "set_many", "delete_many")
    )
    get, get_many, has_key = (_patiently(verb, writes=False) for verb in ("get", "get_many", "has_key"))

    def note(self, keys: Iterable[str], version: int | None) -> None:
        """These were written, and perhaps in Redis too, although it did not say so."""
        with _silence.lock:
            _silence.changed.update(self.make_and_validate_key(key, version=version) for key in keys)

    def come_back(self) -> None:
        """Remove from Redis what was written without it, and forget it here. Raises RedisError where it is silent still."""
        if not _silence.changed:
            return
        with _silence.lock:
            changed = list(_silence.changed)
        if changed:
            self._cache.delete_many(changed)
            self.memory.clear()
        with _silence.lock:
            _silence.changed.difference_update(changed)


def forget(role: str) -> None:
    """Remove everything that is kept for a role: from Redis and from the memory of this process. Elsewhere nobody can ask for it, and it expires.

    Where Redis is silent it expires there too: whoever leaves is not held up by a cache.
    """
    backend: Any = caches["default"]
    if isinstance(backend, PatientCache):
        _forget_locally(backend.memory, role)
        try:
            client = backend._cache.get_client(None, write=True)
            for key in client.scan_iter(match=f"*:{role}:*"):
                client.delete(key)
        except redis.RedisError as error:
            _silence.begin(error)
    else:
        _forget_locally(backend, role)


def _forget_locally(memory: Any, role: str) -> None:
    with memory._lock:
        for key in [key for key in memory._cache if f":{role}:" in key]:
            memory._delete(key)
