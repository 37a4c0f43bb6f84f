"""Who watches what, and the one task that looks at the files for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.settings import Limits
from tfx_rollout.control.http.watching.feed import Feed
from tfx_rollout.control.http.watching.topics import Seen, Topic
from tfx_rollout.errors import NotFound, RolloutError

log = logging.getLogger("tfx_rollout.control")

LOOK_S = 0.25
"""Seconds between two looks at the files."""


class Place:
    """One watcher's subscription. `leave` it when the watcher is gone."""

    def __init__(self, watch: Watch, key: tuple[str, ...], caller: str, feed: Feed) -> None:
        self._watch, self._key, self._caller = watch, key, caller
        self.feed = feed

    def leave(self) -> None:
        """Gives the place back."""
        self._watch._leave(self._key, self._caller)

    @property
    def closing(self) -> bool:
        """Whether the process is about to end."""
        return self._watch.closing


class Watch:
    """All topics that somebody watches. For one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._topics: dict[tuple[str, ...], Topic] = {}
        self._watchers: Counter[tuple[str, ...]] = Counter()
        self._callers: Counter[str] = Counter()
        self._complaints: dict[tuple[str, ...], str] = {}
        self._turn = asyncio.Lock()
        self._looker: asyncio.Task[None] | None = None
        self.closing = False

    async def enter(self, key: tuple[str, ...], caller: str, make: Callable[[], Topic]) -> Place:
        """A place in the feed of this topic, which `make` makes if nobody watches it yet; it was looked at just now.

        Raises `Refused` when too many watch, and what the first look raises (`NotFound`, say).
        """
        if self.watchers >= self._limits.watchers:
            raise Refused(
                503, "too-many-watchers", "Too many are watching already; come again in a while, or ask for single states."
            )
        if self._callers[caller] >= self._limits.watchers_each:
            raise Refused(
                429,
                "too-many-watchers",
                f"{caller} watches {self._limits.watchers_each} times already, which is the most; end one of them first.",
                headers={"Retry-After": "5"},
            )
        self._watchers[key] += 1
        self._callers[caller] += 1
        try:
            async with self._turn:
                topic = await self._topic(key, make)
        except BaseException:
            self._leave(key, caller)
            raise
        if self._looker is None or self._looker.done():
            self._looker = asyncio.create_task(self._look_on())
        return Place(self, key, caller, topic.feed)

    async def _topic(self, key: tuple[str, ...], make: Callable[[], Topic]) -> Topic:
        known = self._topics.get(key)
        if known is not None and not known.feed.over and key not in self._complaints:
            # It is looked at all the time.
            return known
        topic = await run_in_threadpool(make) if known is None else known
        seen = await run_in_threadpool(topic.look)
        self._topics[key] = topic
        _tell(topic, seen)
        return topic

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return self._callers.total()

    def close(self) -> None:
        """Lets all watchers go, at once."""
        self.closing = True
        for topic in self._topics.values():
            topic.feed.tell(())

    def _leave(self, key: tuple[str, ...], caller: str) -> None:
        self._callers[caller] -= 1
        self._watchers[key] -= 1
        if self._callers[caller] <= 0:
            del self._callers[caller]
        if self._watchers[key] <= 0:
            del self._watchers[key]
            self._topics.pop(key, None)
            self._complaints.pop(key, None)

    async def _look_on(self) -> None:
        """Looks at everything that is watched, turn after turn, until nobody watches."""
        while self._topics and not self.closing:
            await asyncio.sleep(LOOK_S)
            async with self._turn:
                watched = dict(self._topics)
                for key, seen in (await run_in_threadpool(self._look_at, watched)).items():
                    _tell(watched[key], seen)

    def _look_at(self, watched: dict[tuple[str, ...], Topic]) -> dict[tuple[str, ...], Seen]:
        return {key: self._seen(key, topic) for key, topic in watched.items() if not topic.feed.over}

    def _seen(self, key: tuple[str, ...], topic: Topic) -> Seen:
        try:
            seen = topic.look()
        except NotFound:
            return Seen(last=True)
        except RolloutError as error:
            # It is looked again in the next turn; said once, not four times a second.
            if self._complaints.get(key) != str(error):
                log.warning("what is watched (%s) cannot be read: %s", " ".join(key), error)
                self._complaints[key] = str(error)
            return Seen()
        self._complaints.pop(key, None)
        return seen


def _tell(topic: Topic, seen: Seen) -> None:
    if seen.messages or seen.last:
        topic.feed.tell(seen.messages, last=seen.last)
