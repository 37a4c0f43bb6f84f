"""Ratios of factorials of large numbers, without losing the digits that their logarithms have in common."""

from __future__ import annotations

from math import lgamma, log, pi

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SERIES_FROM = 16
_ERRORS = np.array(
    [0.0, *(lgamma(z) - ((z - 0.5) * log(z) - z + 0.5 * log(2 * pi)) for z in range(1, _SERIES_FROM))], dtype=np.float64
)


def log_factorial_ratio(n: Floats, step: Floats) -> Floats:
    """`log(n! / (n + step)!) + step log(n + 1)` for whole `n >= 0` and `n + step >= 0`.

    What is added takes away all of the ratio's growth that is linear in `step`, so that the result is of the order of
    `step^2 / n` and has its own full precision (the deviance form of Loader 2000, centred at `n + 1`).
    """
    z = n + 1
    end = z + step
    return (step - (end - 0.5) * np.log1p(step / z)) + (_stirling_error(z) - _stirling_error(end))


def _stirling_error(z: Floats) -> Floats:
    """`log Gamma(z)` less Stirling's approximation, for whole `z >= 1`."""
    square = 1 / (z * z)
    series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / z
    return np.where(z < _SERIES_FROM, _ERRORS[np.minimum(z, _SERIES_FROM - 1).astype(np.intp)], series)
