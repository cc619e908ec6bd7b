"""Whether another enterprise is there, and what it has, changes no list of anybody else's by a byte: no sum, no count, no page, no suggestion."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, JsonResponse

from tests import tally
from tests.attacks import doors
from tests.attacks import scene as stage
from tests.attacks.doors import Door
from tests.attacks.following import lists
from tests.attacks.scene import ODD, ODD_DAY, Scene
from tests.attacks.striking import Attacker, Strike, alike, difference, send
from tests.attacks.test_routes import all_doors, with_route
from tests.cast import ask, line, order, provision

_comers = itertools.count(1)


def answers(attacker: Attacker, found: list[Door]) -> dict[str, Any]:
    """What each list says, with ids, clocks and tokens against forgery masked, by route."""
    told = {}
    for door in found:
        address = door.address({name: doors.WORDS[name][0] for name in door.parameters})
        told[door.route] = alike(send(attacker, Strike("GET", address), by_token=door.by_token), ())
    return told


def differing(attacker: Attacker, found: list[Door], change: Callable[[], Any]) -> list[str]:
    """The lists that are not the same before and after it. Those that differ are asked once more around another change: a clock may have gone on."""
    for _again in range(2):
        before = answers(attacker, found)
        change()
        after = answers(attacker, found)
        found = [door for door in found if before[door.route] != after[door.route]]
        if not found:
            return []
    return [f"{door.route} by {attacker.name}: {difference(before[door.route], after[door.route])}" for door in found]


def grow(scene: Scene) -> None:
    """The victim has more than before: of its own, and with its customer."""
    stage.enrich(scene.victim, f"-{next(_comers)}")
    order(scene.customer, scene.victim, [line("N1", ODD, price="1", due_on=ODD_DAY)])


def compare(stranger: Attacker, every: list[Door], seed: int, name: str) -> list[str]:
    """A stranger's lists without and with another enterprise, and those of its partner without and with more of what is its alone."""
    began, came = time.perf_counter(), list[Scene]()
    found = differing(stranger, every, lambda: came.append(stage.assemble()))
    scene = came[-1]
    neighbour = Attacker.make(scene.neighbour, scene, partner=True)
    found += differing(neighbour, every, lambda: grow(scene))
    tally.tell(name, tried=4 * len(every), leaked=len(found), seconds=time.perf_counter() - began, seed=seed)
    return found


def test_no_list_changes_with_another(attackers: list[Attacker], seed: int) -> None:
    every = random.Random(seed).sample(lists(all_doors()), 40)
    assert compare(attackers[0], every, seed, "attacks: with and without another") == []


@pytest.mark.night
def test_no_list_changes_with_another_whichever_is_asked(attackers: list[Attacker], seed: int) -> None:
    assert compare(attackers[0], lists(all_doors()), seed, "attacks: with and without another, all") == []


# Mutants: a fault put in on purpose is reported --------------------------------------------------------------------------


def counting(request: HttpRequest) -> JsonResponse:
    """No word of anybody's: only how many there are."""
    return JsonResponse(ask("SELECT count(*) AS count FROM tenants_enterprise")[0])


def test_a_list_that_counts_all_is_reported(attackers: list[Attacker]) -> None:
    with with_route(counting, "api/v1/counted/"):
        (door,) = [door for door in doors.doors() if door.route == "api/v1/counted/"]
        found = differing(attackers[0], [door], lambda: provision(f"comer-{next(_comers)}"))
    assert [one.partition(" ")[0] for one in found] == ["api/v1/counted/"]
