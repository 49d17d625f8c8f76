"""Documents through the administration: each file's own report, a restart in the middle, the index made anew."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from knowledge.errors import StoreError
from knowledge.ingest import Index
from knowledge.store import ChromaStore
from tests.bot.turning import SureEmbedder
from tests.ui.shop import Shop, shop
from ui import audit
from ui.errors import Failure
from ui.operations_documents import FOLDER, keep_documents, list_documents, reindex_documents, take_documents


def nobody(_: dict[str, Any]) -> None: ...


@pytest.fixture
def app(tmp_path: Path) -> Any:
    return cast("Any", shop(tmp_path / "data"))


def write(folder: Path, name: str, text: str) -> tuple[str, str]:
    (folder / name).write_text(text, encoding="utf-8")
    return name, str(folder / name)


def take(app: Shop, *files: tuple[str, str]) -> dict[str, tuple[str, int, bool]]:
    names = keep_documents(cast("Any", app), nobody, files=list(files))["names"]
    told = take_documents(cast("Any", app), nobody, names=names, by="root")["files"]
    return {file["name"]: (file["state"], file["documents"], bool(file["error"])) for file in told}


def test_each_file_says_how_it_went(app: Any, tmp_path: Path):
    good, rows = write(tmp_path, "a.md", "# A\n\nIt lasts 24 months.\n"), write(tmp_path, "b.jsonl", '{"text": "One."}\n{"text": "Two."}\n')
    bad = write(tmp_path, "c.pdf", "no pdf")
    first = take(app, good, rows, bad)
    assert (first["a.md"], first["c.pdf"]) == (("added", 1, False), ("failed", 0, True))
    assert first["b.jsonl"][0] == "added"
    assert not (app.settings.data_dir / FOLDER / "c.pdf").exists()
    told = take_documents(app, nobody, names=keep_documents(app, nobody, files=[bad])["names"], by="root")["files"][0]["error"]
    assert ".." not in told
    write(tmp_path, "a.md", "# A\n\nIt lasts 36 months.\n")
    assert take(app, good, rows) == {"a.md": ("updated", 1, False), "b.jsonl": ("unchanged", first["b.jsonl"][1], False)}
    assert "36 months" in app.index.search("How long does it last?", 1)[0].chunk.text
    assert [entry.what for entry in audit.entries(app.engine)] == ["documents.upload"] * 3


def test_what_was_cut_off_is_gone_on_with(app: Any, tmp_path: Path):
    files = [write(tmp_path, name, "# Text\n\nMore of it.\n") for name in ("a.md", "b.md")]
    names = keep_documents(app, nobody, files=files)["names"]
    take_documents(app, nobody, names=names[:1], by="root")
    (app.settings.data_dir / FOLDER / "c.md").unlink(missing_ok=True)
    again = take_documents(app, nobody, names=[*names, "c.md"], by="root")["files"]
    assert [file["state"] for file in again] == ["unchanged", "added", "failed"]


def test_no_name_leads_out_of_the_folder(app: Any, tmp_path: Path):
    secret = write(tmp_path, "secret.md", "# Secret\n\nNobody reads this.\n")
    told = take_documents(app, nobody, names=[f"../../{secret[0]}", secret[1]], by="root")["files"]
    assert [file["state"] for file in told] == ["failed", "failed"]
    with pytest.raises(Failure, match="file name"):
        keep_documents(app, nobody, files=[("..", secret[1])])


def test_the_index_is_made_anew_from_the_database(app: Any, tmp_path: Path):
    take(app, write(tmp_path, "a.md", "# A\n\nIt lasts 24 months.\n"))
    steps: list[dict[str, Any]] = []
    assert reindex_documents(app, steps.append)["chunks"] == sum(row["chunks"] for row in list_documents(app, nobody)["documents"])
    assert app.index.ready() is None
    assert steps
    assert app.index.search("How long does it last?", 1)
    assert audit.entries(app.engine)[0].what == "documents.reindex"


def test_a_damaged_index_stops_nothing_but_search_and_is_healed_by_making_it_anew(app: Any, tmp_path: Path):
    index = Index(app.engine, ChromaStore(tmp_path / "chroma"), SureEmbedder())
    app = replace(app, index=index)
    take(app, write(tmp_path, "a.md", "# A\n\nIt lasts 24 months.\n"))
    (tmp_path / "chroma" / "chroma.sqlite3").write_text("garbage\n")
    app = replace(app, index=Index(app.engine, ChromaStore(tmp_path / "chroma"), SureEmbedder()))
    with pytest.raises(StoreError, match="answerdesk documents reindex"):
        app.index.search("How long does it last?")
    assert "answerdesk documents reindex" in str(app.index.ready())
    assert reindex_documents(app, nobody)["chunks"] == 1
    assert app.index.ready() is None
    assert app.index.search("How long does it last?", 1)
