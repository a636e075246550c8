"""Usage errors as one line that says what is wrong and what to write, and the groups of commands that raise them."""

from __future__ import annotations

import os

import click

from ..errors import nearest
from . import saying, synonyms


class CommandGroup(click.Group):
    """A group that proposes the command for a word that is none."""

    def resolve_command(self, ctx, args):
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise click.UsageError(self._instead(ctx, args), ctx)
        return super().resolve_command(ctx, args)

    def _instead(self, ctx: click.Context, args: list[str]) -> str:
        word, top = args[0], ctx.parent is None
        if top and (other := synonyms.command_for(args)):
            return f"no command {word!r}; {other}"
        near = nearest(word, self.list_commands(ctx))
        if not near and (os.path.exists(word) or os.path.splitext(word)[1]):
            shown = f", as in imconv blur {word} OUTPUT --sigma 2" if top else f": {', '.join(self.list_commands(ctx))}"
            return f"{word}: a command comes before files{shown}"
        others = "" if near or top else f"; they are {', '.join(self.list_commands(ctx))}"  # of all in the help only
        return f"no command {word!r}{near}{others}"


def hint(path: str) -> str:
    """Where the help of a command is."""
    return f"Try '{path} --help'"


def explained(error: click.ClickException) -> tuple[str, str]:
    """The message for an error of Click's, and a second line, which may be empty."""
    if type(error).__name__ == "NoArgsIsHelpError":  # Click 8.2 and later
        return "", error.format_message()
    ctx = getattr(error, "ctx", None)  # some have none: they are of the command that reads its words
    run = saying.current()
    path, command = (run.path, run.command) if ctx is None else (ctx.command_path, ctx.command)
    name = path.partition(" ")[2] or path
    return synonyms.imagemagick(run.args) or mistake(error, command, run.args, name), hint(path)


def mistake(
    error: click.ClickException, command: click.Command | None, args: list[str], name: str | None = None
) -> str:
    """What is wrong with the words of a command, and what to write instead; without a name the command is a chain's step."""
    subject = name or "it"
    params = [] if command is None else command.params
    if isinstance(error, click.NoSuchOption):
        typed = error.option_name
        options = [*(each for param in params for each in param.opts if each.startswith("-")), "--help"]
        if instead := synonyms.option_for(typed, args, options):
            return f"{subject} has no option {typed}; {instead}"
        return f"{subject} has no option {typed}{nearest(typed, options) if len(typed) > 2 else ''}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        what = _described(error.param)
        examples = getattr(command, "examples", ()) if name else ()
        shown = {*error.param.opts} if isinstance(error.param, click.Option) else set()
        example = next((line for line in examples if shown & {*line.split()}), examples[0] if examples else "")
        return f"{subject} needs {what}{f', as in: {_uncommented(example)}' if example else ''}"
    if isinstance(error, click.BadOptionUsage):
        option = next((each for each in params if error.option_name in each.opts), None)
        if option is not None and isinstance(option, click.Option) and not option.is_flag:
            return f"{error.option_name} needs a value: {_described(option)}"
    if type(error) is click.UsageError and "extra argument" in error.message:
        taken = [_described(each) for each in params if isinstance(each, click.Argument)]
        return f"{_plain(error)}; {subject} takes {' '.join(taken)}"
    return _plain(error)


def _described(parameter: click.Parameter) -> str:
    """An option with its value as the help has it, or an argument."""
    if isinstance(parameter, click.Option):
        return f"{max(parameter.opts, key=len)} {parameter.metavar or ''}".rstrip()
    return (parameter.metavar or str(parameter.name).upper()).rstrip("_")


def _uncommented(example: str) -> str:
    return example.partition("   ")[0].rstrip()


def _plain(error: click.ClickException) -> str:
    """Click's own words, as imconv's messages are written."""
    text = error.format_message().rstrip(".")
    return text[:1].lower() + text[1:]
