"""The network's pages: both must consent, each speaks for itself alone, and a stranger finds nothing."""

from __future__ import annotations

from typing import Any

import pytest

from apps.network import selectors
from apps.network import services as network
from tests import cast as company
from tests.cast import AT, Cast, Member, unchanged

Two = tuple[Member, Member]


@pytest.fixture
def strangers(database: None, request: pytest.FixtureRequest) -> Two:
    """Two enterprises that know nothing of one another."""
    tag = company.fresh_number("n")
    return company.provision(f"one-{tag}"), company.provision(f"two-{tag}")


def state(member: Member, other: Member) -> str:
    with member.acting():
        found = selectors.known(slug=other.slug)
    return found.state if found else "none"


def invite(one: Member, other: Member, **more: Any) -> Any:
    given = {"slug": other.slug, "role": "supplier", "document_types": ["order"], "message": "Shall we?", **more}
    return one.page_client().post("/network/invite/", given)


def test_both_consent_before_anything_is_exchanged(strangers: Two) -> None:
    one, other = strangers
    assert invite(one, other)["Location"] == "/network/"
    assert (state(one, other), state(other, one)) == ("invited", "asked")
    page = other.page_client()
    shown = page.get("/network/").context["invitations"]
    assert [(row["slug"], row["incoming"], row["role_labels"], row["text"]) for row in shown] == [(one.slug, True, ["Customer"], "Shall we?")]
    question = page.get(f"/network/partners/{one.slug}/accept/")
    assert question.status_code == 200
    assert state(one, other) == "invited", "a question changes nothing"
    answer = page.post(f"/network/partners/{one.slug}/accept/", {"document_types": ["order"]})
    assert answer.status_code == 303
    assert (state(one, other), state(other, one)) == ("active", "active")


def test_the_inviter_cannot_accept_for_the_invited(strangers: Two) -> None:
    one, other = strangers
    invite(one, other)
    client = one.page_client()
    with unchanged(one, other):
        answer = client.post(f"/network/partners/{other.slug}/accept/", {"document_types": ["order"]})
    assert "not possible now" in client.get(answer["Location"]).content.decode()


def test_accepting_nothing_is_refused(strangers: Two) -> None:
    one, other = strangers
    invite(one, other)
    with unchanged(one, other):
        answer = other.page_client().post(f"/network/partners/{one.slug}/accept/", {})
    assert answer.status_code == 422


def test_what_was_not_proposed_cannot_be_agreed_to(strangers: Two) -> None:
    one, other = strangers
    invite(one, other)
    with unchanged(one, other):
        assert other.page_client().post(f"/network/partners/{one.slug}/accept/", {"document_types": ["order", "payroll"]}).status_code == 422


def test_declined(strangers: Two) -> None:
    one, other = strangers
    invite(one, other)
    other.page_client().post(f"/network/partners/{one.slug}/decline/")
    assert (state(one, other), state(other, one)) == ("declined", "declined")


def test_suspended_resumed_and_ended(pair: Two) -> None:
    buyer, seller = pair
    client = seller.page_client()
    seen = []
    for deed in ("suspend", "resume", "end"):
        before = state(buyer, seller)
        assert client.get(f"/network/partners/{buyer.slug}/{deed}/").status_code == 200
        assert state(buyer, seller) == before
        assert client.post(f"/network/partners/{buyer.slug}/{deed}/").status_code == 303
        seen.append(state(buyer, seller))
    assert seen == ["suspended", "active", "ended"]


def test_a_suspension_is_lifted_by_whoever_made_it(pair: Two) -> None:
    buyer, seller = pair
    seller.page_client().post(f"/network/partners/{buyer.slug}/suspend/")
    buyer.page_client().post(f"/network/partners/{seller.slug}/resume/")
    assert state(buyer, seller) == "suspended"


@pytest.mark.parametrize("path", ["", "suspend/", "end/", "accept/", "nonsense/"])
def test_a_stranger_finds_what_does_not_exist(cast: Cast, path: str) -> None:
    client = cast.stranger.page_client()
    foreign, missing = (client.get(f"/network/partners/{slug}/{path}", headers={"X-Request-ID": "same"}) for slug in ("maker", "nobody"))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.content.replace(b"maker", b"nobody") == missing.content


def test_a_stranger_changes_nothing(cast: Cast) -> None:
    client = cast.stranger.page_client()
    with unchanged(*cast):
        for deed in ("accept", "decline", "suspend", "resume", "end"):
            assert client.post(f"/network/partners/maker/{deed}/", {"document_types": ["order"]}).status_code == 404


def test_the_stranger_sees_an_empty_network(cast: Cast) -> None:
    page = cast.stranger.page_client().get("/network/")
    assert page.status_code == 200
    assert page.context["partners"] == []
    assert page.context["chain"] == {"nodes": [], "links": []}
    for member in (cast.maker, cast.supplier, cast.carrier):
        assert member.home.name not in page.content.decode()


@pytest.mark.parametrize("role", ["viewer", "dock", "planner"])
def test_roles_that_may_look_only(pair: Two, role: str) -> None:
    buyer, seller = pair
    client = buyer.page_client(role)
    assert client.get("/network/").status_code == 200
    assert client.get(f"/network/partners/{seller.slug}/").context["moves"] == []
    with unchanged(buyer, seller):
        assert client.get("/network/invite/").status_code == 403
        assert client.post(f"/network/partners/{seller.slug}/end/").status_code == 403


def test_who_is_not_signed_in_signs_in_first(client: Any) -> None:
    answer = company.PageClient().get("/network/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/network/")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"slug": "nobody-at-all"}, "slug"),
        ({"role": "friend"}, "role"),
        ({"document_types": []}, "document_types"),
        ({"document_types": ["payroll"]}, "document_types"),
    ],
)
def test_an_invitation_that_cannot_be_sent_says_why(strangers: Two, given: dict[str, Any], field: str) -> None:
    one, other = strangers
    with unchanged(one, other):
        answer = invite(one, other, **given)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_inviting_twice_is_refused_from_either_side(strangers: Two) -> None:
    one, other = strangers
    invite(one, other)
    with unchanged(one, other):
        assert invite(one, other).status_code == 422
        assert invite(other, one).status_code == 422


def test_the_chain_shows_who_supplies_whom(cast: Cast) -> None:
    chain = cast.supplier.page_client().get("/network/").context["chain"]
    assert {(link["source"], link["target"]) for link in chain["links"]} == {("supplier", "maker"), ("subsupplier", "supplier")}
    assert {node["slug"]: node["own"] for node in chain["nodes"]} == {"supplier": True, "maker": False, "subsupplier": False}


def test_the_chain_counts_open_and_late_documents(pair: Two) -> None:
    buyer, seller = pair
    company.order(buyer, seller, [company.line("A-1", due_on="2020-01-15")])
    company.order(buyer, seller, [company.line("A-1", due_on="2190-01-15")])
    link = buyer.page_client().get("/network/").context["chain"]["links"][0]
    assert (link["source"], link["target"], link["open"], link["late"]) == (seller.slug, buyer.slug, 2, 1)
    figures = seller.page_client().get(f"/network/partners/{buyer.slug}/").context["figures"]
    assert [(str(row["label"]), row["count"], row["url"]) for row in figures] == [("Sales order", 2, f"/documents/orders/?side=seller&partner={buyer.slug}")]


def test_a_partner_shows_its_tax_number_only_to_partners(pair: Two) -> None:
    buyer, seller = pair
    company.ask("UPDATE public.tenants_enterprise SET tax_number = 'DE123456789' WHERE id = %s", [seller.id])
    client = buyer.page_client()
    assert "DE123456789" in client.get(f"/network/partners/{seller.slug}/").content.decode()
    with buyer.acting():
        network.end(partnership=selectors.known(slug=seller.slug).partnership_id, by=buyer.actor, at=AT)  # type: ignore[union-attr]
    assert "DE123456789" not in client.get(f"/network/partners/{seller.slug}/").content.decode()


# How soon to answer -------------------------------------------------------------------------------------------------------

OFFICE = {"days": ["0", "1"], "opens": "08:00", "closes": "12:30", "subdivision": "", "person": "Li Wei", "email": "li.wei@one.example"}


def test_answering_hours_are_said_on_their_page_and_partners_read_who_is_responsible(pair: Two) -> None:
    one, other = pair
    page = one.page_client()
    assert 'value="09:00"' in page.get("/settings/office/").content.decode()
    assert page.post("/settings/office/", OFFICE)["Location"] == "/settings/office/"
    shown = page.get("/settings/office/").content.decode()
    assert 'value="08:00"' in shown
    assert "li.wei@one.example" in shown
    assert "Li Wei" in other.page_client().get(f"/network/partners/{one.slug}/").content.decode()


@pytest.mark.parametrize("change", [{"days": []}, {"days": ["9"]}, {"closes": "07:00"}, {"opens": "noon"}, {"subdivision": "XX"}, {"email": "nobody"}])
def test_hours_that_cannot_be_are_refused_with_what_was_entered(pair: Two, change: dict[str, Any]) -> None:
    with unchanged(*pair):
        answer = pair[0].page_client().post("/settings/office/", {**OFFICE, **change})
    assert answer.status_code == 422
    assert 'value="Li Wei"' in answer.content.decode()
    assert answer.context["form"].errors.keys() == change.keys()


def test_who_may_not_change_the_settings_reads_the_hours_only(pair: Two) -> None:
    for role, read in (("buyer", 200), ("viewer", 403)):
        page = pair[0].page_client(role)
        with unchanged(*pair):
            assert page.get("/settings/office/").status_code == read
            assert page.post("/settings/office/", OFFICE).status_code == 403


def test_how_soon_a_partner_shall_answer_is_said_on_its_page(pair: Two) -> None:
    one, other = pair
    page, address = one.page_client(), f"/network/partners/{other.slug}/answers/"
    assert 'value="16"' in page.get(address).content.decode()
    assert page.post(address, {"answer_hours": "6", "notice_days": "5"})["Location"] == f"/network/partners/{other.slug}/"
    assert "6 working hours" in page.get(f"/network/partners/{other.slug}/").content.decode()
    told = other.page_client().get(f"/network/partners/{one.slug}/").content.decode()
    assert "6 working hours" in told
    assert "at least 5 days before the date agreed" in told
    for wrong in (
        {"answer_hours": ""},
        {"answer_hours": "-1"},
        {"answer_hours": "2001"},
        {"answer_hours": "soon"},
        {"notice_days": "366"},
        {"notice_days": ""},
    ):
        with unchanged(*pair):
            assert page.post(address, {"answer_hours": "1", "notice_days": "1", **wrong}).status_code == 422


def test_a_stranger_says_nobody_how_soon(cast: Cast) -> None:
    with unchanged(cast.maker, cast.supplier):
        for slug in ("maker", "nobody"):
            assert cast.stranger.page_client().get(f"/network/partners/{slug}/answers/").status_code == 404
            assert cast.stranger.page_client().post(f"/network/partners/{slug}/answers/", {"answer_hours": "1"}).status_code == 404
