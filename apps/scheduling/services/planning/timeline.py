"""One resource's time. Work is counted in working minutes since the beginning, so that a rest is no interruption: what pauses there is one stretch of work."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from apps.scheduling.services.planning.gaps import Gaps
from apps.scheduling.services.planning.world import Key, Minute, Resource


class Timeline:
    """Working time as a number line of its own, and what of it is free."""

    __slots__ = ("_before", "_ends", "_starts", "efficiency", "gaps", "key", "work")

    def __init__(self, resource: Resource, at: Minute, horizon: Minute, busy: Iterable[tuple[Minute, Minute]] = ()) -> None:
        self.key: Key = resource.key
        self.efficiency = resource.efficiency
        self._starts: list[Minute] = []
        self._ends: list[Minute] = []
        self._before: list[int] = []
        self.work = 0
        for start, end in resource.windows:
            start, end = max(start, at), min(end, horizon)
            if start < end:
                self._starts.append(start)
                self._ends.append(end)
                self._before.append(self.work)
                self.work += end - start
        self.gaps = Gaps(list(self._free(busy)))

    def _free(self, busy: Iterable[tuple[Minute, Minute]]) -> Iterator[tuple[int, int]]:
        begin = 0
        for start, end in sorted(busy):
            first, last = self.worked(start), self.worked(end)
            if first < last:
                if first > begin:
                    yield begin, first
                begin = max(begin, last)
        if begin < self.work:
            yield begin, self.work

    def worked(self, time: Minute) -> int:
        """Working minutes before a time."""
        place = bisect_right(self._starts, time) - 1
        return self._before[place] + min(time, self._ends[place]) - self._starts[place] if place >= 0 else 0

    def time(self, worked: int) -> Minute:
        """When the working minute with this number begins."""
        place = bisect_right(self._before, worked) - 1
        return self._starts[place] + worked - self._before[place]

    def unbroken(self, start: Minute, end: Minute) -> bool:
        """Is all the time between the two working time?"""
        return self.worked(end) - self.worked(start) == end - start

    def shifts(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """The windows that hold the working minutes `first` to `last`: the minutes from, to (not itself), and what makes a time of the day of them."""
        for place in range(bisect_right(self._before, first) - 1, bisect_right(self._before, last)):
            begin = self._before[place]
            yield begin, begin + self._ends[place] - self._starts[place], self._starts[place] - begin

    def latest(self, limit: Minute, length: int) -> tuple[Minute, Minute] | None:
        """Start and end of the latest free stretch of so many working minutes that ends by `limit`."""
        found = self.gaps.latest(self.worked(limit), length)
        return None if found is None else (self.time(found), self.time(found + length - 1) + 1)

    def earliest(self, ready: Minute, length: int) -> tuple[Minute, Minute] | None:
        """Start and end of the earliest free stretch of so many working minutes that begins at `ready` or later."""
        found = self.gaps.earliest(self.worked(ready), length)
        return None if found is None else (self.time(found), self.time(found + length - 1) + 1)

    def reserve(self, start: Minute, end: Minute) -> None:
        self.gaps.reserve(self.worked(start), self.worked(end))

    def release(self, start: Minute, end: Minute) -> None:
        self.gaps.release(self.worked(start), self.worked(end))
