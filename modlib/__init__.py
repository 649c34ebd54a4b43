"""Models, training and Fourier tools for networks that learn modular arithmetic."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

FIRST_NAMES = {
    "AdditionConfig": "config.addition",
    "ClockPizzaConfig": "config.clock_pizza",
    "RemaindersConfig": "config.remainders",
    "battery": "analysis.any_network",
    "check_parameters": "chapters.parameters",
    "get_or_train": "runs.get_or_train",
    "inspect": "chapters.inspect",
    "say": "chapters.say",
    "show_claims": "chapters.say",
}
"""What a chapter types first, and where it is: loaded when asked for, as training loads torch."""


def __getattr__(name: str) -> Any:
    if name not in FIRST_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{FIRST_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *FIRST_NAMES})
