"""Random interleavings of everything that asks the database in somebody's name: does anybody ever see a row of another's?

Each unit is one thing as a web process, a worker or a command would do it, for one enterprise, in a context of its own; threads do
units one after the other, and six at a time on an event loop, over one pool of connections. Every look compares role, path and rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import random
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from celery import shared_task
from channels.db import database_sync_to_async
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.http import StreamingHttpResponse

from apps.base.acting import AnotherEnterpriseActs, NobodyActs, act_as, as_operator, in_lobby
from apps.catalog import models as catalog
from apps.documents.selectors import START
from apps.live import bridge
from apps.live.selectors import group_name
from apps.tenants import boundary
from apps.tenants.tasks import HEADER, EnterpriseTask, Unsigned
from tests.attacks.wiring import Wire
from tests.cast import Member, PageClient, befriend, order, provision, stock

LOOK = "SELECT current_user::text, current_setting('search_path'), (SELECT string_agg(number, ' ' ORDER BY number) FROM catalog_item)"
AT_ONCE = 6
# Of what is done on a loop: a socket takes as long as thirty of the others.
SOCKETS = 0.03
WORKERS = 4


def seen() -> tuple[str, str, str]:
    """Role, path and items, as the database sees them."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK)
        found: tuple[str, str, str] = cursor.fetchone()
        return found


def expected(member: Member) -> tuple[str, str, str]:
    return member.home.schema, f"{member.home.schema}, public", member.items[0]


@shared_task(base=EnterpriseTask, name="tests.attacks.look")
def look_in_a_task() -> tuple[str, str, str]:
    return seen()


class Command(BaseCommand):
    """What a command does that acts for an enterprise."""

    requires_system_checks: list[str] = []
    stealth_options = ("member", "tell")

    def handle(self, *args: Any, member: Member, tell: Callable[[Any], None], **options: Any) -> None:
        with act_as(member.home):
            tell(seen())


@dataclass
class Found:
    """tried: units; looks: what was compared; refused: calls without an enterprise that were refused; wrong: what must be empty; so must broken: units
    that ended with an error."""

    tried: int = 0
    looks: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Fuzz:
    """The units, over some enterprises. Each unit gets one of them, another one, and the chance."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = list(members)
        self.found = Found()
        self._counting = threading.Lock()
        self._browsers = {member.slug: member.page_client() for member in members}
        self.sync: list[Callable[[Member, Member], None]] = [
            *(self.plain, self.transaction, self.savepoint, self.rolled_back, self.broken_statement, self.on_commit, self.on_commit_undone, self.generator),
            *(self.streaming, self.bare_thread, self.copied_thread, self.task, self.command, self.crossing, self.lobby, self.operator),
            *(self.nobody, self.another_inside, self.kept_in_cache, self.lazy, self.writing, self.group, self.many_hooks, self.nothing_remains),
        ]
        # Each takes as long as twenty of the others.
        self.seldom: list[Callable[[Member, Member], None]] = [self.rest, self.page, self.task_without]
        self.on_loop: list[Callable[[Member, Member], Awaitable[None]]] = [
            *(self.async_view, self.child_task, self.bridge, self.async_nobody, self.one_after_the_other, self.async_generator, self.background),
        ]
        self.orders = {member.slug: json.dumps(_orders(member)) for member in members}
        self._bridges: dict[asyncio.AbstractEventLoop, bridge.Bridge] = {}

    # What is compared

    def check(self, what: str, found: Any, wanted: Any) -> None:
        with self._counting:
            self.found.looks += 1
            if found != wanted:
                self.found.wrong.append(f"{what}: {found} instead of {wanted}")

    def look(self, member: Member, what: str) -> None:
        self.check(what, seen(), expected(member))

    def refused(self, what: str, ask: Callable[[], Any]) -> None:
        """Nobody acts: the call must be refused."""
        try:
            found = ask()
        except NobodyActs:
            with self._counting:
                self.found.refused += 1
        else:
            self.check(what, found, "a refusal")

    # Sync views, transactions, savepoints, failures

    def plain(self, member: Member, other: Member) -> None:
        with member.acting():
            self.look(member, "plain")
        with other.acting():
            self.look(other, "plain, the next")

    def transaction(self, member: Member, other: Member) -> None:
        with member.acting(), transaction.atomic():
            self.look(member, "transaction")
            self.look(member, "transaction, again")

    def savepoint(self, member: Member, other: Member) -> None:
        with member.acting(), transaction.atomic():
            sid = transaction.savepoint()
            self.look(member, "savepoint")
            transaction.savepoint_rollback(sid)
            self.look(member, "after a savepoint")

    def rolled_back(self, member: Member, other: Member) -> None:
        with contextlib.suppress(ZeroDivisionError), member.acting(), transaction.atomic():
            self.look(member, "before a failure")
            raise ZeroDivisionError
        with other.acting():
            self.look(other, "after a failure of another")

    def broken_statement(self, member: Member, other: Member) -> None:
        with member.acting(), transaction.atomic():
            with contextlib.suppress(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT nothing_of_this_name")
            self.look(member, "after a broken statement")

    # What comes later

    def on_commit(self, member: Member, other: Member) -> None:
        with member.acting(), transaction.atomic():
            transaction.on_commit(lambda: self.look(member, "on commit"))
            self.look(member, "before the commit")
        with other.acting():
            self.look(other, "after another's commit")

    def on_commit_undone(self, member: Member, other: Member) -> None:
        with contextlib.suppress(ZeroDivisionError), member.acting(), transaction.atomic():
            transaction.on_commit(lambda: self.check("a hook of what was undone", "run", "not run"))
            raise ZeroDivisionError
        self.refused("after what was undone", seen)

    def many_hooks(self, member: Member, other: Member) -> None:
        with member.acting(), transaction.atomic():
            with transaction.atomic():
                transaction.on_commit(lambda: self.look(member, "a hook of the inner one"))
            with contextlib.suppress(ZeroDivisionError), transaction.atomic():
                transaction.on_commit(lambda: self.check("a hook of an inner one that was undone", "run", "not run"))
                raise ZeroDivisionError
            transaction.on_commit(lambda: self.look(member, "a hook of the outer one"))

    def nothing_remains(self, member: Member, other: Member) -> None:
        """What whoever gets this connection next would find, were nothing set for him: neither role nor path of the one before."""
        with member.acting():
            self.look(member, "before somebody else gets the connection")
            connection.ensure_connection()
            found = connection.connection.execute("SELECT current_user::text, current_setting('search_path')").fetchone()
        self.check("what remains", tuple(found), (settings.DATABASES["default"]["USER"], '"$user", public'))

    def generator(self, member: Member, other: Member) -> None:
        def rows() -> Iterator[Any]:
            while True:
                yield seen()

        asked = rows()
        for who in (member, other, member):
            with who.acting():
                self.check("generator", next(asked), expected(who))
        self.refused("a generator that nobody asks", lambda: next(asked))

    def streaming(self, member: Member, other: Member) -> None:
        def rows() -> Iterator[bytes]:
            for _row in range(3):
                yield " ".join(seen()).encode()

        with member.acting():
            answer = StreamingHttpResponse(rows())
            self.check("streaming", next(iter(answer.streaming_content)), " ".join(expected(member)).encode())
        self.refused("a stream after its view", lambda: b"".join(answer))  # type: ignore[arg-type]

    def lazy(self, member: Member, other: Member) -> None:
        with member.acting():
            query = catalog.Item.objects.values_list("number", flat=True)
        with other.acting():
            self.check("a query that another evaluates", list(query), list(other.items))
        self.refused("a query that nobody evaluates", lambda: list(query.all()))

    # Threads, tasks, commands

    def bare_thread(self, member: Member, other: Member) -> None:
        with member.acting():
            _in_thread(lambda: self.refused("a bare thread", seen))
            self.look(member, "beside a thread")

    def copied_thread(self, member: Member, other: Member) -> None:
        with member.acting():
            copied = contextvars.copy_context()
        with other.acting():
            _in_thread(lambda: copied.run(self.look, member, "a thread with a copied context"))
            self.look(other, "beside a copied context")

    def task(self, member: Member, other: Member) -> None:
        with member.acting():
            seal = look_in_a_task._seal()  # type: ignore[attr-defined]
        self.check("task", look_in_a_task.apply(headers={HEADER: seal}, throw=True).get(), expected(member))
        self.refused("after a task", seen)

    def task_without(self, member: Member, other: Member) -> None:
        for headers in ({}, {HEADER: str(member.id)}, {HEADER: "x:y"}):
            try:
                found = look_in_a_task.apply(headers=headers, throw=True).get()
            except Unsigned:
                with self._counting:
                    self.found.refused += 1
            else:
                self.check("a task without its seal", found, "a refusal")

    def command(self, member: Member, other: Member) -> None:
        call_command(Command(), member=member, tell=lambda found: self.check("command", found, expected(member)))
        self.refused("after a command", seen)

    # Other rooms

    def crossing(self, member: Member, other: Member) -> None:
        with member.acting(), transaction.atomic():
            self.look(member, "before the crossing")
            with boundary.enter(other.home):
                self.look(other, "beyond the border")
            self.look(member, "back home")

    def lobby(self, member: Member, other: Member) -> None:
        with in_lobby():
            self.closed("lobby", "tributary_lobby", member)

    def operator(self, member: Member, other: Member) -> None:
        with as_operator():
            self.closed("operator", "tributary_operator", member)

    def closed(self, what: str, role: str, member: Member) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user::text")
            self.check(what, cursor.fetchone(), (role,))
            try:
                cursor.execute(f'SELECT number FROM "{member.home.schema}".catalog_item')
                self.check(what, cursor.fetchall(), "a refusal")
            except ProgrammingError:
                pass

    def nobody(self, member: Member, other: Member) -> None:
        self.refused("nobody", seen)
        self.refused("nobody's query", lambda: catalog.Item.objects.count())
        self.refused("nobody's cache", lambda: cache.get("x"))

    def another_inside(self, member: Member, other: Member) -> None:
        with member.acting():
            for enter in (other.acting, in_lobby, as_operator):
                with contextlib.suppress(AnotherEnterpriseActs), enter():
                    self.check("another inside", "entered", "a refusal")
            self.look(member, "after another was refused")

    def kept_in_cache(self, member: Member, other: Member) -> None:
        for who in (member, other):
            with who.acting():
                cache.set("mine", who.slug)
        for who in (member, other):
            with who.acting():
                self.check("cache", cache.get("mine"), who.slug)

    def group(self, member: Member, other: Member) -> None:
        with member.acting():
            self.check("group", group_name("events"), f"t.{member.id.hex}.events")
        self.refused("nobody's group", lambda: group_name("events"))

    def writing(self, member: Member, other: Member) -> None:
        with member.acting():
            self.check("written", catalog.Item.objects.update(name=member.slug), 1)
        with other.acting():
            self.check("another's name", other.slug if catalog.Item.objects.filter(name=member.slug).exists() else "", other.slug if other is member else "")

    # Whole requests

    def rest(self, member: Member, other: Member) -> None:
        for who in (member, other):
            rows = who.api.get("items/").json()["results"]
            self.check("REST", [row["number"] for row in rows], list(who.items))

    def page(self, member: Member, other: Member) -> None:
        for who in (member, other):
            text = PageClient.get(self._browsers[who.slug], "/catalogue/").content.decode()
            self.check("page", {each.slug for each in self.members if each.items[0] in text}, {who.slug})

    # On an event loop

    async def async_view(self, member: Member, other: Member) -> None:
        with act_as(member.home):
            for _hop in range(2):
                await database_sync_to_async(self.look)(member, "async view")
                await asyncio.sleep(0)
            await database_sync_to_async(self.look, thread_sensitive=False)(member, "async view, another thread")

    async def child_task(self, member: Member, other: Member) -> None:
        with act_as(member.home):
            child = asyncio.create_task(database_sync_to_async(self.look)(member, "child task"))
        with act_as(other.home):
            await database_sync_to_async(self.look)(other, "beside a child task")
            await child

    async def bridge(self, member: Member, other: Member) -> None:
        own = bridge.Bridge()
        try:
            first, second = await asyncio.gather(own.read(member.home, seen), own.read(other.home, seen))
        finally:
            await own.stop()
        self.check("bridge", first, expected(member))
        self.check("bridge", second, expected(other))

    async def consumer(self, member: Member, other: Member) -> None:
        """The socket itself, two at once, from the handshake on: each hears of its own order, and of no other."""
        wires = [Wire(f"/ws/events/?after={START}", {"authorization": f"Bearer {who.token}"}) for who in (member, other)]
        try:
            let_in = await asyncio.gather(*(wire.open() for wire in wires))
            self.check("a socket", let_in, [True, True])
            for who, wire in zip((member, other), wires, strict=True):
                self.check("a socket", json.dumps([await _heard(wire)]), self.orders[who.slug])
            for group in self._bridge().groups.values():
                group.wake.set()
            await asyncio.sleep(0.01)
            self.check("a socket that was woken", [text for wire in wires for text in wire.heard()], [])
        finally:
            await asyncio.gather(*(wire.shut() for wire in wires))

    def _bridge(self) -> bridge.Bridge:
        """The one of this loop, as a web process has one."""
        return self._bridges[asyncio.get_running_loop()]

    @contextlib.contextmanager
    def bridged(self, runner: asyncio.Runner) -> Iterator[None]:
        """A bridge runs on this loop."""
        loop, own = runner.get_loop(), contextvars.Context().run(runner.run, _begun())
        self._bridges[loop] = own
        try:
            yield
        finally:
            runner.run(own.stop())
            del self._bridges[loop]

    async def async_nobody(self, member: Member, other: Member) -> None:
        await database_sync_to_async(self.refused)("nobody, from a coroutine", seen)
        with act_as(member.home):
            await asyncio.sleep(0)
        await database_sync_to_async(self.refused)("after a coroutine's acting", seen)

    async def one_after_the_other(self, member: Member, other: Member) -> None:
        for who in (member, other):
            with act_as(who.home):
                await asyncio.sleep(0)
                await database_sync_to_async(self.transaction)(who, who)

    async def async_generator(self, member: Member, other: Member) -> None:
        async def rows() -> AsyncGenerator[Any]:
            while True:
                yield await database_sync_to_async(seen)()

        async with contextlib.aclosing(rows()) as asked:
            for who in (member, other):
                with act_as(who.home):
                    self.check("async generator", await anext(asked), expected(who))

    async def background(self, member: Member, other: Member) -> None:
        """In a thread of the loop's own, as the bridge's readers are."""
        with act_as(member.home):
            await asyncio.to_thread(self._look_and_close, member)

    def _look_and_close(self, member: Member) -> None:
        try:
            self.look(member, "a thread of the loop's")
        finally:
            connection.close()

    # The run

    def run(self, *, count: int, seed: int, enough: Callable[[str], bool] | None = None) -> Found:
        """`count` units, shared among the workers; fewer where something wrong was found that is enough."""
        self.enough = enough
        with mock.patch.object(bridge, "current", self._bridge), ThreadPoolExecutor(WORKERS) as pool:
            for outcome in [pool.submit(self._work, random.Random(f"{seed}-{worker}"), count // WORKERS) for worker in range(WORKERS)]:
                outcome.result()
        return self.found

    def _work(self, chance: random.Random, count: int) -> None:
        done = 0
        try:
            with asyncio.Runner() as runner, self.bridged(runner):
                while done < count and not self._found_enough():
                    done += self._some(runner, chance)
        finally:
            connection.close()
        with self._counting:
            self.found.tried += done

    def _found_enough(self) -> bool:
        return self.enough is not None and any(map(self.enough, list(self.found.wrong)))

    def _some(self, runner: asyncio.Runner, chance: random.Random) -> int:
        draw = chance.random()
        if draw < 0.1:
            units = [(self._on_loop(chance), *chance.sample(self.members, 2)) for _unit in range(AT_ONCE)]
            for (unit, *_who), ended in zip(units, contextvars.Context().run(runner.run, _together(units)), strict=True):
                self.note(unit, ended)
            return AT_ONCE
        unit = chance.choice(self.seldom if draw > 0.99 else self.sync)
        self.note(unit, contextvars.Context().run(_ended, unit, *chance.sample(self.members, 2)))
        return 1

    def _on_loop(self, chance: random.Random) -> Callable[[Member, Member], Awaitable[None]]:
        return self.consumer if chance.random() < SOCKETS else chance.choice(self.on_loop)

    def note(self, unit: Callable[..., Any], ended: object) -> None:
        """How a unit ended, where it was with an error."""
        if isinstance(ended, BaseException):
            with self._counting:
                self.found.broken.append(f"{unit.__name__}: {ended!r}")


def _ended(unit: Callable[[Member, Member], None], member: Member, other: Member) -> Exception | None:
    """The error with which it ended. One goes on: what comes after it on the same connection is worth a look, too."""
    try:
        unit(member, other)
    except Exception as error:
        return error
    return None


async def _together(units: Sequence[tuple[Callable[[Member, Member], Awaitable[None]], Member, Member]]) -> list[Any]:
    return await asyncio.gather(*(unit(member, other) for unit, member, other in units), return_exceptions=True)


async def _begun() -> bridge.Bridge:
    return bridge.Bridge()


async def _heard(wire: Wire) -> str:
    """The document of the first event."""
    async with asyncio.timeout(10):
        message = await wire.told.get()
    return str(json.loads(message["text"])["document"])


def _orders(member: Member) -> list[str]:
    """The documents of which the feed of an enterprise tells, as REST has it."""
    return [str(event["document"]) for event in member.api.get(f"events/?after={START}").json()["results"]]


def _in_thread(work: Callable[[], Any]) -> None:
    ended: list[Exception] = []

    def closing() -> None:
        try:
            work()
        except Exception as error:
            ended.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=closing)
    thread.start()
    thread.join()
    if ended:
        raise ended[0]


def make_members(prefix: str, count: int = 5) -> list[Member]:
    """Enterprises, each with one item that has its name."""
    made = [provision(f"{prefix}-{number}") for number in range(count)]
    for member in made:
        stock(member, f"ITEM-{member.slug.upper()}-END", member.slug)
    members = [Member(home=member.home, token=member.token, items=(f"ITEM-{member.slug.upper()}-END",)) for member in made]
    for member, partner in zip(members, [*members[1:], members[0]], strict=True):
        befriend(member, partner)
        order(member, partner, publish=False)
    return members
