"""Fixtures that several folders of tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.real import Server, copy_of, sample_folder, serving
from tests.stub_openai import Stub, stub_openai

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests last: Playwright keeps an event loop running in this thread, where no other test could start one."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def shop_folder() -> Path:
    """A data folder with the sample shop in it. To be copied, not opened."""
    return sample_folder()


@pytest.fixture(scope="session")
def real_shop(shop_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over the sample shop, for tests that leave it as useful as they found it."""
    with serving(copy_of(shop_folder, tmp_path_factory.mktemp("real") / "data"), shop_contact="help@techcorp.example") as server:
        yield server


@pytest.fixture(scope="session")
def hosted_shop(shop_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Stub]]:
    """A server over the sample shop whose answers come from a model server, and that server, to be told how it answers."""
    folder = copy_of(shop_folder, tmp_path_factory.mktemp("hosted") / "data")
    with stub_openai() as stub, serving(folder, hosted_url=stub.url, hosted_model="stub", hosted_key="secret") as server:
        yield server, stub
