"""Who was seen since an A/B test began, on which arm first, and who had a failed request. 9 bytes a user, 8 a failed one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Users = npt.NDArray[np.uint64]
Arms = npt.NDArray[np.uint8]

UNSEEN = 255


class SeenUsers:
    """Users (hashes of 64 bits) with the number of their arm. Nobody is ever forgotten, or changes arms."""

    def __init__(self) -> None:
        self._users: Users = np.zeros(0, np.uint64)
        self._arms: Arms = np.zeros(0, np.uint8)
        self._failed: Users = np.zeros(0, np.uint64)

    def __len__(self) -> int:
        return int(self._users.size)

    def arms(self, users: Users) -> Arms:
        """The arm of each of these users, `UNSEEN` for who was not seen."""
        at, there = _find(self._users, users)
        found = np.full(users.shape, UNSEEN, np.uint8)
        found[there] = self._arms[at[there]]
        return found

    def failed(self, users: Users) -> npt.NDArray[np.bool_]:
        """Whether each of these users had a failed request on his arm."""
        return _find(self._failed, users)[1]

    def add(self, users: Users, arms: Arms, failed: Users) -> None:
        """Takes in users who were not seen before, each once, and users who had not failed before."""
        order = np.argsort(users, kind="stable")
        at = np.searchsorted(self._users, users[order])
        self._users = np.insert(self._users, at, users[order])
        self._arms = np.insert(self._arms, at, arms[order])
        newly = np.sort(failed)
        self._failed = np.insert(self._failed, np.searchsorted(self._failed, newly), newly)


def _find(sorted_users: Users, users: Users) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The place of each user, and whether he is there."""
    if not sorted_users.size:
        return np.zeros(users.shape, np.intp), np.zeros(users.shape, np.bool_)
    at = np.minimum(np.searchsorted(sorted_users, users), sorted_users.size - 1)
    return at, sorted_users[at] == users
