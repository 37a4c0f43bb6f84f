"""Ids of rollouts and A/B tests, which are names of folders: what strangers give must not lead anywhere else."""

from __future__ import annotations

import re

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def is_record_id(name: str) -> bool:
    """Whether this can be such an id: a plain name in one folder."""
    return _ID.fullmatch(name) is not None
