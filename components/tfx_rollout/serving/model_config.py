"""TensorFlow Serving's `ModelServerConfig`, written as the text proto that it polls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ServedModel:
    """What one server holds of one model: its versions, and labels that name some of them.

    `base_path` is made absolute: TensorFlow Serving refuses any other.
    """

    name: str
    base_path: Path
    versions: tuple[int, ...]
    labels: Mapping[str, int] = field(default_factory=dict)


def render_model_config(models: Sequence[ServedModel]) -> str:
    """The text proto for these models.

    The policy is always `specific`, so that a pushed version is never loaded before it
    is asked for. Models without versions are left out: TensorFlow Serving would wait for
    them for ever at its start, and an unnamed model is unloaded just the same.
    """
    lines = ["model_config_list {"]
    for model in models:
        if not model.versions:
            continue
        lines += [
            "  config {",
            f"    name: {quoted(model.name)}",
            f"    base_path: {quoted(str(model.base_path.absolute()))}",
            '    model_platform: "tensorflow"',
            "    model_version_policy {",
            "      specific {",
            *(f"        versions: {version}" for version in sorted(model.versions)),
            "      }",
            "    }",
            *(
                f"    version_labels {{ key: {quoted(str(label))} value: {version} }}"
                for label, version in sorted(model.labels.items())
            ),
            "  }",
        ]
    return "\n".join([*lines, "}", ""])


def rendered_spec(text: str) -> tuple[tuple[int, ...], dict[str, int]]:
    """Versions and labels in a text that `render_model_config` made of one model."""
    versions = tuple(int(found) for found in re.findall(r"^        versions: (\d+)$", text, re.MULTILINE))
    labels = re.findall(r'^    version_labels { key: "([^"]*)" value: (\d+) }$', text, re.MULTILINE)
    return versions, {label: int(version) for label, version in labels}


def quoted(text: str) -> str:
    """A text-proto string literal: everything but printable ASCII as octal escapes of its UTF-8 bytes.

    File names that are no UTF-8 keep their bytes (`surrogateescape`).
    """
    escaped = []
    for byte in text.encode("utf-8", "surrogateescape"):
        if byte in b'"\\':
            escaped.append("\\" + chr(byte))
        elif 0x20 <= byte < 0x7F:
            escaped.append(chr(byte))
        else:
            escaped.append(f"\\{byte:03o}")
    return '"' + "".join(escaped) + '"'
