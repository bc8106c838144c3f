"""Codecs of the form number = scale x element: all but those with an offset or with planes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from .beside import divided
from .codec import Parts
from .element import E2M1, E2M3, E3M2, E4M3, E5M2, Element
from .grouped import Grouped

SMALL = {"e4m3": E4M3, "e5m2": E5M2, "e3m2": E3M2, "e2m3": E2M3, "e2m1": E2M1}  # column `number` of formats.csv


@dataclass(frozen=True)
class Scaled(Grouped):
    """q = nearest(fl(x / scale)), 0 where the scale is 0; fl(scale element) back."""

    of: Element

    @property
    def element(self) -> Element:
        return self.of

    @abstractmethod
    def scale(self, params: Parts) -> np.ndarray:
        """float32, [n, groups] or what spreads to it: the scales as numbers."""

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        return self.of.nearest(divided(x, self.scale(params)))

    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        return self.of.numbers(codes) * self.scale(params)[..., None]
