"""The command ``chainpipe``: commands of both stages, error messages and exit codes."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, NoReturn

import typer

import chainpipe.gallery
import chainpipe.hashing.cli
import chainpipe.importing
import chainpipe.library
import chainpipe.pipeline.cli
import chainpipe.server
from chainpipe.distribution import installed_version
from chainpipe.hashing.cli.context import Tools
from chainpipe.lazy_command import ReadyGroup, add_lazily
from chainpipe.pipeline.console import Console
from chainpipe.pipeline.errors import BugError, ChainpipeError, StorageError

STORAGE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


class _Interrupted(BaseException):
    """Ctrl-C; typer would exit without a message on ``KeyboardInterrupt``."""


app = typer.Typer(
    cls=ReadyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(chainpipe.pipeline.cli.app)
app.add_typer(chainpipe.importing.app, name="import", rich_help_panel=chainpipe.importing.PANEL)
app.add_typer(chainpipe.hashing.cli.app)
app.add_typer(chainpipe.library.app)
app.add_typer(chainpipe.gallery.app)
app.add_typer(chainpipe.server.app)
both = typer.Typer()  # verbs about files of both stages; they replace those of one stage
add_lazily(
    both,
    "verify",
    "chainpipe.verify_files:verify",
    about="Check every byte of a feature store or a codes file; exit with 4 if any is damaged.",
    panel=chainpipe.pipeline.cli.PANEL,
)
app.add_typer(both)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainpipe {installed_version()}")
        raise typer.Exit


@app.callback()
def assemble(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Turn videos into short binary codes that find similar videos.

    Typical order: extract videos/ --out feats.h5, train feats.h5 --bits 32, encode, search.
    """
    context.obj = _tools()


def _tools() -> Tools:
    """Return stage one's functions for stage two; decoders are imported on first use."""

    def query() -> ModuleType:
        return importlib.import_module("chainpipe.pipeline.extraction.single_videos")

    console = Console()
    return Tools(
        find=lambda source: query().find_videos(source),
        features=lambda paths, meta: query().extract_features(paths, meta, pictures=True),
        frames=lambda paths, frames, size, workers: query().sampled_frames(
            paths, frames, size, workers=workers
        ),
        thumbnails=lambda paths, size: query().thumbnails(paths, size),
        progress=console.progress,
        log=console.log,
        warn=console.warn,
        sequences=lambda paths, meta: query().extract_features(paths, meta, cached=True),
        moments=lambda path, seconds, size: query().moments(path, seconds, size),
    )


@app.command(rich_help_panel="Try it")
def demo(
    context: typer.Context,
    videos: Annotated[
        Path | None,
        typer.Argument(help="Folder of videos; by default, clips of real footage."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of all outputs.")] = Path("demo"),
    bits: Annotated[int, typer.Option(help="Length of a code, 1 to 256.")] = 32,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of seeds per method; used with the default clips only, which have labels.",
            show_default="5",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Make the store and the models in --out anew.")
    ] = False,
) -> None:
    """Run all commands on real videos and draw the search results.

    Example: chainpipe demo ~/Videos --out demo
    """
    from chainpipe.hashing.cli.demo import run_demo

    tools: Tools = context.obj
    folder = videos if videos is not None else _demo_videos(out / "videos", tools)
    run_demo(
        folder,
        out,
        bits=bits,
        seeds=seeds,
        labels=videos is None,
        restart=restart,
        run=_run_verb,
        log=tools.log,
    )


def _demo_videos(folder: Path, tools: Tools) -> Path:
    from chainpipe.pipeline.demo_clips import demo_sources, make_demo_clips

    with tools.progress("make clips", 8 * len(demo_sources())) as advance:
        return make_demo_clips(folder, workers=os.cpu_count() or 1, advance=advance)


def _run_verb(arguments: Sequence[str]) -> tuple[int, str]:
    """Run one command in this process; return its exit code and its stdout."""
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        code = app(list(arguments), standalone_mode=False)
    return code or 0, written.getvalue()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the code that ``docs/reference`` lists."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _interrupt)
    code = run(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; print errors as ``error:`` and ``hint:`` lines; return the code."""
    try:
        return app(arguments, prog_name="chainpipe", standalone_mode=False) or 0
    except BugError as error:
        return _explain_bug(str(error), error.trace, error.hint)
    except ChainpipeError as error:
        return _explain(str(error), error.hint, error.exit_code)
    except typer.TyperException as error:
        return _explain_usage(error)
    except (_Interrupted, KeyboardInterrupt, typer.Abort):
        return _explain("interrupted", None, 130)
    except BrokenPipeError:
        # Python flushes stdout at exit: without this it would raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.errno not in STORAGE_ERRORS:
            return _explain_bug(*_words_and_trace(error))
        where = f" `{error.filename}`" if error.filename else ""
        return _explain(f"{error.strerror}{where}", None, StorageError.exit_code)
    except Exception as error:
        return _explain_bug(*_words_and_trace(error))


def _interrupt(signum: int, _frame: object) -> NoReturn:
    raise _Interrupted


def _terminate(signum: int, _frame: object) -> NoReturn:
    """Exit on SIGTERM by an exception, so that every ``finally`` block runs."""
    sys.exit(128 + signum)


def _explain(message: str, hint: str | None, code: int) -> int:
    console = Console()
    console.error(message)
    if hint:
        console.hint(hint)
    return code


def _explain_usage(error: typer.TyperException) -> int:
    """Print an error of the option parser as ``error:`` and ``hint:`` lines."""
    words = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "chainpipe"
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(words + "\n")
        return 2
    return _explain(words.rstrip(".").replace("'", "`"), f"see `{command} --help`", 2)


def _words_and_trace(error: Exception) -> tuple[str, str]:
    words = traceback.format_exception_only(error)[-1].strip()
    return words, "".join(traceback.format_exception(error))


def _explain_bug(words: str, trace: str, hint: str | None = None) -> int:
    """Print one line; write the traceback to a file, unless the hint names one."""
    if hint is None:
        with tempfile.NamedTemporaryFile(
            "w", prefix="chainpipe-", suffix=".traceback.txt", delete=False
        ) as file:
            file.write(trace)
        hint = f"please report the traceback in `{file.name}`"
    return _explain(f"a bug in chainpipe: {words}", hint, 1)
