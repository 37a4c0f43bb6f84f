"""Placeholders in a container's command and arguments, filled in as driver and launcher do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.values import json_text, placeholder_text

WHOLE_INPUT = "{{$}}"
_LEFT = re.compile(r"\{\{\$[^{}]*\}\}")
_PASSES = 3
"""A parameter's text may hold a placeholder itself: f-strings in a pipeline compile to that."""


def fill(words: Sequence[str], executor_input: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """The words without placeholders. `defaults` are the component's, for parameters that were not given.

    Raises TaskFault where one is left, as for `.metadata` of an artifact, which
    open-source KFP does not have.
    """
    inputs = executor_input.get("inputs", {})
    given = inputs.get("parameterValues", {})
    filled_inputs = {**inputs, "parameterValues": {**defaults, **given}} if {**defaults, **given} else inputs
    complete = {**executor_input, "inputs": filled_inputs}
    texts = _texts(complete)
    filled = [_replaced(word, json_text(complete), texts) for word in _branches(words, given)]
    left = sorted({match for word in filled for match in _LEFT.findall(word)})
    if left:
        raise TaskFault(f"open-source KFP does not fill in {', '.join(left)}; take it out of the container's command")
    return filled


def _branches(words: Sequence[str], given: Mapping[str, Any]) -> list[str]:
    """The words with each IfPresent in the place of which its chosen branch stands."""
    chosen: list[str] = []
    for word in words:
        if not word.strip().startswith('{"IfPresent":'):
            chosen.append(word)
            continue
        try:
            clause = json.loads(word)["IfPresent"]
            branch = clause.get("Then" if given.get(clause["InputName"]) is not None else "Else") or []
        except (ValueError, KeyError, AttributeError) as fault:
            raise TaskFault(f"the clause {word!r} of its command cannot be read ({fault})") from fault
        chosen += [branch] if isinstance(branch, str) else [str(item) for item in branch]
    return chosen


def _texts(executor_input: Mapping[str, Any]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for side in ("inputs", "outputs"):
        for key, found in executor_input.get(side, {}).get("artifacts", {}).items():
            if found["artifacts"]:
                artifact = found["artifacts"][0]
                texts[f"{{{{$.{side}.artifacts['{key}'].uri}}}}"] = artifact["uri"]
                texts[f"{{{{$.{side}.artifacts['{key}'].path}}}}"] = artifact.get("customPath") or artifact["uri"]
    for key, parameter in executor_input.get("outputs", {}).get("parameters", {}).items():
        texts[f"{{{{$.outputs.parameters['{key}'].output_file}}}}"] = parameter["outputFile"]
    for key, value in executor_input.get("inputs", {}).get("parameterValues", {}).items():
        try:
            texts[f"{{{{$.inputs.parameters['{key}']}}}}"] = placeholder_text(value)
        except ValueError as fault:
            raise TaskFault(f"its parameter {key!r} cannot be filled in: {fault}") from fault
    return texts


def _replaced(word: str, whole: str, texts: Mapping[str, str]) -> str:
    word = word.replace(WHOLE_INPUT, whole)
    for _ in range(_PASSES):
        before = word
        for placeholder, text in texts.items():
            word = word.replace(placeholder, text)
        if word == before:
            break
    return word
