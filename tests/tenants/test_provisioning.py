"""A new home is the template's exact copy, is made whole or not at all, and belongs to its role alone."""

from __future__ import annotations

import time

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError

from apps.base.acting import NobodyActs, in_lobby
from apps.base.findings import Invalid
from apps.catalog import models as catalog
from apps.documents import selectors as documents
from apps.exchange import models as exchange
from apps.exchange.tasks import sweep
from apps.tenants import services as tenants
from apps.tenants.tasks import EnterpriseTask, Unsigned
from portal.celery import app
from tests.cast import AT, Cast, Member, ask, fresh_number, outside, provision

COLUMNS = "SELECT table_name, ordinal_position, column_name, data_type, udt_name, character_maximum_length, numeric_precision, is_nullable, column_default, is_identity, identity_generation FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 2"  # noqa: E501
INDEXES = "SELECT tablename, replace(indexdef, schemaname, '') AS def FROM pg_indexes WHERE schemaname = %s ORDER BY 1, 2"
CONSTRAINTS = (
    "SELECT c.relname, k.conname, k.contype, k.condeferrable, k.condeferred, replace(pg_get_constraintdef(k.oid), n.nspname || '.', '') AS def "
    "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s ORDER BY 1, 2"
)
TARGETS = (
    "SELECT DISTINCT f.relnamespace::regnamespace::text AS schema FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
    "JOIN pg_class f ON f.oid = k.confrelid WHERE c.relnamespace::regnamespace::text = %s AND k.contype = 'f'"
)


def shapes(schema: str) -> list[list[tuple[str, ...]]]:
    """Columns, indexes and constraints of a schema, with their names: a later migration will call them by these."""
    columns = [{**row, "column_default": str(row["column_default"]).replace(f"{schema}.", "")} for row in ask(COLUMNS, [schema])]
    return [sorted(tuple(map(str, row.values())) for row in rows) for rows in (columns, ask(INDEXES, [schema]), ask(CONSTRAINTS, [schema]))]


def test_a_home_is_the_templates_exact_copy(cast: Cast) -> None:
    columns, indexes, constraints = shapes("template_home")
    assert (len(columns) > 100, len(indexes) > 20, len(constraints) > 20) == (True, True, True)
    for member in (cast.maker, cast.stranger):
        assert shapes(member.home.schema) == [columns, indexes, constraints]
        assert ask(TARGETS, [member.home.schema]) == [{"schema": member.home.schema}]


def test_a_home_has_at_most_forty_tables() -> None:
    assert ask("SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'template_home'")[0]["n"] <= 40


def test_the_migrations_of_a_home_are_recorded_as_done(cast: Cast) -> None:
    query = "SELECT app, name FROM {}.django_migrations ORDER BY 1, 2"
    assert ask(query.format("template_home")) == ask(query.format(cast.maker.home.schema)) != []


def test_rights_of_a_home(cast: Cast) -> None:
    grants = ask("SELECT DISTINCT grantee FROM information_schema.role_table_grants WHERE table_schema = %s", [cast.maker.home.schema])
    assert {row["grantee"] for row in grants} == {"tributary_owner", cast.maker.home.schema}
    role = ask("SELECT rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = %s", [cast.maker.home.schema])[
        0
    ]
    assert {**role, "rolinherit": True} == {
        **dict.fromkeys(("rolcanlogin", "rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls"), False), "rolinherit": True
    }  # fmt: skip
    login = ask("SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = 'tributary_app'")[0]
    assert set(login.values()) == {False}
    assert ask("SELECT count(*) AS n FROM pg_auth_members WHERE member = 'tributary_app'::regrole AND inherit_option")[0]["n"] == 0
    assert ask("SELECT count(*) AS n FROM pg_class WHERE relowner = 'tributary_app'::regrole")[0]["n"] == 0


def test_a_new_enterprise_can_sign_from_the_first_moment() -> None:
    member = provision(f"new-{fresh_number('n')}")
    with member.acting():
        assert exchange.SigningKey.objects.filter(enterprise_id=member.id, retired_at=None).count() == 1
        assert exchange.SealedKey.objects.count() == 1
        assert documents.heads(type="order").count() == 0


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"slug": "maker"}, "/slug"),
        ({"slug": "Maker"}, "/slug"),
        ({"slug": "a b"}, "/slug"),
        ({"slug": ""}, "/slug"),
        ({"slug": "x" * 41}, "/slug"),
        ({"name": ""}, "/name"),
        ({"gln": "4006381000001"}, "/gln"),
        ({"language": "tlh"}, "/language"),
        ({"endpoints": [("0088", "4006381000000")]}, "/endpoints"),
    ],
)
def test_what_cannot_be_provisioned_leaves_nothing(cast: Cast, given: dict[str, object], pointer: str) -> None:
    count = "SELECT (SELECT count(*) FROM tenants_enterprise) AS rows, (SELECT count(*) FROM pg_namespace) AS schemas, (SELECT count(*) FROM pg_roles) AS roles"
    before = ask(count)
    with pytest.raises(Invalid) as refusal:
        outside(tenants.provision, **{"slug": f"s{fresh_number('')}", "name": "N", "at": AT, **given})
    assert refusal.value.findings[0].pointer == pointer
    assert ask(count) == before


def test_provisioning_is_quick() -> None:
    took = []
    for _round in range(3):
        began = time.perf_counter()
        provision(f"quick-{fresh_number('q')}")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.5


def test_the_cache_keeps_apart(cast: Cast) -> None:
    with pytest.raises(NobodyActs):
        cache.set("key", 1)
    with cast.maker.acting():
        cache.set("key", "maker's")
    with cast.supplier.acting():
        assert cache.get("key") is None
        cache.set("key", "supplier's")
    with cast.maker.acting():
        assert cache.get("key") == "maker's"
    with in_lobby():
        assert cache.get("key") is None


def test_files_lie_apart_under_random_names(cast: Cast) -> None:
    with pytest.raises(NobodyActs):
        default_storage.save("order.pdf", ContentFile(b"x"))
    with in_lobby(), pytest.raises(NobodyActs):
        default_storage.open("order.pdf")
    with cast.maker.acting():
        name = default_storage.save("Bestellung 订单.pdf", ContentFile(b"maker's"))
        with default_storage.open(name) as file:
            assert (len(name), file.read()) == (32, b"maker's")
        assert f"/{cast.maker.home.schema}/" in default_storage.path(name)
        with pytest.raises(ValueError, match="files are served by views"):
            default_storage.url(name)
        with pytest.raises(Exception, match=r"located outside|Detected path traversal"):
            default_storage.open(f"../{cast.maker.home.schema}/../../secret").read()
    with cast.supplier.acting():
        assert not default_storage.exists(name)
        with pytest.raises(FileNotFoundError):
            default_storage.open(name)
        # The folder of another enterprise is no name of one's own.
        with pytest.raises(Exception, match=r"located outside|Detected path traversal"):
            default_storage.open(f"../{cast.maker.home.schema}/{name}")


@app.task(base=EnterpriseTask, name="tests.count")
def count() -> int:
    return catalog.Item.objects.count()


def started(headers: dict[str, str]) -> int:
    """Run the task as a worker would: with the headers of its message and nobody acting."""

    def run() -> int:
        count.push_request(headers=headers)
        try:
            return int(count())
        finally:
            count.pop_request()

    return outside(run)


def test_a_task_acts_for_the_enterprise_that_sent_it(cast: Cast) -> None:
    with cast.maker.acting():
        seal = count._seal()
    assert started({"tributary_enterprise": seal}) == 2


def test_a_task_without_an_enterprise_does_not_start(cast: Cast) -> None:
    with pytest.raises(NobodyActs):
        count.apply_async()
    with in_lobby(), pytest.raises(NobodyActs):
        count.delay()
    with cast.maker.acting():
        seal = count._seal()
    for headers in ({}, {"tributary_enterprise": str(cast.maker.id)}, {"tributary_enterprise": seal[:-1]}, {"tributary_enterprise": ""}):
        with pytest.raises(Unsigned):
            started(headers)


def test_the_platforms_own_task_acts_for_nobody(cast: Cast) -> None:
    assert outside(sweep) is None


def test_an_enterprise_that_is_suspended_cannot_be_entered(pair: tuple[Member, Member]) -> None:
    buyer = pair[0]
    with buyer.acting():
        seal = count._seal()
    assert buyer.api.get("me/").status_code == 200
    ask("UPDATE tenants_enterprise SET suspended_at = now() WHERE id = %s", [buyer.id])
    assert buyer.api.get("me/").status_code == 401
    with pytest.raises(Unsigned):
        started({"tributary_enterprise": seal})


def test_the_owner_is_not_for_questions(cast: Cast) -> None:
    """The rights of an enterprise do not grow by asking twice."""
    with cast.maker.acting():
        for _round in range(2):
            with pytest.raises(DatabaseError, match="permission denied"):
                list(exchange.Envelope.objects.raw(f'SELECT * FROM "{cast.supplier.home.schema}".documents_step'))
