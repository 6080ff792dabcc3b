"""Keep the log lines and warnings of model libraries away from the user's terminal."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence logging and warnings while a model is built; errors still raise."""
    previous = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


@contextlib.contextmanager
def no_loading_bars() -> Iterator[None]:
    """Keep transformers from drawing a bar while it reads weights; import it first."""
    from transformers.utils import logging as untyped

    library: Any = untyped
    shown = library.is_progress_bar_enabled()
    library.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            library.enable_progress_bar()
