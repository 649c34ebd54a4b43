"""Set-up shared by all tests: checked array axes, and markers that skip themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# Before any test imports them: axes and types are checked at every call of these modules. The
# others check the types of what a user gives them by themselves, which the tests must reach;
# training.kernels is compiled as it stands.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
install_import_hook(
    [
        *("modlib.analysis", "modlib.models.views", "modlib.tasks"),
        *(f"modlib.maths.{name}" for name in ("circular", "fourier", "intervals", "rng")),
        *(f"modlib.training.addition.{name}" for name in ("ensemble", "gpu", "loop")),
    ],
    f"{__name__}.check",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("gpu"):
            import torch

            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))
        if item.get_closest_marker("external") and not os.environ.get("MODLIB_EXTERNAL"):
            item.add_marker(pytest.mark.skip(reason="MODLIB_EXTERNAL is not set"))


@pytest.fixture(autouse=True, scope="session")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start every session with an empty store of runs: none reads or fills the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODLIB_STORE", str(tmp_path_factory.mktemp("store")))
        yield
