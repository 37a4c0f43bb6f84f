"""`evidence.yaml` in a root: what the evidence about some of its models has besides the gateway's access log.

    predictions:
      taxi: {output: tip_probability}
    prometheus:
      taxi:
        url: http://prometheus:9090
        scrape_seconds: 5
        up: up{job="gateway"}
        tracks:
          stable:
            requests: requests_total{model="taxi",track="stable"}
            failures: requests_total{model="taxi",track="stable",code=~"5.."}
            latency: request_seconds_bucket{model="taxi",track="stable"}
          canary: …

It is read when a model server starts and when a rollout begins to be judged.
`docs/evidence.md` explains the fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tfx_rollout.errors import InvalidInput, InvalidPlan
from tfx_rollout.evidence.needs import EvidenceNeeds
from tfx_rollout.evidence.prometheus import PrometheusSettings, PrometheusSource, TrackSelectors
from tfx_rollout.evidence.source import EvidenceSource
from tfx_rollout.model_store import storage_faults
from tfx_rollout.traffic import Track

FILE = "evidence.yaml"

Seconds = Annotated[float, Field(gt=0, le=3600)]
Selector = Annotated[str, Field(min_length=1)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TrackDocument(_Document):
    """The counters of one track."""

    requests: Selector
    failures: Selector
    latency: Selector | None = None


class TracksDocument(_Document):
    """The tracks that are compared."""

    stable: TrackDocument
    canary: TrackDocument
    shadow: TrackDocument | None = None


class PrometheusDocument(_Document):
    """Where Prometheus has the counters of one model."""

    url: Annotated[str, Field(pattern=r"^https?://")]
    up: Selector
    tracks: TracksDocument
    scrape_seconds: Seconds = PrometheusSettings.scrape_s
    waiting_seconds: Annotated[float, Field(ge=0, le=600)] = PrometheusSettings.waiting_s
    latency_unit: Literal["seconds", "milliseconds"] = PrometheusSettings.latency_unit
    timeout_seconds: Annotated[float, Field(gt=0, le=10)] = PrometheusSettings.timeout_s

    def settings(self) -> PrometheusSettings:
        """What the source works with."""
        tracks = {Track(name): TrackSelectors(**given) for name, given in self.tracks.model_dump().items() if given is not None}
        return PrometheusSettings(
            url=self.url,
            tracks=tracks,
            up=self.up,
            scrape_s=self.scrape_seconds,
            waiting_s=self.waiting_seconds,
            latency_unit=self.latency_unit,
            timeout_s=self.timeout_seconds,
        )


class PredictionsDocument(_Document):
    """How the predictions of one model are logged by the embedded model server."""

    output: Annotated[str, Field(min_length=1)] | None = None
    """The output that is the prediction, where the only or a usual one is not."""


class SourcesDocument(_Document):
    """The whole file: for each kind of source the models that use it."""

    prometheus: dict[str, PrometheusDocument] = Field(default_factory=dict)
    predictions: dict[str, PredictionsDocument] = Field(default_factory=dict)


def read_sources(path: Path) -> SourcesDocument:
    """What the file says; nothing where there is none. Raises `InvalidPlan` with all faults, and `StorageFault`."""
    with storage_faults(path, "read"):
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return SourcesDocument()
    try:
        return SourcesDocument.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise InvalidPlan(f"The file {path}", [f"it is not YAML ({' '.join(str(error).split())})"]) from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise InvalidPlan(f"The file {path}", faults) from error


def source_of(path: Path, needs: EvidenceNeeds) -> EvidenceSource | None:
    """The source that the file names for a rollout's model; None where it names none.

    Raises `InvalidInput` where the plan needs what that source cannot tell.
    """
    document = read_sources(path).prometheus.get(needs.model)
    if document is None:
        return None
    if needs.unit != "request":
        raise InvalidInput(f"Prometheus cannot count the users of {needs.model}; take the model out of {path}, or unit: request.")
    return PrometheusSource(document.settings())
