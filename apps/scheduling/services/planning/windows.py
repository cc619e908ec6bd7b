"""One window of a schedule, solved by CP-SAT: some tasks are free, some keep their machine and their order, all others stay where they are."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from apps.scheduling.services.planning.net import NOWHERE, Goal, Net, Task
from apps.scheduling.services.planning.timeline import Timeline
from apps.scheduling.services.planning.world import Minute

Placed = dict[int, tuple[int, Minute, Minute]]
"""Task -> option, start, end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much a window may cost. stop: asked about five times a second; found: told each better cost of the whole net at once."""

    seconds: float
    workers: int = 2
    seed: int = 0
    stop: Callable[[], bool] | None = None
    found: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class Solved:
    """placed: None when there is nothing as good; proven: nothing better exists in this window; bound: no window's plan is below it."""

    placed: Placed | None
    proven: bool
    bound: float


class Window:
    """The model of one window. free: may change machine and order; floating: keep both; everything else is fixed."""

    def __init__(self, net: Net, free: Iterable[int], floating: Iterable[int], *, limit: int, hinted: bool) -> None:
        """limit: the cost of the goals in the window that must not be exceeded. hinted: start the search from what there is."""
        from ortools.sat.python import cp_model

        self._cp: Any = cp_model
        self._net, self._hinted = net, hinted
        self._model: Any = cp_model.CpModel()
        self._free, self._floating = set(free), set(floating)
        self._inside = self._free | self._floating
        self._starts: dict[int, Any] = {}
        self._ends: dict[int, Any] = {}
        self._present: dict[tuple[int, int], Any] = {}
        self._rows: dict[int, list[Any]] = {}
        self._outside: dict[int, list[tuple[Minute, Minute]]] = {machine: list(taken) for machine, taken in net.busy.items()}
        for number, task in enumerate(net.tasks):
            if number not in self._inside and task.machine != NOWHERE and task.end > task.start:
                self._outside.setdefault(task.machine, []).append((task.start, task.end))
        self._lows, self._highs = self._bounds()
        for number in sorted(self._inside):
            self._task(number)
        self._order()
        self._machines()
        self._aim(limit)

    # The model --------------------------------------------------------------------------------------------------------

    def _bounds(self) -> tuple[dict[int, Minute], dict[int, Minute]]:
        """What is fixed on both sides of a task. Nothing goes beyond the end of what there is: a distant horizon only makes the search wide."""
        touched = [goal for goal in self._net.goals if any(part in self._inside for part, _lag in goal.parts)]
        edge = max([*(self._net.tasks[number].end for number in self._inside), *(goal.due for goal in touched)])
        lows, highs = {}, dict.fromkeys(self._inside, min(edge, self._net.horizon))
        for number in self._inside:
            task = self._net.tasks[number]
            lows[number] = max([task.release, *(self._net.tasks[before].end + lag for before, lag in task.after if before not in self._inside)])
        for number, task in enumerate(self._net.tasks):
            if number not in self._inside:
                for before, lag in task.after:
                    if before in self._inside:
                        highs[before] = min(highs[before], task.start - lag)
        for goal in self._net.goals:
            for part, lag in goal.parts:
                if part in self._inside:
                    highs[part] = min(highs[part], self._net.horizon - lag)
        return lows, highs

    def _task(self, number: int) -> None:
        task, model = self._net.tasks[number], self._model
        low, high = self._lows[number], self._highs[number]
        start = self._starts[number] = model.new_int_var(low, high, f"s{number}")
        end = self._ends[number] = model.new_int_var(low, high, f"e{number}")
        options = range(len(task.options)) if number in self._free else [task.option]
        for option in options:
            present = True if len(options) == 1 else model.new_bool_var(f"p{number}.{option}")
            self._present[number, option] = present
            self._option(number, task, option, present)
            if self._hinted and present is not True:
                model.add_hint(present, option == task.option)
        if len(options) > 1:
            model.add_exactly_one(self._present[number, option] for option in options)
        if self._hinted:
            model.add_hint(start, task.start)
            model.add_hint(end, task.end)

    def _option(self, number: int, task: Task, option: int, present: Any) -> None:
        machine, length = task.options[option]
        start, end, model = self._starts[number], self._ends[number], self._model
        if machine == NOWHERE or not length:
            self._when(model.add(end == start + length), present)
            return
        time = self._net.machines[machine]
        low, high = time.worked(self._lows[number]), time.worked(self._highs[number])
        if high - low < length:
            self._when(model.add_bool_or([]), present)
            return
        if time.unbroken(self._lows[number], self._highs[number]):
            shift = time.worked(self._lows[number]) - self._lows[number]
            worked = start + shift
            self._when(model.add(end == start + length), present)
        else:
            worked = model.new_int_var(low, high - length, f"w{number}.{option}")
            now = time.worked(task.start) if self._hinted and option == task.option else None
            if now is not None:
                model.add_hint(worked, now)
            self._clock(time, worked, start, present, (low, high - length), now)
            self._clock(time, worked + length - 1, end - 1, present, (low + length - 1, high - 1), None if now is None else now + length - 1)
        interval = (
            model.new_fixed_size_interval_var(worked, length, f"i{number}.{option}")
            if present is True
            else model.new_optional_fixed_size_interval_var(worked, length, present, f"i{number}.{option}")
        )
        self._rows.setdefault(machine, []).append(interval)

    def _clock(self, time: Timeline, worked: Any, shown: Any, present: Any, span: tuple[int, int], now: int | None) -> None:
        """The clock shows `shown` in the working minute `worked`: a shift a window of working time. now: the minute that the search begins with."""
        shifts = list(time.shifts(*span))
        if len(shifts) == 1:
            self._when(self._model.add(shown == worked + shifts[0][2]), present)
            return
        chosen = [self._model.new_bool_var("") for _shift in shifts]
        self._when(self._model.add_exactly_one(chosen) if present is True else self._model.add(sum(chosen) == 1), present)
        for literal, (first, last, shift) in zip(chosen, shifts, strict=True):
            self._model.add(shown == worked + shift).only_enforce_if(literal)
            self._model.add(worked >= first).only_enforce_if(literal)
            self._model.add(worked < last).only_enforce_if(literal)
            if self._hinted:
                self._model.add_hint(literal, now is not None and first <= now < last)
            if present is not True:
                self._model.add_implication(literal, present)

    @staticmethod
    def _when(constraint: Any, present: Any) -> None:
        if present is not True:
            constraint.only_enforce_if(present)

    def _order(self) -> None:
        for number in sorted(self._inside):
            for before, lag in self._net.tasks[number].after:
                if before in self._inside:
                    self._model.add(self._starts[number] >= self._ends[before] + lag)
        for row in self._net.rows(self._floating).values():
            for first, second in itertools.pairwise(row):
                self._model.add(self._starts[second] >= self._ends[first])

    def _machines(self) -> None:
        low, high = min(self._lows.values()), max(self._highs.values())
        for machine, intervals in self._rows.items():
            time = self._net.machines[machine]
            for start, end in self._outside.get(machine, ()):
                first, last = time.worked(start), time.worked(end)
                if first < last and start < high and end > low:
                    intervals.append(self._model.new_fixed_size_interval_var(first, last - first, ""))
            self._model.add_no_overlap(intervals)

    def _aim(self, limit: int) -> None:
        """The cost of the goals that the window touches; the others' does not change."""
        costs = []
        for goal in self._net.goals:
            if any(part in self._inside for part, _lag in goal.parts):
                costs.append(self._late(goal))
        self._touching = sum(costs)
        self._model.add(self._touching <= limit)
        self._model.minimize(self._touching)

    def _late(self, goal: Goal) -> Any:
        least = max([goal.floor, goal.due, *(self._net.tasks[part].end + lag for part, lag in goal.parts if part not in self._inside)])
        late = self._model.new_int_var(least - goal.due, max(least, self._net.horizon) - goal.due, "")
        for part, lag in goal.parts:
            if part in self._inside:
                self._model.add(late >= self._ends[part] + lag - goal.due)
        return late

    # The search -------------------------------------------------------------------------------------------------------

    def solve(self, effort: Effort) -> Solved:
        solver = self._cp.CpSolver()
        solver.parameters.max_time_in_seconds = max(effort.seconds, 0.01)
        solver.parameters.num_workers = effort.workers
        solver.parameters.random_seed = effort.seed
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(solver, effort.stop, done), daemon=True) if effort.stop else None
        if watch:
            watch.start()
        try:
            status = solver.solve(self._model, self._listener(effort.found))
        finally:
            done.set()
            if watch:
                watch.join()
        proven = status in (self._cp.OPTIMAL, self._cp.INFEASIBLE)
        if status not in (self._cp.OPTIMAL, self._cp.FEASIBLE):
            return Solved(None, proven, solver.best_objective_bound)
        placed = {
            number: (option, solver.value(self._starts[number]), solver.value(self._ends[number]))
            for (number, option), present in self._present.items()
            if present is True or solver.boolean_value(present)
        }
        return Solved(placed, proven, solver.best_objective_bound)

    @staticmethod
    def _watch(solver: Any, stop: Callable[[], bool], done: threading.Event) -> None:
        while not done.wait(0.2):
            if stop():
                solver.stop_search()

    def _listener(self, found: Callable[[int], None] | None) -> Any:
        if found is None:
            return None

        class Listener(self._cp.CpSolverSolutionCallback):  # type: ignore[misc, name-defined]
            def on_solution_callback(self) -> None:
                assert found is not None
                found(int(self.objective_value))

        return Listener()
