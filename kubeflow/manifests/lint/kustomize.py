"""Renders a kustomization as `kubectl kustomize` does, for the subset that our folders use.

    resources   files and folders            patches   strategic merge and JSON 6902, by `target`
    namespace   on everything namespaced      images    newName, newTag, digest
    labels      `pairs` on the metadata       configMapGenerator   files and literals, without hash
    components  folders of kind Component

Any other field is refused, so that nothing is left out in silence. Pure but for reading files.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tfx_rollout.errors import InvalidInput

Document = dict[str, Any]

CLUSTER_WIDE = frozenset({"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace", "PersistentVolume"})
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "subjects": "name",
}
"""Lists that a strategic merge merges by a key; all others it replaces."""
_LISTED = {"Component": "components", "Kustomization": "resources"}


def render(folder: Path) -> list[Document]:
    """The documents of the kustomization in this folder. Raises `InvalidInput` with the place."""
    return _Kustomization(folder, "Kustomization").applied([])


class _Kustomization:
    """One kustomization.yaml: of kind Kustomization, or a Component, which changes what others brought."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.file = folder / "kustomization.yaml"
        if not self.file.is_file():
            raise InvalidInput(f"There is no kustomization.yaml in {folder}; name a folder that has one.")
        (self.content,) = _load(self.file)
        if self.content.get("kind", "Kustomization") != kind:
            raise InvalidInput(f"{self.file} is a {self.content['kind']}; list it under {_LISTED[self.content['kind']]}.")
        steps = {"resources", "components", "namespace", "labels", "images", "patches", "configMapGenerator", "generatorOptions"}
        if unknown := sorted(self.content.keys() - steps - {"apiVersion", "kind"}):
            raise InvalidInput(f"{self.file} has {', '.join(unknown)}, which is not rendered here; use kubectl kustomize for it.")

    def applied(self, documents: list[Document]) -> list[Document]:
        """These documents with what this kustomization adds and changes."""
        documents = list(documents)
        for name in self.content.get("resources", ()):
            path = (self.folder / name).resolve()
            documents += render(path) if path.is_dir() else _load(path)
        documents += self._generated()
        for name in self.content.get("components", ()):
            documents = _Kustomization((self.folder / name).resolve(), "Component").applied(documents)
        _refuse_twins(documents, self.file)
        for patch in self.content.get("patches", ()):
            documents = self._patched(documents, patch)
        namespace = self.content.get("namespace")
        if namespace is not None:
            _set_namespace(documents, namespace)
        for labels in self.content.get("labels", ()):
            if labels.keys() != {"pairs"}:
                raise InvalidInput(f"{self.file}: of labels only `pairs` is rendered here.")
            for document in documents:
                document["metadata"].setdefault("labels", {}).update(labels["pairs"])
        for image in self.content.get("images", ()):
            for document in documents:
                _visit_images(document, partial(_new_image, image=image))
        return documents

    def _generated(self) -> list[Document]:
        generators = self.content.get("configMapGenerator", ())
        if generators and not self.content.get("generatorOptions", {}).get("disableNameSuffixHash"):
            raise InvalidInput(f"{self.file}: names with a hash are not rendered here; set disableNameSuffixHash.")
        found = []
        for generator in generators:
            data = {}
            for entry in generator.get("files", ()):
                key, _, path = entry.rpartition("=")
                file = self.folder / path
                if not file.is_file():
                    raise InvalidInput(f"{self.file} names {path}, which is not there.")
                data[key or file.name] = file.read_text(encoding="utf-8")
            for entry in generator.get("literals", ()):
                key, _, value = entry.partition("=")
                data[key] = value
            found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data})
        return found

    def _patched(self, documents: list[Document], patch: Mapping[str, Any]) -> list[Document]:
        text = patch["patch"] if "patch" in patch else (self.folder / patch["path"]).read_text(encoding="utf-8")
        change = yaml.safe_load(text)
        target = patch.get("target")
        if target is None:
            target = {"kind": change["kind"], "name": change["metadata"]["name"]}
        hit = [index for index, document in enumerate(documents) if _is_target(document, target)]
        if not hit:
            raise InvalidInput(f"{self.file}: a patch finds no {target.get('kind', 'document')} {target.get('name', '')}.")
        result: list[Document] = list(documents)
        for index in hit:
            before = documents[index]
            if isinstance(change, list):
                after = json_patched(before, change, str(self.file))
            elif change.get("$patch") == "delete":
                result[index] = {}
                continue
            else:
                after = merged(before, change)
            if after["kind"] != before["kind"] and not patch.get("options", {}).get("allowKindChange"):
                raise InvalidInput(f"{self.file}: a patch makes a {after['kind']} of a {before['kind']}; set allowKindChange.")
            result[index] = after
        return [document for document in result if document]


def merged(document: Any, change: Any, field: str = "") -> Any:
    """A strategic merge: maps are merged, the lists of `_KEYS` by their key, null removes, everything else is replaced."""
    if isinstance(document, dict) and isinstance(change, dict):
        if change.get("$patch") == "replace":
            return {key: value for key, value in change.items() if key != "$patch"}
        result = dict(document)
        for key, value in change.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = merged(result.get(key), value, key) if key in result else copy.deepcopy(value)
        return result
    if isinstance(document, list) and isinstance(change, list) and field in _KEYS:
        return _merged_list(document, change, _KEYS[field])
    return copy.deepcopy(change)


def _merged_list(items: list[Any], changes: list[Any], key: str) -> list[Any]:
    result = list(items)
    added = []
    for change in changes:
        at = next((index for index, item in enumerate(result) if item.get(key) == change.get(key)), None)
        if change.get("$patch") == "delete":
            result = [item for item in result if item.get(key) != change.get(key)]
        elif at is None:
            added.append(copy.deepcopy(change))
        else:
            result[at] = merged(result[at], change)
    return added + result


def json_patched(document: Document, operations: list[dict[str, Any]], place: str) -> Document:
    """JSON 6902: add, replace and remove. Raises `InvalidInput` for a path that is not there."""
    result: Any = copy.deepcopy(document)
    for operation in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].lstrip("/").split("/")]
        kind = operation["op"]
        try:
            at = result
            for part in way:
                at = at[int(part)] if isinstance(at, list) else at[part]
            if isinstance(at, list):
                if kind == "add":
                    at.insert(len(at) if last == "-" else int(last), copy.deepcopy(operation["value"]))
                elif kind == "replace":
                    at[int(last)] = copy.deepcopy(operation["value"])
                else:
                    del at[int(last)]
            elif kind == "add":
                at[last] = copy.deepcopy(operation["value"])
            elif kind == "replace":
                if last not in at:
                    raise KeyError(last)
                at[last] = copy.deepcopy(operation["value"])
            elif kind == "remove":
                del at[last]
            else:
                raise InvalidInput(f"{place}: the operation {kind} is not rendered here.")
        except (KeyError, IndexError, TypeError, ValueError) as error:
            name = f"{document['kind']} {document['metadata']['name']}"
            raise InvalidInput(f"{place}: {kind} finds no {operation['path']} in {name}.") from error
    found: Document = result
    return found


def _refuse_twins(documents: list[Document], file: Path) -> None:
    names = [(d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"]) for d in documents]
    for kind, _, name in sorted({name for name in names if names.count(name) > 1}, key=str):
        raise InvalidInput(f"{file} has {kind} {name} twice; combine components, not overlays that each bring the base.")


def _load(path: Path) -> list[Document]:
    try:
        documents = [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document is not None]
    except FileNotFoundError:
        raise InvalidInput(f"{path} is named by a kustomization and is not there.") from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    # What an anchor shares within a document must not be changed twice; a copy would go on sharing it.
    return [json.loads(json.dumps(document)) for document in documents]


def _is_target(document: Document, target: Mapping[str, str]) -> bool:
    group = document["apiVersion"].rpartition("/")[0]
    found = {
        "group": group,
        "version": document["apiVersion"].rpartition("/")[2],
        "kind": document["kind"],
        "name": document["metadata"]["name"],
    }
    return all(re.fullmatch(wanted, found[field]) for field, wanted in target.items())


def _set_namespace(documents: list[Document], namespace: str) -> None:
    accounts = {document["metadata"]["name"] for document in documents if document["kind"] == "ServiceAccount"}
    for document in documents:
        if document["kind"] == "Namespace":
            document["metadata"]["name"] = namespace
        if document["kind"] not in CLUSTER_WIDE:
            document["metadata"]["namespace"] = namespace
        for subject in document.get("subjects", ()):
            ours = subject["kind"] == "ServiceAccount" and subject["name"] in {*accounts, "default"}
            # Another namespace that is named is meant.
            if ours and subject.get("namespace", "default") == "default":
                subject["namespace"] = namespace


def _visit_images(node: Any, change: Callable[[str], str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                for container in value:
                    if isinstance(container.get("image"), str):
                        container["image"] = change(container["image"])
            else:
                _visit_images(value, change)
    elif isinstance(node, list):
        for item in node:
            _visit_images(item, change)


def _new_image(text: str, image: Mapping[str, str]) -> str:
    found = re.fullmatch(r"(?P<name>[^@]*?)(?P<tag>:[^:/@]+)?(?P<digest>@.+)?", text)
    if found is None or found["name"] != image["name"]:
        return text
    name = image.get("newName", image["name"])
    if "digest" in image:
        return f"{name}@{image['digest']}"
    if "newTag" in image:
        return f"{name}:{image['newTag']}"
    return name + (found["tag"] or "") + (found["digest"] or "")
