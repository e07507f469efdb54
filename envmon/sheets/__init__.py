"""Workbooks that leave the program: one file each. Never here: what their rows mean."""
