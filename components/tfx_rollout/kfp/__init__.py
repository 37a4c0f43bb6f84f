"""The Kubeflow Pipelines face: the compiled form of a pipeline, plain components, a runner, schedules.

The names below are loaded on first use, so that importing this costs nothing. Nothing of
it needs a cluster until it talks to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx_rollout.kfp.ir import Documents, Finding, KubeflowSettings, finish, lint, load, refuse

__all__ = ["Documents", "Finding", "KubeflowSettings", "finish", "lint", "load", "refuse"]

_HOMES = dict.fromkeys(__all__, "ir")


def __getattr__(name: str) -> Any:
    """The public names, imported when they are asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
