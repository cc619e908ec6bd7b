"""A schedule as a net of tasks: what is to be done on what, after what, and by when. The improvement works on it, wherever it came from."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from apps.scheduling.services.planning.timeline import Timeline
from apps.scheduling.services.planning.world import Minute

NOWHERE = -1
"""The machine of a task that needs none."""


@dataclass(slots=True)
class Task:
    """options: (machine, working minutes) of each way to do it; option, start, end: how and when it is done now; after: (task, lag) of what precedes it."""

    options: tuple[tuple[int, Minute], ...]
    release: Minute = 0
    after: list[tuple[int, Minute]] = field(default_factory=list)
    option: int = 0
    start: Minute = 0
    end: Minute = 0

    @property
    def machine(self) -> int:
        return self.options[self.option][0]


@dataclass(frozen=True, slots=True)
class Goal:
    """What counts: the last of the parts (task, lag) is wanted by `due`; each minute after it costs 1. floor: it is not there earlier anyway."""

    parts: tuple[tuple[int, Minute], ...]
    due: Minute = 0
    floor: Minute = 0


@dataclass(slots=True)
class Net:
    """machines: their time; busy: what of it is taken by what is no task of the net."""

    tasks: list[Task]
    goals: list[Goal]
    machines: list[Timeline]
    busy: dict[int, list[tuple[Minute, Minute]]] = field(default_factory=dict)
    horizon: Minute = 0

    def finish(self, goal: Goal) -> Minute:
        return max((self.tasks[task].end + lag for task, lag in goal.parts), default=goal.floor)

    def late(self, goal: Goal) -> Minute:
        return max(0, max(self.finish(goal), goal.floor) - goal.due)

    def cost(self) -> int:
        return sum(self.late(goal) for goal in self.goals)

    def followers(self) -> dict[int, list[tuple[int, Minute]]]:
        """The other way round than `after`."""
        found: dict[int, list[tuple[int, Minute]]] = defaultdict(list)
        for number, task in enumerate(self.tasks):
            for before, lag in task.after:
                found[before].append((number, lag))
        return found

    def rows(self, tasks: Iterable[int]) -> dict[int, list[int]]:
        """The tasks of each machine in their order."""
        found: dict[int, list[int]] = defaultdict(list)
        for number in tasks:
            if self.tasks[number].machine != NOWHERE:
                found[self.tasks[number].machine].append(number)
        for row in found.values():
            row.sort(key=lambda number: (self.tasks[number].start, self.tasks[number].end))
        return found

    def upstream(self, starts: Iterable[int]) -> list[int]:
        """The tasks and all that precedes them, the nearest first."""
        order = dict.fromkeys(starts)
        waiting = list(order)
        for number in waiting:
            for before, _lag in self.tasks[number].after:
                if before not in order:
                    order[before] = None
                    waiting.append(before)
        return waiting
