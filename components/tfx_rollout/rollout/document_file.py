"""Reading a document that a person wrote, YAML or JSON, from its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tfx_rollout.errors import InvalidPlan, StorageFault


def read_document_file(path: Path, *, what: str) -> Any:
    """What the file says. Raises `InvalidPlan` where it is neither YAML nor JSON, `StorageFault` where it cannot be read.

    `what` names the document in the error. A file that ends in `.json` is read as JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as fault:
        raise StorageFault(str(path), f"cannot be read ({fault.strerror})", "see to its permissions") from fault
    except (yaml.YAMLError, ValueError) as fault:
        sentence = " ".join(str(fault).split())
        raise InvalidPlan(what, [f"the file is not valid {'JSON' if path.suffix == '.json' else 'YAML'} ({sentence})"]) from fault
