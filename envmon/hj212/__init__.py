"""HJ 212, the language of monitoring stations: frames of bytes, data segments, the values in them.

`frames` cuts a stream of bytes into frames and checks them, `segments` reads and writes the fields of one, `data` says
what its values stand for. HJ/T 212-2005, HJ 212-2017, HJ 212-2025 and the water stations' HJ 1404-2024 alike.
Never here: sockets, clocks, devices that are allowed to speak, what is stored.
"""
