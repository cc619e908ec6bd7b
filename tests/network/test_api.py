"""Partners by REST: who they are, inviting, and answering."""

import itertools
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.base.acting import in_lobby
from tests import cast as company
from tests.cast import AT, Api, Cast, Member, unchanged

_numbers = itertools.count(1)


def desk(member: Member, role: str = "buyer") -> Api:
    """A program with the role of a desk, which may invite and consent."""
    with in_lobby():
        return Api(accounts.issue_token(enterprise=member.id, name="Desk", role=role, at=AT)[1])


def two() -> tuple[Member, Member]:
    number = next(_numbers)
    return company.provision(f"asker-{number}", f"Asker {number}", city="Bremen", country="DE"), company.provision(f"asked-{number}", f"Asked {number}")


def invitation(other: Member, **more: Any) -> dict[str, Any]:
    return {"partner": other.slug, "role": "supplier", "document_types": ["order"], **more}


def errors(answer: Any) -> list[str]:
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return [error["pointer"] for error in answer.json()["errors"]]


def test_partners_are_listed_with_what_they_are(cast: Cast) -> None:
    found = cast.supplier.api.get("partners/").json()
    assert (found["next"], found["previous"]) == (None, None)
    assert {row["slug"]: (row["role"], row["state"], row["document_types"]) for row in found["results"]} == {
        "carrier": ("carrier", "active", ["order"]),
        "maker": ("customer", "active", ["order"]),
        "subsupplier": ("supplier", "active", ["order"]),
    }
    maker = next(row for row in found["results"] if row["slug"] == "maker")
    assert (maker["name"], maker["gln"], maker["city"], maker["country"]) == ("Maker GmbH", "4006381000000", "Bremen", "DE")
    assert [row["slug"] for row in cast.supplier.api.get("partners/?role=carrier&state=active").json()["results"]] == ["carrier"]
    assert cast.supplier.api.get("partners/maker").json() == maker
    assert cast.stranger.api.get("partners/").json()["results"] == []


def test_an_invitation_is_accepted() -> None:
    asker, asked = two()
    answer = desk(asker).post("partners/", invitation(asked, message="Hello"))
    assert answer.status_code == 201, answer.content
    assert {name: answer.json()[name] for name in ("slug", "state", "role", "message", "moves")} == {
        "slug": asked.slug,
        "state": "invited",
        "role": "supplier",
        "message": "Hello",
        "moves": [],
    }
    seen = desk(asked).get("partners/").json()["results"][0]
    assert (seen["slug"], seen["state"], seen["role"], seen["moves"]) == (asker.slug, "asked", "customer", ["accept", "decline"])
    accepted = desk(asked, "seller").post(f"partners/{asker.slug}/moves/accept/").json()
    assert (accepted["state"], accepted["document_types"], accepted["moves"]) == ("active", ["order"], ["suspend", "end"])
    assert asker.api.get(f"partners/{asked.slug}/").json()["state"] == "active"


def test_an_invitation_is_declined() -> None:
    asker, asked = two()
    desk(asker).post("partners/", invitation(asked))
    assert desk(asked).post(f"partners/{asker.slug}/moves/decline").json()["state"] == "declined"
    with unchanged(asker, asked):
        assert desk(asked).post(f"partners/{asker.slug}/moves/accept").status_code == 409


def test_a_partnership_pauses_goes_on_and_ends(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    for move, state in (("suspend", "suspended"), ("resume", "active"), ("end", "ended")):
        answer = desk(buyer).post(f"partners/{seller.slug}/moves/{move}/")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
        assert seller.api.get(f"partners/{buyer.slug}").json()["state"] == state
    with unchanged(*pair):
        for move in ("accept", "decline", "suspend", "resume", "end"):
            answer = desk(buyer).post(f"partners/{seller.slug}/moves/{move}/")
            assert (answer.status_code, errors(answer)) == (409, [])


def test_nobody_can_accept_his_own_invitation() -> None:
    asker, asked = two()
    desk(asker).post("partners/", invitation(asked))
    with unchanged(asker, asked):
        assert desk(asker).post(f"partners/{asked.slug}/moves/accept/").status_code == 409
        assert desk(asker).post(f"partners/{asked.slug}/moves/end/").status_code == 409


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"partner": "nobody-at-all"}, "/partner"),
        ({"partner": "carrier"}, "/partner"),
        ({"partner": "maker"}, "/partner"),
        ({"partner": None}, "/partner"),
        ({"partner": 7}, "/partner"),
        ({"partner": "a\0b"}, "/partner"),
        ({"role": "friend"}, "/role"),
        ({"role": []}, "/role"),
        ({"document_types": []}, "/document_types"),
        ({"document_types": None}, "/document_types"),
        ({"document_types": "order"}, "/document_types"),
        ({"document_types": ["order", "oder"]}, "/document_types/1"),
        ({"document_types": [["order"]]}, "/document_types/0"),
        ({"message": "x" * 2001}, "/message"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_bad_invitation_is_refused_with_its_place(cast: Cast, change: dict[str, Any], pointer: str) -> None:
    with unchanged(*cast):
        answer = desk(cast.maker).post("partners/", {**invitation(cast.stranger), **change})
    assert (answer.status_code, errors(answer)) == (422, [pointer])


def test_a_bad_consent_is_refused(cast: Cast) -> None:
    asker, asked = two()
    desk(asker).post("partners/", invitation(asked))
    with unchanged(asker, asked):
        assert errors(desk(asked).post(f"partners/{asker.slug}/moves/accept/", {"document_types": ["letter"]})) == ["/document_types/0"]
        assert errors(desk(asked).post(f"partners/{asker.slug}/moves/decline/", {"why": "x"})) == ["/why"]


def test_foreign_and_missing_look_alike(cast: Cast) -> None:
    with unchanged(*cast):
        found = {
            (answer.status_code, answer.content)
            for slug in ("maker", "nobody-at-all", "a%00b", "stranger")
            for answer in (cast.stranger.api.get(f"partners/{slug}"), desk(cast.stranger).post(f"partners/{slug}/moves/end/"))
        }
    assert [status for status, _content in found] == [404]


def test_a_program_without_the_permission_is_refused(cast: Cast) -> None:
    with unchanged(*cast):
        assert cast.maker.api.post("partners/", invitation(cast.stranger)).status_code == 403
        assert cast.maker.api.post("partners/supplier/moves/end/").status_code == 403
    assert cast.maker.api.get("partners/supplier").json()["moves"] == []


@pytest.mark.parametrize(("query", "pointer"), [("state=lost", "/state"), ("role=friend", "/role"), ("stat=active", "/stat")])
def test_a_parameter_that_cannot_be_is_refused(cast: Cast, query: str, pointer: str) -> None:
    answer = cast.maker.api.get(f"partners/?{query}")
    assert (answer.status_code, errors(answer)) == (422, [pointer])


# How soon to answer -------------------------------------------------------------------------------------------------------


def test_how_soon_a_partner_shall_answer_is_read_by_both_and_said_by_each(pair: tuple[Member, Member]) -> None:
    buyer, seller = pair
    answer = desk(buyer).patch(f"partners/{seller.slug}", {"answer_hours": 6})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["answer_hours"], answer.json()["their_answer_hours"]) == (6, 16)
    told = desk(seller).get(f"partners/{buyer.slug}").json()
    assert (told["answer_hours"], told["their_answer_hours"]) == (16, 6)
    answer = desk(seller).patch(f"partners/{buyer.slug}", {"notice_days": 7})
    assert {name: answer.json()[name] for name in ("answer_hours", "notice_days", "their_notice_days")} == {
        "answer_hours": 16,
        "notice_days": 7,
        "their_notice_days": 0,
    }
    assert desk(buyer).get(f"partners/{seller.slug}").json()["their_notice_days"] == 7


@pytest.mark.parametrize("name", ["answer_hours", "notice_days"])
@pytest.mark.parametrize("value", ["6", True, -1, 2001, None])
def test_a_wish_that_cannot_be_is_refused(pair: tuple[Member, Member], name: str, value: Any) -> None:
    buyer, seller = pair
    with unchanged(*pair):
        answer = desk(buyer).patch(f"partners/{seller.slug}", {name: value})
    assert (answer.status_code, errors(answer)) == (422, [f"/{name}"])


def test_a_wish_of_nothing_is_refused(pair: tuple[Member, Member]) -> None:
    with unchanged(*pair):
        answer = desk(pair[0]).patch(f"partners/{pair[1].slug}", {})
    assert (answer.status_code, errors(answer)) == (422, ["/answer_hours"])


def test_only_who_may_consent_says_how_soon_and_a_stranger_finds_nobody(cast: Cast) -> None:
    with unchanged(cast.maker, cast.supplier):
        assert desk(cast.maker, "viewer").patch("partners/supplier", {"answer_hours": 1}).status_code == 403
        assert desk(cast.stranger).patch("partners/maker", {"answer_hours": 1}).status_code == 404
        assert desk(cast.stranger).patch("partners/nobody", {"answer_hours": 1}).status_code == 404


OFFICE = {"days": [1, 2, 3, 4], "opens": "07:30", "closes": "16:00", "subdivision": "HB", "person": "Li Wei", "email": "li.wei@asker.example"}
USUAL = {"days": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "17:00", "subdivision": "", "person": "", "email": ""}


def test_answering_hours_are_as_usual_until_they_are_said() -> None:
    asker, other = two()
    api = desk(asker, "administrator")
    assert api.get("office/").json() == USUAL
    answer = api.put("office/", OFFICE)
    assert (answer.status_code, answer.json()) == (200, OFFICE), answer.content
    assert api.get("office/").json() == OFFICE
    assert desk(other, "administrator").get("office/").json() == USUAL


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"days": []}, "/days"),
        ({"days": [0]}, "/days"),
        ({"days": "1"}, "/days"),
        ({"days": [True]}, "/days"),
        ({"opens": "9"}, "/opens"),
        ({"opens": "25:00"}, "/opens"),
        ({"closes": 17}, "/closes"),
        ({"closes": "07:30"}, "/closes"),
        ({"subdivision": "BAVARIA"}, "/subdivision"),
        ({"email": "nobody"}, "/email"),
        ({"email": 7}, "/email"),
        ({"hours": 7}, "/hours"),
    ],
)
def test_hours_that_cannot_be_are_refused(change: dict[str, Any], pointer: str) -> None:
    asker, other = two()
    with unchanged(asker, other):
        answer = desk(asker, "administrator").put("office/", {**OFFICE, **change})
    assert (answer.status_code, errors(answer)) == (422, [pointer])


def test_only_who_may_change_the_settings_says_when_somebody_is_there(pair: tuple[Member, Member]) -> None:
    with unchanged(*pair):
        assert desk(pair[0]).put("office/", OFFICE).status_code == 403
