"""What the machine says, and what production may not leave unsaid."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from portal.embedded import APP, OWNER, Record
from portal.environment import Database, Environment, EnvironmentRefused

KEY = base64.b64encode(bytes(range(32))).decode()
PRODUCTION = {
    "DATABASE_URL": "postgresql://app:se%2Fcret@db.example:6432/portal?sslmode=require",
    "SECRET_KEY": "rVq8Wc1yKf0ZtLh3NgJx7PbEu5SdMa2QoXi9TeRvYkUwHnCz4B",
    "KEY_RING": KEY,
    "BASE_URL": "https://portal.example.com",
}


@pytest.fixture
def var(tmp_path: Path) -> dict[str, str]:
    return {"VAR_DIR": str(tmp_path)}


def test_a_machine_that_says_nothing_gets_the_embedded_parts(var: dict[str, str], tmp_path: Path) -> None:
    Record(tmp_path / "postgres.json", 5999, {APP: "a/b", OWNER: "o", "postgres": "p", "tributary_broker": "q"}).write()
    environment = Environment.read(var)
    assert environment.embedded_database
    assert environment.embedded_broker
    assert not environment.production
    assert not environment.debug
    assert (environment.database.user, environment.database.password, environment.database.port) == (APP, "a/b", 5999)
    assert environment.owner is not None
    assert environment.owner.user == OWNER
    assert environment.broker_url == "pgmq://tributary_broker:q@127.0.0.1:5999/tributary_broker"
    assert environment.base_url == "http://localhost:8000"
    assert ".localhost" in environment.allowed_hosts


def test_secrets_are_made_once_and_kept_for_us_alone(var: dict[str, str], tmp_path: Path) -> None:
    first, second = Environment.read(var), Environment.read(var)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 50
    assert first.key_ring == second.key_ring
    assert len(first.key_ring[0]) == 32
    for name in ("secret", "keyring"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keyring", "secret"]


def test_without_a_started_database_the_address_says_what_to_do(var: dict[str, str]) -> None:
    environment = Environment.read(var)
    assert "make demo" in environment.database.host
    assert environment.broker_url.startswith("pgmq://")
    assert ":1/" in environment.broker_url


def test_production_is_read_as_it_is_said(var: dict[str, str]) -> None:
    environment = Environment.read(var | PRODUCTION)
    assert environment.production
    assert environment.database == Database("portal", "app", "se/cret", "db.example", 6432, options={"sslmode": "require"})
    assert environment.database.url == PRODUCTION["DATABASE_URL"]
    assert environment.owner is None
    assert environment.superuser is None
    assert environment.allowed_hosts == (".portal.example.com",)
    assert environment.log_format == "json"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "", "SECRET_KEY must be"),
        ("SECRET_KEY", "x" * 60, "SECRET_KEY must be"),
        ("SECRET_KEY", "django-insecure-" + "abcdefgh" * 6, "SECRET_KEY must be"),
        ("KEY_RING", "", "KEY_RING must be"),
        ("KEY_RING", base64.b64encode(bytes(32)).decode(), "KEY_RING must be"),
        ("KEY_RING", f"{KEY},c2hvcnQ=", "KEY_RING must be"),
        ("KEY_RING", "no base64!", "KEY_RING must be"),
        ("BASE_URL", "", "BASE_URL must be"),
        ("BASE_URL", "portal.example.com", "BASE_URL must be"),
        ("DATABASE_URL", "mysql://app@db/portal", "DATABASE_URL must be"),
        ("DATABASE_URL", "postgresql://app@db:port/portal", "DATABASE_URL is no URL"),
        ("PORT", "http", "PORT must be"),
        ("PORT", "65536", "PORT must be"),
        ("DEBUG", "maybe", "DEBUG must be"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be"),
        ("WEB_WORKERS", "0", "WEB_WORKERS must be"),
    ],
)
def test_production_refuses_what_is_missing_or_wrong(var: dict[str, str], tmp_path: Path, name: str, value: str, sentence: str) -> None:
    with pytest.raises(EnvironmentRefused, match=sentence):
        Environment.read(var | PRODUCTION | {name: value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL"])
def test_an_owner_without_a_database_is_a_slip(var: dict[str, str], name: str) -> None:
    with pytest.raises(EnvironmentRefused, match=f"{name} is set without DATABASE_URL"):
        Environment.read(var | {name: PRODUCTION["DATABASE_URL"]})


def test_a_superuser_is_known_where_he_is_given(var: dict[str, str]) -> None:
    assert Environment.read(var | PRODUCTION).superuser is None
    highest = Environment.read(var | PRODUCTION | {"DATABASE_SUPERUSER_URL": "postgresql://postgres:secret@db:5432/tributary"}).superuser
    assert highest is not None
    assert (highest.user, highest.host) == ("postgres", "db")


def test_the_brokers_client_cannot_take_the_business_database_for_its_own(var: dict[str, str]) -> None:
    environment = Environment.read(var | PRODUCTION | {"BROKER_URL": "pgmq://b:c@queue:5432/broker"})
    assert environment.broker_options["conn_string"] == "postgresql://b:c@queue:5432/broker"
    assert not Environment.read(var | PRODUCTION | {"BROKER_URL": "redis://cache:6379/0"}).broker_options


def test_no_secret_is_printed(var: dict[str, str]) -> None:
    shown = repr(Environment.read(var | PRODUCTION))
    assert PRODUCTION["SECRET_KEY"] not in shown
    assert "se/cret" not in shown
    assert "se%2Fcret" not in shown


def test_a_sockets_folder_survives_the_url() -> None:
    database = Database("portal", "app", "p", "/var/run/pg", 5999)
    assert Database.from_url("X", database.url) == database
