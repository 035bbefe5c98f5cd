"""The entry point. `--version` is answered before anything else is imported."""

from __future__ import annotations

import gc
import sys

from rolloutlint import __version__


def main() -> None:
    """Run the command line; the exit code is what the chosen command returns."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"rolloutlint {__version__}\n")
        return
    # Modules stay, and values are trees of plain containers without cycles: the collector would only cost time.
    gc.disable()
    from rolloutlint.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
