"""Calibrated rounding: the error of a column goes into those that are not rounded yet (GPTQ, arXiv 2210.17323).

Any format whose scales are fixed for a group before its columns are rounded; groups are taken in their order, the
scales of one from its weights as they are then.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError, Unsupported
from ..formats.codec import Parts, codec
from ..formats.floats import Floats
from ..formats.grouped import Grouped
from .model import finite

DAMPING = 0.01  # of the mean of the diagonal
BLOCK = 32  # columns whose errors reach the rest at once; groups end where blocks do


def moments(x: np.ndarray) -> np.ndarray:
    """H = 2 X^T X of inputs [tokens, k], float64 [k, k]."""
    return 2 * (x.T @ x).astype(np.float64)


def rounded(w: np.ndarray, name: str, h: np.ndarray, where: str) -> np.ndarray:
    """`w` [n, k] in the format `name`, for inputs with the second moments `h`."""
    form = codec(name)
    if not isinstance(form, Grouped):
        raise Unsupported(f"{name}-gptq: {name} has no scales that are fixed before a group's columns are rounded "
                          f"(try {name}, or a format in groups, such as int4-g64-gptq)")  # fmt: skip
    form.check(w.shape[1], where)
    finite(w, lambda row: (where, row))
    return _Rounding(form, w, _feedback(h, where)).all()


def _feedback(h: np.ndarray, where: str) -> np.ndarray:
    """Upper triangle U with H^-1 = U^T U, H damped.

    H = V V^T with V upper, the Cholesky factor of H in reverse order; U is its inverse.
    """
    h = h.copy()
    diagonal = np.diagonal(h)
    if not np.isfinite(diagonal).all():
        raise InputError(f"{where}: activations on the calibration text are not finite")
    damping = DAMPING * float(diagonal.mean()) or 1.0
    h[np.diag_indices_from(h)] += damping
    from scipy.linalg.lapack import dtrtri  # half a second to import: only those who calibrate pay

    lower = np.linalg.cholesky(h[::-1, ::-1])
    upper, failed = dtrtri(lower[::-1, ::-1], lower=0)
    assert failed == 0  # the diagonal of a Cholesky factor is positive
    return np.asarray(np.triu(upper), np.float32)


class _Rounding:
    """`w` [k, n], a row for each column of the matrix, becomes what the format makes of it, first to last."""

    def __init__(self, form: Grouped, w: np.ndarray, u: np.ndarray) -> None:
        self.form, self.w, self.u = form, np.ascontiguousarray(w.T, np.float32), u
        self.group = form.form.group or len(self.w)
        self.shared = form.whole(Floats("F32", w))
        self.params: Parts = {}

    def all(self) -> np.ndarray:
        """float32 [n, k]."""
        for start in range(0, len(self.w), BLOCK):
            self._block(start, min(start + BLOCK, len(self.w)))
        return np.ascontiguousarray(self.w.T)

    def _block(self, start: int, stop: int) -> None:
        w, u = self.w, self.u
        errors = np.empty((stop - start, w.shape[1]), np.float32)
        for j in range(start, stop):
            if j % self.group == 0:
                self._scales(j)
            fixed = self._column(w[j])
            errors[j - start] = (w[j] - fixed) / u[j, j]
            w[j] = fixed
            w[j + 1 : stop] -= u[j, j + 1 : stop, None] * errors[j - start]
        w[stop:] -= u[start:stop, stop:].T @ errors

    def _scales(self, start: int) -> None:
        group = np.ascontiguousarray(self.w[start : start + self.group].T)
        self.params = {**self.shared, **self.form.params(group[:, None, :], self.shared)}

    def _column(self, x: np.ndarray) -> np.ndarray:
        codes = self.form.codes(x[:, None, None], self.params)
        return self.form.values(codes, self.params)[:, 0, 0]
