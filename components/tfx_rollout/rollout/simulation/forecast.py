"""What a plan will take, told before anything starts: how long a good model is under way, and how soon a bad one is caught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tfx_rollout.errors import InvalidInput
from tfx_rollout.rollout.simulation.behaviour import Arrival, Behaviour, Labels, Latency
from tfx_rollout.rollout.simulation.scenario import Scenario


@dataclass(frozen=True)
class BaseRates:
    """What is known of the traffic and of the stable version."""

    rps: float = 50.0
    failure_rate: float = 0.005
    median_ms: float = 5.0
    accuracy: float = 0.90
    labelled: float = 0.6
    """Share of the predictions whose labels come; 0 where none do."""
    label_minutes: float = 2.0
    """Median time that a label takes."""

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {value:g}, but must be {must}"
            for name, value, fits, must in (
                ("rps", self.rps, self.rps > 0, "above 0"),
                ("failure_rate", self.failure_rate, 0 <= self.failure_rate < 0.5, "at least 0 and below 0.5"),
                ("latency_ms", self.median_ms, self.median_ms > 0, "above 0"),
                ("accuracy", self.accuracy, 0 < self.accuracy <= 1, "above 0 and at most 1"),
                ("labelled", self.labelled, 0 <= self.labelled <= 1, "from 0 to 1"),
                ("label_minutes", self.label_minutes, self.label_minutes > 0, "above 0"),
            )
            if not fits
        ]
        if faults:
            raise InvalidInput(f"A forecast needs other base rates: {'; '.join(faults)}.")

    @property
    def stable(self) -> Behaviour:
        """The stable version."""
        return Behaviour(self.failure_rate, Latency(self.median_ms), 1 - self.accuracy)

    @property
    def labels(self) -> Labels:
        """How its labels come."""
        arrival = Arrival(self.labelled, 60 * self.label_minutes)
        return Labels(arrival, arrival)


def good_model(base: BaseRates) -> Scenario:
    """A candidate that is exactly as good as the stable version."""
    return Scenario("good", "as good as stable", base.stable, base.stable, labels=base.labels)


def regressions(base: BaseRates) -> Iterator[Scenario]:
    """Candidates that are worse in one way each, as far as the base rates leave room for it."""
    stable = base.stable

    def worse(name: str, text: str, **changes: object) -> Scenario:
        return Scenario(name, text, stable, replace(stable, **changes), labels=base.labels)  # type: ignore[arg-type]

    rate, latency, wrong = stable.failure_rate, stable.latency, stable.wrong_rate
    for factor in (2, 5):
        if 0 < factor * rate < 0.5:
            text = f"failures × {factor} ({rate:.2%} → {factor * rate:.2%})"
            yield worse(f"errors-x{factor}", text, failure_rate=factor * rate)
    for percent in (10, 50):
        if percent / 100 > 5 * rate:
            yield worse(f"errors-{percent}pct", f"{percent} % of the requests fail", failure_rate=percent / 100)
    for slower in (1.2, 1.5):
        slow = replace(latency, median_ms=slower * latency.median_ms)
        yield worse(f"latency-x{slower:g}", f"latency × {slower:g}", latency=slow)
    if base.labelled > 0:
        for points in (3, 10):
            if points / 100 < base.accuracy:
                text = f"accuracy {base.accuracy:.1%} → {base.accuracy - points / 100:.1%}"
                yield worse(f"accuracy-{points}pt", text, wrong_rate=wrong + points / 100)
    first, *rest = stable.classes
    shifted = (2 * first, *((1 - 2 * first) / len(rest),) * len(rest))
    yield worse("class-shift", f"a class in {2 * first:.0%} of the predictions instead of {first:.0%}", classes=shifted)
