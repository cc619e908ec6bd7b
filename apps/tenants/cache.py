"""Cache keys: each in the room of whoever acts, so that no enterprise reads what was kept for another."""

from typing import Any

from django.core.cache import cache as kept

from apps.base import acting


def key_of(key: str, prefix: str, version: int) -> str:
    """The key as it is stored. Raises NobodyActs without a context."""
    context = acting.current()
    return f"{prefix}:{context.role}:{version}:{key}"


def forget(role: str) -> None:
    """Remove everything that is kept for a role: from Redis, or from the memory of this process. Elsewhere nobody can ask for it, and it expires."""
    backend: Any = kept
    if hasattr(backend, "_cache") and hasattr(backend._cache, "get_client"):
        client = backend._cache.get_client(None, write=True)
        for key in client.scan_iter(match=f"*:{role}:*"):
            client.delete(key)
    else:
        with backend._lock:
            for key in [key for key in backend._cache if f":{role}:" in key]:
                backend._delete(key)
