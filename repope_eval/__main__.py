"""`python -m repope_eval`, and the console script `repope-eval`."""

import sys


def main() -> None:
    """Runs the command line, and exits with its status."""
    try:
        from repope_eval.commands import command_line  # takes a moment, in which Ctrl-C may come
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    command_line.main()


if __name__ == "__main__":
    main()
