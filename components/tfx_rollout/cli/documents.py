"""Documents of `Control` on the standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx_rollout.cli.lazy import print_json

if TYPE_CHECKING:
    from tfx_rollout.control.documents.form import Document


def print_document(document: Document) -> None:
    """Prints a document as the API has it."""
    print_json(document.model_dump(mode="json"))
