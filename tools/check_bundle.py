#!/usr/bin/env python3
"""Check what `manage.py verify --export DIR` wrote, without the portal and without its database.

    python3 check_bundle.py DIR [OTHER_DIR …] [--key FINGERPRINT …]

It needs Python 3.10 and the package `cryptography`, and asks nobody. In a bundle lie, for each channel from one enterprise to another,

    FROM.TO.jsonl            its envelopes, a line each: digest = SHA-256(body + the digest before), signature = Ed25519 over the digest by the sender
    FROM.TO.receipts.jsonl   what the receiver signed for, each time that it took envelopes in: channel, number and digest of the last of them
    keys.jsonl               the public keys of both
    statement.NAME.json      how far each of its channels goes, signed by the enterprise NAME that made the bundle

Every row that was changed, dropped, inserted or moved, and every tail that was cut, is named on standard error, and the exit status is 1.
Several folders (of both parties, say) are also compared with one another. Whose the keys are no file can prove: compare the fingerprints that
are printed with your partner's own (Settings, Keys), or give them with --key; then every other key is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Row = dict[str, Any]
IDS = {"id", "channel", "sender", "receiver", "key", "enterprise"}
BYTES = {"digest", "signature", "public"}
ENVELOPE = ("channel", "seq", "sender", "receiver", "kind", "key", "body", "digest", "signature")
RECEIPT = ("channel", "seq", "receiver", "at", "key", "digest", "signature")
KEY = ("id", "enterprise", "public", "created_at", "retired_at")
SAID = ("channel", "seq", "sender", "receiver", "kind")
STATED = {"bundle", "enterprise", "slug", "at", "channels", "keys"}
STATED_CHANNEL = {"channel", "sender", "receiver", "file", "head", "digest", "receipts", "receipts_digest"}


class Broken(ValueError):
    """A row that is not as the portal writes it; the text says why."""


class Chain(NamedTuple):
    """A channel as a bundle holds it: the digests by number, and the receipts."""

    channel: str
    digests: dict[int, str]
    receipts: list[Row]


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no white space."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def read(line: str, names: Sequence[str]) -> Row:
    """One row, exactly as the portal writes it: a change of which nothing would follow is a change still."""
    try:
        row = json.loads(line)
    except ValueError:
        raise Broken("cannot be read") from None
    if not isinstance(row, dict) or tuple(row) != tuple(names) or json.dumps(row, ensure_ascii=False, separators=(",", ":")) != line:
        raise Broken("is not as the portal writes a row")
    for name, value in row.items():
        if name == "seq" and (not isinstance(value, int) or isinstance(value, bool)):
            raise Broken("has no number")
        if name != "seq" and not (isinstance(value, str) or (value is None and name == "retired_at")):
            raise Broken(f"has no text as its {name}")
        try:
            sound = (name not in IDS or str(uuid.UUID(value)) == value) and (name not in BYTES or bytes.fromhex(value).hex() == value)
        except ValueError:
            sound = False
        if not sound:
            raise Broken(f"has a {name} that is none")
    return row


def lines(path: Path) -> list[str]:
    """The lines of a file; a last one that does not end counts, and will be found broken."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    return text[:-1].split("\n") if text.endswith("\n") else (text + "\r").split("\n") if text else []


class Keys:
    """The public keys of a bundle."""

    def __init__(self, path: Path) -> None:
        self.lines: dict[str, str] = {}
        self.rows: dict[str, Row] = {}
        self.faults: list[str] = []
        for number, line in enumerate(lines(path) if path.exists() else [], 1):
            try:
                row = read(line, KEY)
            except Broken as broken:
                self.faults.append(f"{path.name}: line {number} {broken}")
                continue
            if row["id"] in self.rows:
                self.faults.append(f"{path.name}: line {number}: the key {row['id']} stands twice")
            self.rows[row["id"]], self.lines[row["id"]] = row, line

    def signed(self, key: str, owner: str, message: bytes, signature: str) -> bool:
        """Whether this owner's key made this signature."""
        row = self.rows.get(key)
        if row is None or row["enterprise"] != owner:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(row["public"])).verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def fingerprint(public: str) -> str:
    """SHA-256 of the key, in groups of four, as the portal shows it."""
    digits = hashlib.sha256(bytes.fromhex(public)).hexdigest()
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


class Bundle:
    """One folder. faults: everything that is wrong with it, a sentence each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = Keys(folder / "keys.jsonl")
        self.faults: list[str] = list(self.keys.faults)
        self.chains: dict[str, Chain] = {}
        for path in sorted(folder.glob("*.jsonl")):
            if path.name != "keys.jsonl" and not path.name.endswith(".receipts.jsonl"):
                self.chains[path.name[: -len(".jsonl")]] = self._chain(path)
        for path in sorted(folder.glob("*.receipts.jsonl")):
            if path.name[: -len(".receipts.jsonl")] not in self.chains:
                self.faults.append(f"{path.name}: its channel is not here")
        self._statements()

    def _chain(self, path: Path) -> Chain:
        digests: dict[int, str] = {}
        parties: set[tuple[str, str, str]] = set()
        expected = 1
        previous: str | None = ""
        for number, line in enumerate(lines(path), 1):
            try:
                row = read(line, ENVELOPE)
            except Broken as broken:
                self.faults.append(f"{path.name}: line {number}, envelope {expected} by its place, {broken}")
                expected, previous = expected + 1, None
                continue
            seq = row["seq"]
            if seq < expected:
                self.faults.append(f"{path.name}: line {number}: envelope {seq} stands again, or out of its order")
                continue
            if seq > expected:
                missing = f"envelope {expected} is" if seq == expected + 1 else f"envelopes {expected} to {seq - 1} are"
                self.faults.append(f"{path.name}: line {number}: {missing} missing before envelope {seq}")
                previous = None
            self.faults += [f"{path.name}: envelope {seq}: {fault}" for fault in self._envelope(row, previous)]
            parties.add((row["channel"], row["sender"], row["receiver"]))
            digests[seq], previous, expected = row["digest"], row["digest"], seq + 1
        if len(parties) > 1:
            self.faults.append(f"{path.name}: its envelopes are of several channels")
        channel, receiver = (next(iter(parties))[0], next(iter(parties))[2]) if parties else ("", "")
        return Chain(channel, digests, self._receipts(path.with_name(f"{path.name[: -len('.jsonl')]}.receipts.jsonl"), channel, receiver, digests))

    def _envelope(self, row: Row, previous: str | None) -> Iterator[str]:
        body = row["body"].encode()
        try:
            said = json.loads(body)
            differing = [name for name in SAID if said.get(name) != row[name]]
        except (ValueError, AttributeError):
            differing = ["body"]
        if differing:
            yield f"its row differs from what was said: {', '.join(differing)}"
        if previous is not None and hashlib.sha256(body + bytes.fromhex(previous)).hexdigest() != row["digest"]:
            yield "its digest does not fit its body and the envelope before it"
        if not self.keys.signed(row["key"], row["sender"], bytes.fromhex(row["digest"]), row["signature"]):
            yield "the signature is not the sender's"

    def _receipts(self, path: Path, channel: str, receiver: str, digests: dict[int, str]) -> list[Row]:
        found: list[Row] = []
        for number, line in enumerate(lines(path) if path.exists() else [], 1):
            try:
                row = read(line, RECEIPT)
            except Broken as broken:
                self.faults.append(f"{path.name}: line {number} {broken}")
                continue
            name = f"{path.name}: line {number}, the receipt for envelope {row['seq']}"
            if found and row["seq"] <= found[-1]["seq"]:
                self.faults.append(f"{name}, stands again, or out of its order")
            if row["seq"] not in digests:
                self.faults.append(f"{name}: the receiver signed for it, and the envelope is not here: the tail was cut, or a row dropped")
            elif digests[row["seq"]] != row["digest"]:
                self.faults.append(f"{name}: the receiver signed for another envelope than the one that is here")
            message = canonical({"receipt": "taken", **{part: row[part] for part in ("at", "channel", "digest", "receiver", "seq")}})
            if (row["channel"], row["receiver"]) != (channel or row["channel"], receiver or row["receiver"]):
                self.faults.append(f"{name}, is of another channel")
            if not self.keys.signed(row["key"], row["receiver"], message, row["signature"]):
                self.faults.append(f"{name}: the signature is not the receiver's")
            found.append(row)
        return found

    def _statements(self) -> None:
        covered: set[str] = set()
        known: set[str] = set()
        paths = sorted(self.folder.glob("statement.*.json"))
        for path in paths:
            stated = self._statement(path)
            for channel in stated.get("channels", []):
                covered.add(channel["file"])
                self.faults += [f"{channel['file']}: {fault}, as {path.name} says" for fault in self._as_stated(channel)]
            for key, digest in stated.get("keys", {}).items():
                known.add(key)
                if hashlib.sha256(self.keys.lines.get(key, "").encode()).hexdigest() != digest:
                    self.faults.append(f"keys.jsonl: the key {key} is not as {path.name} says, or is missing")
        if not paths:
            self.faults.append("there is no statement: nobody says how far the channels go")
        self.faults += [f"{name}: no statement is about it" for name in sorted(set(self.chains) - covered)]
        self.faults += [f"keys.jsonl: no statement is about the key {key}" for key in sorted(set(self.keys.rows) - known)]

    def _statement(self, path: Path) -> Row:
        try:
            text = path.read_text("utf-8")
            whole = json.loads(text)
            stated: Row = whole["statement"]
            sound = canonical(whole).decode() + "\n" == text and set(whole) == {"statement", "key", "signature"} and set(stated) == STATED
            sound = sound and all(set(channel) == STATED_CHANNEL for channel in stated["channels"]) and path.name == f"statement.{stated['slug']}.json"
            sound = sound and bytes.fromhex(whole["signature"]).hex() == whole["signature"]
            sound = sound and self.keys.signed(whole["key"], stated["enterprise"], canonical(stated), whole["signature"])
        except (ValueError, KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            self.faults.append(f"{path.name}: it is not as the enterprise signed it")
            return {}
        return stated

    def _as_stated(self, channel: Row) -> Iterator[str]:
        chain = self.chains.get(channel["file"])
        if chain is None:
            yield "the file is missing"
            return
        head = channel["head"]
        if head and (chain.channel and chain.channel != channel["channel"]):
            yield "it is of another channel"
        last = max(chain.digests, default=0)
        if last < head:
            yield f"it ends with envelope {last}, and the tail to {head} was cut"
        elif head and chain.digests.get(head) != channel["digest"]:
            yield f"envelope {head} is another one, or missing"
        path = self.folder / f"{channel['file']}.receipts.jsonl"
        text = lines(path)[: channel["receipts"]] if path.exists() else []
        if hashlib.sha256("\n".join(text).encode()).hexdigest() != channel["receipts_digest"]:
            yield f"its first {channel['receipts']} receipts are others"

    def summary(self) -> Iterator[str]:
        """A line a channel, and a line a key."""
        for name, chain in self.chains.items():
            signed = chain.receipts[-1]["seq"] if chain.receipts else 0
            yield f"{name}: {len(chain.digests)} envelopes; the receiver signed for {signed} of them in {len(chain.receipts)} receipts"
        for row in self.keys.rows.values():
            yield f"key {row['id']} of {row['enterprise']}: {fingerprint(row['public'])}"


def compare(one: Bundle, other: Bundle) -> Iterator[str]:
    """Where two bundles tell of the same channel, one must go on where the other ends."""
    for name in sorted(set(one.chains) & set(other.chains)):
        here, there = one.chains[name].digests, other.chains[name].digests
        for seq in sorted(set(here) & set(there)):
            if here[seq] != there[seq]:
                yield f"{name}: from envelope {seq} on {one.folder} and {other.folder} hold different channels"
                break
        for mine, bundle in ((here, other), (there, one)):
            signed = [row["seq"] for row in bundle.chains[name].receipts]
            if signed and max(signed) > max(mine, default=0):
                yield f"{name}: {bundle.folder} has a receipt for envelope {max(signed)}, and the other folder ends before it"


def main(given: Sequence[str] | None = None) -> int:
    """Check the folders; 0 where everything holds."""
    parser = argparse.ArgumentParser(description="Check a bundle of the channels between two enterprises, without the portal.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--key", action="append", default=[], metavar="FINGERPRINT", help="a key that is known; then no other is taken")
    options = parser.parse_args(given)
    trusted = {text.replace(" ", "").lower() for text in options.key}
    bundles = [Bundle(folder) for folder in options.folders]
    faults: list[str] = []
    for bundle in bundles:
        for line in bundle.summary():
            print(line)
        faults += [f"{bundle.folder}: {fault}" for fault in bundle.faults]
        strange = [row for row in bundle.keys.rows.values() if trusted and fingerprint(row["public"]).replace(" ", "") not in trusted]
        faults += [f"{bundle.folder}: the key {row['id']} of {row['enterprise']} is none of those that you gave" for row in strange]
    for position, one in enumerate(bundles):
        for other in bundles[position + 1 :]:
            faults += list(compare(one, other))
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults" if faults else "Everything holds.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
