"""Filters and orderings follow relations: no path of them leads from a home to anything but the home, and none that nobody listed is followed."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import ModelAdmin
from django.core.exceptions import FieldError
from django.db import models
from django.http import HttpRequest, JsonResponse
from django.test import RequestFactory
from django.test.utils import isolate_apps

from apps.accounts.models import Membership, User
from apps.base.acting import as_operator
from apps.base.admin import homes, platform
from apps.base.models import HomeModel
from tests import tally
from tests.attacks import ways
from tests.attacks.doors import Door, doors
from tests.attacks.following import ORDERS, Follow, admitted, asked, lists, paths
from tests.attacks.scene import Scene, homely
from tests.attacks.striking import Attacker, Found, alike
from tests.attacks.test_routes import all_doors, untouched, with_route


def outwards(model: type[models.Model]) -> list[str]:
    """The paths that leave the home."""
    return [f"{model._meta.label}: {path} leads to {other._meta.label}" for path, other in paths(model) if not issubclass(other, HomeModel)]


def test_no_path_of_relations_leads_out_of_a_home() -> None:
    """To a person and his password least of all: whatever a filter, an ordering or an admin follows, it finds rows of the same home."""
    found = [(model, path) for model in homely() for path, _other in paths(model)]
    assert len(found) > 500
    assert [line for model in homely() for line in outwards(model)] == []


def test_no_path_leads_from_outside_into_a_home() -> None:
    """The directory, people and channels lie where more than one may read: no filter on them reaches into a home."""
    others = [model for model in apps.get_models() if not issubclass(model, HomeModel)]
    assert len(others) > 10
    assert [f"{model._meta.label}: {path}" for model in others for path, other in paths(model) if issubclass(other, HomeModel)] == []


@isolate_apps("apps.catalog")
def test_a_path_to_a_person_is_reported() -> None:
    class Leaky(HomeModel):
        by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "catalog"

    assert any(line.startswith("catalog.Leaky: by leads to accounts.User") for line in outwards(Leaky))


# What nobody listed ------------------------------------------------------------------------------------------------------


def followed(scene: Scene, attackers: list[Attacker], found: list[Door], seed: int, *, thorough: bool) -> list[Found]:
    began, run = time.perf_counter(), Follow(scene, attackers, seed=seed, thorough=thorough)
    with untouched(scene):
        told = run.run(found)
    name = f"attacks: paths{', all' if thorough else ''}"
    tally.tell(name, tried=told.tried, leaked=len(told.found), seconds=time.perf_counter() - began, seed=seed, doors=len(found))
    assert told.tried >= 3 * len(found)
    return told.found


def test_no_list_follows_a_path_that_nobody_listed(scene: Scene, attackers: list[Attacker], seed: int) -> None:
    """Neither as a filter nor as an ordering: the answer is that for a path that does not exist, whoever's the value is."""
    every = lists(all_doors())
    assert len(every) > 100
    found = followed(scene, attackers, random.Random(seed).sample(every, 30), seed, thorough=False)
    assert [str(one) for one in found] == []


@pytest.mark.night
def test_no_list_follows_a_path_whichever_is_tried(scene: Scene, attackers: list[Attacker], seed: int) -> None:
    assert [str(one) for one in followed(scene, attackers, lists(all_doors()), seed, thorough=True)] == []


def admitting() -> list[str]:
    """What the lists of both admins let themselves be asked for, unlisted."""
    request = RequestFactory().get("/")
    return [f"{options.model._meta.label}: {name}" for site in (homes, platform) for options in site._registry.values() for name in admitted(options, request)]


def test_no_admin_can_be_asked_for_what_is_not_among_its_filters() -> None:
    """An operator could else ask how the hash of a password or token begins, letter by letter."""
    assert sum(len(asked(model)) for site in (homes, platform) for model in site._registry) > 1000
    assert admitting() == []


@pytest.mark.parametrize("path", ["user/?password", "apiclient/?token_hash", "membership/?user__password", "user/?memberships__user__password"])
def test_no_operator_learns_how_a_hash_begins(scene: Scene, path: str) -> None:
    operator = ways.operator()[1]
    told = [alike(operator.get(f"/admin/accounts/{path}__startswith={begins}"), [path, begins]) for begins in ("argon2", "zzzzzz")]
    assert told[0] == told[1]
    assert told[0][0] == 400


# Mutants: a fault put in on purpose is reported --------------------------------------------------------------------------


def rows(request: HttpRequest) -> Any:
    """What a careless list makes of its address: whatever is asked for, as far as it exists."""
    given = request.GET.dict()
    orders = [given.pop(name) for name in ORDERS if name in given]
    return Membership.objects.filter(**given).order_by(*orders)


def careless(request: HttpRequest) -> JsonResponse:
    """A list that counts what is asked for, and tells nothing of it."""
    with as_operator():
        try:
            return JsonResponse({"count": rows(request).count()})
        except (FieldError, ValueError):
            return JsonResponse({"count": 0})


def test_a_list_that_follows_every_path_is_reported(scene: Scene, attackers: list[Attacker]) -> None:
    with with_route(careless, "api/v1/followed/"):
        (door,) = [door for door in doors() if door.route == "api/v1/followed/"]
        run = Follow(scene, attackers, seed=1, thorough=False)
        run.follow(door, attackers[0], "user__name", "__startswith")
    told = [one.how.partition("?")[2] for one in run.tally.found if "the path is followed" in one.what]
    assert any(how.startswith("{'user__name") for how in told)
    assert any(how.endswith(": 'user__name'}") for how in told)


def test_an_admin_that_lets_itself_be_asked_for_every_column_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.base.admin._Asked.lookup_allowed", ModelAdmin.lookup_allowed)
    assert "accounts.User: password" in admitting()
    assert "accounts.ApiClient: token_hash" in admitting()
