"""Every error a user can cause, one family, each with its exit code."""

from chainpipe.distribution import extra_hint


class ChainpipeError(Exception):
    """A mistake that the user can correct: one line with the error, one hint.

    Attributes:
        exit_code: What the program ends with.
        hint: What would have been right, or ``None``.

    Example:
        >>> error = UsageError("`frames` is 0", hint="it is at least 1")
        >>> isinstance(error, ChainpipeError), str(error), error.hint, error.exit_code
        (True, '`frames` is 0', 'it is at least 1', 2)
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")  # a traceback in Python shows it


class BugError(ChainpipeError):
    """An exception of our own that was caught beside a video, and is not the video's fault.

    Attributes:
        trace: Its traceback.
    """

    def __init__(self, message: str, *, trace: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.trace = trace


class UsageError(ChainpipeError):
    """A bad option value, an empty input, or inputs that do not fit each other."""

    exit_code = 2


class VideoReadError(ChainpipeError):
    """One video gives no features.

    Attributes:
        status: Its status in a store's list of failed videos, such as ``corrupt``.

    Example:
        >>> error = VideoReadError("corrupt: no frames", status="corrupt")
        >>> error.status, error.exit_code
        ('corrupt', 3)
    """

    exit_code = 3

    def __init__(self, message: str, *, status: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)  # status has a default so that it can be unpickled
        self.status = status


class DamageError(ChainpipeError):
    """A truncated or altered store, codes file or model."""

    exit_code = 4


class StorageError(ChainpipeError):
    """The output location is not writable, full or missing."""

    exit_code = 5


class NotFoundError(ChainpipeError):
    """There is no such store, model or codes file, or the file is not one."""

    exit_code = 10


class TimeLimitError(ChainpipeError):
    """The time that a run was given is over; what it did is kept."""

    exit_code = 130


class DistributedError(ChainpipeError):
    """Processes that work together lost each other; what they did up to then is kept."""

    exit_code = 130


class LockedError(ChainpipeError):
    """A live process holds the output."""

    exit_code = 11


def missing_package(needing: str, package: str, *, extra: str) -> UsageError:
    r"""Return the error about a package that is installed on request only.

    Args:
        needing: What needs it, as the message prints it.
        package: Its module.
        extra: The extra that installs it.

    Example:
        >>> error = missing_package("`clips.parquet`", "pyarrow", extra="parquet")
        >>> print(error, error.hint, sep="\n")
        `clips.parquet` needs the package `pyarrow`, which is not installed
        pip install 'chainpipe-video[parquet]'
    """
    message = f"{needing} needs the package `{package}`, which is not installed"
    return UsageError(message, hint=extra_hint(extra))
