"""Sartor: from a language model and its traffic to the chip tailored to it."""

__version__ = "0.1.0"
