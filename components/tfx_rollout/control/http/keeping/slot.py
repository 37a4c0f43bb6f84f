"""The place of one request among the kept answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Send

from tfx_rollout.control.http.keeping.answers import Answer, KeptAnswers
from tfx_rollout.control.http.keeping.sameness import Sameness, Sources
from tfx_rollout.control.http.keeping.signs import Sign
from tfx_rollout.errors import RolloutError

Glance = Callable[..., Awaitable[Any]]
"""Calls a function with what follows it, at once or in a thread."""


class Slot:
    """`look` first. Then either `give` the answer that was found, or answer by what `noting` gives."""

    def __init__(self, answers: KeptAnswers, sources: Sources, sameness: Sameness, request: Request) -> None:
        self._answers, self._sources, self._sameness = answers, sources, sameness
        self._path = request.path_params
        self._about = (request.scope["path"], request.scope["query_string"])
        self._sign: Sign | None = None
        self.found: Answer | None = None

    async def look(self, glance: Glance) -> None:
        """Looks whether there is an answer that is still right; `glance` may do without a thread where the looking is short."""
        try:
            looked = (run_in_threadpool if self._sameness.takes_long else glance)(self._sameness.sign, self._sources, self._path)
            self._sign = await looked
        except RolloutError:
            # Whoever makes the answer tells what is wrong.
            return
        self.found = self._answers.find(self._about, self._sign)

    async def give(self, send: Send) -> None:
        """Sends the answer that was found."""
        assert self.found is not None
        await send({"type": "http.response.start", "status": 200, "headers": list(self.found.headers)})
        await send({"type": "http.response.body", "body": self.found.body})

    def noting(self, send: Send) -> Send:
        """Sends, and keeps what is sent if that is a whole answer with status 200."""
        sign = self._sign
        if sign is None or not sign.settled:
            return send
        headers: tuple[tuple[bytes, bytes], ...] | None = None

        async def send_and_note(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = tuple(message["headers"])
            elif message["type"] == "http.response.body" and headers is not None and not message.get("more_body", False):
                answer = Answer(message.get("body", b""), headers)
                self._answers.keep(self._about, sign, answer, seconds=self._sameness.seconds)
            await send(message)

        return send_and_note
