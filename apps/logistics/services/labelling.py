"""The bars of a label: an SSCC as GS1-128 (ISO/IEC 15417, GS1 General Specifications 5.4)."""

from collections.abc import Iterator
from dataclasses import dataclass

# The widths of bars and spaces of each symbol character, 0 to 105; every one is 11 modules wide.
_PATTERNS = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221223211221132221231213212223112"
    "312131311222321122321221312212322112322211212123212321232121111323131123131321112313132113132311211313231113231311112133112331132131113123"
    "113321133121313121211331231131213113213311213131311123311321331121312113312311332111314111221411431111111224111422121124121421141122141221"
    "112214112412122114122411142112142211241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141214121412121"
    "111143111341131141114113114311411113411311113141114131311141411131211412211214211232"
)
WIDTHS = tuple(_PATTERNS[index : index + 6] for index in range(0, len(_PATTERNS), 6))
STOP = "2331112"
START_C, FNC1 = 105, 102
QUIET = 10


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars to draw: where each begins and how wide it is, in modules; width: of the whole, with its quiet zones."""

    bars: tuple[tuple[int, int], ...]
    width: int


def bars(sscc: str) -> Bars:
    """The GS1-128 symbol of an SSCC with its identifier 00, in code set C."""
    digits = f"00{sscc}"
    codes = [START_C, FNC1, *(int(digits[index : index + 2]) for index in range(0, len(digits), 2))]
    check = (codes[0] + sum(position * code for position, code in enumerate(codes[1:], 1))) % 103
    found = tuple(_drawn("".join([*(WIDTHS[code] for code in (*codes, check)), STOP])))
    return Bars(found, sum(found[-1]) + QUIET)


def _drawn(widths: str) -> Iterator[tuple[int, int]]:
    at = QUIET
    for index, width in enumerate(map(int, widths)):
        if index % 2 == 0:
            yield at, width
        at += width
