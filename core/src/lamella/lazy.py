"""Arrays that are read when they are indexed, for packages that take anything like an array."""

from lamella.interop.lazyarray import LazyArray as LazyArray

__all__ = ["LazyArray"]
