"""How much may be sent, and how slowly."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from tfx_rollout.control.http.problems import Refused


def bounded(receive: Receive, *, at_most: int, seconds: float) -> Receive:
    """`receive` that raises `Refused` for a body that is too long, or too long on its way.

    What is counted is what comes, since a Content-Length need not be there or be true.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    taken, whole = 0, False

    async def receive_bounded() -> Message:
        nonlocal taken, whole
        if whole:
            # What still comes is the end of the connection, whenever that is.
            return await receive()
        left = deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, left))
        except asyncio.TimeoutError:
            raise Refused(
                408,
                "too-slow",
                f"The body had not come within {seconds:g} s; send it faster, or in smaller parts.",
                headers={"Connection": "close"},
            ) from None
        taken += len(message.get("body", b""))
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        if taken > at_most:
            raise too_large(at_most)
        return message

    return receive_bounded


def too_large(at_most: int) -> Refused:
    """The refusal of a body with more than `at_most` bytes."""
    return Refused(
        413,
        "too-large",
        f"The body has more than {at_most:,} bytes, which is the most that is taken here; send less at once.",
        headers={"Connection": "close"},
    )
