"""The portal as it would be if a web process gave all its threads to whoever asks: a fault put in on purpose."""

from apps.base import sharing
from portal.settings import *  # noqa: F403


def _all(self: sharing.Shares, key: int, now: float) -> int:
    return self.threads


sharing.Shares._most = _all  # type: ignore[method-assign]
