"""`python -m bench [NAME …]`: all benchmarks, or those whose names begin so."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence

from bench import figures, ground
from bench.figures import Figure


def _exchange() -> Iterator[Figure]:
    from bench import exchange
    from bench.crew import Crew

    with Crew(max(exchange.CLIENTS)) as crew:
        yield from exchange.measure(crew)


def _live() -> Iterator[Figure]:
    from bench import live

    yield from live.measure()


def _rest() -> Iterator[Figure]:
    from bench import rest

    yield from rest.measure()


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {"exchange": _exchange, "rest": _rest, "live": _live}


def main(names: Sequence[str]) -> int:
    """Measure, print the table while it grows, and write `var/bench.json`."""
    started, found = time.monotonic(), []
    with ground.laid():
        ground.prepare()
        print(figures.heading(), flush=True)
        for name, part in PARTS.items():
            if not names or name in names:
                for figure in part():
                    found.append(figure)
                    print(figures.row(figure), flush=True)
    figures.write(ground.ROOT / "var" / "bench.json", found)
    print(f"\n{len(found)} figures in {time.monotonic() - started:.0f} s; var/bench.json has them with all runs.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
