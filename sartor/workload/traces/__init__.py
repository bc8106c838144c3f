"""Traces of real traffic: read in the formats that serving systems write, written as Mooncake JSONL."""

from .formats import FORMATS
from .read import read_trace
from .write import write_mooncake

__all__ = ["FORMATS", "read_trace", "write_mooncake"]
