"""Who may do what inside one enterprise: every door and method, by somebody whose role permits nothing, by one who may only look, and by each role.

Whoever is tried here works for the enterprise whose ids are sent, so nothing but his role keeps him out.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from django.db import connection

from apps.accounts import services as entering
from apps.base import announcing
from apps.base.acting import Actor, in_lobby
from tests.architecture.test_doors import door as who_enters
from tests.attacks import doors
from tests.attacks.doors import Door
from tests.attacks.scene import Scene
from tests.attacks.striking import Attacker, Raid, Strike, content_of, send
from tests.cast import AT, Member, outside

INSIDE = ("member", "token", "administrator")
"""Whose doors ask for a role, of those in the table of doors; an operator works for no enterprise."""
WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
# What is written for every request, whoever asks.
OF_EVERY_REQUEST = {"django_session"}


def declared() -> Mapping[str, frozenset[str]]:
    """Each permission with the roles that have it, as the apps declare it: what one app gives, another adds to."""
    found: dict[str, set[str]] = {}
    for permissions in announcing.declared("PERMISSIONS"):
        for code, roles in permissions.items():
            found.setdefault(code, {"administrator"}).update(roles)
    return {code: frozenset(roles) for code, roles in found.items()}


def looking() -> frozenset[str]:
    """The permissions to look, and none to do anything."""
    return frozenset(code for code in declared() if code.endswith(".view"))


@contextlib.contextmanager
def everybody_may(permissions: frozenset[str]) -> Iterator[None]:
    """Whatever his role, each person and program may do this and nothing else."""
    with mock.patch("apps.accounts.selectors.permissions_of", return_value=permissions):
        yield


@dataclass
class Answer:
    """One request and what came of it. asked: what the code asked whether he may, with its answer. wrote: the tables that were written."""

    door: Door
    method: str
    strike: Strike
    status: int
    asked: Mapping[str, bool]
    wrote: frozenset[str]
    words: bytes = b""

    @property
    def done(self) -> bool:
        return self.status < 400

    def __str__(self) -> str:
        return f"{self.method} /{self.door.route} ({self.strike.address}): {self.status}, asked {dict(self.asked)}, wrote {sorted(self.wrote)}"


@dataclass
class Heard:
    """What was asked of an actor, and what was written, in one request."""

    asked: dict[str, bool] = field(default_factory=dict)
    wrote: set[str] = field(default_factory=set)


@contextlib.contextmanager
def listening() -> Iterator[Heard]:
    heard, may = Heard(), Actor.may

    def overheard(self: Actor, permission: str) -> bool:
        given = may(self, permission)
        # What the portal does by itself afterwards it does as nobody's deputy: whoever asks has been asked before, or what was written tells on him.
        if self.kind != "system":
            heard.asked[permission] = given
        return given

    def read(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if found := WRITES.match(str(sql)):
            heard.wrote.add(found[1])
        return execute(sql, params, many, context)

    with mock.patch.object(Actor, "may", overheard), connection.execute_wrapper(read):
        yield heard


@dataclass
class Rounds(Raid):
    """Goes through doors as one who works here, with what is the enterprise's own."""

    def __init__(self, scene: Scene, insider: Attacker, *, seed: int, most: int = 1) -> None:
        super().__init__(scene, [insider], seed=seed, thorough=False)
        self.insider, self.most = insider, most

    def go(self, found: Iterable[Door], methods: Iterable[str] = doors.METHODS) -> list[Answer]:
        return [self._answer(door, method, values) for door in found for method in self._known(door, methods) for values in self._values(door)]

    def _known(self, door: Door, methods: Iterable[str]) -> list[str]:
        """The methods that the view knows, where it says so; of a page GET and POST."""
        if door.by_token and door.view_class:
            return [method for method in methods if hasattr(door.view_class, method.lower())]
        return [method for method in methods if method in ("GET", "POST")]

    def _values(self, door: Door) -> list[Mapping[str, str]]:
        return [aim.theirs for aim in doors.aims(door, self.scene, partner=False, most=self.most, chance=self.chance)]

    def _answer(self, door: Door, method: str, values: Mapping[str, str]) -> Answer:
        strike = self._strike(door, method, values)
        with listening() as heard:
            response = send(self.insider, strike, by_token=door.by_token)
        self.tally.answered(response.status_code)
        wrote = frozenset(heard.wrote - OF_EVERY_REQUEST)
        return Answer(door, method, strike, response.status_code, heard.asked, wrote, content_of(response)[:200] if response.status_code >= 400 else b"")


def inside(found: Iterable[Door]) -> list[Door]:
    """The doors at which a role is asked for."""
    return [door for door in found if who_enters(door.route) in INSIDE]


def in_role(member: Member, role: str) -> Attacker:
    """A person and a program of this role."""
    return Attacker(
        Member(home=member.home, token=outside(_token, member, role), people=member.people), role, member.page_client(role, raise_request_exception=False), True
    )


def _token(member: Member, role: str) -> str:
    with in_lobby():
        return entering.issue_token(enterprise=member.id, name=f"Program of {role}", role=role, at=AT)[1]
