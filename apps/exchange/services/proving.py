"""A bundle that proves the acting enterprise's channels without the portal; `tools/check_bundle.py`, which goes with it, checks it."""

import datetime as dt
import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction

from apps.base import acting
from apps.exchange import selectors
from apps.exchange.services import keys
from apps.exchange.services.chaining import canonical

CHECKER = "check_bundle.py"


def export(*, folder: Path, at: dt.datetime) -> None:
    """Write the channels, receipts and public keys of the acting enterprise at one moment, its signed statement of them, and the checker.

    A folder may hold the bundles of several enterprises: each has a statement of its own, and a channel's file goes as far as the last of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    me = acting.home()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        channels = [_channel(folder, channel) for channel in selectors.exported_channels()]
        known = {key["id"]: orjson.dumps(key) for key in selectors.exported_keys()}
        statement = {
            "bundle": 1,
            "enterprise": str(me.id),
            "slug": me.slug,
            "at": at.isoformat(),
            "channels": channels,
            "keys": {id: hashlib.sha256(line).hexdigest() for id, line in known.items()},
        }
        key, signature = keys.sign(canonical(statement))
    _keys(folder / "keys.jsonl", known)
    whole = {"statement": statement, "key": str(key), "signature": signature.hex()}
    (folder / f"statement.{me.slug}.json").write_bytes(canonical(whole) + b"\n")
    shutil.copyfile(settings.ROOT / "tools" / CHECKER, folder / CHECKER)


def _channel(folder: Path, channel: selectors.ExportedChannel) -> dict[str, Any]:
    """Write a channel's envelopes and receipts; what the statement says of it."""
    name = f"{channel.sender_slug}.{channel.receiver_slug}"
    _write(folder / f"{name}.jsonl", selectors.exported_envelopes(channel=channel.id))
    receipts, receipts_digest = _write(folder / f"{name}.receipts.jsonl", selectors.exported_receipts(channel=channel.id))
    return {
        "channel": str(channel.id),
        "sender": str(channel.sender_id),
        "receiver": str(channel.receiver_id),
        "file": name,
        "head": channel.head,
        "digest": channel.digest.hex(),
        "receipts": receipts,
        "receipts_digest": receipts_digest,
    }


def _keys(path: Path, known: Mapping[str, bytes]) -> None:
    """Add keys to those of other enterprises' bundles in the same folder."""
    there = {orjson.loads(line)["id"]: line for line in path.read_bytes().splitlines()} if path.exists() else {}
    path.write_bytes(b"".join(line + b"\n" for line in {**there, **known}.values()))


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    """Write rows as JSON lines. Gives how many, and the SHA-256 of all lines."""
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as file:
        for row in rows:
            line = orjson.dumps(row)
            file.write(line + b"\n")
            digest.update(line if count == 0 else b"\n" + line)
            count += 1
    return count, digest.hexdigest()
