"""The command line: flags in, one library function, a rendered report and an exit code out."""
