"""The `ohmprop` command. No science in here: it reads arguments, calls and prints."""

import sys
import warnings
from typing import Any


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status.

    0 done, 1 internal error, 2 bad input, 3 failed certificate, 4 failed verification, 130
    interrupted.
    """
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; one message on stderr where it fails."""
    import typer
    from typer.main import get_command

    from ohmprop._core import OhmpropError
    from ohmprop.cli._commands import app

    warnings.showwarning = _note
    try:
        status = get_command(app).main(arguments, prog_name="ohmprop", standalone_mode=False)
        if status == 130:
            raise KeyboardInterrupt  # Typer has turned it into a status
        return status if isinstance(status, int) else 0
    except OhmpropError as error:
        _complain(str(error))
        return error.exit_code
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        text = error.format_message()
        _complain(f"{text} (see `{context.command_path if context else 'ohmprop'} --help`)")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        kept = "; what was done is kept, continue with --resume"
        resumable = arguments[:1] in (["train"], ["sweep"], ["reproduce"])
        _complain(f"interrupted{kept if resumable else ''}", kind="")
        return 130
    except typer.Exit as leave:
        return leave.exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:
        _complain(f"{error.filename or 'a file'}: {error.strerror or error}")
        return 2
    except Exception as error:
        import os
        import traceback

        if os.environ.get("OHMPROP_DEBUG"):
            traceback.print_exc()
        first = (str(error).splitlines() or [""])[0]
        _complain(
            f"internal error: {type(error).__name__}: {first}"
            " (set OHMPROP_DEBUG=1 for the traceback)"
        )
        return 1


def _complain(message: str, kind: str = "error: ") -> None:
    sys.stderr.write(f"ohmprop: {kind}{' '.join(message.split())}\n")


def _note(message: Any, *_: Any, **__: Any) -> None:
    """Show a warning as one line, without the place in the source."""
    _complain(str(message), kind="note: ")
