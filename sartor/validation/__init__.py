"""How wrong the estimates are: predictions beside measurements that they were not made from."""

from .validate import KINDS, Validation, validation

__all__ = ["KINDS", "Validation", "validation"]
