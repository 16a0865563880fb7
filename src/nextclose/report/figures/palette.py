"""Colours by role, for both themes: page, figures and saved pictures take them from here.

Each text colour has a contrast of at least 4.5 on its ground, each line colour at least 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# role -> (light, dark)
BASE: dict[str, tuple[str, str]] = {
    "ground": ("#ffffff", "#101317"),
    "ground-2": ("#f5f6f7", "#181c21"),
    "ink": ("#14171a", "#e9ebee"),
    "ink-2": ("#4a5158", "#b6bdc5"),
    "ink-3": ("#666e76", "#8f98a1"),
    "rule": ("#dfe2e5", "#2c3239"),
    "good": ("#17744a", "#63cf97"),
    "bad": ("#b9252c", "#ff8d8a"),
    "caution": ("#875800", "#e2b350"),
    "accent": ("#1f5fd0", "#7fadff"),
    "rise": ("#0f6f8f", "#62c3de"),  # candles: hollow; blue and orange look different to every eye
    "fall": ("#b3530b", "#f0974f"),  # and filled
}
# In the order in which reports list them. Strong colours for the headline, its members and what
# they have to beat; muted ones for simpler rules, which stand in tables more than in pictures.
MODELS: dict[str, tuple[str, str]] = {
    "naive": ("#5f6770", "#a2aab3"),
    "drift": ("#7a5f4a", "#c9ae93"),
    "hs_250": ("#4f6f86", "#93b4cb"),
    "hs_expanding": ("#82607c", "#cba6c5"),
    "ewma": ("#0b7a75", "#4fc4bd"),
    "har": ("#56660c", "#c5d873"),
    "garch": ("#9a6200", "#e8b84f"),
    "loghar": ("#4b2294", "#d9ccff"),
    "trees": ("#17744a", "#5fcf94"),
    "lstm": ("#8e1053", "#ff93c4"),
    "hybrid": ("#1f5fd0", "#7fadff"),
    "classic": ("#c43d0e", "#ff9066"),
}
SPARE = (  # for models of other tools, in their order
    ("#4555c8", "#9aa5ff"),
    ("#9a5a16", "#e0a569"),
    ("#00757d", "#52c3cc"),
    ("#8c3a76", "#dd94c8"),
    ("#596b12", "#b6c95e"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inks:
    """What a figure paints with: a colour for each role and each model."""

    roles: Mapping[str, str]
    models: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """(light, dark) by role and by model; `order` is the order in which models are listed."""

    order: tuple[str, ...]
    models: Mapping[str, tuple[str, str]]

    def variable(self, model: str) -> str:
        """The CSS variable of a model; numbered, since a model's name may hold anything."""
        return f"--model-{self.order.index(model)}"

    def css(self, *, dark: bool) -> str:
        """Declarations of all colours as CSS variables."""
        pairs = [(f"--{role}", both) for role, both in BASE.items()]
        pairs += [(self.variable(model), self.models[model]) for model in self.order]
        return "".join(f"{name}:{both[dark]};" for name, both in pairs)

    def light(self) -> Inks:
        """Real colours, for pictures saved as files."""
        return self._inks(dark=False)

    def dark(self) -> Inks:
        """Real colours on a dark ground."""
        return self._inks(dark=True)

    def _inks(self, *, dark: bool) -> Inks:
        return Inks(
            roles={role: both[dark] for role, both in BASE.items()},
            models={model: self.models[model][dark] for model in self.order},
        )

    def stand_ins(self) -> tuple[Inks, dict[str, str]]:
        """Stand-in colours for a figure in the page, and the CSS variable each stands for."""
        roles = {role: f"#5a{i:02x}a5" for i, role in enumerate(BASE)}
        models = {model: f"#a5{i:02x}5a" for i, model in enumerate(self.order)}
        meaning = {colour: f"var(--{role})" for role, colour in roles.items()}
        meaning |= {colour: f"var({self.variable(model)})" for model, colour in models.items()}
        return Inks(roles=roles, models=models), meaning


def model_order(models: Iterable[str], *, headline: str) -> tuple[str, ...]:
    """The headline first, then the models known here, then all others by name."""
    rest = set(models) - {headline}
    known = [model for model in MODELS if model in rest]
    return (headline, *known, *sorted(rest - set(known)))


def palette_for(
    order: Sequence[str], *, colours: Mapping[str, tuple[str, str]] | None = None
) -> Palette:
    """Colours of these models: those they bring, else the one that a model has in every report.

    Other models take spare ones in their order.
    """
    named = MODELS | dict(colours or {})
    others = [model for model in order if model not in named]
    spare = {model: SPARE[i % len(SPARE)] for i, model in enumerate(others)}
    return Palette(order=tuple(order), models={model: (named | spare)[model] for model in order})
