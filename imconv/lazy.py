"""Attributes that are computed when they are first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cached_property as cached_property  # what it is to a reader of types
else:

    class cached_property:
        """A method as an attribute, called once for each object.

        Unlike that of functools before Python 3.12 it has no lock, which all objects of a class would share, and which a
        process forked meanwhile would find taken for ever. Two threads at once may both compute the value.
        """

        def __init__(self, compute: Callable):
            self.compute, self.__doc__ = compute, compute.__doc__

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            value = instance.__dict__[self.compute.__name__] = self.compute(instance)
            return value
