"""Who works for an enterprise does there what his role permits, and nothing else: at each door, by each method, with what is there."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from apps.accounts import selectors
from apps.accounts.selectors import ROLES, permissions_of
from apps.catalog.api.items import ItemCollection
from apps.documents.types import COLLECTIONS
from tests import tally
from tests.attacks import doors
from tests.attacks import scene as stage
from tests.attacks.doors import Door
from tests.attacks.permitting import Answer, Rounds, declared, everybody_may, in_role, inside, looking
from tests.attacks.scene import Scene
from tests.attacks.striking import Attacker
from tests.attacks.test_routes import all_doors, untouched

# Who may do nothing is answered there all the same, each with the reason.
OPEN_TO_ALL = {
    "api/v1/me/": "tells a program who it is, and what it may do",
    "api/v1/events/": "events of documents, which every role may see (asserted below)",
    "": "each part of the page is shown by its own permission",
    "today/counts/": "each figure by its own permission",
    "today/recent/": "each row by its own permission",
    "today/inbox/": "each figure by its own permission",
    "everywhere/": "each row by its own permission",
    "search/": "each kind of result by its own permission",
    "configure/shared/<str:token>/": "leads to the page of what the link names, which asks",
    "admin/home/login/": "leads to the sign-in",
}
# Written by those who may only look, each with the reason.
OWN_NOTES = {
    "documents/<slug:collection>/views/": "a view of a list is kept for the one who looks",
    "documents/<slug:collection>/views/<uuid:uid>/forget/": "and forgotten",
    "documents/<slug:collection>/<uuid:uid>/": "whoever looks at a document has seen it",
    "documents/<slug:collection>/<uuid:uid>/parts/<slug:part>/": "and whoever sees it change",
}
# Answered before it is asked who asks: none of it says what is there.
UNREADABLE = {("api/v1/inbox/", 415): "what is sent there is no standard message, and is not read"}
# What is no move that anybody makes by hand: refused to all alike.
NO_MOVES = ("/moves/<str:move>/", "/moves/receive/")
REFUSED = (403, 404, 405)


def improper(answers: Iterable[Answer]) -> list[str]:
    """What was answered to somebody who may do nothing, other than that he may not."""
    return [str(one) for one in answers if one.status not in REFUSED and not _excused(one)]


def _excused(one: Answer) -> bool:
    route = one.door.route
    if route in OPEN_TO_ALL:
        return not one.wrote
    return (route, one.status) in UNREADABLE or (one.status == 409 and route.endswith(NO_MOVES))


def overstepped(answers: Iterable[Answer]) -> list[str]:
    """What was written, with no permission asked for that is more than to look, and given."""
    return [str(one) for one in answers if one.done and one.wrote and one.door.route not in OWN_NOTES and not _permitted(one)]


def _permitted(one: Answer) -> bool:
    return any(given and not code.endswith(".view") for code, given in one.asked.items())


def went(scene: Scene, insider: Attacker, found: Iterable[Door], *, methods: Iterable[str] = doors.METHODS, most: int = 1, seed: int = 1) -> list[Answer]:
    return Rounds(scene, insider, seed=seed, most=most).go(found, tuple(methods))


@pytest.fixture(scope="module")
def owner(scene: Scene) -> Attacker:
    return Attacker.make(scene.victim, scene, partner=True)


def closed_doors(scene: Scene, owner: Attacker, *, most: int, seed: int, name: str) -> tuple[list[Answer], list[Answer]]:
    """Every door by one who may nothing, and every way to write by one who may look at everything; nothing has changed afterwards."""
    began, found = time.perf_counter(), inside(all_doors())
    with untouched(scene), everybody_may(frozenset()):
        nothing = went(scene, owner, found, most=most, seed=seed)
    with everybody_may(looking()):
        looked = went(scene, owner, found, methods=doors.METHODS[1:], most=most, seed=seed)
    leaked = len(improper(nothing)) + len(overstepped(looked))
    tally.tell(name, tried=len(nothing) + len(looked), leaked=leaked, seconds=time.perf_counter() - began, seed=seed)
    return nothing, looked


def never_refused(answers: Iterable[Answer]) -> set[str]:
    """Doors of which nothing was ever refused for want of a permission: it was not shown that they ask."""
    answers = list(answers)
    told = {one.door.route for one in answers if one.status == 403 or one.door.route.startswith("admin/home/")}
    return {one.door.route for one in answers} - told - set(OPEN_TO_ALL)


# Doors that nobody with nothing to do gets to: what leads to the first list that one may see, or takes what is not JSON.
NOT_REACHED = {"documents/", "api/v1/inbox/"}


def test_who_may_do_nothing_is_refused_at_every_door(scene: Scene, owner: Attacker, seed: int) -> None:
    nothing, looked = closed_doors(scene, owner, most=1, seed=seed, name="attacks: permissions")
    assert improper(nothing) == []
    assert overstepped(looked) == []
    assert len(nothing) > 500
    assert {route for route in never_refused(nothing) if "<slug:move>" not in route and not route.endswith(NO_MOVES)} <= NOT_REACHED


@pytest.mark.night
def test_who_may_do_nothing_is_refused_at_every_door_whatever_is_there(scene: Scene, owner: Attacker, seed: int) -> None:
    nothing, looked = closed_doors(scene, owner, most=20, seed=seed, name="attacks: permissions, all")
    assert improper(nothing) == []
    assert overstepped(looked) == []
    assert {route for route in never_refused(nothing) if not route.endswith(NO_MOVES)} <= NOT_REACHED


def test_events_are_of_what_every_role_may_see() -> None:
    """The reason that stands beside the feed in `OPEN_TO_ALL`."""
    kinds = {code: roles for code, roles in declared().items() if code in {f"{kind.code}.view" for kind in COLLECTIONS.values()}}
    assert kinds
    assert all(set(roles) == set(ROLES) for roles in kinds.values())


def wrong_roles(scene: Scene, roles: Iterable[str], found: Iterable[Door], *, seed: int, most: int) -> tuple[int, list[str]]:
    """How much each role tried at these doors, and what went wrong: a permission that is not the role's was given, or something was written unasked."""
    wrong, tried, found = [], 0, list(found)
    for role in roles:
        answers = went(scene, in_role(scene.victim, role), found, seed=seed, most=most)
        tried += len(answers)
        wrong += [f"{role}: {line}" for line in overstepped(answers)]
        wrong += [f"{role}: {one}" for one in answers if any(given != (role in declared().get(code, ())) for code, given in one.asked.items())]
        wrong += [f"{role}: {one}" for one in answers if one.status >= 500]
    return tried, wrong


SAMPLE = ("api/v1/items/", "api/v1/resources/", "api/v1/me/", "catalogue/sites/new/", "settings/", "needs/", "schedule/plans/start/")


def some_doors() -> list[Door]:
    return [door for door in all_doors() if door.route in SAMPLE]


def test_each_role_has_its_own_permissions_and_no_others(seed: int) -> None:
    for role in ROLES:
        assert permissions_of(role) == {code for code, roles in declared().items() if role in roles}


@pytest.mark.night
def test_each_role_does_what_is_its_own(scene: Scene, seed: int) -> None:
    """In a home of its own, as much is done and undone."""
    began, place = time.perf_counter(), stage.assemble()
    tried, wrong = wrong_roles(place, ROLES, inside(all_doors()), seed=seed, most=2)
    tally.tell("attacks: roles, all", tried=tried, leaked=len(wrong), seconds=time.perf_counter() - began, seed=seed)
    assert not wrong, "\n".join(wrong)


# Mutants ---------------------------------------------------------------------------------------------------------------


def test_a_view_that_needs_nothing_is_reported(scene: Scene, owner: Attacker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ItemCollection, "needs", {})
    with everybody_may(frozenset()):
        assert any("/api/v1/items/" in line for line in improper(went(scene, owner, some_doors())))


def test_a_page_that_forgets_to_ask_is_reported(scene: Scene, owner: Attacker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.catalog.views.sites.need", lambda permission: None)
    with everybody_may(frozenset()):
        assert any("/catalogue/sites/new/" in line for line in improper(went(scene, owner, some_doors())))


def test_a_view_for_which_looking_is_enough_is_reported(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its permission is one that looks; what it does is more."""
    monkeypatch.setattr(ItemCollection, "needs", {"get": "catalog.view", "post": "catalog.view"})
    insider = Attacker.make(scene.neighbour, scene, partner=True)
    with everybody_may(looking()):
        Rounds._body, kept = lambda self, door, method, values: {"number": f"LOOK-{time.time_ns()}", "name": "Tried", "unit": "C62"}, Rounds._body  # type: ignore[method-assign]
        try:
            answers = went(scene, insider, [door for door in all_doors() if door.route == "api/v1/items/"], methods=["POST"])
        finally:
            Rounds._body = kept  # type: ignore[method-assign]
    assert [one.status for one in answers] == [201]
    assert overstepped(answers)


def test_a_role_that_is_taken_for_another_is_reported(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes in is given what an administrator may do."""
    looks = [door for door in some_doors() if door.route in ("api/v1/me/", "needs/", "settings/")]
    tried, wrong = wrong_roles(scene, ["viewer"], looks, seed=1, most=1)
    assert (tried > 0, wrong) == (True, [])
    monkeypatch.setattr(selectors, "permissions_of", lambda role: permissions_of("administrator"))
    assert wrong_roles(scene, ["viewer"], looks, seed=1, most=1)[1] != []
