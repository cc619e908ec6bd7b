"""The demo network from nothing to a busy Monday, in the order in which it came about."""

from collections.abc import Callable
from typing import Any

from portal.demo import docking, network, promising, trading, works


def load(plan: network.Plan, *, password: str, weeks: int, say: Callable[[str], Any]) -> dict[str, network.Member]:
    """The whole network, from its enterprises over so many weeks of orders to what they promised one another; what is there already stays."""
    members = network.load(plan, password=password, say=say)
    refrigerator = network.read("refrigerator")
    shops = network.read("works")
    works.load(plan, shops, members)
    works.sell(refrigerator, members["aurora"])
    say("they know how they work")
    orders = trading.load(plan, members, weeks=weeks)
    say(f"{orders} orders were told")
    deliveries = docking.load(plan, members)
    works.count(shops, members)
    promises = promising.load(network.read("promises"), members, product=refrigerator["code"])
    deliveries += docking.keep(plan, members)
    say(f"{len(members)} enterprises, {orders} orders, {promises} promises, {deliveries} deliveries.")
    return members
