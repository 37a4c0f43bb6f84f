"""Reading a document to its end although parts of it are not what they should be: those count as empty.

That a part is of the wrong shape is found elsewhere, by kfp's own messages; and even these
take an empty list for an empty mapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def inside(owner: Any, *keys: str) -> Json:
    """The mapping at the end of these keys; empty where there is none."""
    for key in keys:
        owner = owner.get(key) if isinstance(owner, Mapping) else None
    return owner if isinstance(owner, Mapping) else {}


def entries(owner: Any, *keys: str) -> Iterator[tuple[str, Json]]:
    """Each key of the mapping at the end of these keys, with the mapping that it has."""
    found = inside(owner, *keys)
    for key in found:
        yield key, inside(found, key)


def text(owner: Json, key: str) -> str:
    """The text under a key; empty where there is none."""
    found = owner.get(key)
    return found if isinstance(found, str) else ""


def texts(owner: Json, key: str) -> tuple[str, ...]:
    """The list under a key, each of its values as text; empty where there is none."""
    found = owner.get(key)
    return tuple(str(value) for value in found) if isinstance(found, list) else ()
