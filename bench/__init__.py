"""The benchmarks: `make bench`. Each figure stands beside a floor that was measured in the same run, in turns with it.

A floor is what an ordinary engineer would reach with the same database and no portal; the ratio says what the portal costs.
"""
