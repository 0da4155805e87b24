"""Retention: which days are given back, and what of them is kept."""
