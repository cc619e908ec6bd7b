"""One run of the harness: conversations and listeners, somebody who kills meanwhile, and the reckoning."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.faults import listening
from tests.faults.chains import Line, Talk
from tests.faults.killing import Killer, plan
from tests.faults.listening import Listener
from tests.faults.reckoning import drained, reckon
from tests.faults.stage import Cast, Stage
from tests.faults.talking import Language
from tests.house import House


@dataclass
class Outcome:
    """findings: what is off, in sentences. drained: seconds from the last kill until nothing was on its way."""

    talk: Talk
    killed: Counter[str]
    findings: list[str]
    drained: float
    seconds: float
    laps: dict[str, float] = field(default_factory=dict)

    def told(self) -> str:
        book = self.talk.book
        return (
            f"{book.done} chains, {sum(book.moves.values())} moves, {book.requests} requests in {self.seconds:.0f} s; killed {dict(self.killed)}; "
            f"drained after {self.drained:.1f} s; longest answer {book.longest:.1f} s; moves {dict(sorted(book.moves.items()))}; "
            f"refused {dict(sorted(book.refused.items()))} as {book.why}; met {dict(book.met)}; laps {self.laps}; findings {self.findings[:20]}"
        )


def language(house: House, cast: Cast, line: Line) -> Language:
    return Language(line.call(cast.members[0], "GET", "schema/").body)


def play(
    stage: Stage,
    house: House,
    cast: Cast,
    *,
    chains: int,
    kills: int,
    clients: int,
    seed: int,
    run: str = "r",
    listeners: bool = True,
    only: tuple[str, ...] = (),
    wanted: frozenset[str] = frozenset(),
) -> Outcome:
    """Let it all happen, and look at what is left. only: kill no other kinds than these; wanted: go on until these moves were made (`Talk.wanted`)."""
    host, port = "127.0.0.1", house.port
    talk = Talk(cast, Language({}), host, port, seed, chains, clients, run, wanted=wanted)
    line = Line(host, port, talk.book)
    talk.language = language(house, cast, line)
    hearing = [Listener(member, host, port, listening.newest(line, member)) for member in cast.members] if listeners else []
    chance = random.Random(f"kills-{seed}")
    kinds = [chance.choice(only) for _kill in range(kills)] if only else plan(kills, chance)
    killer = Killer(stage, house, kinds, chance, lambda: talk.book.done, chains, lambda: {each.local for each in hearing if each.local})
    done, started = threading.Event(), time.monotonic()
    killing = threading.Thread(target=killer.run, args=[done])
    killing.start()
    laps, findings = {}, []
    try:
        talk.hold()
        laps["held"] = time.monotonic() - started
        killing.join(60)
        # What was said is on its way until the last who was killed is back.
        since = killer.last or time.monotonic()
        while line.call(cast.members[0], "GET", "me/").status != 200:
            time.sleep(0.1)
        took, late = drained(stage, cast, since=since)
        laps["drained"] = time.monotonic() - started
        findings += late + reckon(stage, cast, talk.book)
        laps["reckoned"] = time.monotonic() - started
        findings += [finding for each in hearing for finding in listening.missed(line, each)]
    finally:
        done.set()
        killing.join()
        for each in hearing:
            each.stop()
        line.close()
    return Outcome(talk, killer.killed, findings, took, time.monotonic() - started, {name: round(lap, 1) for name, lap in laps.items()})
