"""The command line: one verb a stage."""

from .main import app, main

__all__ = ["app", "main"]
