"""The compiler in a process of its own: it prints to the standard output, cannot be interrupted and may need much memory.

Reads a count of variables and clauses as JSON from the standard input; answers with the circuit in d4's format among other lines.
"""

import json
import sys

import py_d4


def main() -> None:
    """Compile once."""
    asked = json.load(sys.stdin)
    circuit = py_d4.Solver(asked["clauses"], asked["variables"]).compile()
    sys.stdout.write("\n" + circuit.getNNFString() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
