"""Hypothesis without a time limit per example: on a shared machine that limit measures the neighbours."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
