"""Cores of this folder run a few instructions."""

from tests.quick import quick as quick
