"""Recorded rows: JSON Lines, one object of named raw columns per line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidInput, NotFound, StorageFault

Row = Mapping[str, Any]


def load_rows(path: Path) -> list[Row]:
    """All rows of a file; empty lines are passed over.

    `NotFound` without the file, `InvalidInput` naming the line that is no JSON object, or
    when there is no row at all.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound("file", path.name, str(path.parent)) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no UTF-8 text; give a file with one JSON object per line.") from error
    except OSError as error:
        raise StorageFault(str(path), f"cannot be read ({error.strerror})", "mend its rights or choose another file") from error
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"Line {number} of {path} is no JSON ({error}); write one object of columns per line.") from error
        if not isinstance(row, dict):
            raise InvalidInput(f"Line {number} of {path} is no JSON object; write one object of columns per line.")
        rows.append(row)
    if not rows:
        raise InvalidInput(f"{path} has no rows; give a file with one JSON object per line.")
    return rows
