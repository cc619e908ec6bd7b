"""Tasks, commands, sockets, groups, files and the cache, enumerated from the code and tried with what is another's."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import itertools
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core import signing
from django.core.cache import caches
from django.core.exceptions import SuspiciousFileOperation
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.test import Client

from apps.documents.selectors import START
from apps.live import bridge
from apps.tenants.storage import HomeStorage, files
from apps.tenants.tasks import HEADER, SALT, EnterpriseTask, PlatformTask, Unsigned
from portal.celery import app
from portal.routing import websocket_urlpatterns
from tests import tally
from tests.attacks import remembering
from tests.attacks.remembering import Rememberer
from tests.attacks.scene import FILE, SECRET, Scene
from tests.attacks.striking import Attacker, Judge
from tests.attacks.test_routes import untouched
from tests.attacks.wiring import Wire
from tests.cast import Member, line, order, outside

Attackers = list[Attacker]


# Tasks ---------------------------------------------------------------------------------------------------------------------


def tasks() -> dict[str, Any]:
    """Every task of ours."""
    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if name.startswith(("apps.", "portal."))}


def started(task: Any, headers: dict[str, str], *args: str) -> Any:
    """Run it as a worker would: with the headers of its message, and nobody acting."""

    def run() -> Any:
        task.push_request(headers=headers)
        try:
            return task(*args)
        finally:
            task.pop_request()

    return outside(run)


def forged(scene: Scene, member: Member) -> list[dict[str, str]]:
    """Headers that say the victim without its word for it: plain, signed for something else, cut, and none."""
    victim = str(scene.victim.id)
    signed = signing.dumps(victim, salt=SALT, key="another key of another platform")
    own = signing.dumps(str(member.id), salt=SALT)
    mixed = signing.dumps(victim, salt="tributary.other").rpartition(":")[0] + ":" + own.rpartition(":")[2]
    return [{}, {HEADER: victim}, {HEADER: signed}, {HEADER: signing.dumps(victim)}, {HEADER: mixed}, {HEADER: own[:-2]}, {HEADER: ""}]


def attack_tasks(scene: Scene, attackers: Attackers) -> tuple[int, list[str]]:
    """Each task with forged messages, and with a true one of the attacker's own that names what is the victim's. How many were tried, and what took."""
    tried, taken = 0, []
    for name, task in tasks().items():
        wanted = [one for one in inspect.signature(task.run).parameters.values() if one.default is inspect.Parameter.empty]
        if issubclass(type(task), PlatformTask):
            if wanted or inspect.signature(task.run).parameters:
                taken.append(f"{name} acts for the platform and takes arguments")
            continue
        for attacker in attackers:
            for ids in scene.ids.values():
                args = [str(ids[0])] * len(wanted) if ids else []
                for headers in forged(scene, attacker.member):
                    tried += 1
                    with contextlib.suppress(Unsigned):
                        started(task, headers, *args)
                        taken.append(f"{name} took {headers}")
                tried += 1
                with contextlib.suppress(Exception):
                    started(task, {HEADER: signing.dumps(str(attacker.member.id), salt=SALT)}, *args)
    return tried, taken


def test_no_task_believes_a_message_that_is_not_ours(scene: Scene, attackers: Attackers) -> None:
    began = time.perf_counter()
    with untouched(scene):
        tried, taken = attack_tasks(scene, attackers)
    tally.tell("attacks: tasks", tried=tried, leaked=len(taken), seconds=time.perf_counter() - began)
    assert taken == []


def test_every_task_says_for_whom_it_acts() -> None:
    assert {name for name, task in tasks().items() if not isinstance(task, EnterpriseTask)} == set()
    assert {"apps.exchange.tasks.sweep", "apps.scheduling.tasks.replan"} <= set(tasks())


def test_a_task_that_believes_its_message_is_reported(scene: Scene, attackers: Attackers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: whoever says that he is the victim is believed."""

    def believing(sealed: str, *, salt: str) -> str:
        try:
            return str(uuid.UUID(sealed))
        except ValueError as error:
            raise signing.BadSignature from error

    monkeypatch.setattr("apps.tenants.tasks.signing.loads", believing)
    monkeypatch.setattr("apps.scheduling.services.run_plan", lambda **_: None)
    monkeypatch.setattr("apps.documents.services.work", lambda **_: None)
    _tried, taken = attack_tasks(scene, attackers[:1])
    assert any("replan took" in one for one in taken)


# Commands --------------------------------------------------------------------------------------------------------------------

# Run by who runs the machines, for all enterprises or for none: there is no enterprise to say another one's name.
OF_THE_MACHINES = {"demo", "up", "prepare", "load_demo", "createoperator", "provision", "deliver", "export", "import", "offboard"}


def commands() -> dict[str, Any]:
    return {name: load_command_class(place, name) for name, place in get_commands().items() if str(place).startswith(("apps.", "portal."))}


def test_every_command_is_known_to_an_attack() -> None:
    """Each either is of the machines, or is told for which enterprise it acts."""
    strange = [name for name, command in commands().items() if name not in OF_THE_MACHINES and "--enterprise" not in _options(command)]
    assert strange == []
    # An excuse for a command that is gone would be one for whichever gets its name.
    assert set(commands()) >= OF_THE_MACHINES


def _options(command: Any) -> dict[str, Any]:
    parser = command.create_parser("manage.py", "x")
    return {text: action for action in parser._actions for text in (action.option_strings or [action.dest])}


def test_a_command_for_one_enterprise_touches_no_other(scene: Scene, attackers: Attackers) -> None:
    """Told to act for the attacker, with the victim's names: it finds nothing, says nothing of the victim's, and changes nothing."""
    judge, tried, began = Judge(scene), 0, time.perf_counter()
    names = ["SPIED-MACHINE", str(scene.ids["orders"][0]), scene.victim.slug, scene.secrets["number"][0]]
    with untouched(scene):
        for name, command in commands().items():
            if name in OF_THE_MACHINES:
                continue
            positional = [action for action in command.create_parser("manage.py", name)._actions if not action.option_strings]
            for attacker in attackers:
                for given in names:
                    out, tried = io.StringIO(), tried + 1
                    try:
                        outside(call_command, name, *[given] * len(positional), enterprise=attacker.member.slug, stdout=out, stderr=out)
                    except CommandError as error:
                        out.write(str(error))
                    assert judge.seen(out.getvalue().encode(), [given], partner=attacker.partner) == []
    tally.tell("attacks: commands", tried=tried, seconds=time.perf_counter() - began)
    assert tried > 0


# What a process remembers ----------------------------------------------------------------------------------------------------


def test_every_memory_is_judged() -> None:
    """Whatever a process keeps between two requests, by the syntax of the code; and nothing is judged that is gone."""
    judged = {**remembering.TRIED, **remembering.SAME, **remembering.ELSEWHERE}
    assert len(judged) == len(remembering.TRIED) + len(remembering.SAME) + len(remembering.ELSEWHERE)
    assert set(remembering.memories(remembering.trees())) == set(judged)


def test_a_memory_that_nobody_judged_is_found() -> None:
    """Mutants: each form in which a module may remember."""
    forms = {
        "f": "@functools.lru_cache(maxsize=8)\ndef f(x):\n    return x",
        "g": "@cache\nasync def g(x):\n    return x",
        "h": "h = lru_cache(str)",
        "kept": "kept = {}\ndef f(x):\n    kept[x] = 1",
        "_seen": "_seen: set[str] = set()\ndef f(x):\n    _seen.add(x)",
        "deep": "deep = defaultdict(dict)\ndef f(x):\n    deep[x].setdefault(1, []).append(2)",
        "last": "last = None\ndef f(x):\n    global last\n    last = x",
        "View.rows": "class View:\n    rows = []\n    def f(self, x):\n        self.rows.append(x)",
        "desk": "class Desk:\n    pass\ndesk = Desk()",
        "hung": "hung = threading.local()",
    }
    assert remembering.memories({name: ast.parse(text) for name, text in forms.items()}) == [f"{name}.{name}" for name in forms]
    assert (
        remembering.memories({"m": ast.parse("ROWS = {1: 2}\nclass A:\n    rows = field(default_factory=list)\n    def f(self):\n        self.rows.append(1)")})
        == []
    )


Both = tuple[Rememberer, Rememberer, remembering.Wanted]


@pytest.fixture(scope="module")
def rememberers(database: None) -> Both:
    """Who fills, who asks, and what each is told while nothing is remembered."""
    victim, attacker = remembering.pair()
    return victim, attacker, remembering.wanted(victim, attacker)


def test_what_was_remembered_for_one_enterprise_is_told_to_no_other(rememberers: Both) -> None:
    began, (victim, attacker, alone) = time.perf_counter(), rememberers
    found = remembering.mixed(victim, attacker, alone)
    tally.tell("attacks: memories", tried=2 * len(remembering.TRIED), leaked=len(found), seconds=time.perf_counter() - began)
    assert found == []
    assert remembering.unused(victim, attacker) == []


@pytest.mark.parametrize("name", remembering.TRIED)
def test_a_memory_without_its_key_is_reported(rememberers: Both, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants: each answers everybody what it kept for the first."""
    monkeypatch.setattr(*remembering.place(name), remembering.careless(name))
    assert remembering.mixed(*rememberers) != []


# Files and cache -----------------------------------------------------------------------------------------------------------


def stored(scene: Scene) -> list[str]:
    place = settings.STORAGES["default"]["OPTIONS"]["location"] / scene.victim.home.schema
    return [path.relative_to(place).as_posix() for path in place.glob("**/*") if path.is_file()]


def read_as(member: Member, name: str) -> bytes:
    with member.acting():
        return files().read(name)


def attack_files(scene: Scene, attackers: Attackers) -> tuple[int, list[str]]:
    """Each file of the victim's by its name, by names that lead out of one's own folder, and by addresses. How many were tried, and what came of it."""
    schema, tried, found = scene.victim.home.schema, 0, list[str]()
    for attacker, name in itertools.product(attackers, stored(scene)):
        for said in (name, f"../{schema}/{name}", f"/{schema}/{name}", f"x/../../{schema}/{name}"):
            tried += 2
            with contextlib.suppress(FileNotFoundError, SuspiciousFileOperation):
                found.append(f"{said} is {len(read_as(attacker.member, said))} bytes")
            if said != name:
                with attacker.member.acting(), contextlib.suppress(SuspiciousFileOperation):
                    files().keep(said, b"mine")
                    found.append(f"{said} was written")
        ways = (f"/media/{schema}/", f"/static/../media/{schema}/", f"/static/%2e%2e/media/{schema}/", f"//media/{schema}/")
        for address in (f"{way}{name}" for way in ways):
            tried += 1
            if SECRET.encode() in b"".join(outside(Client().get, address)):
                found.append(f"{address} was answered")
    return tried, found


def test_no_file_of_anothers_is_read_or_written(scene: Scene, attackers: Attackers) -> None:
    began, names = time.perf_counter(), stored(scene)
    assert FILE in [read_as(scene.victim, name) for name in names]
    tried, found = attack_files(scene, attackers)
    tally.tell("attacks: files", tried=tried, leaked=len(found), seconds=time.perf_counter() - began)
    assert found == []
    assert stored(scene) == names


def test_files_that_lie_in_one_folder_are_reported(scene: Scene, attackers: Attackers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants: the same folder for all, and names that are believed. What is written goes beside the victim's true folder."""
    root, schema = tmp_path / "media", scene.victim.home.schema
    place = settings.STORAGES["default"]["OPTIONS"]["location"] / schema
    shutil.copytree(place, root / schema)
    with monkeypatch.context() as patch:
        patch.setattr(HomeStorage, "location", str(root / schema))
        _tried, found = attack_files(scene, attackers[:1])
        assert [line for line in found if line.startswith(stored(scene)[0])] != []
    with monkeypatch.context() as patch:
        patch.setattr(HomeStorage, "location", str(root / "mine"))
        patch.setattr(HomeStorage, "path", lambda storage, name: os.path.join(storage.location, name))
        _tried, found = attack_files(scene, attackers[:1])
        assert any(line.startswith(f"../{schema}/") and "bytes" in line for line in found)
        assert any(line.startswith(f"../{schema}/") and "written" in line for line in found)


def attack_caches(scene: Scene, attackers: Attackers) -> tuple[int, list[str]]:
    """Each cache by the victim's key, and by keys that say the victim. How many were tried, and what was found or lost."""
    victim, tried, found = scene.victim.home.schema, 0, list[str]()
    asked = ["key", f"{victim}:1:key", f":{victim}:1:key", f"1:../{victim}:1:key"]
    for alias, attacker in itertools.product(settings.CACHES, attackers):
        cache: Any = caches[alias]
        with scene.victim.acting():
            cache.set("key", SECRET)
        with attacker.member.acting():
            tried += len(asked) + 2
            found += [f"{key} was told" for key in cache.get_many(asked)]
            found += ["a key without a version was told"] if cache.get(f":{victim}:1:key", version="") is not None else []
            cache.delete("key")
        with scene.victim.acting():
            found += ["the victim's was deleted"] if cache.get("key") != SECRET else []
    return tried, found


def test_every_cache_keeps_enterprises_apart(scene: Scene, attackers: Attackers) -> None:
    began = time.perf_counter()
    tried, found = attack_caches(scene, attackers)
    tally.tell("attacks: caches", tried=tried, leaked=len(found), seconds=time.perf_counter() - began)
    assert found == []


def test_a_cache_without_the_enterprise_is_reported(scene: Scene, attackers: Attackers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: keys as Django makes them."""
    monkeypatch.setattr(caches["default"], "key_func", lambda key, prefix, version: f"{prefix}:{version}:{key}")
    assert {"key was told", "the victim's was deleted"} <= set(attack_caches(scene, attackers[:1])[1])


# Sockets and groups ------------------------------------------------------------------------------------------------------------


def ways(scene: Scene, attackers: Attackers) -> Iterator[tuple[str, dict[str, str], str]]:
    """Each way in that the attackers try: its name, headers, and query."""
    slug, cursor = scene.victim.slug, scene.secrets["cursor"][0]
    for attacker in attackers:
        token = {"authorization": f"Bearer {attacker.member.token}"}
        cookie = {"cookie": f"sessionid={attacker.client.cookies['sessionid'].value}", "origin": settings.BASE_URL, "host": urlsplit(settings.BASE_URL).netloc}
        there = {**cookie, "host": f"{slug}.{cookie['host']}", "origin": cookie["origin"].replace("//", f"//{slug}.")}
        for query in ("", f"after={START}", f"after={cursor}", f"enterprise={slug}", f"enterprise={slug}&after={START}"):
            yield f"{attacker.name} by token ?{query}", token, query
            yield f"{attacker.name} by session ?{query}", cookie, query
            yield f"{attacker.name} by session at the victim's ?{query}", there, query


async def listen(scene: Scene, attackers: Attackers, act: Callable[[], None]) -> tuple[dict[str, list[str]], list[str]]:
    """Sit at every socket of the portal in every way, and at the victim's own; have something happen there; what each heard, and what the victim did."""
    await bridge.start()
    own = Wire("/ws/events/", {"authorization": f"Bearer {scene.victim.token}"})
    wires = {}
    try:
        assert await own.open()
        for pattern in websocket_urlpatterns:
            for name, headers, query in ways(scene, attackers):
                wire = wires[f"{pattern.pattern} {name}"] = Wire(f"/{pattern.pattern}?{query}", headers)
                await wire.open()
        await asyncio.sleep(0.3)
        await asyncio.get_running_loop().run_in_executor(None, act)
        await asyncio.sleep(1.5)
        return {name: wire.heard() for name, wire in wires.items()}, own.heard()
    finally:
        for wire in (own, *wires.values()):
            await wire.shut()
        await bridge.stop()


def overheard(scene: Scene, attackers: Attackers) -> tuple[int, list[str]]:
    """How many sockets were opened, and what was heard there of the victim's."""
    made: list[uuid.UUID] = []

    def act() -> None:
        made.append(outside(order, scene.victim, scene.last, [line("SPIED-ON")], number=f"{SECRET}-{uuid.uuid4().hex[:8]}"))

    heard, own = asyncio.run(listen(scene, attackers, act))
    assert any(SECRET in text for text in own)
    judge = Judge(scene)
    judge.ids.add(made[0].hex.encode())
    found = [f"{name}: {text}" for name, texts in heard.items() for text in texts if judge.seen(text.encode(), (), partner=True)]
    return len(heard), found


def test_no_socket_tells_of_another_enterprise(scene: Scene, attackers: Attackers) -> None:
    began = time.perf_counter()
    tried, found = overheard(scene, attackers)
    tally.tell("attacks: sockets", tried=tried, leaked=len(found), seconds=time.perf_counter() - began)
    assert found == []
    assert tried >= 20 * len(websocket_urlpatterns)


def test_a_group_without_the_enterprise_is_reported(scene: Scene, attackers: Attackers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: all sockets of a process in one group."""
    monkeypatch.setattr("apps.live.selectors.group_name", lambda topic: f"t.all.{topic}")
    _tried, found = overheard(scene, attackers[:1])
    assert found != []
