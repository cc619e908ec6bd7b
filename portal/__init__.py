"""The roof: settings, addresses, and the processes that stand under it."""

import gc

# What is loaded at a process's start stays; to look through it again and again took a sixth of the start.
gc.set_threshold(10_000, 20, 20)
