"""From artifacts to evidence: each blessing's word, and the model that it is about."""

from __future__ import annotations

from tfx import types
from tfx.components.evaluator import constants as evaluator

from tfx_rollout.blessing import Evidence, Kind
from tfx_rollout.tfx.artifact_facts import Artifacts, flag, maybe, number, text


def gather(input_dict: Artifacts) -> list[Evidence]:
    """The evidence among an executor's inputs, whichever of the four are connected."""
    readers = {
        "model_blessing": model_blessing,
        "infra_blessing": infra_blessing,
        "pushed_model": pushed_model,
        "report": rollout_report,
    }
    return [read(artifact) for key, read in readers.items() if (artifact := maybe(input_dict, key)) is not None]


def model_blessing(artifact: types.Artifact) -> Evidence:
    """The Evaluator's word. It knows no digest, but names its model by uri."""
    passed = flag(artifact, evaluator.ARTIFACT_PROPERTY_BLESSED_KEY)
    return Evidence(
        kind=Kind.MODEL_BLESSING,
        passed=passed,
        reason=text(artifact, "reason") or ("the Evaluator has no thresholds and judged nothing" if passed is None else ""),
        digest=text(artifact, "digest"),
        uri=text(artifact, evaluator.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY),
        facts={"artifact": artifact.uri},
    )


def infra_blessing(artifact: types.Artifact) -> Evidence:
    """The InfraValidator's word."""
    return Evidence(
        kind=Kind.INFRA_BLESSING,
        passed=flag(artifact, "blessed"),
        reason=text(artifact, "reason"),
        digest=text(artifact, "digest"),
        facts={"artifact": artifact.uri},
    )


def pushed_model(artifact: types.Artifact) -> Evidence:
    """The pusher's word."""
    return Evidence(
        kind=Kind.PUSHED_MODEL,
        passed=flag(artifact, "pushed"),
        reason=text(artifact, "reason"),
        digest=text(artifact, "digest"),
        facts={"version": text(artifact, "pushed_version"), "destination": text(artifact, "pushed_destination")},
    )


def rollout_report(artifact: types.Artifact) -> Evidence:
    """The rollout's word."""
    return Evidence(
        kind=Kind.ROLLOUT,
        passed=flag(artifact, "passed"),
        reason=text(artifact, "reason"),
        digest=text(artifact, "digest"),
        facts={
            "outcome": text(artifact, "outcome"),
            "rollout": text(artifact, "rollout"),
            "generation": number(artifact, "generation"),
            "version": text(artifact, "pushed_version"),
        },
    )
