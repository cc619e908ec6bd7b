"""What must hold after whatever was done to the processes: each finding is one sentence, and there must be none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from tests.faults.chains import Book
from tests.faults.stage import Cast, Member, Stage

DRAINED = 30.0
# Seconds for a look at everything that was ever said: by night that is some two hundred thousand envelopes, on a machine that does more.
VERIFYING = 3600.0

_CHANNELS = "exchange_channel c LEFT JOIN exchange_cursor u ON u.channel_id = c.id WHERE c.sender_id = ANY(%s::uuid[]) AND c.receiver_id = ANY(%s::uuid[])"


def undelivered(stage: Stage, cast: Cast) -> int:
    """How many envelopes between these enterprises wait to be delivered."""
    ids = [member.id for member in cast.members]
    return int(stage.ask(f"SELECT coalesce(sum(c.head - coalesce(u.delivered, 0)), 0) AS n FROM {_CHANNELS}", [ids, ids])[0]["n"])


def drained(stage: Stage, cast: Cast, *, since: float, longest: float = DRAINED) -> tuple[float, list[str]]:
    """Wait until nothing is on its way. Gives the seconds since `since` (monotonic), and a finding where it takes longer than it may."""
    while waiting := undelivered(stage, cast):
        if still := stage.ask(f"SELECT u.reason FROM {_CHANNELS} AND u.halted_at IS NOT NULL", [[m.id for m in cast.members]] * 2):
            return time.monotonic() - since, [f"a channel stands still: {row['reason']}" for row in still]
        if time.monotonic() > since + longest:
            return longest, [f"{waiting} envelopes were not delivered within {longest:.0f} s"]
        time.sleep(0.1)
    return time.monotonic() - since, []


def reckon(stage: Stage, cast: Cast, book: Book, *, verify: bool = True) -> list[str]:
    """Everything that was told stands, once; the log is whole; both sides say the same; `verify` agrees."""
    found = list(book.broken)
    found += _entered(stage, book)
    found += [finding for member in cast.members for finding in _made(stage, member, book)]
    found += _log(stage, cast)
    found += [finding for pair in {(p.buyer, p.seller) for p in cast.pairs} for finding in _same(stage, *pair)]
    # The long way round is gone where the short one has found nothing.
    return found or (_verified(stage, cast.members) if verify else [])


def _entered(stage: Stage, book: Book) -> list[str]:
    found = []
    for schema in {member.schema for member, _type in book.entered.values()}:
        rows = stage.ask(f'SELECT id::text AS id, type FROM "{schema}".documents_document')
        standing = {(row["id"], row["type"]) for row in rows}
        told = {(uid, type) for uid, (member, type) in book.entered.items() if member.schema == schema}
        found += [f"{type} {uid} was told to {schema} and does not stand" for uid, type in sorted(told - standing)]
    return found


def _made(stage: Stage, member: Member, book: Book) -> list[str]:
    """Each move that a client was told of stands in the history as often as he was told: not lost, not doubled; and none of which he was not."""
    rows = stage.ask(
        f'SELECT document_id::text AS document, move, count(*) AS n FROM "{member.schema}".documents_step '
        "WHERE own AND by_id IS NOT NULL AND by = 'Tests' GROUP BY 1, 2"
    )
    made = Counter({(member.slug, row["document"], row["move"]): row["n"] for row in rows})
    tried = {key for key in book.tried if key[0] == member.slug}
    return [f"{key}: told {book.told[key]} times, made {made[key]} times" for key in sorted(tried) if book.told[key] != made[key]]


def _log(stage: Stage, cast: Cast) -> list[str]:
    """The numbers of each channel have no gap and no double, all was taken, nothing stands still, and each envelope is one step in both homes."""
    ids = [member.id for member in cast.members]
    rows = stage.ask(
        "SELECT s.slug AS sender, r.slug AS receiver, c.head, u.delivered, u.reason, e.n, e.least, e.most FROM exchange_channel c "
        "JOIN tenants_enterprise s ON s.id = c.sender_id JOIN tenants_enterprise r ON r.id = c.receiver_id LEFT JOIN exchange_cursor u ON u.channel_id = c.id "
        "CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(min(seq), 1) AS least, coalesce(max(seq), 0) AS most FROM exchange_envelope "
        "WHERE channel_id = c.id) e WHERE c.sender_id = ANY(%s::uuid[]) AND c.receiver_id = ANY(%s::uuid[])",
        [ids, ids],
    )
    found = []
    for row in rows:
        name = f"{row['sender']} → {row['receiver']}"
        if (row["n"], row["least"], row["most"]) != (row["head"], 1, row["head"]):
            found.append(f"{name}: the log holds {row['n']} envelopes, {row['least']} to {row['most']}, of {row['head']}")
        if row["delivered"] != row["head"] and row["head"]:
            found.append(f"{name}: {row['delivered']} of {row['head']} were taken; {row['reason']}")
    return found + [finding for member in cast.members for finding in (*_steps(stage, member, ids), *out_of_order(stage, member))]


def _steps(stage: Stage, member: Member, ids: Sequence[str]) -> list[str]:
    """Every envelope from or to this enterprise is exactly one step in its home."""
    said = (
        "SELECT convert_from(body, 'UTF8')::jsonb -> 'content' ->> 'step' AS step, count(*) AS n FROM exchange_envelope "
        "WHERE (sender_id = %s OR receiver_id = %s) AND sender_id = ANY(%s::uuid[]) AND receiver_id = ANY(%s::uuid[]) GROUP BY 1"
    )
    rows = stage.ask(
        f'SELECT e.step, e.n AS said, count(s.id) AS made FROM ({said}) e LEFT JOIN "{member.schema}".documents_step s ON s.id::text = e.step '
        "GROUP BY 1, 2 HAVING e.n <> 1 OR count(s.id) <> 1 LIMIT 20",
        [member.id, member.id, ids, ids],
    )
    return [f"{member.slug}: what was said as step {row['step']} was said {row['said']} times and stands {row['made']} times" for row in rows]


def out_of_order(stage: Stage, member: Member) -> list[str]:
    """What a partner said of a document was taken in as he said it: by position, his envelopes rise."""
    rows = stage.ask(
        "SELECT document_id::text AS document, position, envelope, earlier FROM (SELECT document_id, position, envelope, "
        "lag(envelope) OVER (PARTITION BY document_id ORDER BY position) AS earlier "
        f'FROM "{member.schema}".documents_step WHERE NOT own AND envelope IS NOT NULL) s WHERE envelope <= earlier LIMIT 20'
    )
    return [f"{member.slug}: {row['document']} took in {row['envelope']} as step {row['position']}, after {row['earlier']}" for row in rows]


_HEAD = "type, number, issuer_id, state, currency, note, amount, line_count, issued_on, due_on"


def _same(stage: Stage, buyer: Member, seller: Member) -> list[str]:
    """Both sides of each document that has crossed say the same."""
    sides = [f'SELECT id, own_said, partner_said, {_HEAD} FROM "{m.schema}".documents_document WHERE partner_id = %s' for m in (buyer, seller)]
    rows = stage.ask(
        f"SELECT coalesce(b.id, s.id)::text AS id, b.state AS here, s.state AS there FROM ({sides[0]}) b FULL JOIN ({sides[1]}) s ON s.id = b.id "
        "WHERE (b.id IS NULL AND s.own_said + s.partner_said > 0) OR (s.id IS NULL AND b.own_said + b.partner_said > 0) OR "
        "(b.id IS NOT NULL AND s.id IS NOT NULL AND (b.own_said, b.partner_said, "
        + ", ".join(f"b.{name.strip()}" for name in _HEAD.split(","))
        + ") IS DISTINCT FROM (s.partner_said, s.own_said, "
        + ", ".join(f"s.{name.strip()}" for name in _HEAD.split(","))
        + "))",
        [seller.id, buyer.id],
    )
    return [f"{row['id']}: {row['here']} at {buyer.slug}, {row['there']} at {seller.slug}" for row in rows]


def _verified(stage: Stage, members: Sequence[Member]) -> list[str]:
    """`manage.py verify`: every digest, every signature, every projection."""
    found = []
    for member in members[:: 1 if len(members) < 3 else len(members)]:
        done = stage.run("manage.py", "verify", *(["--enterprise", member.slug] if len(members) < 3 else []), seconds=VERIFYING)
        if done.returncode:
            found += [f"verify: {line}" for line in (done.stderr or done.stdout).splitlines()]
    return found


def tiers(stage: Stage, cast: Cast, book: Book) -> Counter[int]:
    """How many promises that a client took went through how many tiers: each was taken at the next one for the sake of the one before it."""
    taken: set[str] = set()
    children: dict[str, list[str]] = {}
    for schema in sorted({member.schema for member in cast.members}):
        steps = stage.ask(f"SELECT document_id::text AS id FROM \"{schema}\".documents_step WHERE own AND move = 'commit' AND NOT overruled")
        taken |= {row["id"] for row in steps}
        for row in stage.ask(f'SELECT document::text AS id, parent_id::text AS parent FROM "{schema}".scheduling_promise WHERE parent_id IS NOT NULL'):
            children.setdefault(row["parent"], []).append(row["id"])

    def depth(document: str) -> int:
        return 1 + max(map(depth, children.get(document, ())), default=0) if document in taken else 0

    return Counter(depth(document) for _slug, document, move in book.told if move == "commit")
