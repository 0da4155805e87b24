"""Batch replay in several processes: what they say to each other, and how their parts make a
whole.
"""
