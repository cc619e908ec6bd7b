"""The base of every task: it acts for an enterprise that was named, and signed for, by whoever sent it."""

from typing import Any

import celery
from django.core import signing

from apps.base import acting
from apps.tenants import selectors

HEADER = "tributary_enterprise"
SALT = "tributary.task"


class Unsigned(RuntimeError):
    """A task that does not say for whom it is, or not in our hand."""


class EnterpriseTask(celery.Task):  # type: ignore[type-arg]
    """A task for one enterprise. The sender's enterprise goes with the message, signed; without it the task does not start."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:  # type: ignore[override]
        headers = {**(options.pop("headers", None) or {}), HEADER: self._seal()}
        return super().apply_async(args, kwargs, headers=headers, **options)

    def _seal(self) -> str:
        return signing.dumps(str(acting.home().id), salt=SALT)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        sealed = (getattr(self.request, "headers", None) or {}).get(HEADER) or getattr(self.request, HEADER, None)
        if sealed is None:
            raise Unsigned(f"{self.name}: no enterprise")
        try:
            enterprise = signing.loads(sealed, salt=SALT)
        except signing.BadSignature as error:
            raise Unsigned(f"{self.name}: {error}") from error
        with acting.in_lobby():
            home = selectors.home(id=enterprise)
        if home is None:
            raise Unsigned(f"{self.name}: no enterprise {enterprise}")
        with acting.act_as(home):
            return super().__call__(*args, **kwargs)


class PlatformTask(EnterpriseTask):
    """A task of the platform itself, which acts for no enterprise; the scheduler starts it."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:  # type: ignore[override]
        return celery.Task.apply_async(self, args, kwargs, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with acting.as_operator():
            return self.run(*args, **kwargs)
