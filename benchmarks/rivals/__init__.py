"""How others decide, written down so that they can be measured on the same simulated windows as the judge.

Each rule sees one window of many runs after the other (`WindowBatch`) and says in which of them it would
roll back now. Every window's latencies must be those of all answers (`spacing_ms: 0`).
"""

from rivals.kayenta import Kayenta
from rivals.peeked_z import PeekedZ
from rivals.rule import Rule
from rivals.thresholds import Thresholds

__all__ = ["Kayenta", "PeekedZ", "Rule", "Thresholds"]
