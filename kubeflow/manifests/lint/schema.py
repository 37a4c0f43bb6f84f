"""Each document against Kubernetes' own schema, without a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from manifests.lint.documents import Finding, Manifests, name_of

OLDEST, NEWEST = "1.29", "1.37"
"""The versions of Kubernetes between which the manifests must be understood: sidecars begin with the first."""


def schema(manifests: Manifests) -> Iterator[Finding]:
    """Strictly: a field that the schema does not know is a fault, since the server would drop it in silence."""
    import kubernetes_validate

    for document in manifests.documents:
        if not {"apiVersion", "kind", "metadata"} <= document.keys():
            yield Finding("schema", name_of(document), "it has no apiVersion, kind or metadata", "give all three")
            continue
        for version in (OLDEST, NEWEST):
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(part) for part in error.path) or "the document"
                yield Finding(
                    "schema", name_of(document), f"{where}: {error.message[:200]}", f"see the API of Kubernetes {version}"
                )
                break
            except kubernetes_validate.SchemaNotFoundError:
                yield Finding(
                    "schema",
                    name_of(document),
                    f"Kubernetes {version} has no {document['apiVersion']} {document['kind']}",
                    "choose an API that both the oldest and the newest version have",
                )
                break
