"""The entry point. `--version` is answered before anything else is imported."""

from __future__ import annotations

import sys

from rolloutlint import __version__


def main() -> None:
    """Run the command line; the exit code is what the chosen command returns."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"rolloutlint {__version__}\n")
        return
    from rolloutlint.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
