"""Coming in, and the settings: who may change what, and what is good for nothing afterwards."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail

from apps.accounts import models, selectors, services
from apps.base import clock
from apps.base.acting import in_lobby
from apps.base.models import new_id
from apps.tenants import selectors as tenants
from tests import cast as company
from tests.cast import Cast, Member, PageClient, outside

Two = tuple[Member, Member]
PASSWORD = "three tall elephants"


def lobby(work: Callable[[], Any]) -> Any:
    def inside() -> Any:
        with in_lobby():
            return work()

    return outside(inside)


@pytest.fixture
def fresh(database: None) -> Member:
    return company.provision(company.fresh_number("e"), "Fresh & Co")


def members(member: Member) -> dict[str, str]:
    """Who works for an enterprise, in which role."""
    return lobby(lambda: {row.user.email: row.role for row in selectors.people(enterprise=member.id)})


def membership(member: Member, email: str) -> uuid.UUID:
    return lobby(lambda: next(row.pk for row in selectors.people(enterprise=member.id) if row.user.email == email))


def link_in(text: str) -> str:
    found = re.search(r"/set-up/[\w-]+/", text)
    assert found
    return found[0]


def invite(member: Member, email: str, role: str = "buyer", *, client: PageClient | None = None) -> Any:
    return (client or member.page_client()).post("/settings/", {"part": "person", "email": email, "name": "New", "role": role})


# Coming in


def test_invited_by_mail_and_in_by_a_link_that_works_once(fresh: Member) -> None:
    email = f"new@{fresh.slug}.example"
    assert invite(fresh, email).status_code == 303
    assert [message.to for message in mail.outbox] == [[email]]
    path = link_in(mail.outbox[0].body)
    person = PageClient()
    assert person.get(path).status_code == 200
    assert person.get(path).status_code == 200, "looking does not use it up"
    assert person.post(path, {"password": PASSWORD, "again": PASSWORD})["Location"] == "/accounts/login/"
    assert person.post("/accounts/login/", {"login": email, "password": PASSWORD})["Location"] == "/"
    assert person.get("/network/").status_code == 200
    for answer in (PageClient().get(path), PageClient().post(path, {"password": "another long one", "again": "another long one"})):
        assert answer.status_code == 404
    assert PageClient().post("/accounts/login/", {"login": email, "password": "another long one"}).status_code == 200


def test_a_link_dies_of_age(fresh: Member) -> None:
    user = fresh.person()
    old = clock.now() - dt.timedelta(hours=services.LINK_HOURS, seconds=1)
    token = lobby(lambda: services.set_up_link(user=user.pk, at=old))
    assert PageClient().get(f"/set-up/{token}/").status_code == 404
    assert PageClient().get("/set-up/never-given/").status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "field"), [("short", "short", "password"), ("1234567890", "1234567890", "password"), (PASSWORD, "other", "again")]
)
def test_a_weak_password_is_refused_and_the_link_stays(fresh: Member, password: str, again: str, field: str) -> None:
    user = fresh.person()
    token = lobby(lambda: services.set_up_link(user=user.pk, at=clock.now()))
    answer = PageClient().post(f"/set-up/{token}/", {"password": password, "again": again})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert PageClient().get(f"/set-up/{token}/").status_code == 200


def test_the_mail_speaks_the_language_of_the_enterprise(database: None) -> None:
    chinese = company.provision(company.fresh_number("z"), "宁波", language="zh-hans")
    invite(chinese, f"new@{chinese.slug}.example")
    assert "链接" in mail.outbox[0].body


def test_nobody_signs_himself_up(database: None) -> None:
    before = lobby(models.User.objects.count)
    PageClient().post("/accounts/signup/", {"email": "me@example.org", "password1": PASSWORD})
    assert lobby(models.User.objects.count) == before


def test_a_person_without_an_enterprise_is_told_so(fresh: Member) -> None:
    client = fresh.page_client("viewer")
    invite(fresh, "boss@example.org", "administrator")
    fresh.page_client().post(f"/settings/people/{membership(fresh, f'viewer@{fresh.slug}.example')}/end/")
    answer = client.get("/network/")
    assert answer.status_code == 403
    assert "no enterprise" in answer.content.decode()
    assert client.get("/settings/").status_code == 403
    assert client.get("/accounts/email/").status_code == 200


# For whom


@pytest.fixture
def worker(pair: Two) -> tuple[Member, Member, PageClient]:
    """Somebody who is administrator of one enterprise and a viewer of the other."""
    one, other = pair
    client = one.page_client()
    email = one.person().email
    lobby(lambda: services.join(enterprise=other.id, email=email, role="viewer", at=clock.now()))
    return one, other, client


def test_switching_changes_enterprise_and_role(worker: tuple[Member, Member, PageClient]) -> None:
    one, other, client = worker
    for member, may in ((other, 403), (one, 200), (other, 403)):
        answer = client.post("/switch/", {"enterprise": member.slug, "next": "/catalogue/"})
        assert (answer.status_code, answer["Location"]) == (303, "/catalogue/")
        assert client.get("/settings/").status_code == may
        assert client.get("/catalogue/").context["frame"].enterprise.slug == member.slug


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_switching_leads_nowhere_else(worker: tuple[Member, Member, PageClient], target: str) -> None:
    _one, other, client = worker
    assert client.post("/switch/", {"enterprise": other.slug, "next": target})["Location"] == "/"


def test_one_cannot_switch_to_an_enterprise_that_is_not_ones_own(worker: tuple[Member, Member, PageClient], cast: Cast) -> None:
    _one, _other, client = worker
    before = client.get("/catalogue/").context["frame"].enterprise
    answers = [client.post("/switch/", {"enterprise": slug}, headers={"X-Request-ID": "same"}) for slug in (cast.stranger.slug, "nobody")]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    assert client.get("/switch/").status_code == 405
    assert client.get("/catalogue/").context["frame"].enterprise == before


def test_an_enterprises_own_host_opens_no_other(pair: Two) -> None:
    one, other = pair
    client = one.page_client()
    assert client.get("/network/", headers={"host": f"{one.slug}.localhost"}).status_code == 200
    assert client.get("/network/", headers={"host": f"{other.slug}.localhost"}).status_code == 404


def test_the_language_is_remembered_with_the_person(fresh: Member) -> None:
    client = fresh.page_client()
    assert client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/catalogue/"})["Location"] == "/catalogue/"
    again = fresh.page_client()
    assert 'lang="zh-Hans"' in again.get("/catalogue/").content.decode()
    client.post("/i18n/setlang/", {"language": "tlh"})
    assert lobby(lambda: models.User.objects.get(pk=fresh.person().pk).language) == "zh-hans"


# The profile


def profile(**more: str) -> dict[str, str]:
    return {
        "part": "profile",
        "name": "Fresh & Co",
        "gln": "",
        "tax_number": "",
        "country": "",
        "city": "",
        "language": "en",
        "currency": "EUR",
        "time_zone": "UTC",
        **more,
    }


def kept(member: Member) -> tuple[Any, list[tuple[str, str]]]:
    with member.acting():
        return tenants.profile(member.id), tenants.endpoints_of(member.id)


def test_the_profile_is_changed_and_a_gln_is_an_address(fresh: Member) -> None:
    given = profile(name="Fresh Ltd", gln="4012345000009", tax_number="DE1", country="DE", city="Bremen", currency="CNY", time_zone="Europe/Berlin")
    assert fresh.page_client().post("/settings/", given).status_code == 303
    row, endpoints = kept(fresh)
    assert {name: getattr(row, name) for name in given if name != "part"} == {name: value for name, value in given.items() if name != "part"}
    assert endpoints == [("0088", "4012345000009")]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"gln": "4012345000008"}, "gln"),
        ({"name": ""}, "name"),
        ({"currency": "XXX"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"country": "QQ"}, "country"),
    ],
)
def test_a_profile_that_cannot_be_taken(fresh: Member, given: dict[str, str], field: str) -> None:
    before = kept(fresh)[0].__dict__
    answer = fresh.page_client().post("/settings/", profile(**given))
    assert (answer.status_code, list(answer.context["profile_form"].errors)) == (422, [field])
    after = kept(fresh)[0].__dict__
    assert {name: after[name] for name in after if name != "_state"} == {name: before[name] for name in before if name != "_state"}


def test_an_address_of_another_enterprise_is_refused(fresh: Member, cast: Cast) -> None:
    client = fresh.page_client()
    for given in ({"part": "endpoints", "endpoints": "0088:4006381000000"}, profile(gln="4006381000000")):
        assert client.post("/settings/", given).status_code == 422
    assert kept(fresh)[1] == []
    assert client.post("/settings/", {"part": "endpoints", "endpoints": "nonsense"}).status_code == 422
    assert client.post("/settings/", {"part": "endpoints", "endpoints": "9930:DE1\n0060:1234"}).status_code == 303
    assert kept(fresh)[1] == [("0060", "1234"), ("9930", "DE1")]


# People


def test_the_last_administrator_cannot_leave_nor_step_down(fresh: Member) -> None:
    client = fresh.page_client()
    me = membership(fresh, fresh.person().email)
    client.post(f"/settings/people/{me}/end/")
    assert client.post(f"/settings/people/{me}/role/", {"role": "viewer"}).status_code == 422
    assert members(fresh) == {fresh.person().email: "administrator"}
    invite(fresh, f"second@{fresh.slug}.example", "administrator", client=client)
    assert client.post(f"/settings/people/{me}/end/").status_code == 303
    assert members(fresh) == {f"second@{fresh.slug}.example": "administrator"}
    assert client.get("/settings/").status_code == 403


def test_a_role_is_changed_and_takes_effect(fresh: Member) -> None:
    client, viewer = fresh.page_client(), fresh.page_client("viewer")
    assert viewer.get("/settings/").status_code == 403
    id = membership(fresh, f"viewer@{fresh.slug}.example")
    assert client.get(f"/settings/people/{id}/role/").status_code == 200
    assert client.post(f"/settings/people/{id}/role/", {"role": "planner"}).status_code == 303
    page = viewer.get("/settings/")
    assert page.status_code == 200
    assert page.context["person_form"] is None
    assert "tokens" not in page.context


def test_an_existing_person_gets_no_link_to_a_new_password(pair: Two) -> None:
    one, other = pair
    user = one.person()
    token = lobby(lambda: services.set_up_link(user=user.pk, at=clock.now()))
    PageClient().post(f"/set-up/{token}/", {"password": PASSWORD, "again": PASSWORD})
    invite(other, user.email, "viewer")
    assert "/set-up/" not in mail.outbox[-1].body
    sent = len(mail.outbox)
    other.page_client().post(f"/settings/people/{membership(other, user.email)}/again/")
    assert len(mail.outbox) == sent


def test_a_link_is_sent_again_to_whoever_has_not_come_yet(fresh: Member) -> None:
    email = f"slow@{fresh.slug}.example"
    invite(fresh, email)
    fresh.page_client().post(f"/settings/people/{membership(fresh, email)}/again/")
    paths = {link_in(message.body) for message in mail.outbox}
    assert len(paths) == 2
    assert {PageClient().get(path).status_code for path in paths} == {200}


@pytest.mark.parametrize("given", [{"email": "nobody"}, {"role": "emperor"}, {"email": ""}])
def test_an_invitation_that_cannot_be_sent(fresh: Member, given: dict[str, str]) -> None:
    client = fresh.page_client()
    before = members(fresh)
    answer = client.post("/settings/", {"part": "person", "email": "a@b.example", "role": "buyer", **given})
    assert answer.status_code == 422
    assert (members(fresh), mail.outbox) == (before, [])


@pytest.mark.parametrize("role", ["buyer", "seller", "planner", "dock", "viewer"])
def test_only_administrators_change_anything(fresh: Member, role: str) -> None:
    fresh.person()
    client = fresh.page_client(role)
    before = members(fresh)
    boss = membership(fresh, fresh.person().email)
    attempts: list[tuple[str, dict[str, str]]] = [
        ("/settings/", profile(name="Taken")),
        ("/settings/", {"part": "endpoints", "endpoints": "1:2"}),
        ("/settings/", {"part": "token", "name": "x", "role": "integration"}),
        ("/settings/", {"part": "person", "email": "x@y.example", "role": "administrator"}),
        (f"/settings/people/{boss}/end/", {}),
        (f"/settings/people/{boss}/role/", {"role": "viewer"}),
        (f"/settings/people/{boss}/again/", {}),
        ("/settings/keys/rotate/", {}),
    ]
    for path, given in attempts:
        assert client.post(path, given).status_code == 403, path
    assert (members(fresh), kept(fresh)[0].name, mail.outbox) == (before, "Fresh & Co", [])
    assert client.get("/admin/home/").status_code == 404


# Tokens


def test_a_token_is_shown_once_and_revoked(fresh: Member) -> None:
    client = fresh.page_client()
    page = client.post("/settings/", {"part": "token", "name": "ERP", "role": "integration"})
    token = page.context["new_token"]
    assert token in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert token not in client.get("/settings/").content.decode()
    assert company.Api(token).get("me/").status_code == 200
    revoke = next(row["revoke_url"] for row in page.context["tokens"] + client.get("/settings/").context["tokens"] if row["name"] == "ERP")
    assert client.get(revoke).status_code == 200
    assert company.Api(token).get("me/").status_code == 200
    assert client.post(revoke).status_code == 303
    assert company.Api(token).get("me/").status_code == 401


# Strangers


def test_people_and_tokens_of_another_enterprise_do_not_exist(fresh: Member, cast: Cast) -> None:
    stranger = cast.stranger.page_client()
    person = membership(fresh, fresh.person().email)
    program = lobby(lambda: selectors.api_clients(enterprise=fresh.id)[0].pk)
    for path in (f"people/{person}/end/", f"people/{person}/role/", f"people/{person}/again/", f"tokens/{program}/revoke/"):
        missing = path.replace(str(person), str(new_id())).replace(str(program), str(new_id()))
        answers = [stranger.post(f"/settings/{one}", {"role": "viewer"}).status_code for one in (path, missing)]
        assert answers == [404, 404]
    assert members(fresh) == {fresh.person().email: "administrator"}
    assert fresh.api.get("me/").status_code == 200
    page = stranger.get("/settings/").content.decode()
    assert fresh.person().email not in page
    assert fresh.slug not in page


def test_settings_are_for_people_who_signed_in(database: None) -> None:
    for path in ("/settings/", "/settings/keys/", f"/settings/people/{new_id()}/end/"):
        assert PageClient().get(path)["Location"] == f"/accounts/login/?next={path}"
