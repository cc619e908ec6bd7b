"""`python -m bench [NAME …]`: all benchmarks, or the named parts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench import figures, ground
from bench.figures import Figure
from portal import processes
from portal.embedded import EmbeddedPostgres, PostgresRefused

Part = Callable[[], Iterator[Figure]]


def _parts(server: EmbeddedPostgres) -> Mapping[str, Part]:
    """The benchmarks by name; imported when Django is set up."""
    from bench import asking, bulking, exchange, homes, live, memory, planning, promises, rest, scoring, thousand
    from bench.crew import Crew

    def exchanged() -> Iterator[Figure]:
        with Crew(max(exchange.CLIENTS)) as crew:
            yield from exchange.measure(crew)

    return {
        "exchange": exchanged,
        "rest": rest.measure,
        "queries": asking.measure,
        "scorecard": scoring.measure,
        "bulk": bulking.measure,
        "live": live.measure,
        "provision": homes.provisioning,
        "wall": homes.wall,
        "planning": planning.measure,
        "promises": promises.measure,
        "memory": lambda: memory.measure(server),
        "neighbour": thousand.neighbour,
        "thousand": thousand.measure,
    }


def main(names: Sequence[str]) -> int:
    """Measure, print the table while it grows, and write `var/bench.json`."""
    processes.end_on_signals()
    started, found = time.monotonic(), []
    with ground.laid() as server:
        ground.prepare()
        parts = _parts(server)
        if unknown := set(names) - set(parts):
            print(f"There is no benchmark {', '.join(sorted(unknown))}. Known are: {', '.join(parts)}.", file=sys.stderr)
            return 2
        print(figures.heading(), flush=True)
        for name, part in parts.items():
            if not names or name in names:
                for figure in part():
                    found.append(figure)
                    print(figures.row(figure), flush=True)
    figures.write(ground.ROOT / "var" / "bench.json", found)
    print(f"\n{len(found)} figures in {time.monotonic() - started:.0f} s; var/bench.json has them with all runs.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PostgresRefused as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
