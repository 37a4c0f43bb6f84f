"""The API's routes, one file a subject. Each is one call of `Control`, in the caller's name."""

from tfx_rollout.control.http.routes import (
    access,
    configuration,
    events,
    experiments,
    feedback,
    health,
    models,
    page,
    plans,
    rollouts,
    traffic,
    versions,
)

ROUTERS = (
    health.router,
    page.router,
    models.router,
    versions.router,
    configuration.router,
    plans.router,
    rollouts.router,
    experiments.router,
    traffic.router,
    feedback.router,
    access.router,
    events.router,
)
