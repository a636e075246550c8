"""PNG and ICO files."""
