"""What happened, in order, for a test to wait in: no polling, and never without a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE_S = 15.0


class Record(Generic[T]):
    """Keep all that was added; `len` of it is a mark that `until` can begin at."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __getitem__(self, index: int) -> T:
        return self._items[index]

    def since(self, mark: int) -> list[T]:
        return self._items[mark:]

    def add(self, item: T) -> None:
        self._items.append(item)
        self._news.set()

    async def until(self, wanted: Callable[[T], bool], what: str, *, after: int = 0) -> T:
        """Return the first item from the mark on that is wanted, waiting for it if need be."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                index = after
                while True:
                    while index < len(self._items):
                        if wanted(self._items[index]):
                            return self._items[index]
                        index += 1
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = "\n".join(f"  {item}" for item in self._items[after:][-40:])
            raise AssertionError(f"waited in vain for {what} in\n{seen}") from None
