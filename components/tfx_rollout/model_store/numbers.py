"""Which number the next version gets.

Numbers only grow, and none is ever given to two different models, not even after the
version was removed. The number is claimed for a digest before the version appears: a push
that is killed after its claim and run again gets the same number, and no other model does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tfx_rollout.errors import CorruptState, StorageFault
from tfx_rollout.model_store.control_file import read_json, remove_file, write_json
from tfx_rollout.model_store.layout import HIGHEST_NUMBER, Layout

SCHEMA = 1


@dataclass(frozen=True)
class Numbers:
    """`highest` is the highest number ever claimed, `claim` the digest that it was claimed for.

    `claim` is `None` when that number can never be given again.
    """

    highest: int = 0
    claim: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "highest": self.highest, "claim": self.claim}


def claim(numbers: Numbers, digest: str, used: Iterable[int], there: Iterable[int]) -> Numbers:
    """The claim for a new version with this digest. Pure.

    `used` are all numbers that anything names, `there` those with a folder. The former
    claim is kept when it was for the same digest, nothing higher came since, and no
    folder came of it.
    """
    highest = max((numbers.highest, *used))
    if numbers.claim == digest and numbers.highest == highest and highest not in set(there):
        return numbers
    return Numbers(highest + 1, digest)


def retire(numbers: Numbers, version: int, used: Iterable[int]) -> Numbers:
    """The numbers after a version was removed: it is never given again. Pure."""
    highest = max((numbers.highest, *used))
    return Numbers(highest, None) if highest > numbers.highest or version == highest else numbers


class NumberLedger:
    """The claims on disk, `.rollout/numbers.json`. Callers hold the base path's lock.

    `named` gives the numbers that the control files name; the history is asked for its
    numbers only where no claim was ever made.
    """

    def __init__(self, layout: Layout, named: Callable[[], set[int]], in_history: Callable[[], set[int]]) -> None:
        self._layout = layout
        self._named = named
        self._in_history = in_history

    def claim(self, digest: str) -> int:
        """Claims a number durably for a new version with this digest.

        Raises `StorageFault`, also when int64 has no higher number, and `CorruptState`.
        """
        layout = self._layout
        before, there = self._read(), layout.numbered()
        after = claim(before, digest, used=self._used(), there=there)
        if after.highest > HIGHEST_NUMBER:
            raise StorageFault(str(layout.base), f"has version {HIGHEST_NUMBER}, above which there is none", "rename that folder")
        if after != before:
            write_json(layout.numbers, after.to_json())
            if before.claim is not None and before.highest not in there:
                # The manifest of a push that was killed, and was not run again.
                remove_file(layout.manifest(before.highest))
        return after.highest

    def retire(self, version: int) -> None:
        """Sees to it that the number of a version about to be removed is never used again."""
        before = self._read()
        after = retire(before, version, self._used())
        # Not written again without need: who removes versions may do so because the disk is full.
        if after != before:
            write_json(self._layout.numbers, after.to_json())

    def _used(self) -> set[int]:
        return {*self._layout.numbered(), *self._layout.manifest_numbers(), *self._named()}

    def _read(self) -> Numbers:
        data = read_json(self._layout.numbers)
        if data is None:
            return Numbers(max((0, *self._in_history())))
        try:
            if data["schema"] != SCHEMA:
                raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
            return Numbers(int(data["highest"]), data["claim"])
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptState(str(self._layout.numbers), f"it has no numbers: {error!r}") from error
