"""All components for one image."""

from __future__ import annotations

from dataclasses import dataclass, fields

from kfp.components import BaseComponent

from tfx_rollout.kfp.components.blessing import check_blessing_in
from tfx_rollout.kfp.components.canary import run_canary_in
from tfx_rollout.kfp.components.live import live_model_in
from tfx_rollout.kfp.components.pushing import push_model_in
from tfx_rollout.kfp.components.unfinished import end_unfinished_in
from tfx_rollout.kfp.components.validation import validate_infra_in


@dataclass(frozen=True)
class Components:
    """The deployment stage's components, to be called within a pipeline."""

    live_model: BaseComponent
    validate_infra: BaseComponent
    push_model: BaseComponent
    run_canary: BaseComponent
    check_blessing: BaseComponent
    end_unfinished: BaseComponent

    def by_name(self) -> dict[str, BaseComponent]:
        """The components by the names of their attributes."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def components_for(image: str) -> Components:
    """The components that run in this image, of a registry of one's own."""
    return Components(
        live_model=live_model_in(image),
        validate_infra=validate_infra_in(image),
        push_model=push_model_in(image),
        run_canary=run_canary_in(image),
        check_blessing=check_blessing_in(image),
        end_unfinished=end_unfinished_in(image),
    )
