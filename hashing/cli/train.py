"""`chainpipe train`: train a model on a feature store."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import json_text
from chainpipe.pipeline.errors import UsageError

from ..config import AnyConfig, Config
from ..config.aliases import canonical_values
from ..config.overrides import apply, parse_assignments, read_toml, to_toml
from ..config.presets import only_tasks
from ..methods.registry import METHODS, check_method
from ..runs.options import TrainOptions
from ..runtime import distributed
from ..runtime.units import parse_duration, parse_size
from .context import Tools, tools_of
from .defaults import PluginOption
from .training_bars import TrainingBars

if TYPE_CHECKING:
    from chainpipe.pipeline.store.base import FeatureStore

    from ..monitoring.failure_signatures import FailureSignature
    from ..monitoring.history import HistoryRow
    from ..monitoring.loggers import Logs
    from ..runs.train import TrainReport

_DEFAULTS = TrainOptions()


def train(
    context: typer.Context,
    store: Annotated[Path, typer.Argument(help="Feature store made by `extract`.")],
    bits: Annotated[int, typer.Option(help="Length of a code, 1 to 256.")] = _DEFAULTS.bits,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = (_DEFAULTS.method),
    out: Annotated[
        Path | None, typer.Option(help="Model folder.", show_default="models/STORE-METHOD-BITS")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Random seed; equal seeds give equal codes.")
    ] = _DEFAULTS.seed,
    paper: Annotated[
        bool, typer.Option("--paper", help="Preset of the published variant.")
    ] = False,
    tasks: Annotated[
        str | None,
        typer.Option(
            help="Train only these of contrastive,order,scene; `contrastive` is the fastest.",
            show_default="all three",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set one config key; may be repeated."),
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="TOML file of config keys.")
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print all config keys as TOML and exit.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Same as --set optim.epochs=N.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = _DEFAULTS.device,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = _DEFAULTS.threads,
    memory: Annotated[
        str,
        typer.Option(help="RAM limit for training features; larger sets are streamed from disk."),
    ] = f"{_DEFAULTS.memory / 1e9:g}GB",
    time_limit: Annotated[
        str | None,
        typer.Option(help="Save and exit (code 130) after this time, such as 30m or 2h."),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Same as --set optim.precision=...: float32 or bfloat16.")
    ] = None,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the network by torch.compile.")
    ] = _DEFAULTS.compiled,
    logs: Annotated[
        Path | None,
        typer.Option(
            help="Folder for history.csv and TensorBoard events, written during training."
        ),
    ] = None,
    compare_tasks: Annotated[
        bool,
        typer.Option(
            "--compare-tasks",
            help="Measure the bits that each task changes; one more training a task.",
        ),
    ] = _DEFAULTS.compare_tasks,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart", help="Train from the start; an existing model is replaced at the end."
        ),
    ] = _DEFAULTS.restart,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out videos with NaN or Inf.")
    ] = _DEFAULTS.skip_bad,
    plugin: PluginOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train binary codes on a feature store, without labels.

    Interrupt it and run it again: it continues. A finished run with the same settings does nothing.
    Several GPUs: torchrun --nproc-per-node 4 -m chainpipe train feats.h5

    Example: chainpipe train feats.h5 --bits 32
    """
    check_method(method, bits)
    if METHODS[method].config is None and (compiled or logs is not None):
        hint = "leave out `--compile` and `--logs`"
        raise UsageError(f"`--method {method}` is fitted at once, without epochs", hint=hint)
    config = chosen_config(
        method,
        paper=paper,
        tasks=tasks,
        config_file=config_file,
        assignments=assignments or [],
        epochs=epochs,
        precision=precision,
        tell=tools_of(context).warn,
    )
    from chainpipe.pipeline.store import open_store

    options = TrainOptions(
        method=method,
        bits=bits,
        seed=seed,
        config=config,
        out=out,
        device=device,
        threads=threads,
        restart=restart,
        compiled=compiled,
        compare_tasks=compare_tasks,
        skip_bad=skip_bad,
        memory=parse_size(memory, option="--memory"),
        time_limit=(parse_duration(time_limit, option="--time-limit") if time_limit else math.inf),
    )
    with open_store(store) as opened:
        if show_config:
            typer.echo(_shown(method, config, opened, bits=bits, skip_bad=skip_bad), nl=False)
            return
        if distributed.is_worker():
            _run_worker(opened, options)
            return
        report = _train(opened, options, tools_of(context), logs)
    _print(report, as_json=as_json, tools=tools_of(context))


def chosen_config(
    method: str = "chain",
    *,
    paper: bool = False,
    tasks: str | None = None,
    config_file: Path | None = None,
    assignments: Sequence[str] = (),
    epochs: int | None = None,
    precision: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> AnyConfig | None:
    """Assemble the config: defaults or paper, tasks, file, ``--set``, then epochs and precision.

    Returns:
        The config, or ``None`` if the method has none.

    Raises:
        UsageError: For an unknown key, an invalid value, or an option the method does not have.
    """
    chosen = METHODS[method]
    config: AnyConfig | None = chosen.paper if paper else chosen.config
    if paper and config is None:
        hint = "leave `--paper` out"
        raise UsageError(f"`--method {method}` has no `--paper` preset", hint=hint)
    if tasks is not None:
        if not isinstance(config, Config):
            hint = "leave `--tasks` out: it selects tasks of CHAIN"
            raise UsageError(f"`--method {method}` has no tasks to select", hint=hint)
        config = only_tasks(config, [name.strip() for name in tasks.split(",") if name.strip()])
    if config is None:
        if config_file is not None or assignments or epochs is not None or precision is not None:
            hint = "leave out `--config`, `--set`, `--epochs` and `--precision`"
            raise UsageError(f"`--method {method}` has no config keys", hint=hint)
        return None
    if config_file is not None:
        config = apply(config, canonical_values(read_toml(config_file), tell))
    config = apply(config, canonical_values(parse_assignments(assignments), tell))
    short = {"optim.epochs": epochs, "optim.precision": precision}
    return apply(config, {name: value for name, value in short.items() if value is not None})


def _shown(
    method: str, config: AnyConfig | None, store: FeatureStore, *, bits: int, skip_bad: bool
) -> str:
    """Return the resolved config for this store as TOML."""
    if config is None:
        return ""
    from ..data.survey import survey_of
    from ..data.training_set import TrainingFrames, training_rows

    frames = TrainingFrames(store, training_rows(store, skip_bad=skip_bad).rows)
    survey = survey_of(frames, bits=bits)
    return to_toml(METHODS[method].resolve(config, survey))


def _run_worker(store: FeatureStore, options: TrainOptions) -> None:
    from ..runs.worker import run_worker

    run_worker(store, options)


def _train(
    store: FeatureStore, options: TrainOptions, tools: Tools, folder: Path | None
) -> TrainReport:
    """Train with a progress bar, about ten lines of losses per run, and optional logs."""
    from ..runs.train import train as run
    from ..training.callbacks import Callbacks

    with ExitStack() as stack:
        logs = _logs(folder, stack, tools.log)
        bars = stack.enter_context(TrainingBars(tools))

        def epoch(row: HistoryRow, total: int) -> None:
            if logs is not None:
                logs.add(row)
            if row["epoch"] % max(1, total // 10) == 0 or row["epoch"] == total:
                tools.log(_losses(row, total))

        def warn(signature: FailureSignature) -> None:
            tools.warn(f"failure signature: {signature}")

        callbacks = Callbacks(
            start=bars.start, step=bars.step, epoch=epoch, log=tools.log, warn=warn
        )
        report = run(store, options, callbacks)
        if logs is not None and report.history and "epoch" not in report.history[0]:
            for row in report.history:  # no epochs: the steps of the initialization
                logs.add(row)
        return report


def _logs(folder: Path | None, stack: ExitStack, log: Callable[[str], None]) -> Logs | None:
    if folder is None:
        return None
    from ..monitoring.loggers import Logs

    logs = Logs(folder, log)
    stack.callback(logs.close)
    return logs


def _losses(row: HistoryRow, total: int) -> str:
    """Return the metrics of an epoch as one line."""
    values = ", ".join(f"{name} {value:.3g}" for name, value in row.items() if name != "epoch")
    return f"epoch {row['epoch']:.0f} of {total}: {values}"


def _log_no_epochs(reason: str | None, tools: Tools) -> None:
    """Log that no epoch was trained and the reason; ``None``: the config has 0 epochs."""
    if reason is None:
        tools.log("no epochs were trained, as asked for: the codes are those of the start")
        return
    tools.warn(f"no epochs were trained, the codes are those of the start: {reason}")
    tools.log("`--epochs N` trains nevertheless; `--set contrastive.weight=0.5` with contrast, too")


def _print(report: TrainReport, *, as_json: bool, tools: Tools) -> None:
    facts = report.facts
    if report.already_done:
        tools.log(f"`{report.folder}` is finished, with the same settings: nothing to do")
    if facts.config.get("optim", {}).get("epochs") == 0:
        _log_no_epochs(facts.data.get("no_epochs"), tools)
    if facts.data.get("start_kept"):
        tools.warn("the start was kept: training only made the codes worse")
    if stopped := facts.data.get("stopped"):
        tools.log(
            f"stopped by a failure signature after epoch {stopped} (`validation.stop_on_failure`)"
        )
    if not as_json:
        typer.echo(str(report.folder))
        return
    content = {
        "schema": 1,
        "model": str(report.folder),
        "method": facts.method,
        "bits": facts.bits,
        "seed": facts.seed,
        "videos": facts.data["videos"],
        "weights_sha256": facts.weights_sha256,
        "held_out": facts.data.get("held_out", 0),
        "signatures": facts.data.get("signatures", []),
        "stopped": facts.data.get("stopped"),
        "start_kept": facts.data.get("start_kept", False),
        "task_effects": facts.data.get("task_effects", {}),
        "already_done": report.already_done,
        "epochs": facts.config.get("optim", {}).get("epochs"),
        "halves_cosine": facts.data.get("agreement"),
        "no_epochs": facts.data.get("no_epochs"),
        "history": report.history,
    }
    typer.echo(json_text(content))
