"""The public filters, one module for each family. A function here checks its arguments, makes a filter and applies it."""
