"""Requests that wait for a place in the batch."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator

from .limits import Policy
from .request import Request


class FirstCome:
    """In order of arrival; who was pre-empted goes first."""

    def __init__(self) -> None:
        self._queue: deque[Request] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._queue)

    @property
    def first(self) -> Request:
        return self._queue[0]

    def add(self, request: Request) -> None:
        self._queue.append(request)

    def put_back(self, request: Request) -> None:
        self._queue.appendleft(request)

    def pop(self) -> Request:
        return self._queue.popleft()

    @staticmethod
    def victim(running: dict[Request, None]) -> Request:
        """Who is pre-empted: who was admitted last."""
        return next(reversed(running))


class ByPriority:
    """Lowest number first; among equals, who came first."""

    def __init__(self) -> None:
        self._queue: list[tuple[int, float, int, Request]] = []

    def __len__(self) -> int:
        return len(self._queue)

    def __iter__(self) -> Iterator[Request]:
        return (entry[-1] for entry in sorted(self._queue))

    @property
    def first(self) -> Request:
        return self._queue[0][-1]

    def add(self, request: Request) -> None:
        heapq.heappush(self._queue, (request.priority, request.arrival_s, request.number, request))

    put_back = add

    def pop(self) -> Request:
        return heapq.heappop(self._queue)[-1]

    @staticmethod
    def victim(running: Iterable[Request]) -> Request:
        """Who is pre-empted: the least urgent, and of those who came last."""
        return max(running, key=lambda r: (r.priority, r.arrival_s, r.number))


Waiting = FirstCome | ByPriority


def waiting(policy: Policy) -> Waiting:
    return FirstCome() if policy == "fcfs" else ByPriority()
