"""A/B tests: start one, see how it stands, end it."""

from __future__ import annotations

from fastapi import Response

from tfx_rollout.control.documents import Experiment, ExperimentOrderWanted, Experiments, ExperimentWanted, Role
from tfx_rollout.control.http.current import with_current
from tfx_rollout.control.http.keeping.sameness import same_while, the_experiment, the_model
from tfx_rollout.control.http.parameters import ExperimentId, IfMatchRevision, Limit, Model, Offset, revision
from tfx_rollout.control.http.reports import REPORT_ANSWERS, WantedReport
from tfx_rollout.control.http.route import Asked, needs, routes_of
from tfx_rollout.control.http.routes.rollouts import ETAG, LOCATION

router = routes_of("experiments", prefix="/v1/models/{model}/experiments")


@router.get("", **needs(Role.READ, 404, 422))
@same_while(the_model)
def list_experiments(control: Asked, model: Model, limit: Limit = 100, offset: Offset = 0) -> Experiments:
    """A model's A/B tests, newest first."""
    return control.experiments(model, limit=limit, offset=offset)


@router.post("", status_code=201, **needs(Role.OPERATE, 404, 409, body=True, responses={201: {"headers": LOCATION}}))
def start_experiment(control: Asked, model: Model, wanted: ExperimentWanted, response: Response) -> Experiment:
    """Start an A/B test; the supervisor carries it out."""
    with with_current(lambda: control.model(model)):
        started = control.start_experiment(model, wanted)
    response.headers["Location"] = f"/v1/models/{model}/experiments/{started.id}"
    return started


@router.get("/{experiment}", **needs(Role.READ, 404, 422, responses={200: {"headers": ETAG}}))
@same_while(the_experiment)
def get_experiment(control: Asked, model: Model, experiment: ExperimentId, response: Response) -> Experiment:
    """One A/B test, as it stands."""
    found = control.experiment(model, experiment)
    response.headers["ETag"] = f'"{found.revision}"'
    return found


@router.post("/{experiment}/orders", status_code=202, **needs(Role.OPERATE, 404, 409, body=True))
def order_experiment(
    control: Asked, model: Model, experiment: ExperimentId, wanted: ExperimentOrderWanted, if_match: IfMatchRevision = None
) -> Experiment:
    """End an A/B test: give all traffic back to the live version, or make a variant live."""
    with with_current(lambda: control.experiment(model, experiment)):
        return control.order_experiment(model, experiment, wanted, expected=revision(if_match))


@router.get("/{experiment}/report", response_class=Response, **needs(Role.READ, 404, 422, responses=REPORT_ANSWERS))
def get_experiment_report(control: Asked, model: Model, experiment: ExperimentId, wanted: WantedReport) -> Response:
    """Everything about an A/B test: each window, each look, what was decided and why; as JSON, or as a page."""
    from tfx_rollout.experiment import render_experiment_html

    return wanted.answer(
        about=("experiment", model, experiment),
        revision=control.experiment(model, experiment).revision,
        build=lambda: control.experiment_report(model, experiment),
        render=render_experiment_html,
    )
