"""Each document against Kubernetes' own schema, without a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

from manifests.lint.documents import Finding, Manifests, name_of

OLDEST, NEWEST = "1.29", "1.37"
"""The versions of Kubernetes between which the manifests must be understood: sidecars begin with the first."""


def schema(manifests: Manifests) -> Iterator[Finding]:
    """Strictly: a field that the schema does not know is a fault, since the server would drop it in silence."""
    for document in manifests.documents:
        if not {"apiVersion", "kind", "metadata"} <= document.keys():
            yield Finding("schema", name_of(document), "it has no apiVersion, kind or metadata", "give all three")
        elif (found := _fault(json.dumps(document, sort_keys=True))) is not None:
            yield Finding("schema", name_of(document), *found)


@cache
def _fault(text: str) -> tuple[str, str] | None:
    """The first fault of a document and its mend, by the oldest and the newest version. Remembered, since a schema is long."""
    import kubernetes_validate

    document = json.loads(text)
    for version in (OLDEST, NEWEST):
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path) or "the document"
            return f"{where}: {error.message[:200]}", f"see the API of Kubernetes {version}"
        except kubernetes_validate.SchemaNotFoundError:
            return (
                f"Kubernetes {version} has no {document['apiVersion']} {document['kind']}",
                "choose an API that both the oldest and the newest version have",
            )
    return None
