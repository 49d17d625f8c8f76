"""Transcripts in the administration: a table whose columns nobody knows is asked about on the page, and goes on from there."""

from pathlib import Path
from typing import Any, cast

import pytest

from bot.examples import Pool
from tests.ui.shop import Shop, shop, user
from tests.ui.test_tuning import press
from ui.admin import AdminPanels
from ui.languages import page_texts
from ui.operations_customers import TRANSCRIPTS

TABLE = (
    "Fall;Wer;Inhalt\n1;customer;Can I return an opened lamp that I bought last week?\n"
    "1;agent;Yes, within 30 days of delivery, in its box.\n"
)
CHOSEN = {"column-text": "Inhalt", "column-role": "Wer", "column-conversation": "Fall"}


@pytest.fixture
def app(tmp_path: Path) -> Shop:
    made = shop(tmp_path / "data")
    user(made, "root", "admin", "Root")
    folder = made.settings.data_dir / TRANSCRIPTS
    folder.mkdir()
    (folder / "talk.csv").write_text(TABLE, encoding="utf-8")
    return made


@pytest.mark.parametrize("language", ["en", "zh"])
def test_unknown_columns_are_chosen_on_the_page(app: Shop, language: Any):
    panels, place, words = AdminPanels(cast("Any", app)), {"tab": "transcripts"}, page_texts("admin", language)
    asked = press(app, panels, "check_transcripts", language, place, file="talk.csv")
    assert not asked["wrong"]
    assert words["columns_asked"] in asked["regions"]["foot"]
    assert "--columns" not in asked["regions"]["foot"]
    assert asked["regions"]["foot"].count("<option>Inhalt") + asked["regions"]["foot"].count('value="Inhalt"') == 5
    half = press(app, panels, "check_transcripts", language, place, file="talk.csv", **{"column-text": "Inhalt"})
    assert (half["wrong"], half["said"]) == (True, words["columns_hint"])
    assert 'value="Inhalt" selected' in half["regions"]["foot"]
    whole = press(app, panels, "check_transcripts", language, place, file="talk.csv", **CHOSEN)
    assert 'data-column-text="Inhalt"' in whole["regions"]["foot"]
    done = press(app, panels, "import_transcripts", language, place, file="talk.csv", **CHOSEN)
    assert not done["wrong"]
    assert [one.state for one in Pool(app.engine).list()] == ["pending"]
