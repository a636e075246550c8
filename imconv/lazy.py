"""`cached_property`: an attribute that is computed when it is first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cached_property as cached_property  # for type checkers it is functools'
else:

    class cached_property:
        """A method as an attribute, called once for each object.

        Unlike `functools.cached_property` before Python 3.12 it has no lock. That lock is shared by all objects of a class,
        and a process forked while it is taken would wait for it for ever. Two threads at once may both compute the value.
        """

        def __init__(self, compute: Callable):
            self.compute, self.__doc__ = compute, compute.__doc__

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            value = instance.__dict__[self.compute.__name__] = self.compute(instance)
            return value
