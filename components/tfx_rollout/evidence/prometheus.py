"""Evidence from Prometheus, for traffic that goes through somebody else's gateway.

What it can tell, and what not, compared with the access log:

- Counters are read at scrapes. A window has what was counted between the last scrape at or
  before its start and the last one at or before its end, so windows that adjoin count
  everything once, some seconds late.
- Most counters count requests at their *end*. A canary that hangs then shows only when its
  requests time out: let the gateway time out soon, and count timeouts as failures.
- Latencies are as coarse as the buckets of the histogram; each counts at its bucket's
  upper end, those above the last one a little above it. They cannot be spaced.
- There are no users, no predictions and no request ids.
- The selectors must see drawn requests alone: calls that were forced to a track are no
  evidence.

A counter that went down (its process started anew) or a scrape that is missing makes a gap.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tfx_rollout.errors import InvalidInput, ServingFault
from tfx_rollout.evidence.histogram import LatencyHistogram, bucket_of
from tfx_rollout.evidence.source import IntervalCounts
from tfx_rollout.evidence.window import TrackCounts
from tfx_rollout.traffic import Track

if TYPE_CHECKING:
    import httpx

MISSED = 1.6
"""Scrapes that lie further apart than so many intervals have one missing between them."""

_UNIT_US = {"seconds": 1e6, "milliseconds": 1e3}


@dataclass(frozen=True)
class TrackSelectors:
    """Selectors of the counters of one track: instant vectors without functions, of any number of series.

    `latency` selects the `_bucket` series of a histogram; None where latencies are not known.
    """

    requests: str
    failures: str
    latency: str | None = None


@dataclass(frozen=True)
class PrometheusSettings:
    """Where Prometheus is, and what to ask it. Times in seconds."""

    url: str
    tracks: Mapping[Track, TrackSelectors]
    up: str
    """Selects the `up` series of all targets that have the counters."""
    scrape_s: float = 15.0
    """The interval at which the targets are scraped."""
    waiting_s: float = 5.0
    """How long after a scrape it is taken for granted that its samples can be read."""
    latency_unit: Literal["seconds", "milliseconds"] = "seconds"
    """The unit of the label `le`."""
    timeout_s: float = 2.0


@dataclass(frozen=True)
class _Series:
    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]
    """Time and value of each scrape, in order."""

    def at(self, moment: float) -> float | None:
        """The value at the last scrape at or before a moment; None without any."""
        return next((value for at, value in reversed(self.samples) if at <= moment), None)

    def counted(self, start: float, end: float) -> float:
        """By how much a counter grew; one that was not there before began at 0."""
        return (self.at(end) or 0.0) - (self.at(start) or 0.0)

    def was_reset(self) -> bool:
        return any(later < earlier for (_, earlier), (_, later) in itertools.pairwise(self.samples))


class PrometheusSource:
    """`EvidenceSource` over Prometheus' HTTP API, for the one model that the selectors are about.

    Raises `ServingFault` when Prometheus does not answer, and `InvalidInput` when it refuses
    a selector. `client` makes the HTTP client, for authentication and the like.
    """

    def __init__(
        self,
        settings: PrometheusSettings,
        *,
        client: Callable[[], httpx.Client] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        import httpx

        self._settings, self._monotonic = settings, monotonic
        self._http = httpx.Client(timeout=settings.timeout_s) if client is None else client()
        self._horizon, self._asked_at = 0.0, -1e9

    def horizon(self) -> float:
        """The waiting time before the last scrape of the target that was scraped longest ago; 0 without any."""
        if self._monotonic() - self._asked_at >= self._settings.scrape_s / 4:
            up = self._query(self._settings.up, self._settings.scrape_s * 10)
            last = min((series.samples[-1][0] for series in up), default=0.0)
            self._horizon = max(self._horizon, last - self._settings.waiting_s)
            self._asked_at = self._monotonic()
        return self._horizon

    def counts(self, model: str, start: float, end: float) -> IntervalCounts:
        """Counts between the scrapes before `start` and `end` (epoch seconds); a gap where these are not whole."""
        margin = MISSED * self._settings.scrape_s

        def query(selector: str) -> list[_Series]:
            return self._query(selector, end - start + margin, at=end)

        gap = not _whole(query(self._settings.up), start, end, margin)
        tracks = {}
        for track, selectors in self._settings.tracks.items():
            requests, failures = query(selectors.requests), query(selectors.failures)
            latency = [] if selectors.latency is None else query(selectors.latency)
            gap = gap or any(series.was_reset() for series in (*requests, *failures, *latency))
            total, failed = (round(sum(one.counted(start, end) for one in series)) for series in (requests, failures))
            gap = gap or failed > total
            if total:
                histogram = _histogram(latency, start, end, _UNIT_US[self._settings.latency_unit])
                codes = {code: n for code, n in (("OK", total - failed), ("UNKNOWN", failed)) if n}
                tracks[track] = TrackCounts(total, failed, 0, codes, histogram, total, failed, histogram)
        return IntervalCounts(tracks, gap=gap)

    def _query(self, selector: str, seconds: float, *, at: float | None = None) -> list[_Series]:
        """The samples of the last `seconds` before a moment, by default before now."""
        import httpx

        url = f"{self._settings.url.rstrip('/')}/api/v1/query"
        parameters = {"query": f"{selector}[{round(seconds * 1000)}ms]", **({} if at is None else {"time": f"{at:.3f}"})}
        try:
            answer = self._http.get(url, params=parameters)
            document = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ServingFault(
                f"Prometheus at {self._settings.url} gave no answer that can be read ({error or type(error).__name__}); "
                "see that it runs and can be reached from here."
            ) from error
        if document.get("status") != "success":
            raise InvalidInput(
                f"Prometheus at {self._settings.url} refuses the selector {selector} ({document.get('error', answer.text)}); "
                "give a selector of series, without functions."
            )
        return [_series(one) for one in document["data"]["result"]]


def _series(data: Mapping[str, Any]) -> _Series:
    return _Series(data["metric"], [(float(at), float(value)) for at, value in data["values"]])


def _whole(up: Sequence[_Series], start: float, end: float, margin: float) -> bool:
    """Whether every target was scraped throughout, each time with success."""
    for series in up:
        times = [at for at, _ in series.samples if at <= end]
        scraped = bool(times) and times[0] <= start and times[-1] > end - margin
        if not scraped or any(value != 1 for _, value in series.samples):
            return False
        if any(later - earlier > margin for earlier, later in itertools.pairwise(times)):
            return False
    return bool(up)


def _histogram(buckets: Sequence[_Series], start: float, end: float, unit_us: float) -> LatencyHistogram:
    """The latencies of cumulative buckets, each at the upper end of its own."""
    up_to: dict[float, float] = {}
    for series in buckets:
        edge = float(series.labels["le"])
        up_to[edge] = up_to.get(edge, 0.0) + series.counted(start, end)
    counts: dict[int, int] = {}
    below, highest = 0, 0
    for edge in sorted(up_to):
        highest = bucket_of(edge * unit_us) if edge != float("inf") else highest + 1
        if (within := round(up_to[edge]) - below) > 0:
            counts[highest] = counts.get(highest, 0) + within
        below = max(below, round(up_to[edge]))
    return LatencyHistogram(counts)
