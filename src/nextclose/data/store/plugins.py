"""[I/O] Providers by name: our own, and those that installed packages add by an entry point.

[project.entry-points."nextclose.providers"]
acme = "acme_prices:AcmeProvider"
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from nextclose.data.store.providers import Provider
from nextclose.data.store.yahoo import YahooProvider
from nextclose.errors import ConfigError, NextcloseError, printable

GROUP = "nextclose.providers"
PROVIDERS: dict[str, Callable[[], Provider]] = {"yahoo": YahooProvider}  # ours go first


def provider_names() -> tuple[str, ...]:
    """Every name that `load_provider` takes, sorted; nothing is imported for it."""
    return tuple(sorted({*PROVIDERS, *entry_points(group=GROUP).names}))


def load_provider(name: str) -> Provider:
    """The provider of that name; of the packages that add one, only its own is imported.

    Raises: ConfigError for a name that none has, or several, or whose package is broken.
    """
    if name in PROVIDERS:
        return PROVIDERS[name]()
    points = tuple(entry_points(group=GROUP, name=name))
    if not points:
        known = printable(", ".join(provider_names()))
        raise ConfigError(f"--provider {name!r} is not known. Fix: choose of {known}.")
    if len(points) > 1:
        packages = " and ".join(sorted(map(_package_name, points)))
        raise ConfigError(
            f"--provider {name!r} is of several packages: {packages}. Fix: uninstall all but one."
        )
    return _new_provider(points[0])


def _new_provider(point: EntryPoint) -> Provider:
    """What the entry point's class or function makes. Raises: ConfigError if that is none."""
    try:
        provider = point.load()()
    except NextcloseError:
        raise
    except (Exception, SystemExit) as error:  # foreign code: whatever it stumbles over
        raise _package_error(point, f"{type(error).__name__}: {error}") from error
    if not isinstance(getattr(provider, "name", None), str):
        raise _package_error(point, f"a {type(provider).__name__} without a text `name`")
    if provider.name != point.name:
        raise _package_error(point, f"it calls itself {provider.name!r}")
    if not callable(getattr(provider, "history", None)):
        raise _package_error(point, f"a {type(provider).__name__} without a method `history`")
    return provider  # type: ignore[no-any-return]


def _package_error(point: EntryPoint, reason: str) -> ConfigError:
    return ConfigError(
        f"--provider {point.name!r}, {printable(point.value)} of {_package_name(point)}, gives no "
        f"provider: {printable(reason)}. Fix: update that package, or uninstall it."
    )


def _package_name(point: EntryPoint) -> str:
    return printable(point.dist.name) if point.dist else "a package without a name"
