"""What an enterprise's role may do in the database: its own home, its own words, and nothing else, whatever SQL is tried."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.utils import IntegrityError

from apps.base.models import new_id
from apps.exchange import models as exchange
from tests.cast import AT, Cast, Member, ask, order, unchanged


def run(member: Member, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    with member.acting(), connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else [("rows", cursor.rowcount)]


DENIED = [
    'SELECT * FROM "{other}".documents_document',
    'SELECT * FROM "{other}".catalog_item',
    'INSERT INTO "{other}".catalog_item SELECT * FROM catalog_item',
    'DELETE FROM "{other}".documents_step',
    "SELECT * FROM accounts_user",
    "SELECT * FROM accounts_membership",
    "SELECT * FROM accounts_apiclient",
    "SELECT * FROM accounts_accesstoken",
    "SELECT * FROM django_session",
    "SELECT * FROM mfa_authenticator",
    "SELECT * FROM tenants_domain",
    "SELECT * FROM template_home.catalog_item",
    "SELECT * FROM django_migrations",
    "SET ROLE postgres",
    "SET ROLE tributary_owner",
    "SET ROLE tributary_keeper",
    "SET SESSION AUTHORIZATION postgres",
    "SELECT set_config('role', '{other}', true)",
    "SELECT set_config('search_path', '{other}', true)",
    "SELECT pg_notify('tributary', '{other}')",
    "SELECT pg_sleep(1)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_advisory_xact_lock(1, 2)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_reload_conf()",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres' OR usename = 'tributary_owner' OR pid <> pg_backend_pid()",
    "COPY catalog_item TO PROGRAM 'cat'",
    "COPY catalog_item TO '/tmp/items'",
    "CREATE TABLE public.mine (id int)",
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "DROP TABLE documents_step",
    "TRUNCATE documents_step",
    "ALTER TABLE documents_step DISABLE TRIGGER ALL",
    "ALTER TABLE public.exchange_envelope DISABLE ROW LEVEL SECURITY",
    "DROP POLICY exchange_envelope_select ON public.exchange_envelope",
    "GRANT {own} TO {other}",
    "UPDATE exchange_envelope SET body = ''",
    "DELETE FROM exchange_envelope",
    "TRUNCATE exchange_envelope",
    "UPDATE exchange_receipt SET seq = 0",
    "DELETE FROM exchange_receipt",
    "DELETE FROM exchange_channel",
    "DELETE FROM exchange_cursor",
    "DELETE FROM network_consent",
    "DELETE FROM network_partnership",
    "UPDATE network_partnership SET role = 'customer'",
    "UPDATE network_contact SET email = 'x@y.example'",
    "UPDATE network_answerlink SET expires_at = now()",
    "UPDATE network_answerlink SET email = 'x@y.example'",
    "DELETE FROM network_answerlink",
    "UPDATE network_invitation SET accepted_at = now()",
    "DELETE FROM network_invitation",
    "UPDATE exchange_signingkey SET public = ''",
    "DELETE FROM exchange_signingkey",
    "UPDATE exchange_sealedkey SET sealed = ''",
    "UPDATE documents_step SET by = 'nobody'",
    "DELETE FROM documents_step",
    "UPDATE documents_quantity SET quantity = 0",
    "DELETE FROM documents_quantity",
    "UPDATE documents_original SET body = ''",
    "UPDATE documents_message SET text = ''",
    "DELETE FROM documents_message",
    "UPDATE tenants_enterprise SET suspended_at = now()",
    "UPDATE tenants_enterprise SET slug = 'x'",
    "DELETE FROM tenants_enterprise",
    "INSERT INTO tenants_enterprise SELECT * FROM tenants_enterprise",
    "INSERT INTO tenants_epoch (number, cluster) VALUES (99, 'x')",
]  # fmt: skip


@pytest.mark.parametrize("statement", DENIED)
def test_the_database_refuses(cast: Cast, statement: str) -> None:
    order(cast.maker, cast.supplier)
    tried = statement.format(other=cast.supplier.home.schema, own=cast.maker.home.schema)
    with unchanged(*cast), pytest.raises(DatabaseError) as refusal:
        run(cast.maker, tried)
    told = str(refusal.value)
    assert any(words in told for words in ("permission denied", "must be owner", "must be able to SET ROLE", "only roles with", "denied")), told


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1; SET ROLE {other}",
        "SELECT number FROM catalog_item WHERE number = 'x'; DELETE FROM catalog_item",
        "COMMIT; SET ROLE {other}; SELECT 1",
    ],
)
def test_statements_cannot_be_stacked(cast: Cast, statement: str) -> None:
    for parameters in ((), None):
        with unchanged(*cast), pytest.raises(DatabaseError, match="cannot insert multiple commands into a prepared statement"):
            run(cast.maker, statement.format(other=cast.supplier.home.schema), parameters or ())


def test_a_statement_in_a_value_is_a_value(cast: Cast) -> None:
    with unchanged(*cast):
        assert run(cast.maker, "SELECT number FROM catalog_item WHERE number = %s", [f"'; SET ROLE {cast.supplier.home.schema}; --"]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT query_to_xml('SET ROLE {other}', true, false, '')",
        "SELECT query_to_xml('SELECT * FROM \"{other}\".catalog_item', true, false, '')",
        "SELECT * FROM ts_stat('SELECT to_tsvector(number) FROM \"{other}\".catalog_item')",
        "DO $$ BEGIN EXECUTE 'SET ROLE {other}'; EXECUTE 'CREATE TABLE \"{other}\".mine (id int)'; END $$",
    ],
)
def test_a_statement_in_a_statement_has_no_more_rights(cast: Cast, statement: str) -> None:
    with unchanged(*cast), pytest.raises(DatabaseError):
        run(cast.maker, statement.format(other=cast.supplier.home.schema))
    with cast.maker.acting():
        assert run(cast.maker, "SELECT current_user::text") == [(cast.maker.home.schema,)]


@pytest.mark.parametrize("statement", ["SET ROLE {other}", "SET SESSION search_path TO {other}", "GRANT SELECT ON documents_step TO PUBLIC"])
def test_a_whole_statement_of_ours_that_would_change_the_role_changes_nothing_for_the_next_one(cast: Cast, statement: str) -> None:
    """Only our own code could send one (the architecture tests look for it): even so the next transaction is its own enterprise's."""
    with unchanged(*cast):
        run(cast.maker, statement.format(other=cast.supplier.home.schema))
        assert run(cast.maker, "SELECT current_user::text") == [(cast.maker.home.schema,)]
        assert run(cast.maker, "SELECT current_setting('search_path')") == [(f"{cast.maker.home.schema}, public",)]
        with pytest.raises(DatabaseError, match="permission denied"):
            run(cast.stranger, f'SELECT * FROM "{cast.maker.home.schema}".documents_step')
    # This session is spoilt: it does not go back to the pool.
    connection.connection.close()
    connection.close()


# Rows of the shared tables -------------------------------------------------------------------------------------------


def test_shared_rows_are_seen_by_those_whom_they_concern(cast: Cast) -> None:
    order(cast.maker, cast.supplier)
    order(cast.supplier, cast.subsupplier)
    for member in cast:
        for table, parties in (
            ("exchange_envelope", "sender_id, receiver_id"),
            ("exchange_channel", "sender_id, receiver_id"),
            ("network_partnership", "inviter_id, invitee_id"),
        ):
            rows = run(member, f"SELECT {parties} FROM {table}")
            assert all(member.id in row for row in rows)
            assert bool(rows) == (member is not cast.stranger and (member is not cast.carrier or table == "network_partnership"))
    assert run(cast.stranger, "SELECT * FROM network_consent") == []
    assert run(cast.stranger, "SELECT * FROM exchange_cursor") == []


def test_a_key_is_read_by_its_owner_only(cast: Cast) -> None:
    for member in cast:
        assert [row[0] for row in run(member, "SELECT enterprise_id FROM exchange_sealedkey")] == [member.id]
    assert len(run(cast.stranger, "SELECT * FROM exchange_signingkey")) >= 5


def channel(sender: Member, receiver: Member) -> dict[str, Any]:
    return ask("SELECT * FROM exchange_channel WHERE sender_id = %s AND receiver_id = %s", [sender.id, receiver.id])[0]


def envelope(where: dict[str, Any], sender: Member, receiver: Member, key: uuid.UUID) -> list[Any]:
    return [where["id"], where["head"] + 1, sender.id, receiver.id, "order.publish", new_id(), 0, b"{}", b"d", b"s", key, AT]


INSERT = (
    "INSERT INTO exchange_envelope (channel_id, seq, sender_id, receiver_id, kind, document, seen, body, digest, signature, key_id, at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
ROW_LEVEL = "new row violates row-level security policy"


def key_of(member: Member) -> uuid.UUID:
    with member.acting():
        return exchange.SigningKey.objects.get(enterprise_id=member.id, retired_at=None).pk


def test_no_envelope_is_forged(cast: Cast) -> None:
    order(cast.maker, cast.supplier)
    order(cast.supplier, cast.subsupplier)
    mine, theirs = channel(cast.maker, cast.supplier), channel(cast.supplier, cast.subsupplier)
    key = key_of(cast.maker)
    forged = [
        envelope(mine, cast.supplier, cast.maker, key),
        envelope(mine, cast.supplier, cast.supplier, key),
        # In one's own name, but into a channel in which one does not speak: it would stand before its owner's next word.
        envelope(theirs, cast.maker, cast.subsupplier, key),
        # To somebody whom the channel does not lead to.
        envelope(mine, cast.maker, cast.stranger, key),
    ]
    for row in forged:
        with unchanged(*cast), pytest.raises(DatabaseError, match=ROW_LEVEL):
            run(cast.maker, INSERT, row)


def test_no_channel_is_opened_without_a_partnership_of_these_two(cast: Cast) -> None:
    partnership = ask("SELECT id FROM network_partnership WHERE inviter_id = %s AND invitee_id = %s", [cast.maker.id, cast.supplier.id])[0]["id"]
    for sender, receiver in ((cast.maker, cast.stranger), (cast.supplier, cast.maker), (cast.maker, cast.subsupplier)):
        with unchanged(*cast), pytest.raises(DatabaseError, match=ROW_LEVEL):
            run(
                cast.maker,
                "INSERT INTO exchange_channel (id, partnership_id, sender_id, receiver_id, head, digest) VALUES (%s, %s, %s, %s, 0, '')",
                [new_id(), partnership, sender.id, receiver.id],
            )


def test_no_cursor_is_set_in_anothers_channel(pair: tuple[Member, Member], cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.exchange.crossing.carry", lambda **_: None)
    order(*pair)
    where = channel(*pair)
    for member in (cast.stranger, pair[0]):
        with unchanged(*pair, cast.stranger), pytest.raises(DatabaseError, match=ROW_LEVEL):
            run(
                member,
                "INSERT INTO exchange_cursor (id, channel_id, receiver_id, delivered, digest, reason, attempts) VALUES (%s, %s, %s, 7, '', '', 0)",
                [new_id(), where["id"], member.id],
            )


def test_the_head_of_a_channel_is_moved_by_its_sender_and_the_cursor_by_its_receiver(pair: tuple[Member, Member]) -> None:
    order(*pair)
    buyer, seller = pair
    with unchanged(*pair):
        assert run(seller, "UPDATE exchange_channel SET head = 99") == [("rows", 0)]
        assert run(buyer, "UPDATE exchange_cursor SET delivered = 99") == [("rows", 0)]
        with pytest.raises(DatabaseError, match="permission denied"):
            run(seller, "UPDATE exchange_cursor SET channel_id = channel_id")


def test_no_consent_is_forged(cast: Cast) -> None:
    with unchanged(*cast):
        with pytest.raises(DatabaseError, match=ROW_LEVEL):
            run(
                cast.maker,
                "INSERT INTO network_consent (id, partnership_id, enterprise_id, state, document_types, changed_at) "
                "SELECT %s, id, %s, 'given', '[\"order\"]', now() FROM network_partnership LIMIT 1",
                [new_id(), cast.supplier.id],
            )
        assert run(cast.maker, "UPDATE network_consent SET state = 'ended' WHERE enterprise_id = %s", [cast.supplier.id]) == [("rows", 0)]
        with pytest.raises(DatabaseError, match="permission denied"):
            run(cast.maker, "UPDATE network_consent SET enterprise_id = %s", [cast.supplier.id])
        with pytest.raises(DatabaseError, match=ROW_LEVEL):
            run(
                cast.maker,
                "INSERT INTO network_partnership (id, inviter_id, invitee_id, role, message, created_at) VALUES (%s, %s, %s, 'supplier', '', now())",
                [new_id(), cast.stranger.id, cast.maker.id],
            )


def test_no_key_is_entered_for_another(cast: Cast) -> None:
    with unchanged(*cast):
        for statement in (
            "INSERT INTO exchange_signingkey (id, enterprise_id, public, created_at) VALUES (%s, %s, '', now())",
            "INSERT INTO exchange_sealedkey (id, enterprise_id, key_id, sealed) SELECT %s, %s, id, '' FROM exchange_signingkey LIMIT 1",
        ):
            with pytest.raises((DatabaseError, IntegrityError), match=ROW_LEVEL):
                run(cast.maker, statement, [new_id(), cast.supplier.id])
        assert run(cast.maker, "UPDATE exchange_signingkey SET retired_at = now() WHERE enterprise_id = %s", [cast.supplier.id]) == [("rows", 0)]


def test_the_directory_is_changed_by_each_for_itself(cast: Cast) -> None:
    with unchanged(*cast):
        assert run(cast.maker, "UPDATE tenants_enterprise SET name = 'x' WHERE id = %s", [cast.supplier.id]) == [("rows", 0)]
        assert run(cast.maker, "DELETE FROM tenants_endpoint WHERE enterprise_id = %s", [cast.supplier.id]) == [("rows", 0)]
    assert run(cast.stranger, "SELECT * FROM tenants_endpoint") == []


@pytest.mark.parametrize("role", ["tributary_lobby", "tributary_operator"])
def test_lobby_and_operators_read_no_home_and_no_word(cast: Cast, role: str) -> None:
    from apps.base.acting import as_operator, in_lobby

    enter = in_lobby if role == "tributary_lobby" else as_operator
    tried = [f'SELECT * FROM "{cast.maker.home.schema}".documents_document', "SELECT body FROM exchange_envelope", "SELECT * FROM exchange_sealedkey"]
    tried += ["UPDATE exchange_envelope SET body = ''", "DELETE FROM exchange_channel"]
    for statement in tried:
        with pytest.raises(DatabaseError, match="permission denied"), enter(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_every_shared_table_is_forced_or_closed() -> None:
    """A table of the public schema is either of the lobby, or under row-level security that binds even its owner, or closed to enterprises."""
    open_to_all = {row["relname"] for row in ask(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind = 'r' AND NOT c.relrowsecurity AND has_any_column_privilege('tributary_enterprises', c.oid, 'SELECT')"
    )}  # fmt: skip
    assert open_to_all == {"tenants_epoch"}
    forced = {row["relname"] for row in ask("SELECT relname FROM pg_class WHERE relforcerowsecurity")}
    assert forced == {
        *("network_partnership", "network_consent", "exchange_channel", "exchange_cursor", "exchange_envelope", "exchange_receipt"),
        *("exchange_signingkey", "exchange_sealedkey", "network_contact", "network_answerlink", "network_invitation", "network_office"),
        "network_tolerance",
    }
