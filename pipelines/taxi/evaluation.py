"""What the Evaluator demands of a model, alone and against the live one.

The bounds are honest: on a span's eval split (some 1250 trips) the standard error of the
AUC is below 0.01, so a model that learned as much as the live one stays within 0.02 of it.
"""

from __future__ import annotations

import tensorflow_model_analysis as tfma

from taxi.features import LABEL


def eval_config() -> tfma.EvalConfig:
    """AUC and accuracy over all trips of the eval split, each with a floor and a bound on what it may lose to the live model."""
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(signature_name="serving_examples", label_key=LABEL)],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name="ExampleCount"),
                    _bounded("AUC", floor=0.9, may_lose=0.02),
                    _bounded("BinaryAccuracy", floor=0.85, may_lose=0.02),
                ]
            )
        ],
    )


def _bounded(metric: str, *, floor: float, may_lose: float) -> tfma.MetricConfig:
    return tfma.MetricConfig(
        class_name=metric,
        threshold=tfma.MetricThreshold(
            value_threshold=tfma.GenericValueThreshold(lower_bound={"value": floor}),
            change_threshold=tfma.GenericChangeThreshold(
                direction=tfma.MetricDirection.HIGHER_IS_BETTER, absolute={"value": -may_lose}
            ),
        ),
    )
