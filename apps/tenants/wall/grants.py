"""Who may do what in the database, as data: each role's rights, and the policies of the shared tables.

Applied after every migration, in one go; applying them again changes nothing.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from psycopg import sql

from apps.base.acting import LOBBY_ROLE, OPERATOR_ROLE

ALL = "SELECT, INSERT, UPDATE, DELETE"
MEMBERS = "tributary_enterprises"
# Moves an enterprise's part of the shared tables in and out. The owner takes this role for that, and nobody else can.
KEEPER_ROLE = "tributary_keeper"

# People, sessions, tokens: the lobby before a home is entered, and the operators. Never an enterprise.
LOBBY_TABLES = [
    "accounts_user",
    "accounts_user_groups",
    "accounts_user_user_permissions",
    "accounts_membership",
    "accounts_apiclient",
    "accounts_accesstoken",
    "accounts_setuplink",
    "django_session",
    "account_emailaddress",
    "account_emailconfirmation",
    "mfa_authenticator",
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_admin_log",
]

# role -> table -> privileges.
RIGHTS: dict[str, dict[str, str]] = {
    LOBBY_ROLE: {
        **dict.fromkeys(LOBBY_TABLES, ALL),
        "tenants_enterprise": "SELECT",
        "tenants_domain": "SELECT",
        "tenants_epoch": "SELECT",
        # Whoever accepts an invitation by mail has no home yet.
        "network_invitation": "SELECT, UPDATE (begun_at, enterprise_id, accepted_at)",
        # So that a process can tell whether it fits its database (`/readyz`).
        "django_migrations": "SELECT",
    },
    OPERATOR_ROLE: {
        **dict.fromkeys(LOBBY_TABLES, ALL),
        "tenants_enterprise": "SELECT, UPDATE",
        "tenants_domain": ALL,
        "tenants_endpoint": ALL,
        "tenants_epoch": "SELECT",
        "network_partnership": "SELECT",
        "network_consent": "SELECT",
        "network_office": "SELECT",
        "network_tolerance": "SELECT",
        "network_answerlink": "SELECT (id, enterprise_id, send_at)",
        "network_invitation": "SELECT",
        "exchange_channel": "SELECT",
        "exchange_cursor": "SELECT",
        "exchange_envelope": "SELECT (channel_id, seq, sender_id, receiver_id, kind, seen, digest, key_id, at)",
        "exchange_receipt": "SELECT",
        "exchange_signingkey": "SELECT",
    },
    KEEPER_ROLE: {
        "tenants_enterprise": "SELECT, INSERT, UPDATE, DELETE",
        "tenants_domain": "SELECT, INSERT, DELETE",
        "tenants_endpoint": "SELECT, INSERT, DELETE",
        "accounts_user": "SELECT",
        "accounts_membership": "SELECT",
        "network_partnership": "SELECT, INSERT, DELETE",
        "network_consent": "SELECT, INSERT, UPDATE (state, document_types, supplier_group, notice_days, answer_hours, changed_at), DELETE",
        "network_contact": "SELECT, INSERT, DELETE",
        "network_office": "SELECT, INSERT, DELETE",
        "network_tolerance": "SELECT, INSERT, DELETE",
        "network_answerlink": "SELECT, DELETE",
        "network_invitation": "SELECT, UPDATE (enterprise_id), DELETE",
        "exchange_channel": "SELECT, INSERT",
        "exchange_cursor": "SELECT, INSERT",
        "exchange_envelope": "SELECT, INSERT",
        "exchange_receipt": "SELECT, INSERT",
        "exchange_signingkey": "SELECT, INSERT, UPDATE (retired_at)",
        "exchange_sealedkey": "SELECT, DELETE",
    },
    MEMBERS: {
        "tenants_enterprise": "SELECT, UPDATE (name, gln, tax_number, country, city, language, currency, time_zone)",
        "tenants_endpoint": ALL,
        "tenants_epoch": "SELECT",
        "network_partnership": "SELECT, INSERT",
        "network_consent": "SELECT, INSERT, UPDATE (state, document_types, supplier_group, notice_days, answer_hours, changed_at)",
        "network_contact": "SELECT, INSERT, DELETE",
        "network_tolerance": "SELECT, INSERT",
        "network_office": "SELECT, INSERT, UPDATE (days, opens, closes, subdivision, person, email)",
        "network_answerlink": "SELECT, INSERT, UPDATE (send_at, tries, ended_at, used)",
        "network_invitation": "SELECT, INSERT, UPDATE (token_hash, expires_at, withdrawn_at)",
        "exchange_channel": "SELECT, INSERT, UPDATE (head, digest)",
        "exchange_cursor": "SELECT, INSERT, UPDATE (delivered, digest, halted_at, reason, attempts)",
        "exchange_envelope": "SELECT, INSERT",
        "exchange_receipt": "SELECT, INSERT",
        "exchange_signingkey": "SELECT, INSERT, UPDATE (retired_at)",
        "exchange_sealedkey": "SELECT, INSERT",
    },
}

# The enterprise whose role asks. Only its members meet a policy that says so, and their names are all `t_` and the hexadecimal
# digits of an id. Written out, for a function here is taken to pieces anew by every plan, and cost most of its time.
ME = "substr(CURRENT_USER::text, 3)::uuid"
PARTY = f"(inviter_id = {ME} OR invitee_id = {ME})"
OF_PARTNERSHIP = f"EXISTS (SELECT 1 FROM public.network_partnership p WHERE p.id = partnership_id AND (p.inviter_id = {ME} OR p.invitee_id = {ME}))"
PARTNERS_OR_ME = (
    f"enterprise_id = {ME} OR enterprise_id IN (SELECT CASE WHEN p.inviter_id = {ME} THEN p.invitee_id ELSE p.inviter_id END "
    f"FROM public.network_partnership p WHERE p.inviter_id = {ME} OR p.invitee_id = {ME})"
)
# Of whoever has consented, now or once: to be invited, or to decline, tells nobody anything.
CONSENTED_OR_ME = (
    f"enterprise_id = {ME} OR EXISTS (SELECT 1 FROM public.network_partnership p "
    "JOIN public.network_consent k ON k.partnership_id = p.id AND k.enterprise_id = network_office.enterprise_id AND k.state <> 'declined' "
    f"WHERE p.inviter_id = {ME} OR p.invitee_id = {ME})"
)
# A tolerance is read by whom it concerns: the partner that it names, those of the group that it names, or all partners where it names nobody.
TOLERATED = (
    f"enterprise_id = {ME} OR partner_id = {ME} OR (partner_id IS NULL AND EXISTS (SELECT 1 FROM public.network_partnership p "
    "JOIN public.network_consent k ON k.partnership_id = p.id AND k.enterprise_id = network_tolerance.enterprise_id AND k.state <> 'declined' "
    f"WHERE (p.inviter_id = {ME} OR p.invitee_id = {ME}) AND network_tolerance.supplier_group IN ('', k.supplier_group)))"
)
# A channel connects the two of a partnership to which both consent.
ITS_PARTIES = (
    "EXISTS (SELECT 1 FROM public.network_partnership p WHERE p.id = partnership_id "
    "AND (sender_id, receiver_id) IN ((p.inviter_id, p.invitee_id), (p.invitee_id, p.inviter_id))) "
    "AND (SELECT count(*) FROM public.network_consent k WHERE k.partnership_id = exchange_channel.partnership_id AND k.state = 'given') = 2"
)
# An envelope or a cursor names the receiver whom its channel names, and whoever speaks in a channel is its sender: else an
# enterprise could stand, in its own name, before another's next word.
OF_ITS_CHANNEL = "(SELECT c.{side} FROM public.exchange_channel c WHERE c.id = channel_id)"
# table -> command -> condition, for the roles of enterprises. What has no policy is refused.
POLICIES: dict[str, dict[str, str]] = {
    "tenants_enterprise": {"SELECT": "true", "UPDATE": f"id = {ME}"},
    "tenants_endpoint": {"SELECT": PARTNERS_OR_ME, "INSERT": f"enterprise_id = {ME}", "UPDATE": f"enterprise_id = {ME}", "DELETE": f"enterprise_id = {ME}"},
    "network_partnership": {"SELECT": PARTY, "INSERT": f"inviter_id = {ME}"},
    "network_consent": {"SELECT": OF_PARTNERSHIP, "INSERT": f"enterprise_id = {ME} AND {OF_PARTNERSHIP}", "UPDATE": f"enterprise_id = {ME}"},
    # When somebody is there to answer: from it both partners compute the same clock.
    "network_office": {"SELECT": CONSENTED_OR_ME, "INSERT": f"enterprise_id = {ME}", "UPDATE": f"enterprise_id = {ME}"},
    # What a buyer tolerates: added, never changed, so that it can be told by which version something was accepted.
    "network_tolerance": {"SELECT": TOLERATED, "INSERT": f"enterprise_id = {ME}"},
    # Whom to tell by mail, and what he may answer: each enterprise's own affair, of which no partner hears.
    "network_contact": dict.fromkeys(("SELECT", "INSERT", "DELETE"), f"enterprise_id = {ME}"),
    "network_answerlink": dict.fromkeys(("SELECT", "INSERT", "UPDATE"), f"enterprise_id = {ME}"),
    "network_invitation": dict.fromkeys(("SELECT", "INSERT", "UPDATE"), f"inviter_id = {ME}"),
    "exchange_channel": {"SELECT": f"sender_id = {ME} OR receiver_id = {ME}", "INSERT": f"sender_id = {ME} AND {ITS_PARTIES}", "UPDATE": f"sender_id = {ME}"},
    "exchange_cursor": {
        "SELECT": f"receiver_id = {ME} OR EXISTS (SELECT 1 FROM public.exchange_channel c WHERE c.id = channel_id AND c.sender_id = {ME})",
        "INSERT": f"receiver_id = {ME} AND receiver_id = {OF_ITS_CHANNEL.format(side='receiver_id')}",
        "UPDATE": f"receiver_id = {ME}",
    },
    "exchange_envelope": {
        "SELECT": f"sender_id = {ME} OR receiver_id = {ME}",
        "INSERT": f"sender_id = {ME} AND (sender_id, receiver_id) = {OF_ITS_CHANNEL.format(side='sender_id, c.receiver_id')}",
    },
    "exchange_receipt": {
        "SELECT": "EXISTS (SELECT 1 FROM public.exchange_channel c WHERE c.id = channel_id)",
        "INSERT": f"{ME} = {OF_ITS_CHANNEL.format(side='receiver_id')}",
    },
    "exchange_signingkey": {"SELECT": "true", "INSERT": f"enterprise_id = {ME}", "UPDATE": f"enterprise_id = {ME}"},
    "exchange_sealedkey": {"SELECT": f"enterprise_id = {ME}", "INSERT": f"enterprise_id = {ME}"},
}
# Tables whose policies bind even their owner.
FORCED = [table for table in POLICIES if not table.startswith("tenants_")]

# Tables of a home in which rows are added and read, and at most the named columns change.
ADDED_ONLY = {"documents_step": "envelope, overruled", "documents_quantity": "", "documents_original": "", "documents_message": "", "documents_attachment": ""}

# Built-in functions by which a statement in one home could reach out of it, hold others up, or read from the cluster's statistics what is
# going on in other homes. By pattern: a release of PostgreSQL that brings another one finds it closed.
DANGEROUS = (
    r"^(set_config|pg_notify|pg_notification_queue_usage|pg_sleep(_for|_until)?|lo_.*|loread|lowrite|pg_(try_)?advisory_.*|pg_logical_.*|pg_export_snapshot|"
    r"pg_stat_get_.*|pg_(database|tablespace|table|relation|indexes|total_relation)_size|pg_(get_)?sequence_(last_value|data)|pg_lock_status|"
    r"pg_(safe_snapshot_)?blocking_pids|pg_prepared_xact|pg_cancel_backend|pg_terminate_backend)$"
)
# What the login role keeps of them: its time zone is set for the session, and it may look at its own locks.
KEPT_BY_LOGIN = ("set_config(text, text, boolean)", "pg_lock_status()")
# How many rows and pages each table has, of other homes too: the rest of the list of tables is needed to understand any statement.
SIZES = ("relpages", "reltuples", "relallvisible", "relallfrozen", "relfrozenxid", "relminmxid")
_OPEN_TO_ALL = (
    "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.proname ~ %s "
    "AND EXISTS (SELECT 1 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)"
)

ROLES = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{LOBBY_ROLE}') THEN CREATE ROLE {LOBBY_ROLE} NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OPERATOR_ROLE}') THEN CREATE ROLE {OPERATOR_ROLE} NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{MEMBERS}') THEN CREATE ROLE {MEMBERS} NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{KEEPER_ROLE}') THEN CREATE ROLE {KEEPER_ROLE} NOLOGIN; END IF;
  GRANT {KEEPER_ROLE} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
END $$;
"""
EPOCH = """
CREATE OR REPLACE FUNCTION public.current_epoch() RETURNS integer LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$ BEGIN RETURN (SELECT max(number) FROM public.tenants_epoch); END $$;
"""


def _login() -> sql.Identifier:
    return sql.Identifier(str(settings.DATABASES["default"]["USER"]))


def _owner() -> sql.Identifier:
    return sql.Identifier(str(settings.DATABASES["owner"]["USER"]))


def make_roles(cursor: Any) -> None:
    """The roles that are not an enterprise's, and the functions that rights are told by. Before the first migration."""
    cursor.execute(ROLES)
    cursor.execute(EPOCH)
    for role in (LOBBY_ROLE, OPERATOR_ROLE):
        _execute(cursor, "GRANT {} TO {} WITH INHERIT FALSE, SET TRUE", sql.Identifier(role), _login())
    _execute(cursor, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for role in (LOBBY_ROLE, OPERATOR_ROLE, KEEPER_ROLE, MEMBERS):
        _execute(cursor, "GRANT USAGE ON SCHEMA public TO {}", sql.Identifier(role))


def apply(cursor: Any) -> None:
    """Set the rights and policies of the public tables, after a migration; the schema bears their mark."""
    for role, tables in RIGHTS.items():
        _execute(cursor, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}", sql.Identifier(role))
        # Identity columns count by themselves; whoever may count by hand counts a table's numbers away from it.
        _execute(cursor, "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}", sql.Identifier(role))
        for table, privileges in tables.items():
            _execute(cursor, f"GRANT {privileges} ON public.{{}} TO {{}}", sql.Identifier(table), sql.Identifier(role))
    for table, policies in POLICIES.items():
        _protect(cursor, table, policies)
    cursor.execute(sql.SQL("COMMENT ON SCHEMA public IS {}").format(sql.Literal(public_mark())).as_string(None))


def public_mark() -> str:
    """Names today's rights and policies of the public tables."""
    said = repr((RIGHTS, POLICIES, FORCED, _login().as_string(None)))
    return f"rights {hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _protect(cursor: Any, table: str, policies: dict[str, str]) -> None:
    cursor.execute("SELECT policyname FROM pg_policies WHERE schemaname = 'public' AND tablename = %s", [table])
    for (name,) in cursor.fetchall():
        _execute(cursor, "DROP POLICY {} ON public.{}", sql.Identifier(name), sql.Identifier(table))
    force = "FORCE" if table in FORCED else "NO FORCE"
    _execute(cursor, f"ALTER TABLE public.{{}} ENABLE ROW LEVEL SECURITY, {force} ROW LEVEL SECURITY", sql.Identifier(table))
    for command, condition in policies.items():
        clause = {"INSERT": f"WITH CHECK ({condition})", "UPDATE": f"USING ({condition}) WITH CHECK ({condition})"}.get(command, f"USING ({condition})")
        _execute(
            cursor,
            f"CREATE POLICY {{}} ON public.{{}} FOR {command} TO {MEMBERS} {clause}",
            sql.Identifier(f"{table}_{command.lower()}"),
            sql.Identifier(table),
        )
    for role in (LOBBY_ROLE, OPERATOR_ROLE, KEEPER_ROLE):
        if table in RIGHTS[role]:
            _execute(cursor, "CREATE POLICY {} ON public.{} TO {} USING (true) WITH CHECK (true)", *map(sql.Identifier, (f"{table}_{role}", table, role)))


def open_home(cursor: Any, *, schema: str, tables: Sequence[str]) -> None:
    """Make an enterprise's role, of the name of its schema, with rights on this schema alone: on all its tables, which are named."""
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [schema])
    if cursor.fetchone() is None:
        _execute(cursor, "CREATE ROLE {} NOLOGIN IN ROLE {}", sql.Identifier(schema), sql.Identifier(MEMBERS))
    cursor.execute(home_rights(schema, tables))


def home_rights(schema: str, tables: Sequence[str]) -> str:
    """What gives a role its rights on its home, as one script; it ends with the mark by which a home tells whether they are today's."""
    name = sql.Identifier(schema)
    return f"{_home_rights(name, tables)}; {sql.SQL('COMMENT ON SCHEMA {} IS {}').format(name, sql.Literal(rights_mark())).as_string(None)}"


def rights_mark() -> str:
    """Names today's rights of a home. A home that bears another mark was opened by another release."""
    return f"rights {hashlib.sha256(_home_rights(sql.Identifier('a_home'), ['a_table']).encode()).hexdigest()[:16]}"


def _home_rights(role: sql.Identifier, tables: Sequence[str]) -> str:
    # Named one by one: “all tables in schema” would read the whole catalogue, of all homes.
    every = sql.SQL(", ").join(sql.SQL("{}.{}").format(role, sql.Identifier(table)) for table in tables)
    statements = [
        sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(role, _login()),
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(role, role),
        sql.SQL(f"GRANT {ALL} ON {{}} TO {{}}").format(every, role),
        sql.SQL("REVOKE ALL ON {}.django_migrations FROM {}").format(role, role),
    ]
    for table, columns in ADDED_ONLY.items():
        statements.append(sql.SQL("REVOKE UPDATE, DELETE ON {}.{} FROM {}").format(role, sql.Identifier(table), role))
        if columns:
            statements.append(sql.SQL(f"GRANT UPDATE ({columns}) ON {{}}.{{}} TO {{}}").format(role, sql.Identifier(table), role))
    return sql.SQL("; ").join(statements).as_string(None)


def open_functions(cursor: Any) -> list[str]:
    """The dangerous functions that everybody may call still."""
    cursor.execute(_OPEN_TO_ALL, [DANGEROUS])
    return [function for (function,) in cursor.fetchall()]


def close_functions(cursor: Any) -> None:
    """Take from everybody what only a superuser can take: dangerous functions, the sizes of tables, and the language that DO speaks."""
    for function in open_functions(cursor):
        cursor.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {function} TO pg_monitor")
    for function in KEPT_BY_LOGIN:
        _execute(cursor, f"GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {{}}", _login())
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attname <> ALL(%s)", [list(SIZES)]
    )
    (columns,) = cursor.fetchone()
    cursor.execute(f"REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC; GRANT SELECT ({columns}) ON pg_catalog.pg_class TO PUBLIC")
    cursor.execute("GRANT SELECT ON pg_catalog.pg_class TO pg_monitor")
    _execute(cursor, "GRANT SELECT ON pg_catalog.pg_class TO {}", _owner())
    cursor.execute("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC")
    _execute(cursor, "GRANT USAGE ON LANGUAGE plpgsql TO {}", _owner())


def _execute(cursor: Any, template: str, *names: sql.Identifier) -> None:
    cursor.execute(sql.SQL(template).format(*names).as_string(getattr(cursor, "connection", None)))
