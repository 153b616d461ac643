"""Student's t: probabilities and quantiles without scipy. Pure; used wherever an interval is drawn.

The distribution function is the regularized incomplete beta function, evaluated by its continued fraction (NIST Digital
Library of Mathematical Functions, 8.17.22) with Lentz's method; quantiles are found by bisection on it.
"""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x(a, b), without its leading factor; converges fast for x < (a+1)/(a+b+2)."""
    front, back = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    back = 1.0 / (back if abs(back) > _TINY else _TINY)
    value = back
    for m in range(1, 500):
        change = 1.0
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            back = 1.0 + term * back
            back = 1.0 / (back if abs(back) > _TINY else _TINY)
            front = 1.0 + term / front
            front = front if abs(front) > _TINY else _TINY
            change = front * back
            value *= change
        if abs(change - 1.0) < 1e-15:
            break
    return value


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), the regularized incomplete beta function, for 0 <= x <= 1."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1.0) / (a + b + 2.0):
        return math.exp(log_front) * _beta_fraction(x, a, b) / a
    return 1.0 - math.exp(log_front) * _beta_fraction(1.0 - x, b, a) / b


def t_cdf(t: float, degrees: float) -> float:
    """P(T <= t) with `degrees` degrees of freedom."""
    tail = 0.5 * _incomplete_beta(degrees / (degrees + t * t), degrees / 2.0, 0.5)
    return 1.0 - tail if t > 0 else tail


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees: float) -> float:
    """The t with P(T <= t) = probability. Raises ValueError outside of 0 < probability < 1 and degrees > 0."""
    if not 0.0 < probability < 1.0 or not degrees > 0.0:
        raise ValueError("a t quantile needs 0 < probability < 1 and degrees of freedom above 0")
    if probability < 0.5:
        return -t_quantile(1.0 - probability, degrees)
    low, high = 0.0, 1.0
    while t_cdf(high, degrees) < probability:
        low, high = high, high * 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if t_cdf(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def two_sided(confidence: float, degrees: float) -> float:
    """How many standard errors to each side cover `confidence`: 2.201 for 0.95 and 11 degrees of freedom."""
    return t_quantile(0.5 + confidence / 2.0, degrees)
