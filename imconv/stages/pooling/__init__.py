"""Windows that become single samples."""
