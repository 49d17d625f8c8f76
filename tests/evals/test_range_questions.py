"""Questions about the range of two shops, the second one unlike the first. Floors hold what was reached, less a question or two."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.router import Router
from tests.evals.questions import HALVES, LANGUAGES, router_over
from tests.evals.range_questions import HERE, range_questions, share
from ui.build import build
from ui.settings import Settings

NAMED = {"dev": 0.7, "heldout": 0.5}
KEPT = 0.8

pytestmark = pytest.mark.timeout(1200)  # where the sample shop is not indexed yet, that comes first


@pytest.fixture(scope="module")
def sample(shop_folder: Path) -> Iterator[Router]:
    with router_over(shop_folder) as router:
        yield router


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    app = build(Settings.model_construct(data_dir=tmp_path_factory.mktemp("garden")))
    assert app.index.ingest([HERE / "garden" / f"{language}.csv" for language in LANGUAGES]).added == 2
    yield app.router
    app.engine.dispose()


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("shop", ["sample", "garden"])
def test_what_fits_is_named_and_nothing_else(
    shop: str, language: str, half: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
):
    file = "catalogue.jsonl" if shop == "sample" else "garden/questions.jsonl"
    found = share(request.getfixturevalue(shop), range_questions(file, language, half))
    with capsys.disabled():
        print(f"\n{shop} {language} {half}: named {found.named:.0%}, of what is no such question kept {found.kept:.0%}")
    assert found.named >= NAMED[half]
    assert found.kept >= KEPT
