"""Reading a binary file from front to end without trusting any length that it states."""

from __future__ import annotations

import mmap
import struct
from typing import Any

from ...errors import BrokenFile


class Cursor:
    """A place in the bytes of a file that never passes their end."""

    def __init__(self, data: bytes | mmap.mmap, where: str) -> None:
        self.data, self.where, self.at, self.size = data, where, 0, len(data)

    def broken(self, why: str) -> BrokenFile:
        return BrokenFile(f"{self.where}: byte {self.at}: {why}")

    def skip(self, count: int, what: str) -> None:
        left = self.size - self.at
        if count > left:
            raise self.broken(f"{what} needs {count} bytes, but {left} are left (truncated: fetch it again)")
        self.at += count

    def take(self, count: int, what: str) -> bytes:
        self.skip(count, what)
        return self.data[self.at - count : self.at]

    def number(self, code: str, what: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code), what))[0]

    def count(self, what: str, code: str, least: int) -> int:
        """A count of things of at least `least` bytes each, which must fit into the rest of the file."""
        value, left = self.number(code, what), self.size - self.at
        if value * least > left:
            raise self.broken(
                f"{what} is {value}, but only {left} bytes are left (truncated: fetch it again)"
            )
        return value

    def text(self, what: str, most: int = 2**24) -> str:
        """A string after its length in bytes."""
        length = self.count(f"length of {what}", "Q", 1)
        if length > most:
            raise self.broken(f"{what} is {length} bytes long (limit {most})")
        data = self.take(length, what)
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise self.broken(f"{what} is not UTF-8 text") from None
