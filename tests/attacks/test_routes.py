"""Every route, admin view, API action, filter, export and file address, tried with what is another's: nothing comes back, and nothing changes."""

from __future__ import annotations

import contextlib
import random
import sys
import time
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, JsonResponse
from django.test import override_settings
from django.urls import clear_url_caches, path

from apps.accounts import models as accounts
from apps.accounts import selectors as accounts_selectors
from apps.base import acting
from apps.base.acting import act_as, in_lobby
from apps.documents import selectors as documents
from apps.tenants.wall.base import DatabaseWrapper
from portal import urls
from tests import tally
from tests.attacks import doors
from tests.attacks.doors import Door
from tests.attacks.scene import GTIN, ODD, ODD_DAY, SECRET, SSCC, UNSAID, Scene
from tests.attacks.striking import Attacker, Found, Judge, Raid, Strike, Tally, alike, send, whole
from tests.cast import ask, outside, unchanged

Attackers = list[Attacker]


def all_doors() -> list[Door]:
    """Every route; of two spellings the one with a slash at its end."""
    found = list(doors.doors())
    routes = {door.route for door in found}
    return [door for door in found if door.route.endswith("/") or f"{door.route}/" not in routes]


PEOPLE = {
    "accounts_membership": "SELECT * FROM accounts_membership WHERE enterprise_id = %s ORDER BY id",
    "accounts_apiclient": "SELECT * FROM accounts_apiclient WHERE enterprise_id = %s ORDER BY id",
    "exchange_signingkey": "SELECT * FROM exchange_signingkey WHERE enterprise_id = %s ORDER BY id",
    "tenants_enterprise": "SELECT * FROM tenants_enterprise WHERE id = %s",
    "tenants_endpoint": "SELECT * FROM tenants_endpoint WHERE enterprise_id = %s ORDER BY id",
}


@contextlib.contextmanager
def untouched(scene: Scene) -> Iterator[None]:
    """No row of the victim, its customer or its supplier changes: neither in a home, nor in a channel, nor who may enter."""
    before = {table: ask(query, [scene.victim.id]) for table, query in PEOPLE.items()}
    with unchanged(*scene.watched):
        yield
    assert {table: ask(query, [scene.victim.id]) for table, query in PEOPLE.items()} == before


def reported(tally_of: Tally) -> list[str]:
    return [str(found) for found in tally_of.found]


def test_every_route_is_known_to_an_attack() -> None:
    """A parameter of which nobody has said what may stand there fails here: `doors.WORDS` or `doors.THEIRS` takes it; a name behind the question
    mark: `doors.QUERIED` or `doors.HARMLESS`."""
    found = all_doors()
    assert doors.unknown(found) == []
    assert doors.unasked(found) == []
    assert len(found) > 400


def test_the_victims_own_people_find_what_is_looked_for(scene: Scene) -> None:
    """The ids are the right ones: their owner is answered at each address that has one, and told his secrets at most of them."""
    owner = Attacker.make(scene.victim, scene, partner=True)
    judge, unknown, told = Judge(scene), [], 0
    for door in all_doors():
        if not door.parameters or door.of_platform or door.route.startswith(("accounts/", "p/")):
            continue
        answers = [send(owner, Strike("GET", door.address(aim.theirs)), by_token=door.by_token) for aim in _owners_aims(door, scene)]
        told += any(judge.seen(whole(answer), (), partner=True) for answer in answers)
        if all(answer.status_code in (404, 500) for answer in answers):
            unknown.append(door.route)
    assert [route for route in unknown if not any(part in route for part in CLOSED_TO_ITS_OWNER)] == []
    assert told > 40


# Addresses that answer nobody: a history that is kept elsewhere, the rest of an admin, what only a certain state of a certain row has; and what opens to
# the bearer of a link that was mailed (tests/documents/test_answering.py, tests/network/test_joining.py).
CLOSED_TO_ITS_OWNER = (
    "answer/<",
    "join/<",
    "/history/",
    "partners/<",
    "scorecards/<",
    "attachments/<",
    "originals/<",
    "/add/",
    "(?P",
    "configure/",
    "<slug:collection>",
    "documents/<",
    "matching/",
    "/moves/",
    "network/partners",
    "dock/",
    "schedule/promises",
    "needs/",
)


def _owners_aims(door: Door, scene: Scene) -> list[Any]:
    return doors.aims(door, scene, partner=False, most=1, chance=random.Random(1))


def raid(scene: Scene, attackers: Attackers, seed: int, *, thorough: bool, name: str) -> Tally:
    began = time.perf_counter()
    run = Raid(scene, attackers, seed=seed, thorough=thorough)
    with untouched(scene):
        found = run.run(all_doors())
    tally.tell(name, tried=found.tried, leaked=len(found.found), seconds=time.perf_counter() - began, seed=seed, doors=len(all_doors()))
    return found


def test_no_route_shows_or_changes_what_is_anothers(scene: Scene, attackers: Attackers, seed: int) -> None:
    found = raid(scene, attackers, seed, thorough=False, name="attacks: routes")
    assert reported(found) == []
    assert found.tried > 1000


@pytest.mark.night
def test_no_route_shows_or_changes_what_is_anothers_whatever_is_tried(scene: Scene, attackers: Attackers, seed: int) -> None:
    found = raid(scene, attackers, seed, thorough=True, name="attacks: routes, all")
    assert reported(found) == []
    assert found.tried > 15_000


def host_of(scene: Scene) -> dict[str, str]:
    return {"host": f"{scene.victim.slug}.localhost"}


def raid_at_host(scene: Scene, attackers: Attackers, found: list[Door], seed: int, *, thorough: bool, name: str) -> Tally:
    """The victim's ids at the victim's own address, by every method, and in the admin of its home."""
    began, run = time.perf_counter(), Raid(scene, attackers, seed=seed, thorough=thorough, headers=host_of(scene))
    with untouched(scene):
        told = run.run(found)
    tally.tell(name, tried=told.tried, leaked=len(told.found), seconds=time.perf_counter() - began, seed=seed, doors=len(found))
    return told


def test_anothers_host_opens_nothing(scene: Scene, attackers: Attackers, seed: int) -> None:
    """At the victim's own address a person of another enterprise finds nothing, and a program its own enterprise only."""
    sample = random.Random(seed).sample(all_doors(), 100)
    found = raid_at_host(scene, attackers, sample, seed, thorough=False, name="attacks: another's host")
    assert reported(found) == []
    assert found.tried > 100
    for attacker in attackers:
        assert attacker.member.api.get("me/", headers=host_of(scene)).json()["enterprise"]["slug"] == attacker.member.slug


@pytest.mark.night
def test_anothers_host_opens_nothing_whatever_is_tried(scene: Scene, attackers: Attackers, seed: int) -> None:
    found = raid_at_host(scene, attackers, all_doors(), seed, thorough=True, name="attacks: another's host, all")
    assert reported(found) == []
    assert found.tried > 10_000


def test_anothers_idempotency_key_gives_no_answer_of_anothers(scene: Scene, attackers: Attackers) -> None:
    (kept,) = ask(f'SELECT key FROM "{scene.victim.home.schema}".documents_reply LIMIT 1')
    assert SECRET in kept["key"]
    for attacker in attackers:
        for order in scene.ids["orders"]:
            answer = attacker.member.api.post(f"orders/{order}/thread/", {"text": f"{SECRET} word"}, headers={"Idempotency-Key": kept["key"]})
            assert answer.status_code == 404


def test_anothers_client_takes_no_secret_but_its_own(scene: Scene, attackers: Attackers) -> None:
    """OAuth client credentials: the victim's client with the attacker's secret is answered like a client that is nobody's."""
    for attacker in attackers:
        told = []
        for client in (str(scene.ids["accounts.ApiClient"][0]), doors.NOBODY):
            given = f"grant_type=client_credentials&client_id={client}&client_secret={attacker.member.token}".encode()
            answer = attacker.member.api.post("oauth/token/", given, content_type="application/x-www-form-urlencoded")
            told.append(alike(answer, [client]))
        assert told[0] == told[1]
        assert told[0][0] == 401


def test_an_invitation_shows_the_directory_and_no_more(scene: Scene, attackers: Attackers) -> None:
    """Whoever knows an enterprise's name may invite it: he is told its name, and nothing else of it."""
    judge = Judge(scene)
    for attacker in attackers:
        body = {"slug": scene.bystander.slug, "role": "supplier", "document_types": ["order"]}
        answer = send(attacker, Strike("POST", "/network/invite/", body=body), by_token=False)
        assert answer.status_code in (303, 422), answer.status_code
        assert judge.seen(whole(answer), (), partner=attacker.partner) == []


def test_where_answers_may_differ_is_said_of_routes_that_are_there() -> None:
    assert set(doors.DIFFERING) | set(doors.ADDRESSED) <= {door.route for door in doors.doors()}


# Mutants: a fault put in on purpose is reported --------------------------------------------------------------------------


def report(scene: Scene, attackers: Attackers, *routes: str) -> list[Found]:
    """What a raid on these routes finds."""
    return Raid(scene, attackers, seed=1, thorough=False).run([door for door in doors.doors() if door.route in routes]).found


@contextlib.contextmanager
def with_route(view: Callable[..., Any], route: str) -> Iterator[None]:
    """The portal with one more route, as somebody might add one."""
    module = types.ModuleType("mutant_urls")
    vars(module).update({name: getattr(urls, name) for name in ("handler400", "handler403", "handler404", "handler500")})
    vars(module)["urlpatterns"] = [path(route, view), *urls.urlpatterns]
    sys.modules["mutant_urls"] = module
    try:
        with override_settings(ROOT_URLCONF="mutant_urls"):
            yield
    finally:
        del sys.modules["mutant_urls"]
        clear_url_caches()


TELLING = {
    "accounts_user": ("email", "@"),
    "{}.catalog_site": ("code", UNSAID),
    "{}.catalog_item": ("gtin", GTIN),
    "{}.logistics_handlingunit": ("sscc", SSCC),
    "{}.documents_document": ("due_on", ODD_DAY),
    "{}.documents_line": ("quantity", ODD),
}


@pytest.mark.parametrize("table", TELLING)
def test_a_route_that_tells_one_column_of_another_is_reported(scene: Scene, attackers: Attackers, table: str) -> None:
    """No text of the home stands in it: an address of a person, a code, a number, a day or a quantity is enough."""
    column, word = TELLING[table]
    place = table.format(f'"{scene.victim.home.schema}"')

    def leak(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"told": [str(row[column]) for row in ask(f"SELECT {column} FROM {place}")]})

    with with_route(leak, "api/v1/everybody/"):
        found = report(scene, attackers, "api/v1/everybody/")
    assert any(word in one.what for one in found)


def test_a_route_that_reads_a_name_that_nobody_knows_is_reported(scene: Scene, attackers: Attackers) -> None:
    """No text of the code says it: it is put together."""

    def riddle(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"heard": sum(len(request.GET.get("rid" + rest, "")) for rest in ("dle", "er"))})

    with with_route(riddle, "api/v1/riddles/"):
        assert {one.how for one in report(scene, attackers, "api/v1/riddles/")} == {"reads ?riddle=", "reads ?rider="}


def test_a_host_that_is_believed_is_reported(scene: Scene, attackers: Attackers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls an enterprise by its own host is let into it, without its asking who he is."""
    victims = [accounts_selectors.entry_of(membership) for membership in outside(_memberships, scene)]
    real = accounts_selectors.choose

    def believing(entries: Any, *, host: str, chosen: str) -> Any:
        return victims[0] if host.startswith(scene.victim.slug) else real(entries, host=host, chosen=chosen)

    monkeypatch.setattr("apps.accounts.selectors.choose", believing)
    route = "documents/<slug:collection>/<uuid:uid>/"
    found = Raid(scene, attackers, seed=1, thorough=False, headers=host_of(scene)).run([door for door in doors.doors() if door.route == route]).found
    assert any(SECRET in one.what for one in found)
    assert report(scene, attackers, route) == []


def _memberships(scene: Scene) -> list[Any]:
    with in_lobby():
        return accounts_selectors.memberships(scene.victim.person().pk)


def test_a_route_that_acts_for_another_is_reported(scene: Scene, attackers: Attackers) -> None:
    """It is in no table of these tests: that it exists is enough."""

    def leak(request: HttpRequest, uid: uuid.UUID) -> JsonResponse:
        with act_as(scene.victim.home):
            return JsonResponse({"note": str(documents.head(id=uid))})

    with with_route(leak, "api/v1/everything/<uuid:uid>/"):
        found = report(scene, attackers, "api/v1/everything/<uuid:uid>/")
    assert {one.by for one in found} <= {attacker.member.slug for attacker in attackers}
    assert any(SECRET in one.what for one in found)


def test_a_route_with_a_parameter_that_nobody_knows_is_reported(scene: Scene) -> None:
    with with_route(lambda request, **_: JsonResponse({}), "api/v1/secrets/<slug:riddle>/"):
        assert doors.unknown(list(doors.doors())) == [("api/v1/secrets/<slug:riddle>/", "riddle")]


def test_a_view_in_the_wrong_role_is_reported(scene: Scene, attackers: Attackers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role is another's: what every REST view enters is the victim's home."""
    monkeypatch.setattr("apps.base.api.act_as", lambda home, *, by: act_as(scene.victim.home, by=by))
    found = report(scene, attackers, "api/v1/orders/<str:uid>/", "api/v1/items/")
    assert {one.door for one in found} == {"api/v1/orders/<str:uid>/", "api/v1/items/"}
    assert any(SECRET in one.what for one in found)


def test_a_role_that_is_not_set_is_reported(scene: Scene, attackers: Attackers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall forgets whose turn it is, and every statement runs in the role and along the path of the victim."""
    apply = DatabaseWrapper._apply

    def forgetful(self: Any, context: Any) -> None:
        schema = scene.victim.home.schema
        apply(self, context if context.home is None else acting.Acting(role=schema, path=(schema, "public"), home=context.home, actor=context.actor))

    monkeypatch.setattr(DatabaseWrapper, "_apply", forgetful)
    found = report(scene, attackers, "documents/<slug:collection>/<uuid:uid>/")
    assert any(SECRET in one.what for one in found)


def test_a_filter_left_out_is_reported(scene: Scene, attackers: Attackers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The people of all enterprises lie in one table: whoever asks without saying whose finds the victim's, and ends or promotes them."""
    real = [dict(row) for row in ask("SELECT * FROM accounts_membership")]

    def careless(*, id: uuid.UUID, enterprise: uuid.UUID) -> Any:
        return accounts.Membership.objects.select_related("user").filter(pk=id, ended_at=None).first()

    monkeypatch.setattr("apps.accounts.selectors.membership", careless)
    found = Raid(scene, attackers, seed=1, thorough=False)
    found._strikes = lambda door, *, reading: [lambda values: Strike("GET", door.address(values))]  # type: ignore[method-assign]
    found.run([door for door in doors.doors() if door.route.startswith("settings/people/")])
    assert found.tally.found != []
    assert ask("SELECT * FROM accounts_membership") == real
