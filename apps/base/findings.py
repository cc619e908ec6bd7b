"""What is wrong with an input: where, and in the reader's words."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. pointer: RFC 6901, from the root of the input; code: stable, for programs; detail: a sentence that says the mend."""

    pointer: str
    code: str
    detail: str


class Invalid(Exception):
    """An input that was refused as a whole, with everything that is wrong with it."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(f"{finding.pointer}: {finding.detail}" for finding in findings))
        self.findings = findings

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)


def refuse(pointer: str, code: str, detail: str) -> Invalid:
    """An Invalid with one finding."""
    return Invalid([Finding(pointer, code, str(detail))])
