"""The listener: station telemetry over TCP (HJ 212), kept before it is answered. The door to asyncio.

    gate      who may speak           line      one connection
    commits   group commit, answers   requests  what is asked of stations
    house     all of it at work       beside    a thread of its own

Never here: what a frame's values mean, judging, the readings (`pipeline.telemetry` takes the frames over).
"""

from envmon.listener.beside import Listening

__all__ = ["Listening"]
