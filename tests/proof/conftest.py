"""Cores of this folder speak a few tokens."""

from tests.quick import quick as quick
