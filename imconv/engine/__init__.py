"""The engine: runs plans on threads, over rows from a source into a sink. No module here knows a particular filter."""
