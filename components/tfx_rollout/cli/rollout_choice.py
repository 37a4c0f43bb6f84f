"""Which rollout is meant where its id is left out; and lists that come in pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tfx_rollout.errors import NotFound

if TYPE_CHECKING:
    from tfx_rollout.control.documents import Rollout
    from tfx_rollout.control.interface import Control

PAGE = 100
"""How many are asked for at a time."""

id_argument = click.argument("rollout_id", metavar="[ID]", required=False)


def every_rollout(control: Control, model: str) -> Iterator[Rollout]:
    """All rollouts of a model, newest first."""
    offset = 0
    while True:
        page = control.rollouts(model, limit=PAGE, offset=offset)
        yield from page.rollouts
        offset += len(page.rollouts)
        if not page.rollouts or offset >= page.total:
            return


def running(control: Control, model: str) -> str:
    """The id of the rollout that runs, or else waits to. Raises `NotFound`."""
    found = control.model(model).rollout
    if found is None:
        ended = [rollout.id for rollout in every_rollout(control, model)]
        raise NotFound("rollout", "that runs", f"model {model}", ended[::-1])
    return found.id


def newest(control: Control, model: str) -> str:
    """The id of the rollout that runs, or else of the newest one. Raises `NotFound`."""
    found = control.model(model).rollout or next(iter(control.rollouts(model, limit=1).rollouts), None)
    if found is None:
        raise NotFound("rollout", "at all", f"model {model}")
    return found.id
