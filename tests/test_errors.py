"""The error tree is what its docstring draws, and every error is one sentence."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from tfx_rollout import errors
from tfx_rollout.errors import RolloutError

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, RolloutError) and kind.__module__ == errors.__name__
}

EXAMPLES: dict[str, RolloutError] = {
    "RolloutError": RolloutError("The deed could not be done; do it otherwise."),
    "InvalidInput": errors.InvalidInput("A share of 7 is not from 0 to 1."),
    "InvalidPlan": errors.InvalidPlan("plan demo.yaml", ["alpha: 3 is not between 0 and 1", "stages: there are none"]),
    "InvalidModel": errors.InvalidModel("/models/taxi", "is no SavedModel", "export it with model.export()"),
    "InvalidState": errors.InvalidState("taxi", "label canary names version 7, which is not among [6]"),
    "NotFound": errors.NotFound("version", 7, "the base path /models/taxi", [5, 6]),
    "Conflict": errors.Conflict("Version 7 is in use; take it out first."),
    "StaleGeneration": errors.StaleGeneration("taxi", 4, 5),
    "StaleRevision": errors.StaleRevision("Rollout r1", "e1w2o0", "e2w2o1"),
    "OrderWaiting": errors.OrderWaiting("r1", 2, "ann ordered to abort at 10:15:02 UTC"),
    "RolloutInProgress": errors.RolloutInProgress("taxi", "r1", 7),
    "ExperimentInProgress": errors.ExperimentInProgress("taxi", "20261122T101500-ranking"),
    "RetrainingOverlap": errors.RetrainingOverlap("taxi", "rollout r1 of version 7 is on its way (running)", "wait for it"),
    "Busy": errors.Busy("The lock of /models/taxi", "process 12", "wait for it"),
    "LostLease": errors.LostLease("/srv/models", "process 12 on other-host"),
    "StorageFault": errors.StorageFault("/models/taxi", "cannot be written (the disk is full)", "free some space"),
    "CorruptState": errors.CorruptState("/models/taxi/.rollout/desired.json", "it is not JSON"),
    "KubeflowFault": errors.KubeflowFault("http://kfp", "did not answer (refused)", "see that it runs"),
    "KubeflowRefused": errors.KubeflowRefused("http://kfp", 401, "no valid identity."),
    "HalfApplied": errors.HalfApplied(
        "http://kfp", ["a"], ["b"], errors.KubeflowFault("http://kfp", "answered 500: x", "see to its log")
    ),
    "TaskFault": errors.TaskFault("The output parameter blessed was not written."),
    "TaskFailed": errors.TaskFailed("push-model", "it ended with code 5", "/tmp/run/push-model.log", "error: the disk is full."),
    "ApiFault": errors.ApiFault("http://h:1", "failed (500: the disk is full)", "see to its log"),
    "ApiUnreachable": errors.ApiUnreachable("http://h:1", "cannot be reached (refused)", "see that it runs"),
    "ApiUntrusted": errors.ApiUntrusted("https://h:1", "has a certificate that is not trusted", "give --ca FILE"),
    "ApiRefused": errors.ApiRefused("http://h:1", 403, "This needs the role admin."),
    "ApiBusy": errors.ApiBusy("http://h:1", 2.0),
    "ApiDiffers": errors.ApiDiffers("http://h:1", "is of version 2, this command of version 1", "use the same release"),
    "ServingFault": errors.ServingFault("The serving setup did not start."),
    "PortInUse": errors.PortInUse("127.0.0.1", 8500, "the gateway"),
    "ServerFailed": errors.ServerFailed("taxi", "did not start", "/models/taxi.log"),
    "GatewayFailed": errors.GatewayFailed("refused its routes"),
}


def drawn() -> dict[str, str | None]:
    """The tree of the docstring: each class with the one it is drawn under."""
    tree: dict[str, str | None] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"( {4}(?:[│ ] {3})*(?:[├└]── )?)([A-Z]\w+) {2,}\S.*", line)
        if found is None:
            continue
        depth = len(found[1])
        while path and path[-1][0] >= depth:
            path.pop()
        tree[found[2]] = path[-1][1] if path else None
        path.append((depth, found[2]))
    return tree


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    parents = {name: None if kind is RolloutError else kind.__bases__[0].__name__ for name, kind in CLASSES.items()}
    assert drawn() == parents


def test_there_is_an_example_of_every_class():
    assert {name: type(error).__name__ for name, error in EXAMPLES.items()} == {name: name for name in CLASSES}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_an_error_is_one_sentence_and_its_class_says_when_one_meets_it(name: str):
    sentence = str(EXAMPLES[name])
    assert "\n" not in sentence
    assert len(re.findall(r"\.(?=\s|$)", sentence)) <= 1
    assert CLASSES[name].__doc__


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_an_error_comes_back_whole_from_another_process(name: str):
    error = EXAMPLES[name]
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_all_faults_of_a_plan_are_in_its_sentence():
    sentence = str(EXAMPLES["InvalidPlan"])
    assert "alpha: 3 is not between 0 and 1" in sentence
    assert "stages: there are none" in sentence


def test_exit_codes_tell_the_main_branches_apart():
    branches = [errors.InvalidInput, errors.Conflict, errors.NotFound, errors.StorageFault, errors.ServingFault, RolloutError]
    assert len({kind.exit_code for kind in branches}) == len(branches)
    assert 0 not in {kind.exit_code for kind in CLASSES.values()}
    for kind in CLASSES.values():
        parent = kind.__bases__[0]
        if parent in branches[:-1]:
            assert kind.exit_code == parent.exit_code
