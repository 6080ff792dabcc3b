"""Stage one's verbs, extract and those of its stores; each is imported when it is called."""

import typer

from chainpipe.lazy_command import add_lazily

PANEL = "Stage one: videos to features"
VERBS = {
    "extract": (
        "extract:extract",
        "Extract frame features from a folder of videos into a store.",
    ),
    "info": ("stores:info", "Show what is inside a feature store, or a file of another program."),
    "list": (
        "listing:list_videos",
        "List the videos of a store: id, status, duration, labels, split, blank frames.",
    ),
    "verify": (
        "stores:verify",
        "Check every byte of a feature store; exit with 4 if any is damaged.",
    ),
    "repair": (
        "stores:repair",
        "Repair a damaged store: copy intact rows, extract just the damaged rows again.",
    ),
    "relocate": (
        "stores:relocate",
        "Give a store the new paths of its videos after they were moved; nothing is decoded.",
    ),
}

app = typer.Typer(no_args_is_help=True)
for _name, (_target, _about) in VERBS.items():
    add_lazily(app, _name, f"{__name__}.{_target}", about=_about, panel=PANEL)
