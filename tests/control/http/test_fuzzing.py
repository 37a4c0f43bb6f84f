"""The whole OpenAPI document against the application that gives it: no error of the server, and no answer that is not in it.

Schemathesis makes requests from the document, good ones and bad ones, and looks at each answer: status, content type,
headers and body as the document says, what breaks the document refused, nothing told to who has no token.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from tfx_rollout.control.documents import ExperimentWanted, Role, RolloutWanted, TokenWanted
from tfx_rollout.control.http.openapi import openapi_document
from tfx_rollout.control.http.settings import ApiOptions, Limits
from tfx_rollout.control.local import LocalControl
from tfx_rollout.testing import ServedRoot

DECLARED = {
    f"{method.upper()} {path}": operation
    for path, operations in openapi_document()["paths"].items()
    for method, operation in operations.items()
}
OPERATIONS = sorted(DECLARED)
PUBLIC = {label for label, operation in DECLARED.items() if not operation.get("security")}
"""What everybody may ask."""
EXAMPLES = 8
"""Of each operation and kind of request."""
UNHURRIED = Limits(requests_per_second=10_000, burst=100_000, failed_per_minute=100_000, watch_seconds=0.0)

LONG = {
    "name": "long",
    "stages": [{"share": 0.5, "min_seconds": 100_000, "max_seconds": 1_000_000}],
    "window_seconds": 5,
    "waiting_seconds": 2,
}
EXPERIMENT = {
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.5}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 60},
    "max_days": 1,
}


@dataclass(frozen=True)
class Setup:
    """An application, what its document says, and what may stand in its addresses."""

    api: Any
    schema: Any
    known: dict[str, Any]
    headers: dict[str, str]
    seen: Counter[int]
    """Answers by their status."""
    asked: set[str]
    """The operations that were tried here."""

    def validate(self, case: Case, *, known: bool) -> None:
        """Sends a request, with a model's own name in its address where that is `known`, and looks at the answer."""
        if known and case.path_parameters:
            known_here = {**self.known, **({"model": "bikes"} if "experiment" in case.path else {})}
            case.path_parameters.update({name: value for name, value in known_here.items() if name in case.path_parameters})
        streamed = case.path.endswith("/events")
        if streamed:
            response: Any = self.api.stream(case.formatted_path, **{**(case.headers or {}), **self.headers}).response
        else:
            response = case.call(headers=self.headers)
        self.seen[response.status_code] += 1
        # What a schema cannot say (plans, rows of feedback, what fits what is there) is refused with 422 and 409.
        excluded = [positive_data_acceptance, *([negative_data_rejection] if known or streamed else [])]
        case.validate_response(response, headers=self.headers, excluded_checks=excluded)


@pytest.fixture(scope="module", params=["with a token", "without"])
def setup(request: pytest.FixtureRequest, make_root: Any, make_api: Any) -> Iterator[Setup]:
    """A root with versions, a rollout that runs and an A/B test of another model, behind an application."""
    scratch = Path(tempfile.mkdtemp(prefix="fuzzed-"))
    base = make_root(scratch)
    make_root(scratch / "bikes", base.store.root, "bikes")
    control = LocalControl(base.store, by="ann")
    experiment = control.start_experiment("bikes", ExperimentWanted(plan=EXPERIMENT)).id
    with ServedRoot(base, pause=0.3):
        rollout = control.start_rollout("taxi", RolloutWanted(version=2, plan=LONG)).id
        secret = control.create_token(TokenWanted(name="fuzz", role=Role.ADMIN)).secret
        api = make_api(ApiOptions(root=base.store.root, names=("testserver",), limits=UNHURRIED))
        headers = {"Authorization": f"Bearer {secret}"} if request.param == "with a token" else {}
        schema = schemathesis.openapi.from_asgi("/openapi.json", api.app)
        known = {"model": "taxi", "version": 1, "rollout": rollout, "experiment": experiment, "alias": "blue", "name": "default"}
        yield Setup(api, schema, known, headers, Counter(), set())
        api.close()
    shutil.rmtree(scratch)


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_the_document_tells(setup: Setup, label: str):
    method, path = label.split(" ")
    operation = setup.schema[path][method]
    setup.asked.add(label)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
        def answers(case: Case, known: bool) -> None:
            setup.validate(case, known=known)

        try:
            answers()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, "there is nothing to get wrong"


def test_good_requests_were_among_them(setup: Setup):
    """Or else the tests above have seen nothing but refusals."""
    if setup.seen.total() < 4 * len(OPERATIONS) or not setup.asked >= PUBLIC:
        pytest.skip("not all of the others ran before")
    assert setup.seen[200] > (60 if setup.headers else 3)
    assert setup.seen[401] > 0
    assert sum(count for status, count in setup.seen.items() if status >= 500) == 0
