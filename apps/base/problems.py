"""How a refusal is told: problem details (RFC 9457), declared by the apps for their own exceptions."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from apps.base import announcing
from apps.base.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """How an exception is told to a partner: status and code (the last part of the problem's `type`), its title, and more members."""

    status: int
    code: str
    title: Any
    more: Callable[[Any], Mapping[str, Any]] = field(default=lambda error: {})
    detail: Callable[[Any], str] = str


@functools.lru_cache(maxsize=1)
def problems() -> Mapping[type, Problem]:
    """The problems that the apps declare (`declarations.PROBLEMS`)."""
    found: dict[type, Problem] = {}
    for declared in announcing.declared("PROBLEMS"):
        found |= declared
    return found


def problem_of(error: BaseException) -> Problem | None:
    """The declared problem of an exception, by its class or one of its bases."""
    return next((problems()[kind] for kind in type(error).__mro__ if kind in problems()), None)


def body_of(*, status: int, code: str, title: Any, detail: str = "", findings: Sequence[Finding] = (), **more: Any) -> dict[str, Any]:
    """The body of a problem (RFC 9457)."""
    errors = [{"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in findings]
    return {"type": f"{settings.BASE_URL}/problems/{code}", "title": str(title), "status": status, "detail": detail, "errors": errors, **more}
