"""One retraining of a model at a time, however it was started: by hand, by a schedule, as a pipeline.

    <base path>/.rollout/
      retraining.lock    held (flock) by the process under which a retraining runs; gone with it, however it ends
      retraining.json    the claim of a pipeline whose steps are processes of their own: its name, and until when

Either keeps the other out, and everybody else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tfx_rollout.errors import Busy, CorruptState, RetrainingOverlap
from tfx_rollout.model_store import BasePath, FileLock, read_json, write_json
from tfx_rollout.model_store.control_file import remove_file

SCHEMA = 1


@dataclass(frozen=True)
class Claim:
    """The hold of a pipeline run on its model's retraining. Times in seconds since the epoch."""

    run: str
    by: str
    since: float
    until: float


class RetrainingLock:
    """Who may retrain a model now. Making one reads and writes nothing."""

    def __init__(self, base: BasePath) -> None:
        self._base = base
        self._claim = base.control / "retraining.json"
        self._lock = FileLock(base.control / "retraining.lock", f"the retraining of model {base.name!r}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds it for the block. `RetrainingOverlap` at once where somebody else has it."""
        self._base.create()
        with self._taken():
            with self._base.lock():
                self._refuse_claim("")
            yield

    def claim(self, run: str, seconds: float, *, by: str) -> Claim:
        """Takes it for a pipeline run by its name, which may do so again to prolong it. `RetrainingOverlap` as `held`."""
        self._base.create()
        with self._taken(), self._base.lock():
            self._refuse_claim(run)
            now = time.time()
            claim = Claim(run, by, now, now + seconds)
            write_json(self._claim, {"schema": SCHEMA, **vars(claim)})
            return claim

    def release(self, run: str) -> bool:
        """Ends a claim; False where this run has none."""
        with self._base.lock():
            claim = self.claimed()
            if claim is None or claim.run != run:
                return False
            remove_file(self._claim)
            return True

    def claimed(self) -> Claim | None:
        """The claim that is in force now."""
        data = read_json(self._claim)
        if data is None:
            return None
        claim = self._parsed(data)
        return claim if time.time() < claim.until else None

    @contextmanager
    def _taken(self) -> Iterator[None]:
        try:
            lock = self._lock.held(timeout=0)
            lock.__enter__()
        except Busy as busy:
            what = f"another retraining runs ({busy.holder})"
            raise RetrainingOverlap(self._base.name, what, "let it finish, or stop it") from None
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def _refuse_claim(self, run: str) -> None:
        claim = self.claimed()
        if claim is not None and claim.run != run:
            left = claim.until - time.time()
            what = f"run {claim.run} of {claim.by} has claimed it for {left:.0f} s more"
            mend = f"let it finish; if it is gone, release its claim: tfx-rollout schedule gate --release {claim.run}"
            raise RetrainingOverlap(self._base.name, what, mend)

    def _parsed(self, data: dict[str, Any]) -> Claim:
        try:
            return Claim(str(data["run"]), str(data["by"]), float(data["since"]), float(data["until"]))
        except (KeyError, TypeError, ValueError) as fault:
            raise CorruptState(str(self._claim), f"it is no claim: {fault!r}") from fault
