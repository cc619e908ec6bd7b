"""Verify: what was changed by hand, in the log or in a table, is named; and keys that were rotated leave what they signed valid."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.documents import models
from apps.documents import services as engine
from apps.exchange import models as exchange
from apps.exchange import services
from apps.exchange.services import keys
from apps.exchange.services.chaining import canonical, digest_of
from tests.cast import AT, Member, ask, line, make_pair, move, order

SPLIT = {"line": 1, "price": "83.00", "schedules": [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}]}


@pytest.fixture(scope="module")
def partners(database: None) -> tuple[Member, Member]:
    return make_pair()


@pytest.fixture(scope="module")
def document(partners: tuple[Member, Member]) -> uuid.UUID:
    """An order with an answer that was accepted: three envelopes, two of them the buyer's."""
    found = order(*partners, [line("A-1"), line("A-2", "5", "9.99")], number="V-1")
    move(partners[1], found, "confirm", {"lines": [SPLIT]})
    move(partners[0], found, "accept_response")
    return found


def differences(member: Member) -> list[str]:
    with member.acting():
        return [difference.text for difference in services.verify()[1]]


def changed(member: Member, table: str, change: str, where: str, values: list[Any]) -> Callable[[], None]:
    """Change cells behind the wall; calling the result puts back what was there."""
    schema = "public" if table.startswith("exchange") else member.home.schema
    column = change.partition(" =")[0]
    kept = ask(f'SELECT ctid, {column} AS value FROM "{schema}".{table} WHERE {where}', values)
    assert len(kept) == 1, kept
    ask(f'UPDATE "{schema}".{table} SET {change} WHERE {where}', values)

    def back() -> None:
        placeholder = "%s::jsonb" if isinstance(kept[0]["value"], dict) else "%s"
        value = canonical(kept[0]["value"]).decode() if isinstance(kept[0]["value"], dict) else kept[0]["value"]
        ask(f'UPDATE "{schema}".{table} SET {column} = {placeholder} WHERE {where}', [value, *values])

    return back


def test_what_was_said_is_proven(partners: tuple[Member, Member], document: uuid.UUID) -> None:
    for member in partners:
        with member.acting():
            checked, found = services.verify()
        assert found == []
        names = {f"{a.slug} → {b.slug}": n for a, b, n in ((*partners, 2), (*reversed(partners), 1))}
        assert {channel.name: (channel.envelopes, channel.delivered, channel.halted) for channel in checked} == {
            name: (n, n, False) for name, n in names.items()
        }


def test_a_stranger_verifies_his_own(partners: tuple[Member, Member], cast: Any, document: uuid.UUID) -> None:
    with cast.stranger.acting():
        assert services.verify() == ([], [])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("body = set_byte(body, 20, get_byte(body, 20) # 1)", "envelope 1: its digest does not fit its body and the envelope before it"),
        ("digest = set_byte(digest, 0, get_byte(digest, 0) # 1)", "envelope 1: its digest does not fit its body and the envelope before it"),
        ("signature = set_byte(signature, 0, get_byte(signature, 0) # 1)", "envelope 1: the signature is not the sender's"),
    ],
)
def test_one_changed_byte_of_an_envelope_is_named_to_both(partners: tuple[Member, Member], document: uuid.UUID, change: str, sentence: str) -> None:
    where, values = "sender_id = %s AND seq = 1", [partners[0].id]
    back = changed(partners[0], "exchange_envelope", change, where, values)
    try:
        for member in partners:
            assert sentence in differences(member)
    finally:
        back()
    assert (differences(partners[0]), differences(partners[1])) == ([], [])


def test_a_removed_envelope_is_named() -> None:
    buyer, seller = make_pair()
    ids = [order(buyer, seller) for _round in range(3)]
    ask("DELETE FROM exchange_envelope WHERE sender_id = %s AND seq = 2", [buyer.id])
    found = differences(seller)
    assert "envelope 2: missing before 3" in found
    assert f"document {ids[1]}: in the tables, not in the log" in found


def test_a_cut_off_log_is_named() -> None:
    buyer, seller = make_pair()
    for _round in range(2):
        order(buyer, seller)
    ask("DELETE FROM exchange_envelope WHERE sender_id = %s AND seq = 2", [buyer.id])
    assert "the channel's head says 2 envelopes, the log has 1, or its last digest differs" in differences(seller)


def test_an_envelope_that_was_made_anew_by_whoever_has_no_key_is_named() -> None:
    """Whoever can write the log, and computes the digests anew, still cannot sign."""
    buyer, seller = make_pair()
    order(buyer, seller)
    row = ask("SELECT * FROM exchange_envelope WHERE sender_id = %s", [buyer.id])[0]
    body = bytes(row["body"]).replace(b'"81.50"', b'"80.50"')
    digest = digest_of(body, b"")
    ask("UPDATE exchange_envelope SET body = %s, digest = %s WHERE channel_id = %s", [body, digest, row["channel_id"]])
    ask("UPDATE exchange_channel SET digest = %s WHERE id = %s", [digest, row["channel_id"]])
    assert "envelope 1: the signature is not the sender's" in differences(seller)


CELLS = [
    ("documents_document", "state = 'cancelled'", "id = %(d)s", "state is 'cancelled', the log says 'agreed'"),
    ("documents_document", "currency = 'USD'", "id = %(d)s", "currency is 'USD', the log says 'EUR'"),
    ("documents_document", "amount = amount + 1", "id = %(d)s", "amount is Decimal('3370.95'), the log says Decimal('3369.95')"),
    ("documents_document", "due_on = '2027-01-16'", "id = %(d)s", "due_on is datetime.date(2027, 1, 16), the log says datetime.date(2027, 1, 15)"),
    ("documents_document", "note = 'x'", "id = %(d)s", "note is 'x', the log says ''"),
    ("documents_line", "quantity = 41", "document_id = %(d)s AND position = 1", "quantity is Decimal('41'), the log says Decimal('40')"),
    ("documents_line", "price = 1", "document_id = %(d)s AND position = 1", "price is Decimal('1'), the log says Decimal('81.50')"),
    ("documents_line", "offered_price = 1", "document_id = %(d)s AND position = 1", "the offer is"),
    ("documents_line", "agreed_price = 1", "document_id = %(d)s AND position = 1", "agreed_price is Decimal('1'), the log says Decimal('83.00')"),
    ("documents_line", "response = 'accept'", "document_id = %(d)s AND position = 1", "the offer is"),
    ("documents_line", "unit = 'KGM'", "document_id = %(d)s AND position = 1", "unit is 'KGM', the log says 'C62'"),
    ("documents_line", "buyer_item = 'x'", "document_id = %(d)s AND position = 1", "buyer_item is 'x', the log says 'A-1'"),
    ("documents_schedule", "quantity = 19", "quantity = 18 AND kind = 'agreed'", "agreed schedules are"),
    ("documents_schedule", "due_on = '2027-03-01'", "quantity = 40 AND kind = 'requested'", "requested schedules are"),
    ("documents_schedule", "kind = 'withdrawn'", "quantity = 22 AND kind = 'offered'", "the offer is"),
    ("documents_quantity", "quantity = 1", "kind = 'confirmed' AND quantity = 18", "confirmed is 1, the log says 18"),
    ("documents_step", "by = 'somebody else'", "document_id = %(d)s AND move = 'confirm'", "differs from the log"),
    ("documents_step", "overruled = true", "document_id = %(d)s AND move = 'confirm'", "differs from the log"),
    ("documents_step", "data = data || '{\"x\": 1}'", "document_id = %(d)s AND move = 'confirm'", "differs from the log"),
    ("documents_step", "at = at + interval '1 s'", "document_id = %(d)s AND move = 'publish'", "differs from the log"),
]


@pytest.mark.parametrize(("table", "change", "where", "sentence"), CELLS, ids=[f"{cell[0]}-{cell[1]}" for cell in CELLS])
def test_a_changed_cell_is_named(partners: tuple[Member, Member], document: uuid.UUID, table: str, change: str, where: str, sentence: str) -> None:
    seller = partners[1]
    spelled = where.replace("%(d)s", f"'{document}'")
    moved = spelled.replace("kind = 'offered'", "kind = 'withdrawn'") if change.startswith("kind") else spelled
    kept = ask(f'SELECT id, {change.partition(" =")[0]} AS value FROM "{seller.home.schema}".{table} WHERE {spelled}')
    assert len(kept) == 1
    back = changed(seller, table, change, "id = %s", [kept[0]["id"]])
    try:
        found = differences(seller)
        assert len(found) >= 1, moved
        assert any(sentence in text and ("V-1" in text) for text in found), found
        assert differences(partners[0]) == []
    finally:
        back()
    assert differences(seller) == []


def test_a_document_that_nobody_said_is_named(partners: tuple[Member, Member], document: uuid.UUID) -> None:
    schema = partners[1].home.schema
    row = ask(f'SELECT * FROM "{schema}".documents_document WHERE id = %s', [document])[0]
    forged = {**row, "id": uuid.uuid4(), "number": "forged", "details": "{}"}
    columns, places = ", ".join(f'"{name}"' for name in forged), ", ".join(["%s"] * len(forged))
    ask(f'INSERT INTO "{schema}".documents_document ({columns}) VALUES ({places})', list(forged.values()))
    try:
        assert differences(partners[1]) == [f"document {forged['id']}: in the tables, not in the log"]
    finally:
        ask(f'DELETE FROM "{schema}".documents_document WHERE id = %s', [forged["id"]])


def test_a_document_and_a_line_that_are_gone_are_named() -> None:
    buyer, seller = make_pair()
    document = order(buyer, seller, [line("A-1"), line("A-2")], number="G-1")
    with seller.acting():
        models.Line.objects.get(document=document, position=2).delete()
    assert "document G-1: 1 lines in the table, 2 in the log" in differences(seller)
    ask(f'DELETE FROM "{seller.home.schema}".documents_step')
    ask(f'DELETE FROM "{seller.home.schema}".documents_schedule')
    ask(f'DELETE FROM "{seller.home.schema}".documents_line')
    ask(f'DELETE FROM "{seller.home.schema}".documents_document')
    assert differences(seller) == [f"document {document}: not there"]


def test_a_step_that_nobody_said_is_named(partners: tuple[Member, Member], document: uuid.UUID) -> None:
    schema, forged = partners[1].home.schema, uuid.uuid4()
    columns = "document_id, own, by, at, move, before, after, said, seen, overruled, data, epoch, xid"
    ask(
        f'INSERT INTO "{schema}".documents_step (id, position, {columns}) '
        f"SELECT %s, 99, {columns} FROM \"{schema}\".documents_step WHERE document_id = %s AND move = 'confirm'",
        [forged, document],
    )
    try:
        assert f"step {forged} of V-1: not in the log" in differences(partners[1])
    finally:
        ask(f'DELETE FROM "{schema}".documents_step WHERE id = %s', [forged])


# Keys ----------------------------------------------------------------------------------------------------------------


def test_a_rotated_key_leaves_what_it_signed_valid() -> None:
    buyer, seller = make_pair()
    document = order(buyer, seller)
    with buyer.acting():
        old = exchange.SigningKey.objects.get(enterprise_id=buyer.id, retired_at=None).pk
        new = services.rotate(at=AT)
    move(buyer, document, "cancel")
    assert [row["key_id"] for row in ask("SELECT key_id FROM exchange_envelope WHERE sender_id = %s ORDER BY seq", [buyer.id])] == [old, new]
    assert (differences(buyer), differences(seller)) == ([], [])
    with buyer.acting():
        assert {row.pk: row.retired_at for row in exchange.SigningKey.objects.filter(enterprise_id=buyer.id)} == {old: AT, new: None}


def test_a_signature_is_of_one_sender_and_one_digest(partners: tuple[Member, Member]) -> None:
    buyer, seller = partners
    with buyer.acting():
        key, signature = keys.sign(b"d" * 32)
        assert keys.signed(key=key, sender=buyer.id, digest=b"d" * 32, signature=signature)
        assert not keys.signed(key=key, sender=buyer.id, digest=b"e" * 32, signature=signature)
        assert not keys.signed(key=key, sender=seller.id, digest=b"d" * 32, signature=signature)
        assert not keys.signed(key=uuid.uuid4(), sender=buyer.id, digest=b"d" * 32, signature=signature)
        for short in (b"", b"x", signature[:-1]):
            assert not keys.signed(key=key, sender=buyer.id, digest=b"d" * 32, signature=short)


def test_the_private_key_is_sealed(partners: tuple[Member, Member]) -> None:
    row = ask("SELECT sealed FROM exchange_sealedkey WHERE enterprise_id = %s", [partners[0].id])[0]
    assert len(bytes(row["sealed"])) > 100
    assert bytes(row["sealed"]).startswith(b"gAAAA")


def test_the_engine_rebuilds_what_the_tables_hold(partners: tuple[Member, Member], document: uuid.UUID) -> None:
    with partners[0].acting():
        assert engine.compare(document=document, bodies=[]) != []


def test_a_changed_message_is_named() -> None:
    buyer, seller = make_pair()
    found = order(buyer, seller, [line("A-1")])
    with seller.acting():
        message = engine.remark(document=found, text="On Monday.", by=seller.actor, at=AT)
    assert differences(buyer) == []
    back = changed(buyer, "documents_message", "text = 'On Friday.'", "id = %s", [message.pk])
    assert differences(buyer) == [f"message {message.pk}: differs from the log"]
    assert differences(seller) == []
    back()
    assert differences(buyer) == []


def test_a_key_that_was_never_made_is_made_with_the_first_word() -> None:
    buyer, seller = make_pair()
    ask("DELETE FROM public.exchange_sealedkey WHERE enterprise_id = %s", [buyer.id])
    keys._opened.pop(buyer.id, None)
    order(buyer, seller, [line("A-1")])
    assert differences(seller) == []
