"""The free time of one resource: disjoint intervals, searched by place and by length in O(log n)."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import sub

FULL = 64
"""A block of intervals is split in two when it grows beyond this."""


class Taken(ValueError):
    """What was to be reserved is not free, or what was to be released is."""


class Gaps:
    """Disjoint, sorted intervals [start, end) in blocks of at most 64, with a tree of maxima over the blocks' longest intervals."""

    __slots__ = ("_ends", "_firsts", "_size", "_starts", "_tree")

    def __init__(self, free: Sequence[tuple[int, int]]) -> None:
        """free: sorted intervals that do not touch."""
        half = FULL // 2
        self._starts = [[start for start, _end in free[first : first + half]] for first in range(0, len(free), half)]
        self._ends = [[end for _start, end in free[first : first + half]] for first in range(0, len(free), half)]
        self._build()

    def __iter__(self) -> "zip[tuple[int, int]]":
        return zip((start for block in self._starts for start in block), (end for block in self._ends for end in block), strict=True)

    def latest(self, limit: int, length: int) -> int | None:
        """The latest start of a free stretch of this length that ends by `limit`."""
        edge = limit - length
        block = bisect_right(self._firsts, edge) - 1
        if block < 0:
            return None
        if self._tree[block + self._size] >= length:
            starts, ends = self._starts[block], self._ends[block]
            for place in range(bisect_right(starts, edge) - 1, -1, -1):
                if ends[place] - starts[place] >= length:
                    return min(ends[place] - length, edge)
        block = self._before(block, length)
        if block < 0:
            return None
        starts, ends = self._starts[block], self._ends[block]
        return next(end - length for start, end in zip(reversed(starts), reversed(ends), strict=True) if end - start >= length)

    def earliest(self, ready: int, length: int) -> int | None:
        """The earliest start, not before `ready`, of a free stretch of this length."""
        block = bisect_right(self._firsts, ready) - 1
        if block < 0:
            block = 0
            if not self._firsts:
                return None
        if self._tree[block + self._size] >= length:
            starts, ends = self._starts[block], self._ends[block]
            for place in range(max(bisect_right(starts, ready) - 1, 0), len(starts)):
                start = max(starts[place], ready)
                if ends[place] - start >= length:
                    return start
        block = self._after(block, length)
        if block < 0:
            return None
        return next(start for start, end in zip(self._starts[block], self._ends[block], strict=True) if end - start >= length)

    def reserve(self, start: int, end: int) -> None:
        """Take [start, end) out. Raises Taken unless all of it is free."""
        block = bisect_right(self._firsts, start) - 1
        place = bisect_right(self._starts[block], start) - 1 if block >= 0 else -1
        if place < 0 or self._ends[block][place] < end:
            raise Taken(start, end)
        starts, ends = self._starts[block], self._ends[block]
        first, last = starts[place], ends[place]
        if first < start:
            ends[place] = start
            if end < last:
                self._put(block, place + 1, end, last)
        elif end < last:
            starts[place] = end
            if not place:
                self._firsts[block] = end
        else:
            self._drop(block, place)
            return
        if last - first == self._tree[block + self._size]:
            self._measure(block)

    def release(self, start: int, end: int) -> None:
        """Put [start, end) back. Raises Taken when some of it is free already."""
        block = max(bisect_right(self._firsts, start) - 1, 0)
        if not self._firsts:
            self._starts, self._ends = [[start]], [[end]]
            self._build()
            return
        starts, ends = self._starts[block], self._ends[block]
        place = bisect_right(starts, start) - 1
        after = self._next(block, place)
        if (place >= 0 and ends[place] > start) or (after and after[2] < end):
            raise Taken(start, end)
        if after and after[2] == end:
            end = self._ends[after[0]][after[1]]
            self._drop(after[0], after[1])
            if block >= len(self._starts) or self._starts[block] is not starts:
                self.release(start, end)
                return
        if place >= 0 and ends[place] == start:
            ends[place] = end
            self._measure(block)
        else:
            self._put(block, place + 1, start, end)

    def _next(self, block: int, place: int) -> tuple[int, int, int] | None:
        """Block, place and start of the interval after this one."""
        if place + 1 < len(self._starts[block]):
            return block, place + 1, self._starts[block][place + 1]
        if block + 1 < len(self._starts):
            return block + 1, 0, self._starts[block + 1][0]
        return None

    def _put(self, block: int, place: int, start: int, end: int) -> None:
        starts, ends = self._starts[block], self._ends[block]
        starts.insert(place, start)
        ends.insert(place, end)
        if len(starts) > FULL:
            half = len(starts) // 2
            self._starts[block : block + 1] = [starts[:half], starts[half:]]
            self._ends[block : block + 1] = [ends[:half], ends[half:]]
            self._build()
        else:
            self._firsts[block] = starts[0]
            self._measure(block)

    def _drop(self, block: int, place: int) -> None:
        starts, ends = self._starts[block], self._ends[block]
        del starts[place], ends[place]
        if not starts:
            del self._starts[block], self._ends[block]
            self._build()
        else:
            self._firsts[block] = starts[0]
            self._measure(block)

    def _build(self) -> None:
        count = len(self._starts)
        self._firsts = [starts[0] for starts in self._starts]
        self._size = size = 1 << max(count - 1, 0).bit_length()
        tops = [max(map(sub, ends, starts)) for starts, ends in zip(self._starts, self._ends, strict=True)]
        self._tree = [0] * size + tops + [0] * (size - count)
        for node in range(size - 1, 0, -1):
            self._tree[node] = max(self._tree[2 * node], self._tree[2 * node + 1])

    def _measure(self, block: int) -> None:
        tree, node = self._tree, block + self._size
        if node >= len(tree):
            return
        tree[node] = max(map(sub, self._ends[block], self._starts[block]))
        while node > 1:
            node >>= 1
            top = max(tree[2 * node], tree[2 * node + 1])
            if tree[node] == top:
                return
            tree[node] = top

    def _before(self, block: int, length: int) -> int:
        """The last block before this one that has an interval of the length; -1 when none has."""
        tree, size, node = self._tree, self._size, block + self._size
        while node > 1:
            if node & 1 and tree[node - 1] >= length:
                node -= 1
                while node < size:
                    node = 2 * node + 1 if tree[2 * node + 1] >= length else 2 * node
                return node - size
            node >>= 1
        return -1

    def _after(self, block: int, length: int) -> int:
        """The first block after this one that has an interval of the length; -1 when none has."""
        tree, size, node = self._tree, self._size, block + self._size
        while node > 1:
            if not node & 1 and tree[node + 1] >= length:
                node += 1
                while node < size:
                    node = 2 * node if tree[2 * node] >= length else 2 * node + 1
                return node - size
            node >>= 1
        return -1
