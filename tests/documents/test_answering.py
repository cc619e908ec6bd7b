"""Answering by a one-time link: what it can do once, what it can not, and what is said to whoever comes too late."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail

from apps.base import clock
from apps.base.acting import as_operator
from apps.documents import selectors
from apps.documents import services as documents
from apps.documents.tasks import tell_by_mail
from apps.network import models, services
from apps.network import selectors as network
from apps.tenants import services as tenants
from tests.cast import AT, Cast, Member, PageClient, ask, make_pair, move, order, outside, unchanged
from tests.documents.browsing import head, words

Two = tuple[Member, Member]
EMAIL = "sales@seller.example"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.LIMITS = {**settings.LIMITS, "sign-ins-of-address": (0, 1.0)}


@pytest.fixture
def told() -> Two:
    """A buyer, and a seller who has said whom to tell."""
    buyer, seller = make_pair()
    tell(seller, EMAIL)
    return buyer, seller


def tell(member: Member, email: str, language: str = "en") -> None:
    with member.acting():
        services.add_contact(email=email, language=language, by=member.actor, at=AT)


def mailed() -> list[str]:
    """Let the worker send what is due; gives the links of all mails so far."""
    outside(tell_by_mail)
    return [found[0] for message in mail.outbox for found in [re.search(r"/answer/[\w-]+/", str(message.body))] if found]


def links(member: Member) -> list[tuple[str, bool, bool]]:
    """To whom links went, whether each is over, and whether it was used."""
    with member.acting():
        return [(row.email, row.ended_at is not None, row.used) for row in models.AnswerLink.objects.order_by("id")]


def state(member: Member, uid: uuid.UUID) -> str:
    return str(head(member, uid)["state"])


def asked(*lines: dict[str, Any], move: str = "confirm") -> dict[str, Any]:
    """The form of an answer as a browser sends it."""
    sent: dict[str, Any] = {"move": move, "reason": ""}
    for index, given in enumerate(lines):
        dates = given.pop("dates", [("2027-01-15", "40")])
        sent |= {f"lines-{index}-{name}": value for name, value in {"response": "accept", "price": "81.50", "reason": "", **given}.items()}
        for at, (day, quantity) in enumerate(dates):
            sent |= {f"lines-{index}-schedules-{at}-due_on": day, f"lines-{index}-schedules-{at}-quantity": quantity}
    return sent


# What it can do --------------------------------------------------------------------------------------------------------


def test_an_order_is_confirmed_from_a_mail_without_an_account(told: Two) -> None:
    buyer, seller = told
    uid = order(buyer, seller, number="4711-A")
    [path] = mailed()
    assert mail.outbox[-1].to == [EMAIL]
    assert "4711-A" in mail.outbox[-1].subject
    assert buyer.home.name in mail.outbox[-1].subject
    visitor = PageClient()
    for _look in range(3):
        assert visitor.get(path).status_code == 200
    assert state(seller, uid) == "published", "looking, as a scanner of mails does, uses nothing up"
    answer = visitor.post(path, {"accept_all": "1"})
    assert (answer.status_code, answer["Location"]) == (303, f"{path}done/")
    page = visitor.get(f"{path}done/")
    assert page.status_code == 200
    assert "sessionid" not in visitor.cookies
    assert (state(buyer, uid), state(seller, uid)) == ("agreed", "agreed")
    for member in told:
        with member.acting():
            step = selectors.history(id=uid)[-1]
        assert (step["move"], step["by"]) == ("confirm", EMAIL)


@pytest.mark.parametrize(("move_by_link", "after"), [("accept_cancel", "cancelled"), ("refuse_cancel", "agreed")])
def test_a_cancellation_is_answered_from_a_mail(told: Two, move_by_link: str, after: str) -> None:
    buyer, seller = told
    uid = order(buyer, seller)
    move(seller, uid, "confirm")
    move(buyer, uid, "cancel", {"reason": "The customer has gone."})
    path = mailed()[-1]
    page = words(PageClient().get(path))
    assert "The customer has gone." in page
    assert "Agree to cancel" in page
    assert "Refuse to cancel" in page
    assert PageClient().post(path, {"move": move_by_link, "reason": ""}).status_code == 303
    assert (state(buyer, uid), state(seller, uid)) == (after, after)


def test_a_change_is_answered_from_a_mail_line_by_line(told: Two) -> None:
    buyer, seller = told
    uid = order(buyer, seller, 2)
    move(seller, uid, "confirm")
    move(buyer, uid, "change", {"lines": [{"line": 2, "schedules": [{"quantity": "50", "due_on": "2027-02-01"}]}]})
    path = mailed()[-1]
    page = PageClient().get(path)
    assert [entry.line["line"] for entry in page.context["lines"]] == [2]
    assert PageClient().post(path, asked({"response": "accept"})).status_code == 303
    assert (state(buyer, uid), head(buyer, uid)["amount"]) == ("agreed", Decimal("7335.00"))


def test_a_line_is_split_and_another_rejected(told: Two) -> None:
    buyer, seller = told
    uid = order(buyer, seller, 2)
    [path] = mailed()
    split = {"response": "change", "dates": [("2027-01-15", "30"), ("2027-01-29", "10")]}
    assert PageClient().post(path, asked(split, {"response": "reject", "reason": "sold out"})).status_code == 303
    assert (state(buyer, uid), state(seller, uid)) == ("confirmed", "confirmed")
    with buyer.acting():
        whole = selectors.whole(id=uid, type="order")
    assert whole is not None
    offered = [[(str(one["quantity"]), one["due_on"].isoformat()) for one in line["schedules"].get("offered") or []] for line in whole.lines]
    assert offered == [[("30", "2027-01-15"), ("10", "2027-01-29")], []]
    assert [line["response"] for line in whole.lines] == ["change", "reject"]


def test_what_was_typed_stays_while_a_date_is_added_and_while_something_is_wrong(told: Two) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    with unchanged(buyer, seller):
        more = PageClient().post(path, asked({"response": "change", "dates": [("2027-01-20", "40")]}) | {"add_schedule": "0"})
        assert more.status_code == 200
        assert len(more.context["lines"][0].schedules) == 2
        wrong = PageClient().post(path, asked({"response": "change", "dates": [("2027-01-20", "many")]}))
        assert wrong.status_code == 422
        assert wrong.context["errors_summary"]
        assert "many" in wrong.content.decode()
        nothing = PageClient().post(path, {})
        assert nothing.status_code == 422, "a line that does not come is not taken for accepted"
    assert links(seller) == [(EMAIL, False, False)]


def test_acknowledging_uses_the_link_and_a_new_one_goes_to_the_address(told: Two) -> None:
    buyer, seller = told
    uid = order(buyer, seller)
    [path] = mailed()
    assert PageClient().post(path, {"move": "acknowledge"}).status_code == 303
    assert (state(buyer, uid), state(seller, uid)) == ("acknowledged", "acknowledged")
    assert PageClient().get(path).status_code == 410
    assert links(seller) == [(EMAIL, True, True), (EMAIL, False, False)]
    assert PageClient().post(mailed()[-1], {"accept_all": "1"}).status_code == 303
    assert state(buyer, uid) == "agreed"


def test_a_counter_proposal_brings_a_new_link(told: Two) -> None:
    buyer, seller = told
    uid = order(buyer, seller)
    PageClient().post(mailed()[0], asked({"response": "change", "dates": [("2027-02-15", "40")]}))
    move(buyer, uid, "refuse_response")
    assert links(seller) == [(EMAIL, True, True), (EMAIL, False, False)]
    assert len(mailed()) == 2


# What it can not -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [{"accept_all": "1"}, {"move": "acknowledge"}])
def test_a_link_used_twice_says_when_it_was_used_and_changes_nothing(told: Two, second: dict[str, str]) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    PageClient().post(path, {"accept_all": "1"})
    with unchanged(buyer, seller):
        answers = [PageClient().get(path), PageClient().post(path, second)]
    for answer in answers:
        assert answer.status_code == 410
        assert "An answer was given with it on 4 Jan 2027" in words(answer)
        assert "write to your partner" in words(answer)
        assert "81.50" not in words(answer)


def test_an_expired_link_says_until_when_it_worked(told: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    monkeypatch.setattr(clock, "now", lambda: AT + dt.timedelta(days=services.LINK_DAYS))
    with unchanged(buyer, seller):
        for answer in (PageClient().get(path), PageClient().post(path, {"accept_all": "1"})):
            assert answer.status_code == 410
            assert "It worked until 18 Jan 2027" in words(answer)


@pytest.mark.parametrize("who", ["cancelled by the buyer", "answered in the portal"])
def test_a_link_is_withdrawn_when_it_became_pointless(told: Two, who: str) -> None:
    buyer, seller = told
    uid = order(buyer, seller)
    [path] = mailed()
    if who == "cancelled by the buyer":
        move(buyer, uid, "cancel")
    else:
        move(seller, uid, "confirm")
    assert links(seller) == [(EMAIL, True, False)]
    with unchanged(buyer, seller):
        for answer in (PageClient().get(path), PageClient().post(path, {"accept_all": "1"})):
            assert answer.status_code == 410
            assert "answered, changed or cancelled otherwise" in words(answer)
    assert len(mailed()) == 1


def test_one_answer_ends_the_links_of_everybody(told: Two) -> None:
    buyer, seller = told
    tell(seller, "second@seller.example", "zh-hans")
    order(buyer, seller)
    first, second = mailed()
    assert "请" in str(mail.outbox[-1].body)
    assert PageClient().post(first, {"accept_all": "1"}).status_code == 303
    assert PageClient().post(second, {"accept_all": "1"}).status_code == 410
    assert [(over, used) for _email, over, used in links(seller)] == [(True, True), (True, False)]


def test_two_who_answer_at_once_are_one_answer(told: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = told
    uid = order(buyer, seller)
    [path] = mailed()
    whole = documents.answer_by_link

    def later(**more: Any) -> Any:
        """Between the form and the move somebody else has answered by the same link."""
        monkeypatch.setattr(documents, "answer_by_link", whole)
        assert PageClient().post(path, {"accept_all": "1"}).status_code == 303
        return whole(**more)

    monkeypatch.setattr(documents, "answer_by_link", later)
    assert PageClient().post(path, asked({"response": "reject", "reason": "no"})).status_code == 410
    assert state(buyer, uid) == "agreed"


def test_no_other_move_and_no_other_page_is_behind_a_link(told: Two) -> None:
    buyer, seller = told
    uid = order(buyer, seller)
    other = order(buyer, seller, number="ANOTHER-ONE")
    [path, _other] = mailed()
    visitor = PageClient()
    assert visitor.get(path).status_code == 200
    with unchanged(buyer, seller):
        for code in ("cancel", "publish", "accept_response", "remark", ""):
            assert visitor.post(path, {"move": code, "accept_all": "1"}).status_code == 422, code
        for page in (f"/documents/orders/{uid}/", f"/documents/orders/{other}/", "/", "/settings/", f"{path}thread/"):
            assert visitor.get(page).status_code in (302, 404), page
    assert "ANOTHER-ONE" not in words(visitor.get(path))


def test_a_link_tells_nothing_of_the_catalogue(told: Two) -> None:
    """Whether a number is an item of the enterprise is not to be learnt by offering it as a substitute."""
    buyer, seller = told
    uid = order(buyer, seller)
    [path] = mailed()
    assert "substitute" not in PageClient().get(path).content.decode()
    answer = PageClient().post(path, asked({"response": "change", "substitute": "S-2", "dates": [("2027-02-15", "40")]}))
    assert answer.status_code == 303
    with seller.acting():
        whole = selectors.whole(id=uid, type="order")
    assert whole is not None
    assert whole.lines[0]["substitute"] is None


def test_a_token_opens_one_document_of_one_enterprise(told: Two, cast: Cast) -> None:
    """Nothing of it can be exchanged: not the enterprise, not the link, not a bit of the signature; nor what it is bound to in the table."""
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    token = path.split("/")[2]
    with seller.acting():
        link = models.AnswerLink.objects.get()
        forged = models.AnswerLink(
            pk=link.pk, enterprise_id=cast.stranger.id, **{name: getattr(link, name) for name in ("document_type", "document", "email", "expires_at")}
        )
        others = [network.answer_token(forged)]
    others += [token[:-1], token + "A", f"{token}=", "A" * len(token), "x", token[:30] + ("A" if token[30] != "A" else "B") + token[31:], token[:-2] + "AA"]
    with unchanged(buyer, seller, cast.stranger):
        for other in others:
            for answer in (PageClient().get(f"/answer/{other}/"), PageClient().post(f"/answer/{other}/", {"accept_all": "1"})):
                assert answer.status_code == 404, other
        for name, value in (("email", "else@x.example"), ("document", uuid.uuid4()), ("expires_at", AT + dt.timedelta(days=99))):
            kept = getattr(link, name)
            _change(seller, **{name: value})
            assert PageClient().get(path).status_code == 404, name
            _change(seller, **{name: kept})
    assert PageClient().get(path).status_code == 200


def _change(member: Member, **values: Any) -> None:
    [(name, value)] = values.items()
    ask(f"UPDATE network_answerlink SET {name} = %s WHERE enterprise_id = %s", [value, member.id])


def test_guesses_are_counted_as_those_at_sign_ins(told: Two, settings: Any) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    settings.LIMITS = {**settings.LIMITS, "sign-ins-of-address": (3, 3600.0)}
    client = PageClient(REMOTE_ADDR="198.51.100.7")
    assert [client.get(f"/answer/guess-{number}/").status_code for number in range(5)] == [404, 404, 404, 429, 429]
    late = client.get(path)
    assert (late.status_code, int(late["Retry-After"]) > 0) == (429, True)
    free = PageClient(REMOTE_ADDR="198.51.100.8")
    assert [free.get(path).status_code for _look in range(9)] == [200] * 9, "a link of ours is no guess"


def test_a_link_leaves_no_trace_elsewhere(told: Two) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    answer = PageClient().get(path)
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"


def test_a_suspended_enterprise_answers_nothing(told: Two) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()

    def suspend() -> None:
        with as_operator():
            tenants.suspend(enterprises=[seller.id], at=AT)

    outside(suspend)
    assert PageClient().get(path).status_code == 404


def test_an_ended_partnership_is_told_and_the_link_stays(told: Two) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    with buyer.acting():
        partner = network.known(slug=seller.slug)
        assert partner is not None
        services.suspend(partnership=partner.partnership_id, by=buyer.actor, at=AT)
    with unchanged(buyer, seller):
        answer = PageClient().post(path, {"accept_all": "1"})
        assert answer.status_code == 409
        assert answer.context["errors_summary"]
    assert links(seller) == [(EMAIL, False, False)]


# To whom it goes -------------------------------------------------------------------------------------------------------


def test_nobody_is_told_who_has_not_asked_for_it(pair: Two) -> None:
    order(*pair)
    assert (mailed(), links(pair[1])) == ([], [])


def test_the_buyers_contact_hears_nothing_of_his_own_order(told: Two) -> None:
    buyer, seller = told
    tell(buyer, "me@buyer.example")
    order(buyer, seller)
    assert (len(mailed()), links(buyer)) == (1, [])


def test_a_mail_that_does_not_leave_is_tried_again_and_not_sent_twice(told: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, seller = told
    order(buyer, seller)

    def fails(*_args: Any, **_more: Any) -> int:
        raise OSError("no server")

    with monkeypatch.context() as broken:
        broken.setattr("apps.documents.services.noticing.send_mail", fails)
        assert mailed() == []
    assert mailed() == [], "not at once"
    monkeypatch.setattr(clock, "now", lambda: AT + dt.timedelta(minutes=2))
    assert len(mailed()) == 1
    assert len(mailed()) == 1


def test_addresses_are_kept_by_administrators_and_nobody_else(told: Two, cast: Cast) -> None:
    _buyer, seller = told
    client = seller.page_client()
    assert EMAIL in words(client.get("/settings/notices/"))
    assert client.post("/settings/notices/", {"email": "new@seller.example", "language": "zh-hans"}).status_code == 303
    for given in ({"email": EMAIL.upper(), "language": "en"}, {"email": "nobody", "language": "en"}, {"email": "a@b.example", "language": "tlh"}):
        assert client.post("/settings/notices/", given).status_code == 422
    with seller.acting():
        rows = network.contacts()
    assert [(row.email, row.language) for row in rows] == [(EMAIL, "en"), ("new@seller.example", "zh-hans")]
    stranger, viewer = cast.stranger.page_client(), seller.page_client("seller")
    with unchanged(seller):
        assert EMAIL not in words(stranger.get("/settings/notices/"))
        assert stranger.post(f"/settings/notices/{rows[0].pk}/end/").status_code == 404
        assert viewer.post("/settings/notices/", {"email": "x@y.example", "language": "en"}).status_code == 403
        assert viewer.post(f"/settings/notices/{rows[0].pk}/end/").status_code == 403
    assert client.post(f"/settings/notices/{rows[0].pk}/end/").status_code == 303
    with seller.acting():
        assert [row.email for row in network.contacts()] == ["new@seller.example"]


def test_whoever_is_told_no_more_has_no_link_any_more(told: Two) -> None:
    buyer, seller = told
    order(buyer, seller)
    [path] = mailed()
    with seller.acting():
        services.remove_contact(contact=network.contacts()[0].pk, by=seller.actor, at=AT)
    assert PageClient().get(path).status_code == 410


def test_the_page_is_read_in_both_languages(told: Two) -> None:
    buyer, seller = told
    tell(seller, "zh@seller.example", "zh-hans")
    order(buyer, seller)
    english, chinese = mailed()
    assert 'lang="en"' in PageClient().get(english).content.decode()
    page = PageClient().get(chinese).content.decode()
    assert 'lang="zh-Hans"' in page
    assert "等待您的答复" in page
