"""Verbs of the exchange: sending by reaction, delivering, the sweep, keys, verification."""

from apps.exchange.services.asking import NoAnswer, ask
from apps.exchange.services.keys import forget_key, make_first_key, make_key, rotate
from apps.exchange.services.lifting import Stuck
from apps.exchange.services.proving import export
from apps.exchange.services.receiving import Received, receive
from apps.exchange.services.sending import send, send_added
from apps.exchange.services.sweeping import Swept, Unfinished, finish, resume, sweep
from apps.exchange.services.verifying import Checked, Difference, verify
from apps.exchange.services.writing import write

__all__ = [
    "Checked", "Difference", "NoAnswer", "Received", "Stuck", "Swept", "Unfinished", "ask", "export", "finish", "forget_key", "make_first_key", "make_key",
    "receive", "resume", "rotate", "send", "send_added", "sweep", "verify", "write",
]  # fmt: skip
