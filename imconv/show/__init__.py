"""Pictures in a terminal: half blocks, or pixels by escape sequences."""
