"""The exchange, simulated: six enterprises, whose homes are a fake database, say to one another what the declarations allow, at random.

What is decided is decided by the product: the engine (`folding`, `wording`, `moving.read_body`), the chain (`chaining.link`), the lift (`lifting`), retries
(`retrying.persist`) and what is kept for repetitions (`keeping.answer_of`). One seed gives moves, outcomes of transactions, the network and the clock.
Transactions come one after the other, as the locks on heads, cursors and documents let them; that these hold is tried on the real database.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import OperationalError

from apps.documents.services import counting, folding, keeping, moving, wording
from apps.documents.services.folding import Content, NotAllowed, Said
from apps.documents.services.moving import Unacceptable
from apps.documents.vocabulary import OTHER, DocumentType, Move
from apps.exchange.services import chaining, lifting
from apps.exchange.services.lifting import Lane, Reached, Stuck, Taken
from apps.network.selectors import NoPartner
from apps.tenants import boundary
from tests.faults import conserving, saying
from tests.faults.rows import Cursor, Head, Kept, Request, Row, Step, View, Way, Ways
from tests.faults.saying import TRADE
from tests.faults.world import Crash, Database

T = TypeVar("T")
ENTERPRISES = [uuid.UUID(int=0xE0000000 + number) for number in range(6)]
"""By their numbers, which name them here; their ids stand in what they say."""
BROKEN, APART = "nothing can be read here for now", "they have not agreed"
PROCESSES = 4
EPISODE = 4000
"""Steps after which everything comes to rest and is compared."""
SIGNED_IN_FULL = 64
"""One of so many envelopes is signed with Ed25519, the others with a keyed hash: a signature takes as long as ten steps."""


_blank, _set = uuid.UUID.__new__, object.__setattr__


class Anomaly(AssertionError):
    """What must not happen has happened."""


class Inbound(Lane):
    """A channel as its receiver finds it in the fake database."""

    def __init__(self, world: Simulation, sender: int, receiver: int) -> None:
        self.world, self.db, self.sender, self.receiver = world, world.db, sender, receiver
        self.way = (sender, receiver)

    def key(self) -> tuple[int, int]:
        return self.way

    def whole(self, work: Callable[[], T]) -> T:
        return self.db.whole(work)

    def reach(self) -> Reached | None:
        if self.db.get(("head", self.way)) is None:
            return None
        found = self.db.get(("cursor", self.way)) or Cursor()
        return Reached(ENTERPRISES[self.receiver], self.world.channels[self.way], found.delivered, found.digest)

    def following(self, reached: Reached, *, upto: int | None, limit: int) -> Sequence[Taken]:
        last = reached.delivered + limit
        return self.db.series(("envelope", self.way), reached.delivered + 1, last if upto is None else min(last, upto))

    def need_agreement(self, document_type: str, seq: int) -> None:
        if self.world.apart(*self.way):
            raise Stuck(seq, APART)

    def signed(self, envelope: Taken) -> bool:
        return self.world.is_signed(envelope, self.sender)

    def accept(self, envelope: Taken, body: dict[str, Any]) -> None:
        self.world.accept(self.receiver, self.sender, envelope.seq, body["content"])

    def advance(self, reached: Reached) -> None:
        self.db.put(("cursor", self.way), Cursor(reached.delivered, reached.digest))

    def halt(self, reached: Reached, reason: str) -> None:
        found = self.db.get(("cursor", self.way)) or Cursor()
        self.db.put(("cursor", self.way), replace(found, halted_at=found.halted_at or self.world.now, reason=reason, attempts=found.attempts + 1))


class Simulation:
    """The network, and the book of what must come of it. Each step is one event: a request, its repetition, a delivery, a sweep, a crash, a while."""

    def __init__(self, seed: int) -> None:
        self.seed, self.chance = seed, random.Random(seed)
        self.db = Database(self.chance, self.committed)
        self.now = dt.datetime(2027, 1, 4, 9, 30, tzinfo=dt.UTC)
        self.random, self.bits = self.chance.random, self.chance.getrandbits
        self.channels = {way: uuid.UUID(int=0xC0000000 + number) for number, way in enumerate([*TRADE, *((seller, buyer) for buyer, seller in TRADE)])}
        self.lanes = {way: Inbound(self, *way) for way in self.channels}
        self.keys = [Ed25519PrivateKey.from_private_bytes(hashlib.sha256(enterprise.bytes).digest()) for enterprise in ENTERPRISES]
        self.secrets = [enterprise.bytes * 2 for enterprise in ENTERPRISES]
        self.tasks: list[tuple[int, Way, int]] = []
        self.visited: tuple[uuid.UUID, ...] = ()
        self.waiting: frozenset[uuid.UUID] = frozenset()
        self.turn = 0
        self.suspended: set[Way] = set()
        self.broken: set[int] = set()
        self.steps = self.keys_used = self.documents = 0
        self.moves: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self._open_book()
        self.acts = [act for act, count in ACTS.items() for _n in range(count)]

    def _open_book(self) -> None:
        self.ways: dict[Way, Ways] = {}
        for way in self.channels:
            head = self.db.rows.get(("head", way))
            self.ways[way] = Ways(begins=head.seq if head else 0)
        self.known: list[list[int]] = [[] for _enterprise in ENTERPRISES]
        self.asking: list[Request] = []
        self.answered: list[Request] = []
        self.done: Counter[int] = Counter()

    def run(self, steps: int) -> None:
        """So many steps; everything comes to rest, and is compared, now and then and at the end."""
        acts, pick = self.acts, self.pick
        for number in range(1, steps + 1):
            self.steps += 1
            try:
                # What finds nothing to do is no step.
                while not pick(acts)(self):
                    pass
            except OperationalError:
                self.happened["a process met an error"] += 1
            except Crash:
                self._crashed(int(self.random() * PROCESSES))
            if number % EPISODE == 0 or number == steps:
                self.rest()

    def pick(self, among: Sequence[T]) -> T:
        return among[int(self.random() * len(among))]

    def wrong(self, what: str) -> Anomaly:
        return Anomaly(f"seed {self.seed}, step {self.steps}: {what}")

    # What happens --------------------------------------------------------------------------------------------------

    def ask(self) -> bool:
        """A client wants something new."""
        while (request := saying.something(self)) is None:
            pass
        self.asking.append(request)
        self._send(request)
        return True

    def ask_again(self) -> bool:
        """A client has no answer yet: he repeats his request with its key."""
        if not self.asking:
            return False
        self._send(self.pick(self.asking))
        return True

    def come_late(self) -> bool:
        """A request that was answered long ago arrives once more."""
        if not self.answered:
            return False
        self._arrives(self.pick(self.answered))
        return True

    def _send(self, request: Request) -> None:
        luck = self.random()
        if luck < 0.03:
            self.happened["request lost"] += 1
            return
        answer = self._arrives(request)
        if luck > 0.95:
            self.happened["answer lost"] += 1
        else:
            self.asking.remove(request)
            if answer[0] == 200:
                self.answered.append(request)
        if 0.03 < luck < 0.06:
            self._arrives(request)

    def _arrives(self, request: Request) -> tuple[int, bytes]:
        """The answer of the server: the first one, whenever it was done; else a refusal, and nothing has changed."""
        try:
            answer = self.db.whole(lambda: self._once(request))
        except (NotAllowed, NoPartner, Stuck, counting.Uncountable) as refusal:
            self.happened[f"refused: {type(refusal).__name__}"] += 1
            if request.answer is not None:
                raise self.wrong(f"request {request.key} was done, and is refused now: {refusal}") from refusal
            return 409, b""
        self._plan_deliveries()
        if request.answer not in (None, answer):
            raise self.wrong(f"request {request.key} was answered differently: {request.answer}, {answer}")
        request.answer = answer
        return answer

    def _plan_deliveries(self) -> None:
        """What is to be done after the commit is done by the same process, a little later; it may die before."""
        process = int(self.random() * PROCESSES)
        self.tasks += [(process, way, self.turn) for way in self.db.afterwards]
        self.db.afterwards = []

    def _once(self, request: Request) -> tuple[int, bytes]:
        place = ("reply", request.by, request.key)
        if (kept := self.db.get(place)) is not None:
            answer = keeping.answer_of(kept, print=request.print)
            return answer.status, answer.body
        self.db.notes.append(("done", request.key))
        step = self.move(request.by, request.document, request.type, request.move, request.data, partner=request.partner, inline=request.inline)
        body = step.bytes
        self.db.put(place, Kept(request.print, 200, {}, body))
        return 200, body

    def deliver(self) -> bool:
        """A delivery after a commit: one batch, and no more than so many turns deep."""
        if not self.tasks:
            return False
        _process, way, turn = self.tasks.pop(int(self.random() * len(self.tasks)))
        if turn >= lifting.MOST_TURNS:
            return True
        self.turn = turn + 1
        try:
            self._bring(*way, batches=1)
        finally:
            self.turn = 0
        return True

    def _bring(self, sender: int, receiver: int, *, batches: int | None = None) -> int:
        self.visited = (ENTERPRISES[receiver],)
        try:
            taken = lifting.deliver(self.lanes[sender, receiver], batches=batches)
            self._plan_deliveries()
        finally:
            self.visited = ()
        return taken

    def sweep(self) -> bool:
        """The worker's sweep: whatever waits and is due."""
        rows = self.db.rows
        waiting = []
        for way in self.channels:
            head, cursor = rows.get(("head", way)), rows.get(("cursor", way)) or Cursor()
            due = lifting.due(halted_at=cursor.halted_at, attempts=cursor.attempts, now=self.now)
            if head is not None and head.seq > cursor.delivered and due:
                waiting.append(way)
        if not waiting:
            return False
        lifting.sweep(waiting, self._bring)  # type: ignore[arg-type]
        return True

    def crash(self) -> bool:
        """A process dies between two things that it does."""
        self._crashed(int(self.random() * PROCESSES))
        return True

    def _crashed(self, process: int) -> None:
        self.happened["crash"] += 1
        self.tasks = [task for task in self.tasks if task[0] != process]

    def wait(self) -> bool:
        """Time passes."""
        self.now += dt.timedelta(seconds=self.pick((1, 10, 60, 600)))
        return True

    def fall_out(self) -> bool:
        """Two partners suspend their consent, or all give it again."""
        if self.suspended:
            self.suspended.clear()
        elif self.random() < 0.2:
            self.suspended.add(self.pick(TRADE))
        return True

    def break_down(self) -> bool:
        """An enterprise's home cannot take in some documents for a while, or all can again."""
        if self.broken:
            self.broken.clear()
        elif self.random() < 0.3:
            self.broken.add(int(self.random() * len(ENTERPRISES)))
        return True

    # What it does --------------------------------------------------------------------------------------------------

    def apart(self, one: int, other: int) -> bool:
        return bool(self.suspended) and ((one, other) in self.suspended or (other, one) in self.suspended)

    def id(self) -> uuid.UUID:
        # As UUID(int=…), without looking at what else could be given: a twentieth of the time of a step.
        made = _blank(uuid.UUID)
        _set(made, "int", self.bits(128))
        _set(made, "is_safe", uuid.SafeUUID.unknown)
        return made

    def move(self, by: int, document: uuid.UUID | None, document_type: DocumentType, declared: Move, data: dict[str, Any], *,
             partner: int, inline: bool) -> uuid.UUID:  # fmt: skip
        """An enterprise makes a move, in the open transaction. Gives its step."""
        if document is None:
            self.documents += 1
            document = self.id()
            view = View(document, document_type, document_type.issuer, partner, Content(state=document_type.draft))
        else:
            view = self.db.get(("view", by, document.int))
        said, after = folding.say(document_type, view.content, declared, data, side=view.side, own_said=view.own_said, partner_said=view.partner_said)
        self._store(by, view, after, said, own_said=said.said or view.own_said, partner_said=view.partner_said)
        step = self.id()
        if said.said:
            if self.apart(by, view.partner):
                raise NoPartner
            wire = wording.write(declared.effect, data)
            row = Step(step, said.move, said.said, said.seen, self.now, "somebody", wire)
            self._say(by, view, step, f"{document_type.code}.{said.move}", moving.body_of(Row(document_type.code, document, view.side), row), inline=inline)  # type: ignore[arg-type]
        return step

    def _say(self, me: int, view: View, step: uuid.UUID, kind: str, content: dict[str, Any], *, inline: bool) -> None:
        way = (me, view.partner)
        channel, head = self.channels[way], self.db.get(("head", way)) or Head(0, b"")
        seq, body, digest = chaining.link(
            channel=channel, head=head.seq, previous=head.digest, sender=ENTERPRISES[me], receiver=ENTERPRISES[view.partner], kind=kind, content=content
        )  # fmt: skip
        self.db.put(("envelope", way, seq), Taken(seq, ENTERPRISES[me], kind, body, digest, self._sign(me, seq, digest), ENTERPRISES[me]))
        self.db.put(("head", way), Head(seq, digest))
        self.db.notes.append(("said", way, seq, str(step), kind))
        road = lifting.road(receiver=ENTERPRISES[view.partner], waiting=self.waiting, inline=inline)
        if road == "inline":
            lifting.converse(visit=self._visit(ENTERPRISES[me], ENTERPRISES[view.partner]), theirs=self.lanes[way], ours=self.lanes[view.partner, me])
        elif road == "after":
            self.db.afterwards.append(way)

    @contextlib.contextmanager
    def _visit(self, me: uuid.UUID, home: uuid.UUID) -> Iterator[None]:
        before = self.visited, self.waiting
        self.visited, self.waiting = (*(self.visited or (me,)),), self.waiting | {me}
        try:
            boundary.need_way(self.visited, home)
            self.visited = (*self.visited, home)
            self.happened[f"{len(self.visited)} in one conversation"] += 1
            yield
        except boundary.NoWay as error:
            raise Stuck(0, str(error)) from error
        finally:
            self.visited, self.waiting = before

    def _sign(self, me: int, seq: int, digest: bytes) -> bytes:
        if seq % SIGNED_IN_FULL == 0:
            return self.keys[me].sign(digest)
        return hashlib.blake2b(digest, key=self.secrets[me], digest_size=32).digest()

    def is_signed(self, envelope: Taken, sender: int) -> bool:
        if envelope.seq % SIGNED_IN_FULL:
            return envelope.signature == hashlib.blake2b(envelope.digest, key=self.secrets[sender], digest_size=32).digest()
        try:
            self.keys[sender].public_key().verify(envelope.signature, envelope.digest)
        except InvalidSignature:
            return False
        return True

    def accept(self, me: int, sender: int, seq: int, content: dict[str, Any]) -> None:
        """An enterprise takes in a partner's move, and may react to it in the same transaction."""
        document_type, said = moving.read_body(content)
        document = uuid.UUID(content["document"])
        if self.broken and me in self.broken and document.int % 3 == 0:
            raise ValueError(BROKEN)
        view = self.db.get(("view", me, document.int))
        if view is None:
            if not folding.is_first_word(document_type, said):
                raise Unacceptable("no first word")
            view = View(document, document_type, OTHER[said.side], sender, Content(state=document_type.draft))
            after = folding.apply(document_type, view.content, said)
        elif view.partner != sender or view.side == said.side:
            raise Unacceptable("not between these two")
        else:
            after = folding.hear(document_type, view.content, said, own_said=view.own_said, partner_said=view.partner_said, earlier=lambda: view.moves).content
        self.db.notes.append(("taken", (sender, me), seq, content["step"]))
        view = self._store(me, view, after, said, own_said=view.own_said, partner_said=said.said)
        saying.react(self, me, view)

    def _store(self, me: int, view: View, after: Content, said: Said, *, own_said: int, partner_said: int) -> View:
        booked = conserving.booked(view, after)
        if view.type.link:
            self._count(me, counting.change_of(view.type, view.content, after))
        moves = (*view.moves, said) if said.said else view.moves
        stored = View(view.id, view.type, view.side, view.partner, after, own_said, partner_said, moves, booked)
        self.db.put(("view", me, view.id.int), stored)
        self.db.notes.append(("stored", me, view, stored))
        return stored

    def _count(self, me: int, change: dict[tuple[uuid.UUID, int, str], Decimal]) -> None:
        for (order, line, kind), quantity in change.items():
            place = ("counted", me, order, line, kind)
            self.db.put(place, (self.db.get(place) or Decimal(0)) + quantity)

    # What must come of it ------------------------------------------------------------------------------------------

    def committed(self, writes: dict[Any, Any], notes: list[Any]) -> None:
        """Enter in the book what stands now, and check it."""
        for note in notes:
            NOTED[note[0]](self, *note[1:])
        for key, value in writes.items():
            if key[0] == "cursor" and value.halted_at and value.reason not in (BROKEN, APART):
                raise self.wrong(f"a channel halted: {value.reason}")

    def note_done(self, key: int) -> None:
        self.done[key] += 1
        if self.done[key] > 1:
            raise self.wrong(f"request {key} was done {self.done[key]} times")

    def note_said(self, way: Way, seq: int, step: str, kind: str) -> None:
        book = self.ways[way]
        book.said.append(step)
        self.moves[kind] += 1
        if seq != book.begins + len(book.said):
            raise self.wrong(f"the envelope after {book.begins + len(book.said) - 1} has the number {seq}")

    def note_taken(self, way: Way, seq: int, step: str) -> None:
        book = self.ways[way]
        book.taken.append(step)
        place = len(book.taken) - 1
        if seq != book.begins + place + 1 or place >= len(book.said) or book.said[place] != step:
            raise self.wrong(f"envelope {seq} was taken as number {book.begins + place + 1}: lost, doubled, or out of order")

    def note_stored(self, me: int, before: View, view: View) -> None:
        if before.own_said + before.partner_said == 0:
            self.known[me].append(view.id.int)
        if len(view.moves) != view.own_said + view.partner_said:
            raise self.wrong(f"{view.id} holds {len(view.moves)} moves, and counts {view.own_said} and {view.partner_said}")
        for fault in conserving.faults(before, view):
            raise self.wrong(f"{view.id}: {fault}")

    def rest(self) -> None:
        """Let everything be mended, answered and delivered; compare what all of them hold; begin a new page of the book."""
        self.db.calm = True
        self.suspended.clear()
        self.broken.clear()
        for _round in range(200):
            self.now += dt.timedelta(hours=2)
            while self.asking:
                self._send(self.asking[-1])
            while self.tasks:
                self.deliver()
            self.sweep()
            if not self.tasks and all(self._is_drained(way) for way in self.channels):
                break
        else:
            raise self.wrong("what was said does not arrive")
        self._compare()
        self.db.rows = {key: row for key, row in self.db.rows.items() if key[0] in ("head", "cursor")}
        self._open_book()
        self.db.calm = False

    def _is_drained(self, way: Way) -> bool:
        head, cursor = self.db.rows.get(("head", way)), self.db.rows.get(("cursor", way))
        return head is None or (cursor is not None and cursor.delivered == head.seq)

    def _compare(self) -> None:
        rows = self.db.rows
        for way, book in self.ways.items():
            self._compare_chain(way, book)
        for request in self.answered:
            if self.done[request.key] != 1 or ("reply", request.by, request.key) not in rows:
                raise self.wrong(f"request {request.key} was acknowledged, and is lost")
        counted: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for key in [key for key in rows if key[0] == "view"]:
            view = rows[key]
            self._compare_view(key[1], view, rows.get(("view", view.partner, view.id.int)))
            for place, quantity in counting.counts_of(view.type, view.content).items():
                counted["counted", key[1], *place] += quantity
        held = {key: row for key, row in rows.items() if key[0] == "counted" and row}
        if held != counted:
            raise self.wrong(f"what is counted differs from what was said: {held.items() ^ counted.items()}")

    def _compare_chain(self, way: Way, book: Ways) -> None:
        if book.said != book.taken:
            raise self.wrong(f"{len(book.said)} were said, {len(book.taken)} taken")
        head, cursor = self.db.rows.get(("head", way)), self.db.rows.get(("cursor", way))
        if head is None:
            return
        if (cursor.delivered, cursor.digest) != (head.seq, head.digest) or head.seq != book.begins + len(book.said):
            raise self.wrong("cursor and head differ")
        previous = None
        for seq in range(book.begins + 1, head.seq + 1):
            envelope = self.db.rows["envelope", way, seq]
            if previous is not None and chaining.digest_of(envelope.body, previous) != envelope.digest:
                raise self.wrong(f"envelope {seq} does not follow the one before it")
            previous = envelope.digest
        if previous not in (None, head.digest):
            raise self.wrong("the head is not the last envelope's")

    def _compare_view(self, me: int, view: View, other: View | None) -> None:
        if view.own_said + view.partner_said == 0:
            return
        if other is None or (view.own_said, view.partner_said) != (other.partner_said, other.own_said):
            raise self.wrong(f"{view.id}: the two sides have not heard the same")
        if view.content != other.content:
            raise self.wrong(f"{view.id}: the two sides differ: {view.content}, {other.content}")
        if view.side != view.type.issuer or (view.id.int & 1 and not _crossed(view)):
            return
        content, overruled = folding.fold(view.type, view.moves)
        if content != view.content:
            raise self.wrong(f"{view.id}: what was said does not give what is held")
        self._need_the_heavier(view, overruled)

    def _need_the_heavier(self, view: View, overruled: list[Said]) -> None:
        """Of two last moves that did not see one another, but all else, the heavier one stands."""
        last = {said.side: said for said in view.moves}
        if len(last) < 2:
            return
        one, other = (max((said for said in view.moves if said.side == side), key=lambda said: said.said) for side in ("buyer", "seller"))
        if one.seen != other.said - 1 or other.seen != one.said - 1:
            return
        self.happened["met"] += 1
        weights = {said.side: view.type.find_move(said.move).weight for said in (one, other)}  # type: ignore[union-attr]
        heavier = one if weights["buyer"] > weights["seller"] else other
        if weights["buyer"] != weights["seller"] and heavier in overruled:
            raise self.wrong(f"{view.id}: {heavier.move} is heavier, and was overruled")


def _crossed(view: View) -> bool:
    """Whether some of its moves may not have seen one another: these documents are all folded anew, of the others every second."""
    counts = {"buyer": 0, "seller": 0}
    for said in view.moves:
        if said.seen < counts[OTHER[said.side]]:
            return True
        counts[said.side] = said.said
    return False


NOTED: dict[str, Callable[..., None]] = {
    "done": Simulation.note_done,
    "said": Simulation.note_said,
    "taken": Simulation.note_taken,
    "stored": Simulation.note_stored,
}
# What happens, and how often of a hundred.
ACTS: dict[Callable[[Simulation], bool], int] = {
    Simulation.ask: 34, Simulation.ask_again: 9, Simulation.come_late: 6, Simulation.deliver: 34, Simulation.sweep: 4, Simulation.crash: 2, Simulation.wait: 9,
    Simulation.fall_out: 1, Simulation.break_down: 1,
}  # fmt: skip
