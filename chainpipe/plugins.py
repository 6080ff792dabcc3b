"""Plug-ins: register your own losses, encoders, methods, backbones and frame samplers.

A plug-in module imports :data:`register` and decorates a class or function with it. Commands load
the module by ``--plugin FILE``, Python by :func:`load_plugins`. See ``docs/plugins.md``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from chainpipe.pipeline.records import load_entry_points, load_plugins

if TYPE_CHECKING:
    from chainpipe.hashing.config.fields import AnyConfig, about
    from chainpipe.hashing.config.losses import LossConfig
    from chainpipe.hashing.config.model import EncoderConfig
    from chainpipe.hashing.data.training_set import TrainingFrames
    from chainpipe.hashing.losses.base import LossContext, Step
    from chainpipe.hashing.methods.base import FitRequest, Fitted, Method
    from chainpipe.hashing.models.linear_hash import LinearHash
    from chainpipe.pipeline.backbones import BackboneOptions

_MODULES = {
    "AnyConfig": "chainpipe.hashing.config.fields",
    "TrainingFrames": "chainpipe.hashing.data.training_set",
    "LinearHash": "chainpipe.hashing.models.linear_hash",
    "about": "chainpipe.hashing.config.fields",
    "LossConfig": "chainpipe.hashing.config.losses",
    "EncoderConfig": "chainpipe.hashing.config.model",
    "LossContext": "chainpipe.hashing.losses.base",
    "Step": "chainpipe.hashing.losses.base",
    "FitRequest": "chainpipe.hashing.methods.base",
    "Fitted": "chainpipe.hashing.methods.base",
    "Method": "chainpipe.hashing.methods.base",
    "BackboneOptions": "chainpipe.pipeline.backbones",
}
__all__ = [
    "AnyConfig",
    "BackboneOptions",
    "EncoderConfig",
    "FitRequest",
    "Fitted",
    "LinearHash",
    "LossConfig",
    "LossContext",
    "Method",
    "Register",
    "Step",
    "TrainingFrames",
    "about",
    "load_entry_points",
    "load_plugins",
    "register",
]

Anything = TypeVar("Anything")
Decorator = Callable[[Anything], Anything]


class Register:
    """Decorators that register a class or function under a name.

    A name consists of lower-case letters, digits, ``-`` and ``_``. Each decorator returns its
    argument, and raises ``UsageError`` if the name is taken or invalid.
    """

    def loss(self, name: str, *, config: type[Any]) -> Decorator[Anything]:
        """Register a loss: a ``torch.nn.Module`` with ``from_config(config, context)``.

        Args:
            name: Name of the loss and, with ``_`` instead of ``-``, of its config section.
            config: Class of the config section, derived from :class:`LossConfig`.
        """

        def add(loss: Any) -> Any:
            from chainpipe.hashing.config.losses import LOSSES, LossEntry, check_loss_section

            check_loss_section(name, config)
            LOSSES.add(name, LossEntry(config, loss), source=loss)
            return loss

        return add

    def encoder(self, name: str) -> Decorator[Anything]:
        """Register a temporal encoder: a module with ``from_config(config, dims)``.

        Selected by ``--set encoder.kind=NAME``. Its interface is
        ``chainpipe.hashing.models.encoders.Encoder``.
        """

        def add(encoder: Any) -> Any:
            from chainpipe.hashing.config.model import ENCODERS

            ENCODERS.add(name, encoder)
            return encoder

        return add

    def method(self, name: str) -> Decorator[Anything]:
        """Register a method: a subclass of :class:`Method`, selected by ``--method NAME``."""

        def add(method: Any) -> Any:
            from chainpipe.hashing.methods.registry import METHODS

            METHODS.add(name, method(), source=method)
            return method

        return add

    def backbone(self, name: str) -> Decorator[Anything]:
        """Register a backbone, selected by ``--backbone NAME`` or ``--backbone NAME:REST``.

        Decorates a class or function that is called with REST (``""`` if there is none) and
        :class:`BackboneOptions`, and returns a ``chainpipe.pipeline.backbones.Backbone``.
        """

        def add(build: Any) -> Any:
            from chainpipe.pipeline.backbones import BACKBONES

            BACKBONES.add(name, build)
            return build

        return add

    def sampler(self, name: str) -> Decorator[Anything]:
        """Register a frame sampler, selected by ``extract --sampling NAME``.

        Decorates a function of ``(seconds, duration, frames, rng)``: the start times of a video's
        n frames, (n,), the end of the last one, T, and a ``numpy.random.Generator``. It returns the
        indices of T frames in ascending order, repeats allowed, (T,).
        """

        def add(sample: Any) -> Any:
            from chainpipe.pipeline.decode.frame_sampling import SAMPLERS, Sampler

            SAMPLERS.add(name, Sampler(sample, sample), source=sample)
            return sample

        return add


register = Register()


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module `chainpipe.plugins` has no attribute `{name}`")
    return getattr(importlib.import_module(_MODULES[name]), name)
