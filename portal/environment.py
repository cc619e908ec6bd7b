"""What the machine says: environment variables, read once into one typed value.

Where ``DATABASE_URL`` is unset, everything that is not said is embedded: the database's address and passwords come
from ``postgres.json`` (:mod:`portal.embedded`), secrets are made and kept in ``VAR_DIR`` with mode 0600, and mail is
written to files. Where it is set, this is production, and nothing secret is guessed: what is missing refuses to start.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from portal import embedded

ROOT = Path(__file__).resolve().parent.parent
# Where no server was prepared yet, a connection fails with this as the place where it looked.
UNPREPARED = "/the embedded database has not been started: run `make demo` or `manage.py up`"
KEY_BYTES = 32
# What is limited -> the variable, and what holds where it is not set: far above what a house of ordinary size asks for.
LIMITS = {
    "requests-of-enterprise": ("LIMIT_ENTERPRISE", "60000/minute"),
    "requests-of-token": ("LIMIT_TOKEN", "60000/minute"),
    "sockets-of-enterprise": ("LIMIT_SOCKETS_ENTERPRISE", "6000/minute"),
    "sockets-of-token": ("LIMIT_SOCKETS_TOKEN", "3000/minute"),
    "sign-ins-of-address": ("LIMIT_SIGN_IN_ADDRESS", "10/minute"),
    "sign-ins-of-account": ("LIMIT_SIGN_IN_ACCOUNT", "5/5minutes"),
}
_RATE = re.compile(r"([0-9]{1,9})/([1-9][0-9]{0,3})?(second|minute|hour)s?")
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
SECRET_LENGTH = 50


class EnvironmentRefused(Exception):
    """A variable is missing or wrong; the sentence names it and says what it must be."""


@dataclass(frozen=True)
class Database:
    """A login to a PostgreSQL database. ``host`` may be the folder of a Unix socket."""

    name: str
    user: str
    password: str = field(repr=False)
    host: str
    port: int = 5432
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_url(cls, variable: str, url: str) -> Database:
        """Read ``postgresql://user:password@host:port/name?sslmode=…``; ``?host=`` may name a socket's folder."""
        try:
            parts = urlsplit(url)
            port = parts.port or 5432
        except ValueError as error:
            raise EnvironmentRefused(f"{variable} is no URL: {error}") from error
        name = unquote(parts.path.lstrip("/"))
        if parts.scheme not in ("postgresql", "postgres") or not name or not parts.username:
            raise EnvironmentRefused(f"{variable} must be postgresql://user:password@host:port/name")
        options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        host = options.pop("host", None) or parts.hostname or "localhost"
        return cls(name, unquote(parts.username), unquote(parts.password or ""), host, port, options)

    @property
    def url(self) -> str:
        """The same as a libpq URL, password included."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in self.options.items())
        if self.host.startswith("/"):
            query = "&".join(filter(None, [f"host={quote(self.host, safe='')}", query]))
            return f"postgresql://{login}@:{self.port}/{quote(self.name, safe='')}?{query}"
        return f"postgresql://{login}@{self.host}:{self.port}/{quote(self.name, safe='')}{'?' if query else ''}{query}"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything that differs between machines; ``docs/operating.md`` has the table of variables."""

    var_dir: Path
    debug: bool
    secret_key: str = field(repr=False)
    key_ring: tuple[bytes, ...] = field(repr=False)
    """Keys of 32 bytes that encrypt the enterprises' signing keys: the first encrypts, all decrypt."""
    embedded_database: bool
    embedded_broker: bool
    database: Database
    """The login of web and worker: owns nothing."""
    owner: Database | None
    """The login that migrates and provisions, where it was given."""
    superuser: Database | None
    """For what not even the owner may do, where it was given: to take built-in functions from PUBLIC."""
    prepared_statements: bool
    """Whether the database plans a repeated statement once a connection; a pooler in between may not bear that."""
    broker_url: str = field(repr=False)
    broker_options: Mapping[str, object] = field(repr=False)
    redis_url: str | None = field(repr=False)
    email_url: str = field(repr=False)
    host: str
    port: int
    base_url: str
    allowed_hosts: tuple[str, ...]
    log_format: str
    web_workers: int
    web_threads: int
    worker_threads: int
    limits: Mapping[str, tuple[int, float]]
    """What is limited: how many at most, in how many seconds; 0 is no limit."""
    open_to_invited: bool
    """Whether whoever a partner invites by mail may bring in an enterprise of his own, without an operator."""
    trusted_proxies: int
    """How many proxies of one's own stand in front: so many of the last addresses of X-Forwarded-For are believed."""

    @property
    def production(self) -> bool:
        """Whether the database is somebody's, and not the embedded one."""
        return not self.embedded_database

    @property
    def postgres(self) -> embedded.EmbeddedPostgres:
        """The embedded server of this ``var_dir``, running or not."""
        return embedded.EmbeddedPostgres(self.var_dir / "postgres", self.var_dir / "log" / "postgres.log")

    @classmethod
    def read(cls, source: Mapping[str, str] | None = None) -> Environment:
        """Read ``source`` (by default the process's environment); nothing is started and nothing connected to.

        Raises:
            EnvironmentRefused: for a value that is wrong, or one that production cannot do without.
        """
        given = {key: value for key, value in (os.environ if source is None else source).items() if value}
        var_dir = Path(given.get("VAR_DIR", ROOT / "var")).resolve()
        record = embedded.Record.read(var_dir / "postgres.json")
        port = number(given, "PORT", 8000, 1, 65535)
        production = "DATABASE_URL" in given
        base_url = _base_url(given, production, port)
        database, owner, superuser = _databases(given, record)
        broker_url, broker_options = _broker(given, record)
        return cls(
            var_dir=var_dir,
            debug=switch(given, "DEBUG"),
            secret_key=_secret_key(given, production, var_dir),
            key_ring=_key_ring(given, production, var_dir),
            embedded_database=not production,
            embedded_broker="BROKER_URL" not in given,
            database=database,
            owner=owner,
            superuser=superuser,
            prepared_statements=switch(given, "PREPARED_STATEMENTS", "0" if production else "1"),
            broker_url=broker_url,
            broker_options=broker_options,
            redis_url=given.get("REDIS_URL"),
            email_url=_email_url(given, production, var_dir),
            host=given.get("HOST", "127.0.0.1"),
            port=port,
            base_url=base_url,
            allowed_hosts=_allowed_hosts(given, base_url),
            log_format=choice(given, "LOG_FORMAT", ("json", "plain"), "json" if production else "plain"),
            web_workers=number(given, "WEB_WORKERS", 2, 1, 64),
            web_threads=number(given, "WEB_THREADS", 8, 1, 256),
            worker_threads=number(given, "WORKER_THREADS", 4, 1, 64),
            limits={kind: limit(given, name, default) for kind, (name, default) in LIMITS.items()},
            open_to_invited=switch(given, "OPEN_TO_INVITED", "1"),
            trusted_proxies=number(given, "TRUSTED_PROXIES", 0, 0, 9),
        )


def number(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """The whole number that ``name`` says, from ``least`` to ``most``."""
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise EnvironmentRefused(f"{name} must be a number from {least} to {most}, not {text!r}")
    return int(text)


def limit(given: Mapping[str, str], name: str, default: str) -> tuple[int, float]:
    """How many in how many seconds ``name`` allows, said as ``600/minute`` or ``5/10minutes``; ``0`` is no limit."""
    text = given.get(name, default)
    if text == "0":
        return 0, 1.0
    found = _RATE.fullmatch(text)
    if found is None:
        raise EnvironmentRefused(f"{name} must be as 600/minute, 5/10minutes or 0, not {text!r}")
    return int(found[1]), int(found[2] or 1) * _UNITS[found[3]]


def switch(given: Mapping[str, str], name: str, default: str = "0") -> bool:
    """Whether ``name`` is on; off where it is not said, unless ``default`` says otherwise."""
    text = given.get(name, default).lower()
    if text not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise EnvironmentRefused(f"{name} must be 1 or 0, not {text!r}")
    return text in ("1", "true", "yes", "on")


def choice(given: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    """The one of ``allowed`` that ``name`` says."""
    text = given.get(name, default)
    if text not in allowed:
        raise EnvironmentRefused(f"{name} must be {' or '.join(allowed)}, not {text!r}")
    return text


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text kept in ``path`` (mode 0600), made at the first asking; several who ask at once get the same."""
    while not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(make())
        try:
            os.link(name, path)
        except FileExistsError:
            pass  # Another process was first, and its text is the one that counts.
        finally:
            os.unlink(name)
    return path.read_text("utf-8").strip()


def _secret_key(given: Mapping[str, str], production: bool, var_dir: Path) -> str:
    if "SECRET_KEY" not in given and not production:
        return kept(var_dir / "secret", lambda: secrets.token_urlsafe(48))
    key = given.get("SECRET_KEY", "")
    if len(key) < SECRET_LENGTH or len(set(key)) < 5 or key.startswith("django-insecure-"):
        raise EnvironmentRefused(f"SECRET_KEY must be a random text of at least {SECRET_LENGTH} characters")
    return key


def _key_ring(given: Mapping[str, str], production: bool, var_dir: Path) -> tuple[bytes, ...]:
    text = given.get("KEY_RING", "")
    if not text and not production:
        text = kept(var_dir / "keyring", lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    try:
        keys = tuple(base64.b64decode(part.strip(), validate=True) for part in text.split(","))
    except binascii.Error:
        keys = ()
    if not keys or any(len(key) != KEY_BYTES or len(set(key)) < 5 for key in keys):
        raise EnvironmentRefused("KEY_RING must be one or more keys of 32 random bytes in base64, separated by commas")
    return keys


PRIVILEGED = ("DATABASE_OWNER_URL", "DATABASE_SUPERUSER_URL")


def _databases(given: Mapping[str, str], record: embedded.Record | None) -> tuple[Database, Database | None, Database | None]:
    if "DATABASE_URL" in given:
        owner, superuser = (Database.from_url(name, given[name]) if name in given else None for name in PRIVILEGED)
        return Database.from_url("DATABASE_URL", given["DATABASE_URL"]), owner, superuser
    if alone := next((name for name in PRIVILEGED if name in given), None):
        raise EnvironmentRefused(f"{alone} is set without DATABASE_URL")
    app, owner_login, highest = (_embedded_login(record, role) for role in (embedded.APP, embedded.OWNER, embedded.SUPERUSER))
    return app, owner_login, highest


def _embedded_login(record: embedded.Record | None, role: str) -> Database:
    if record is None:
        return Database(embedded.DATABASE, role, "", UNPREPARED)
    host = record.socket_folder or embedded.HOST
    return Database(embedded.DATABASE, role, record.passwords[role], host, record.port)


def _broker(given: Mapping[str, str], record: embedded.Record | None) -> tuple[str, Mapping[str, object]]:
    url = given.get("BROKER_URL")
    if url is None:
        if record is None:
            # An address where nobody is: a task is refused, not lost.
            return f"pgmq://{embedded.BROKER}:unprepared@{embedded.HOST}:1/{embedded.BROKER_DATABASE}", {}
        url = embedded.dsn(record, embedded.BROKER, embedded.BROKER_DATABASE).replace("postgresql:", "pgmq:", 1)
    scheme, _, rest = url.partition("://")
    if scheme != "pgmq":
        return url, {}
    # Without `conn_string` the transport's client would take a DATABASE_URL that it finds in the environment for the
    # broker's. A task whose worker died comes again after `visibility_timeout` seconds.
    return url, {
        "conn_string": f"postgresql://{rest}",
        "init_extension": False,
        "use_notify": True,
        "visibility_timeout": 300,
        "wait_time_seconds": 0,
        "polling_interval": 1,
        "pool_size": 4,
    }


def _email_url(given: Mapping[str, str], production: bool, var_dir: Path) -> str:
    if "EMAIL_URL" in given or production:
        return given.get("EMAIL_URL", "smtp://localhost:25")
    return f"filemail:///{quote(str(var_dir / 'mail'))}"


def _base_url(given: Mapping[str, str], production: bool, port: int) -> str:
    url = given.get("BASE_URL", "" if production else f"http://localhost:{port}").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise EnvironmentRefused("BASE_URL must be the portal's address, such as https://portal.example.com")
    return url


def _allowed_hosts(given: Mapping[str, str], base_url: str) -> tuple[str, ...]:
    if "ALLOWED_HOSTS" in given:
        return tuple(host for text in given["ALLOWED_HOSTS"].split(",") if (host := text.strip()))
    name = urlsplit(base_url).hostname or ""
    return (f".{name}", "127.0.0.1", "[::1]") if name == "localhost" else (f".{name}",)
