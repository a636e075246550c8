"""The options of a batch, and which of them go together."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ...errors import OptionError

TRIAL = object()  # in a command's context: make the filter, which shows wrong options, and filter nothing


@dataclass(frozen=True)
class BatchOptions:
    """The options of a batch, as Click gives them."""

    output_dir: str | None
    output_name: str | None
    in_place: bool
    backup: str | None
    recursive: bool
    from_list: str | None
    jobs: str | None
    resume: bool
    newer: bool
    fail_fast: bool

    @property
    def wanted(self) -> bool:
        """Whether there is a batch: options say where its results go."""
        return self.output_dir is not None or self.output_name is not None or self.in_place

    def check(self, places: tuple[str, ...]) -> None:
        """OptionError for options that do not go together; `places` are the command's paths."""
        if sum((self.output_dir is not None, self.output_name is not None, self.in_place)) > 1:
            raise OptionError("--output-dir, --output and --in-place exclude each other; leave out all but one")
        if self.backup is not None and not self.in_place:
            raise OptionError("--backup keeps what --in-place replaces; add --in-place")
        if self.backup is not None and (not self.backup or os.sep in self.backup):
            raise OptionError(f"--backup {self.backup!r}: write an ending such as .orig")
        if self.newer and self.in_place:
            raise OptionError("--newer compares a result with its input, which --in-place replaces; use --resume")
        if self.wanted:
            if not places and self.from_list is None:
                raise OptionError("no INPUT: give files, folders or patterns, or --from-list")
            return
        more = next(
            (
                name
                for name in ("recursive", "from_list", "jobs", "resume", "newer", "fail_fast")
                if getattr(self, name)
            ),
            None,
        )
        if more or len(places) > 2:
            what = f"--{more.replace('_', '-')} is" if more else f"{len(places)} paths are"
            raise OptionError(
                f"{what} for many pictures; add --output-dir DIR, --output '{{parent}}/{{stem}}-soft{{ext}}' or --in-place"
            )
