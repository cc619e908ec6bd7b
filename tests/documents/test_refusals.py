"""The refusal matrix, generated from the declarations: what is not declared is refused at every door, and nothing has changed."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from apps.base.acting import Actor
from apps.documents import selectors
from apps.documents import services as documents
from apps.documents.services import folding
from apps.documents.services.folding import Content, NotAllowed, Said
from apps.documents.types import TYPES, FaultyType, register
from apps.documents.vocabulary import DocumentType
from tests.cast import Cast, Member, move, unchanged
from tests.documents.conversations import Edge, edges, order_in, route
from tests.logistics import deliveries

SIDES = ("buyer", "seller")
ORDER = TYPES["order"]
MATRIX = [(t, state.code, declared.code, side) for t in TYPES.values() for state in t.states for declared in t.moves for side in SIDES]
REFUSED = [(t, state, code, side) for t, state, code, side in MATRIX if code not in [m.code for m in t.moves_for(state=state, side=side)]]


@pytest.fixture(scope="module")
def partners(database: None) -> tuple[Member, Member]:
    return deliveries.partners()


def test_the_matrix_is_whole() -> None:
    orders = [row for row in MATRIX if row[0] is ORDER]
    assert (len(orders), len([row for row in REFUSED if row[0] is ORDER]), len({(e.before, e.move, e.side) for e in edges(ORDER)})) == (544, 504, 40)


@pytest.mark.parametrize(("document_type", "state", "code", "side"), REFUSED, ids=lambda value: getattr(value, "code", value))
def test_the_engine_refuses(document_type: DocumentType, state: str, code: str, side: str) -> None:
    content = Content(state=state, number="1")
    with pytest.raises(NotAllowed) as refusal:
        folding.apply(document_type, content, Said(move=code, side=side, said=1, seen=0, data={}))
    assert (refusal.value.move, refusal.value.state, refusal.value.side) == (code, state, side)
    assert content == Content(state=state, number="1")


@pytest.mark.parametrize("edge", edges(ORDER), ids=lambda edge: f"{edge.before}-{edge.move}-{edge.outcome}")
def test_a_declared_move_leads_where_it_says_on_both_sides(edge: Edge, partners: tuple[Member, Member]) -> None:
    document = order_in(edge.before, *partners, before=edge)
    mover = partners[SIDES.index(edge.side)]
    assert move(mover, document, edge.move, edge.data).state == edge.after
    for member in partners:
        with member.acting():
            whole = selectors.whole(id=document)
            history = selectors.history(id=document)
        if edge.before == "draft" and edge.move == "cancel" and member is partners[1]:
            assert whole is None
            continue
        assert whole is not None
        last = history[-1]
        assert (whole.head["state"], last["move"], last["before"], last["after"], last["own"]) == (
            edge.after,
            edge.move,
            edge.before,
            edge.after,
            member is mover,
        )


@pytest.mark.parametrize("state", [state.code for state in ORDER.states])
def test_the_service_refuses_and_nothing_has_changed(state: str, partners: tuple[Member, Member]) -> None:
    document = order_in(state, *partners)
    refused = [(code, side) for t, before, code, side in REFUSED if t is ORDER and before == state]
    with unchanged(*partners):
        for code, side in refused:
            member = partners[SIDES.index(side)]
            if state == "draft" and side == "seller":
                with pytest.raises(documents.NoSuchDocument):
                    move(member, document, code)
                continue
            with pytest.raises(NotAllowed) as refusal:
                move(member, document, code, {"lines": [{"line": 1, "price": "1.00"}]})
            assert (refusal.value.move, refusal.value.state) == (code, state)
            assert f"“{ORDER.state(state).label}”" in str(refusal.value)


def test_a_refusal_says_what_can_be_done_instead(partners: tuple[Member, Member]) -> None:
    document = order_in("published", *partners)
    with pytest.raises(NotAllowed) as refusal:
        move(partners[1], document, "accept_response")
    assert str(refusal.value) == "“Accept the answer” is not possible while the document is “Published”. Possible now: Acknowledge, Answer."
    with pytest.raises(NotAllowed) as unknown:
        move(partners[1], document, "explode")
    assert str(unknown.value) == "“explode” is not possible while the document is “Published”. Possible now: Acknowledge, Answer."


@pytest.mark.parametrize("edge", [e for e in edges(ORDER) if e.outcome in ("", "accepted", "agreed", "short")], ids=lambda edge: f"{edge.before}-{edge.move}")
def test_a_role_without_the_permission_is_refused(edge: Edge, partners: tuple[Member, Member]) -> None:
    document = order_in(edge.before, *partners, before=edge)
    mover = partners[SIDES.index(edge.side)]
    with unchanged(*partners):
        declared = ORDER.find_move(edge.move)
        others = [mover.as_role("seller" if edge.side == "buyer" else "buyer")] if declared and len(declared.sides) == 1 else []
        for actor in (mover.viewer, Actor(kind="person"), *others):
            with pytest.raises(documents.MayNot) as refusal:
                move(mover, document, edge.move, edge.data, by=actor)
            assert refusal.value.permission == f"order.{edge.move}"


def test_the_stranger_and_the_unknown_look_alike(partners: tuple[Member, Member], cast: Cast) -> None:
    document = order_in("published", *partners)
    stranger = cast.stranger
    with unchanged(*partners, stranger):
        messages = set()
        for id in (document, uuid.uuid4()):
            with pytest.raises(documents.NoSuchDocument) as refusal:
                move(stranger, id, "confirm")
            messages.add(str(refusal.value))
        assert len(messages) == 1
        with stranger.acting():
            assert (selectors.head(id=document), selectors.history(id=document), selectors.thread(id=document)) == (None, [], [])


def test_a_stale_version_is_refused(partners: tuple[Member, Member]) -> None:
    document = order_in("published", *partners)
    with partners[1].acting():
        version = selectors.head(id=document)["version"]  # type: ignore[index]
    with unchanged(*partners), pytest.raises(documents.Stale) as refusal:
        move(partners[1], document, "acknowledge", version=version + 1)
    assert refusal.value.version == version
    assert move(partners[1], document, "acknowledge", version=version).version == version + 1


@pytest.mark.parametrize(
    ("state", "side", "code", "status"),
    [
        ("draft", "buyer", "counter", 409),
        ("draft", "seller", "confirm", 404),
        ("published", "buyer", "confirm", 409),
        ("published", "seller", "accept_response", 409),
        ("confirmed", "seller", "confirm", 409),
        ("agreed", "seller", "cancel", 409),
        ("cancelled", "buyer", "cancel", 409),
        ("rejected", "seller", "confirm", 409),
        ("published", "seller", "explode", 409),
    ],
)
def test_rest_refuses_and_nothing_has_changed(state: str, side: str, code: str, status: int, partners: tuple[Member, Member]) -> None:
    document = order_in(state, *partners)
    member = partners[SIDES.index(side)]
    with unchanged(*partners):
        response = member.api.post(f"orders/{document}/moves/{code}/", {})
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["status"] == status
    if status == 409:
        assert response.json()["state"] == state


def test_a_move_at_home_stays_at_home(partners: tuple[Member, Member]) -> None:
    with unchanged(partners[1]):
        document = order_in("draft", *partners)
        move(partners[0], document, "cancel")
    with partners[0].acting():
        steps = selectors.history(id=document)
    assert [(step["move"], step["said"]) for step in steps] == [("draft", 0), ("cancel", 0)]


def test_every_state_can_be_reached() -> None:
    for document_type in TYPES.values():
        for state in document_type.states:
            assert state.code == document_type.draft or route(document_type, state.code)[-1].after == state.code


def test_a_faulty_declaration_is_refused() -> None:
    wrong = [
        ("order: declared twice", ORDER),
        ("x.publish: unknown state nowhere", _with(to="nowhere")),
        ("x.publish: leaves a final state", _with(before=frozenset(["cancelled"]))),
    ]
    for sentence, document_type in wrong:
        known = dict(TYPES)
        with pytest.raises(FaultyType, match=sentence):
            register(document_type)
        assert known == TYPES


def _with(**changes: object) -> DocumentType:
    publish = replace(ORDER.moves[0], **changes)  # type: ignore[arg-type]
    return replace(ORDER, code="x", collection="xs", moves=(publish, *ORDER.moves[1:]))
