"""Parameters of spatial augmentation, and the one line that stores them."""

from __future__ import annotations

from dataclasses import dataclass, fields

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Resized crop, flip, colour jitter, grey and blur, in this order.

    The defaults are MoCo v2's (https://arxiv.org/abs/2003.04297 and ``main_moco.py`` of
    https://github.com/facebookresearch/moco), which are SimCLR's (https://arxiv.org/abs/2002.05709)
    with milder crops and colours. One draw for all frames of a clip is CVRL's way
    (https://arxiv.org/abs/2008.03800).

    Attributes:
        scale: Share of the frame's area that a crop keeps.
        aspect: Width of a crop by its height, drawn evenly on a logarithmic scale.
        flip: Probability of a mirrored view.
        jitter: Probability that colours change at all.
        brightness: Colours are multiplied by 1 - brightness to 1 + brightness.
        contrast: The same for their distance from the clip's mean grey.
        saturation: The same for their distance from grey.
        hue: Colours turn by up to this share of the colour circle, either way.
        grey: Probability of a view without colour.
        blur: Probability of a blurred view.
        sigma: Standard deviation of the blur in pixels of a view 224 wide.
    """

    scale: Range = (0.2, 1.0)
    aspect: Range = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grey: float = 0.2
    blur: float = 0.5
    sigma: Range = (0.1, 2.0)

    def __post_init__(self) -> None:
        for name, (low, high) in (_LIMITS | _RANGE_LIMITS).items():
            value = getattr(self, name)
            first, last = value if isinstance(value, tuple) else (value, value)
            if not low <= first <= last <= high:
                bounds = f"within {low:g} to {high:g}"
                raise ValueError(f"augmentation `{self._part(name)}` is not {bounds}")

    def line(self) -> str:
        """Return all parameters as one line that :meth:`parse` reads back exactly.

        Example:
            >>> Augmentation(aspect=(1.0, 1.0)).line()[:40]
            'scale=0.2,1.0 aspect=1.0,1.0 flip=0.5 ji'
        """
        return " ".join(self._part(field.name) for field in fields(self))

    @classmethod
    def parse(cls, line: str) -> Augmentation:
        """Read a line of ``name=number`` or ``name=low,high``; what it leaves out has its default.

        Raises:
            ValueError: If a part is unknown, doubled, malformed or out of range; it is named.

        Example:
            >>> Augmentation.parse("grey=0 scale=0.5,1").scale
            (0.5, 1.0)
        """
        values: dict[str, float | Range] = {}
        for part in line.split():
            name, _, text = part.partition("=")
            if name in values:
                raise ValueError(f"augmentation `{part}` comes twice")
            values[name] = _value(name, text, part)
        return cls(**values)  # type: ignore[arg-type]

    def _part(self, name: str) -> str:
        value = getattr(self, name)
        numbers = value if isinstance(value, tuple) else (value,)
        return f"{name}=" + ",".join(repr(float(number)) for number in numbers)


# The smallest and largest number of each parameter; nothing else compares true, not even NaN.
_LIMITS = {
    "flip": (0.0, 1.0),
    "jitter": (0.0, 1.0),
    "grey": (0.0, 1.0),
    "blur": (0.0, 1.0),
    "brightness": (0.0, 1.0),
    "contrast": (0.0, 1.0),
    "saturation": (0.0, 1.0),
    "hue": (0.0, 0.5),
}
_RANGE_LIMITS = {"scale": (0.001, 1.0), "aspect": (0.01, 100.0), "sigma": (0.0, 56.0)}


def _value(name: str, text: str, part: str) -> float | Range:
    """Read the number or the two numbers of one part."""
    wanted = 2 if name in _RANGE_LIMITS else 1
    if name not in _LIMITS and name not in _RANGE_LIMITS:
        known = ", ".join(f"`{known}`" for known in (*_RANGE_LIMITS, *_LIMITS))
        raise ValueError(f"augmentation `{part}` is unknown; there are {known}")
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != wanted:
        form = "low,high" if wanted == 2 else "number"
        raise ValueError(f"augmentation `{part}` is not of the form `{name}={form}`")
    return (numbers[0], numbers[1]) if wanted == 2 else numbers[0]
