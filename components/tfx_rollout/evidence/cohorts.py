"""From single requests to the users of an A/B test, and from feedback to what became of them. Pure.

*Whose.* A user belongs to the window in which his first request since the test began started, and for good to the arm that had
it. When shares change, some users meet another version later on; they stay with the first one, as they were drawn.
Requests without the header belong to nobody.

*Outcome.* What counts is feedback about any request of the user within so many seconds of the first one. Of an event: whether
any of it says yes. Of right or wrong, and of numbers: the first that arrived; who has none is unknown.

*Failures.* A user is at risk on his arm in each window in which he comes, until his first failed request there. Comparing
users at risk window by window, with those who failed gone, is the log-rank test (see `units`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.cohort_counts import Arrivals, Outcomes
from tfx_rollout.evidence.metric import MetricKind
from tfx_rollout.evidence.request_records import KeptRequest
from tfx_rollout.evidence.seen_users import UNSEEN, Arms, SeenUsers, Users
from tfx_rollout.traffic import VARIANTS, Track

ARMS = (Track.STABLE, *VARIANTS)
"""The arms by their numbers."""

KEPT = np.dtype([("request", "<u8"), ("user", "<u8"), ("start_us", "<i8")])
"""A request that feedback may come about."""

Kept = npt.NDArray[np.void]
Times = npt.NDArray[np.int64]

_ARM = {track: number for number, track in enumerate(ARMS)}


@dataclass(frozen=True)
class UserRequests:
    """Requests of users as columns, in the order of their starts (microseconds since the epoch)."""

    start_us: Times
    user: Users
    request: npt.NDArray[np.uint64]
    arm: Arms
    failed: npt.NDArray[np.bool_]
    unassigned: int = 0
    """How many more there were that tell no user."""

    @classmethod
    def of(cls, drawn: Iterable[KeptRequest]) -> UserRequests:
        """The requests on the arms of a test."""
        on_arms = [request for request in drawn if request.track in _ARM]
        rows = sorted((one.start_us, one.unit, one.request_id, _ARM[one.track], one.failed) for one in on_arms if one.unit)
        starts, users, ids, arms, failed = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        return cls(
            np.array(starts, np.int64),
            np.array(users, np.uint64),
            np.array(ids, np.uint64),
            np.array(arms, np.uint8),
            np.array(failed, np.bool_),
            unassigned=len(on_arms) - len(rows),
        )


@dataclass(frozen=True)
class Arrived:
    """Who came in a window: counts by arm, the users who were not seen before, and those who failed for the first time."""

    counts: dict[Track, Arrivals]
    users: Users
    """New users, in the order in which they came."""
    arms: Arms
    first_us: Times
    failed: Users
    unassigned: int


def arrivals(requests: UserRequests, seen: SeenUsers) -> Arrived:
    """Who came, given who was seen before."""
    users, first, which = np.unique(requests.user, return_index=True, return_inverse=True)
    known = seen.arms(users)
    is_new = known == UNSEEN
    arms = np.where(is_new, requests.arm[first], known)
    own = requests.arm == arms[which]
    came, failed = np.zeros(users.size, np.bool_), np.zeros(users.size, np.bool_)
    came[which[own]] = True
    failed[which[own & requests.failed]] = True
    at_risk = came & ~seen.failed(users)
    counts = {
        track: Arrivals(
            users=int((is_new & (arms == arm)).sum()),
            requests=int((requests.arm == arm).sum()),
            failures=int((requests.failed & (requests.arm == arm)).sum()),
            at_risk=int((at_risk & (arms == arm)).sum()),
            failed=int((at_risk & failed & (arms == arm)).sum()),
        )
        for arm, track in enumerate(ARMS)
    }
    order = np.argsort(first[is_new], kind="stable")
    return Arrived(
        {track: found for track, found in counts.items() if found != Arrivals()},
        users[is_new][order],
        arms[is_new][order],
        requests.start_us[first[is_new]][order],
        users[at_risk & failed],
        requests.unassigned,
    )


@dataclass(frozen=True)
class Cohort:
    """The users who came first in one window, in the order in which they came, with their arms and first starts."""

    users: Users
    arms: Arms
    first_us: Times

    def kept(self, requests: UserRequests, within_us: int) -> Kept:
        """Those of the requests that are the cohort's, and soon enough after the first one."""
        at, there = self.find(requests.user)
        soon = there & (requests.start_us <= self.first_us[at] + within_us) if self.users.size else there
        rows = np.empty(int(soon.sum()), KEPT)
        rows["request"], rows["user"], rows["start_us"] = requests.request[soon], requests.user[soon], requests.start_us[soon]
        return rows

    def find(self, users: Users) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """The place of each of these users in the cohort, and whether he is in it."""
        if not self.users.size:
            return np.zeros(users.shape, np.intp), np.zeros(users.shape, np.bool_)
        at = self._order[np.minimum(np.searchsorted(self.users, users, sorter=self._order), self.users.size - 1)]
        return at, self.users[at] == users

    @cached_property
    def _order(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.users, kind="stable")


def merged(cohorts: Sequence[Cohort]) -> Cohort:
    """All of these users as one cohort; nobody is in two of them."""
    return Cohort(
        np.concatenate([np.zeros(0, np.uint64), *(cohort.users for cohort in cohorts)]),
        np.concatenate([np.zeros(0, np.uint8), *(cohort.arms for cohort in cohorts)]),
        np.concatenate([np.zeros(0, np.int64), *(cohort.first_us for cohort in cohorts)]),
    )


@dataclass(frozen=True)
class Said:
    """What feedback says about requests, the same number of entries: when it arrived (epoch seconds, inf without any), its
    place in the order of arrival, its value, and whether that is one of the metric."""

    at: npt.NDArray[np.float64]
    place: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    valid: npt.NDArray[np.bool_]


def outcomes(kind: MetricKind, cohort: Cohort, kept: Kept, said: Said, within_us: int) -> tuple[dict[Track, Outcomes], int]:
    """What became of a cohort, by arm, from all its requests and what was said about them; and how many rows were no values."""
    at, _ = cohort.find(np.ascontiguousarray(kept["user"]))
    in_time = said.at <= (cohort.first_us[at] + within_us) / 1e6 if cohort.users.size else np.zeros(at.shape, np.bool_)
    counts = in_time & said.valid
    value = np.full(cohort.users.size, np.nan)
    if kind == "event":
        value[:] = 0.0
        np.maximum.at(value, at[counts], said.value[counts])
    else:
        # Backwards in the order of arrival, so that the first one stays.
        late_first = np.flatnonzero(counts)[np.argsort(-said.place[counts], kind="stable")]
        value[at[late_first]] = said.value[late_first]
    known = ~np.isnan(value)
    found = {}
    for arm, track in enumerate(ARMS):
        mine = cohort.arms == arm
        if mine.any():
            own = value[mine & known]
            number = kind == "number"
            values = tuple(own.tolist()) if number else ()
            found[track] = Outcomes(int(mine.sum()), own.size, 0 if number else int((own > 0).sum()), values)
    return found, int((in_time & ~said.valid).sum())
