"""The steps, where the rooms of the house meet: pull, judge, rate, alert, tell, draw.

Every step is short, takes the minute it runs at, and may run twice without changing anything the second time.
"""
