"""The seed of a random test: printed, and given again by the environment variable SEED."""

from __future__ import annotations

import os
import random


def fresh() -> int:
    """SEED where it is given, else one that nobody chose."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1, 10**6))
    print(f"SEED={seed}")
    return seed
