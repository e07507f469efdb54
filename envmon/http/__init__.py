"""HTTP: one session with limits for every source. The only door to requests and urllib3.

    addresses   who may be asked, what of an address may be shown
    limits      what a service says of its own limits: Retry-After, rate limits
    line        connections that end at the deadline, whatever they wait for
    session     one round of one source

Answers are bytes, never guessed text. Never here: what an answer means, which addresses to ask, what is remembered
between rounds, any clock but the steady one that measures a deadline.
"""

from envmon.http.addresses import endpoint, joined, shown
from envmon.http.limits import LEFT_ALONE
from envmon.http.session import CAP, DEADLINE, ROUND, Access, NotFound, Session, Unchanged

__all__ = [
    "CAP",
    "DEADLINE",
    "LEFT_ALONE",
    "ROUND",
    "Access",
    "NotFound",
    "Session",
    "Unchanged",
    "endpoint",
    "joined",
    "shown",
]
