"""The `rolloutlint` command and how its errors leave the process.

Findings go to standard output, everything else to standard error. Exit codes are a contract: 0 clean, 1 findings,
2 usage or configuration, 3 nothing to lint, 4 lost input or an internal error.
"""

from __future__ import annotations

import os
import sys

import click

from rolloutlint import __version__
from rolloutlint.cli.apply_plan import apply_plan
from rolloutlint.cli.backtest import backtest
from rolloutlint.cli.check import check
from rolloutlint.cli.config import config
from rolloutlint.cli.graph import graph
from rolloutlint.cli.metric import explain_metric
from rolloutlint.cli.route import route
from rolloutlint.cli.rules import explain, rules
from rolloutlint.cli.simulate import simulate
from rolloutlint.errors import RolloutlintError

INTERNAL_ERROR = 4
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rolloutlint", message="%(prog)s %(version)s")
def cli() -> None:
    """Tells what your Argo Rollouts will really do, before Argo CD syncs them."""


for command in (check, apply_plan, explain, explain_metric, graph, simulate, backtest, route, rules, config):
    cli.add_command(command)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL (source it, or save it where the shell looks)."""
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completer(cli, {}, "rolloutlint", "_ROLLOUTLINT_COMPLETE").source())


def run(arguments: list[str] | None = None) -> int:
    """Run the command line with `arguments` (default: those of the process); answer its exit code."""
    try:
        code = cli.main(arguments, prog_name="rolloutlint", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show(sys.stderr)
        return error.exit_code
    except RolloutlintError as error:
        for line in str(error).splitlines():
            click.echo(f"rolloutlint: {line}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--debug" in (arguments if arguments is not None else sys.argv):
            raise
        click.echo(
            f"rolloutlint: internal error: {type(error).__name__}: {error}\n"
            "rolloutlint: this is a bug; run again with --debug and report what it prints",
            err=True,
        )
        return INTERNAL_ERROR
    return code if isinstance(code, int) else 0
