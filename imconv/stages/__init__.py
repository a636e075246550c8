"""The stages: each folder is one kind of pass over rows, with its plan and its work."""
