"""The first day: an enterprise that is not here yet is invited by mail, and comes: with its home, its administrator and its first partner."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings

from apps.accounts import models as accounts
from apps.accounts import services as people
from apps.base import clock
from apps.base.acting import as_operator, in_lobby
from apps.network import models, services
from apps.network import selectors as network
from apps.tenants import models as tenants
from apps.tenants import services as provisioning
from tests.cast import AT, Api, Cast, Member, PageClient, fresh_number, outside, provision, stock, unchanged, with_items
from tests.documents.browsing import words

PASSWORD = "three tall elephants"


@pytest.fixture(autouse=True)
def no_limit(settings: Any) -> None:
    settings.LIMITS = {**settings.LIMITS, "sign-ins-of-address": (0, 1.0)}


@pytest.fixture
def buyer(database: None) -> Member:
    member = provision(fresh_number("b"), "Buying Works")
    stock(member, "A-1", "Item")
    return with_items(member, "A-1")


def lobby(work: Any, *args: Any, **more: Any) -> Any:
    def inside() -> Any:
        with in_lobby():
            return work(*args, **more)

    return outside(inside)


def invite(member: Member, email: str, **more: Any) -> Any:
    given = {"email": email, "role": "supplier", "language": "en", "document_types": ["order"], "message": "", **more}
    return member.page_client().post("/network/invite/mail/", given)


def links() -> list[str]:
    return [found[0] for message in mail.outbox for found in [re.search(r"/join/[\w-]+/", str(message.body))] if found]


def joining(**more: str) -> dict[str, str]:
    return {"name": "Fresh Castings Ltd", "person": "Wei Li", "password": PASSWORD, "language": "en", "notices": "on", **more}


def come(member: Member, **more: str) -> tuple[str, PageClient]:
    """Invite somebody, and let him come. Gives his address and his browser."""
    email = f"{fresh_number('new')}@{fresh_number('host')}.example"
    assert invite(member, email).status_code == 303
    client = PageClient()
    assert client.post(links()[-1], joining(**more)).status_code == 303
    return email, client


def enterprises() -> int:
    return lobby(tenants.Enterprise.objects.count)  # type: ignore[no-any-return]


def partner(member: Member) -> Any:
    with member.acting():
        [found] = network.partners()
    return found


def home_of(email: str) -> Member:
    row = lobby(lambda: accounts.Membership.objects.select_related("enterprise").get(user__email=email))
    return Member(home=row.enterprise.home(), token="")


# Coming ----------------------------------------------------------------------------------------------------------------


def test_whoever_is_invited_comes_with_his_enterprise(buyer: Member) -> None:
    email = f"{fresh_number('new')}@castings.example"
    assert invite(buyer, email, message="We need castings.", language="zh-hans").status_code == 303
    [message] = mail.outbox
    assert message.to == [email]
    assert "We need castings." in message.body
    assert "邀请" in message.subject
    [path] = links()
    client = PageClient()
    with unchanged(buyer):
        for _look in range(3):
            assert client.get(path).status_code == 200
    answer = client.post(path, joining(language="zh-hans"))
    assert (answer.status_code, answer["Location"]) == (303, "/")
    today = client.get("/")
    assert (today.status_code, 'lang="zh-Hans"' in today.content.decode()) == (200, True)
    here = home_of(email)
    assert (here.home.name, here.home.currency, here.home.language) == ("Fresh Castings Ltd", buyer.home.currency, "zh-hans")
    assert here.slug.startswith("fresh-castings-ltd")
    assert (partner(buyer).slug, partner(buyer).state, partner(buyer).role, partner(buyer).document_types) == (here.slug, "active", "supplier", ("order",))
    assert (partner(here).slug, partner(here).state, partner(here).role) == (buyer.slug, "active", "customer")
    with here.acting():
        assert [(row.email, row.language) for row in network.contacts()] == [(email, "zh-hans")]
    assert client.get("/settings/").status_code == 200, "he is its administrator"
    fresh = PageClient()
    assert fresh.post("/accounts/login/", {"login": email, "password": PASSWORD})["Location"] == "/"


def test_a_link_makes_one_enterprise(buyer: Member) -> None:
    come(buyer)
    before, path = enterprises(), links()[-1]
    for answer in (PageClient().get(path), PageClient().post(path, joining(name="Another"))):
        assert answer.status_code == 410
        assert "accepted already" in words(answer)
    assert enterprises() == before


def test_two_who_accept_at_once_are_one_enterprise(buyer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    invite(buyer, "race@host.example")
    before, path, whole = enterprises(), links()[-1], provisioning.provision

    def meanwhile(**more: Any) -> Any:
        monkeypatch.setattr(provisioning, "provision", whole)
        assert PageClient().post(path, joining(name="Second")).status_code == 409
        return whole(**more)

    monkeypatch.setattr(provisioning, "provision", meanwhile)
    assert PageClient().post(path, joining()).status_code == 303
    assert enterprises() == before + 1


@pytest.mark.parametrize("step", ["_let_in", "_befriend", "_tell"])
def test_whoever_was_interrupted_goes_on_where_he_stood(buyer: Member, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    email = f"{fresh_number('cut')}@host.example"
    invite(buyer, email)
    before, path = enterprises(), links()[-1]

    def breaks(*_args: Any, **_more: Any) -> Any:
        raise OSError("the light went out")

    client = PageClient(raise_request_exception=False)
    with monkeypatch.context() as broken:
        broken.setattr(services, step, breaks)
        assert client.post(path, joining()).status_code == 500
    if step == "_let_in":
        assert client.post(path, joining()).status_code == 303
    else:
        assert "has an account here" in words(client.get(path))
        assert client.post("/accounts/login/", {"login": email, "password": PASSWORD}).status_code == 302
        assert client.post(path, {"name": "Fresh Castings Ltd", "language": "en", "notices": "on"}).status_code == 303
    assert enterprises() == before + 1
    assert partner(buyer).state == "active"
    with home_of(email).acting():
        assert len(network.contacts()) == 1


WRONG = {"name": "", "person": "", "password": "short", "language": "tlh"}


@pytest.mark.parametrize("field", WRONG)
def test_what_cannot_be_taken_is_said_and_nothing_is_made(buyer: Member, field: str) -> None:
    invite(buyer, "wrong@host.example")
    before, path = enterprises(), links()[-1]
    answer = PageClient().post(path, joining(**{field: WRONG[field]}))
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert enterprises() == before
    assert PageClient().get(path).status_code == 200


@pytest.mark.parametrize(
    ("name", "email", "short"),
    [
        ("Fresh Castings Ltd", "a@b.example", "fresh-castings-ltd"),
        ("宁波精铸", "wei@ningbo-castings.cn", "ningbo-castings"),
        ("3M", "a@b.example", "enterprise"),
        ("Ü" * 100, "a@b.example", "u" * 38),
        ("宁波", "wei@宁波.cn", "enterprise"),
    ],
)
def test_the_short_name(name: str, email: str, short: str) -> None:
    assert services.short_name(name, email) == short


def test_names_that_are_taken_get_a_number(buyer: Member) -> None:
    first, second = (home_of(come(buyer, name="Same Name GmbH")[0]).slug for _one in range(2))
    assert (first, second) == ("same-name-gmbh", "same-name-gmbh-2")


# Who has an account already --------------------------------------------------------------------------------------------


def test_whoever_has_an_account_shows_that_it_is_he(buyer: Member, cast: Cast) -> None:
    """A link in a mailbox is no password: nobody gets into an account by it, and nobody's password changes."""
    email, owner = come(buyer)
    other = provision(fresh_number("b"), "Second Buyer")
    invite(other, email)
    before, path = enterprises(), links()[-1]
    for client in (PageClient(), cast.stranger.page_client()):
        assert "has an account here" in words(client.get(path))
        assert client.post(path, joining(password="taken over by me")).status_code == 200
    assert enterprises() == before
    assert PageClient().post("/accounts/login/", {"login": email, "password": "taken over by me"}).status_code == 200
    answer = owner.post(path, {"name": "His Second Firm", "language": "en"})
    assert answer.status_code == 303
    assert enterprises() == before + 1
    assert partner(other).name == "His Second Firm"
    assert owner.get("/").context["frame"].enterprise.name == "His Second Firm"


def test_whoever_was_invited_as_a_colleague_and_has_no_password_gets_one(buyer: Member) -> None:
    email = f"{fresh_number('colleague')}@host.example"
    token = lobby(lambda: people.first_administrator(enterprise=buyer.id, email=email, at=clock.now()))
    invite(buyer, email)
    assert PageClient().post(links()[-1], joining()).status_code == 303
    assert PageClient().get(f"/set-up/{token}/").status_code == 404, "the other link is void"


# What is not open ------------------------------------------------------------------------------------------------------


def test_an_invitation_that_is_too_old_is_sent_again(buyer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    invite(buyer, "slow@host.example")
    with buyer.acting():
        [row] = network.invitations()
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: row.expires_at)
        for answer in (PageClient().get(links()[-1]), PageClient().post(links()[-1], joining())):
            assert answer.status_code == 410
            assert buyer.home.name in words(answer)
        client = buyer.page_client()
        assert "the link is too old" in words(client.get("/network/"))
        assert client.post(f"/network/invitations/{row.pk}/again/").status_code == 303
        assert PageClient().get(links()[-1]).status_code == 200
    first, second = links()
    assert (PageClient().get(first).status_code, PageClient().get(second).status_code) == (404, 200)


def test_an_invitation_that_was_withdrawn_opens_nothing(buyer: Member, cast: Cast) -> None:
    invite(buyer, "no@host.example")
    before = enterprises()
    with buyer.acting():
        [row] = network.invitations()
    stranger, viewer = cast.stranger.page_client(), buyer.page_client("viewer")
    for deed in ("again", "withdraw"):
        assert stranger.post(f"/network/invitations/{row.pk}/{deed}/").status_code == 404
        assert viewer.post(f"/network/invitations/{row.pk}/{deed}/").status_code == 403
    assert "no@host.example" not in words(stranger.get("/network/"))
    assert buyer.page_client().post(f"/network/invitations/{row.pk}/burn/").status_code == 404
    assert buyer.page_client().post(f"/network/invitations/{row.pk}/withdraw/").status_code == 303
    assert PageClient().post(links()[-1], joining()).status_code == 410
    assert buyer.page_client().post(f"/network/invitations/{row.pk}/again/").status_code == 404
    assert (enterprises(), len(mail.outbox)) == (before, 1)


def test_who_invited_and_was_suspended_brings_nobody_in(buyer: Member) -> None:
    invite(buyer, "gone@host.example")
    before = enterprises()

    def suspend() -> None:
        with as_operator():
            provisioning.suspend(enterprises=[buyer.id], at=AT)

    outside(suspend)
    assert PageClient().post(links()[-1], joining()).status_code == 410
    assert enterprises() == before


def test_an_operator_may_keep_that_to_himself(buyer: Member) -> None:
    invite(buyer, "closed@host.example")
    before, path = enterprises(), links()[-1]
    with override_settings(OPEN_TO_INVITED=False):
        assert PageClient().post(path, joining()).status_code == 410
        assert invite(buyer, "other@host.example").status_code == 422
        assert buyer.page_client().get("/network/").context["mail_url"] == ""
    assert (enterprises(), len(mail.outbox)) == (before, 1)


def test_tokens_that_are_none_are_counted(database: None, settings: Any) -> None:
    settings.LIMITS = {**settings.LIMITS, "sign-ins-of-address": (3, 3600.0)}
    client = PageClient(REMOTE_ADDR="198.51.100.77")
    assert [client.get(f"/join/guess-{number}/").status_code for number in range(5)] == [404, 404, 404, 429, 429]


# Who may invite --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"email": "nobody"}, {"role": "emperor"}, {"document_types": []}, {"document_types": ["love"]}, {"language": "tlh"}])
def test_an_invitation_that_cannot_be_sent(buyer: Member, given: dict[str, Any]) -> None:
    answer = buyer.page_client().post(
        "/network/invite/mail/", {"email": "c@d.example", "role": "supplier", "language": "en", "document_types": ["order"], "message": "", **given}
    )
    assert (answer.status_code, mail.outbox) == (422, [])


def test_an_address_is_invited_once_and_not_by_everybody(buyer: Member) -> None:
    assert invite(buyer, "once@host.example").status_code == 303
    assert invite(buyer, "ONCE@host.example").status_code == 422
    for role in ("viewer", "dock", "planner"):
        assert buyer.page_client(role).post("/network/invite/mail/", {"email": "x@y.example"}).status_code == 403
    assert len(mail.outbox) == 1


def test_a_mail_that_does_not_leave_is_told(buyer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_more: Any) -> int:
        raise OSError("no server")

    with monkeypatch.context() as broken:
        broken.setattr(services, "send_mail", fails)
        assert invite(buyer, "late@host.example").status_code == 303
    with buyer.acting():
        [row] = network.invitations()
    assert buyer.page_client().post(f"/network/invitations/{row.pk}/again/").status_code == 303
    assert len(links()) == 1


def test_the_database_keeps_invitations_apart(buyer: Member, cast: Cast) -> None:
    invite(buyer, "apart@host.example")
    with cast.stranger.acting():
        assert not models.Invitation.objects.filter(inviter_id=buyer.id).exists()
        assert models.Invitation.objects.filter(inviter_id=buyer.id).update(withdrawn_at=AT) == 0
    with buyer.acting():
        assert models.Invitation.objects.get().withdrawn_at is None


def test_whoever_invited_may_leave_and_whoever_came_stays(buyer: Member) -> None:
    email, client = come(buyer)
    outside(provisioning.offboard, home=buyer.home, at=AT)
    assert client.get("/network/").status_code == 200
    assert lobby(lambda: models.Invitation.objects.filter(email=email).count()) == 0
    assert home_of(email).home.name == "Fresh Castings Ltd"


# By REST ---------------------------------------------------------------------------------------------------------------


def api(member: Member, role: str = "administrator") -> Api:
    return Api(lobby(people.issue_token, enterprise=member.id, name=role, role=role, at=AT)[1])


def test_invitations_and_addresses_are_kept_by_programs_too(buyer: Member, cast: Cast) -> None:
    program, clerk, stranger = api(buyer), api(buyer, "viewer"), api(cast.stranger)
    given = {"email": "rest@host.example", "role": "supplier", "document_types": ["order"], "message": "Hello"}
    made = program.post("invitations/", given)
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in given} == given
    assert set(made.json()) == {*given, "uid", "language", "expires_at"}
    assert [row["email"] for row in program.get("invitations/").json()["results"]] == ["rest@host.example"]
    told = program.post("notice-addresses/", {"email": "told@host.example", "language": "zh-hans"})
    assert told.status_code == 201, told.content
    assert program.get("notice-addresses/").json()["results"] == [told.json()]
    with unchanged(buyer):
        assert program.post("invitations/", given).status_code == 422
        assert program.post("notice-addresses/", {"email": "TOLD@host.example"}).status_code == 422
        assert program.post("notice-addresses/", {"email": 7}).status_code == 422
        for one, place in ((made, "invitations"), (told, "notice-addresses")):
            assert clerk.delete(f"{place}/{one.json()['uid']}/").status_code == 403
            assert stranger.delete(f"{place}/{one.json()['uid']}/").status_code == 404
            assert stranger.get(f"{place}/").json()["results"] == []
    for one, place in ((made, "invitations"), (told, "notice-addresses")):
        assert program.delete(f"{place}/{one.json()['uid']}/").status_code == 204
        assert program.delete(f"{place}/{one.json()['uid']}/").status_code == 404
        assert program.get(f"{place}/").json()["results"] == []
    assert PageClient().post(links()[-1], joining()).status_code == 410
