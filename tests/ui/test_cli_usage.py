"""What the command line says of requests that are wrong."""

from pathlib import Path

import pytest

from tests.ui.test_cli import _plain, as_json, run  # noqa: F401  (a fixture)


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_path_is_not_the_folder_one_is_in(tmp_path: Path, path: str):
    (tmp_path / "a.md").write_text("# Secret\n\nNot to be taken in.\n")
    result = run("ingest", path, "--json", "--data-dir", str(tmp_path / "d"))
    assert (result.exit_code, as_json(result)["error"]) == (
        2,
        "A path is empty. Give files or folders that exist; . is the folder you are in.",
    )
