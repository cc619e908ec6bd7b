"""Cache keys: each in the room of whoever acts, so that no enterprise reads what was kept for another."""

from apps.base import acting


def key_of(key: str, prefix: str, version: int) -> str:
    """The key as it is stored. Raises NobodyActs without a context."""
    context = acting.current()
    return f"{prefix}:{context.role}:{version}:{key}"
