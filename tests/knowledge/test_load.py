"""Every bad file a person can bring is refused with a LoadError and nothing else; folders are walked."""

import json
import os
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from knowledge.errors import LeftOut, LoadError
from knowledge.load import load, walk
from tests.knowledge.files import MB, package


def test_what_cannot_be_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    (tmp_path / "empty.md").touch()
    (tmp_path / "blank.md").write_text(" \n\t\n")
    (tmp_path / "large.md").write_text("x" * 1001)
    (tmp_path / "a.exe").write_text("x")
    (tmp_path / "none").write_text("x")
    (tmp_path / "long.md").write_text("x" * 1_000_001)
    cases = {
        "pipe.md": "pipe",
        "folder.md": "folder",
        ".": "folder",
        "loop.md": "symbolic links",
        "missing.md": "No such file",
        "empty.md": r"empty \(0 bytes\)",
        "blank.md": "empty",
        "large.md": "1,001 bytes; allowed are 1,000",
        "a.exe": r"'.exe' is not supported. Allowed: \.md",
        "none": r"\(none\)",
        "x" * 300 + ".md": "too long",
        "nul\0.md": "null",
    }
    for name, says in cases.items():
        with pytest.raises(LoadError, match=says):
            load(tmp_path / name, name, 1000)
    with pytest.raises(LoadError, match="Line 1 has 1,000,001 characters"):
        load(tmp_path / "long.md", "long.md", 2 * MB)


def test_a_socket_is_refused():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s.md")
        with pytest.raises(LoadError, match="socket"):
            load(Path(folder, "s.md"), "s.md", MB)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path):
    path = tmp_path / "a.md"
    path.write_text("x")
    path.chmod(0)
    with pytest.raises(LoadError, match="Permission"):
        load(path, "a.md", MB)


TEXT_FORMATS = [".md", ".txt", ".csv", ".json", ".jsonl", ".jsonl.gz"]


def loads_or_refuses(suffix: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a" + suffix)
        path.write_bytes(data)
        try:
            documents = load(path, path.name, MB)
        except LoadError as error:
            assert str(error).endswith((".", ")"))  # noqa: PT017
            return
    assert documents
    for document in documents:
        assert document.sections
        for section in document.sections:
            assert section.text.strip()
            "".join((document.source, document.title, *section.heading, section.text)).encode()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TEXT_FORMATS), st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@example(".csv", b"\n,\n")
@example(".json", b"[[]]")
@example(".jsonl", b'1\n[1, [2]]\nnull\n"x"')
@example(".md", b"---\n---\n---")
def test_any_bytes_load_or_are_refused(suffix: str, data: bytes):
    loads_or_refuses(suffix, data)


PLAIN = st.none() | st.booleans() | st.floats() | st.text()
KEYS = st.sampled_from(["id", "text", "name", "question", "answer"]) | st.text()


@settings(max_examples=200, deadline=None)
@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_any_json_loads_or_is_refused(value: object):
    loads_or_refuses(".json", json.dumps(value).encode())
    loads_or_refuses(".jsonl", json.dumps(value).encode())


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([".pdf", ".docx", ".xlsx", ".html"]), st.binary(max_size=300), st.booleans())
def test_any_bytes_in_formats_parsed_apart_load_or_are_refused(suffix: str, data: bytes, packed: bool):
    inner = {".docx": "word/document.xml", ".xlsx": "xl/workbook.xml"}.get(suffix, "x")
    start = {".pdf": b"%PDF-1.4\n", ".html": b"<?xml version='1.0' encoding='x'?><p>a"}.get(suffix, b"")
    loads_or_refuses(suffix, package({inner: data}) if packed else start + data)


def test_walk_is_sorted_relative_and_skips_what_it_should(tmp_path: Path):
    for name in ("b.md", "a/z.TXT", "a/b/c.jsonl.gz", ".hidden.md", ".git/x.md", "pic.png", "说明.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "broken.md").symlink_to(tmp_path / "gone.md")
    assert [source for _, source in walk([tmp_path])] == ["a/b/c.jsonl.gz", "a/z.TXT", "b.md", "broken.md", "说明.md"]
    assert list(walk([tmp_path / "pic.png", tmp_path / "gone.md"])) == [
        (tmp_path / "pic.png", "pic.png"),
        (tmp_path / "gone.md", "gone.md"),
    ]


def test_walk_does_not_leave_the_folder_nor_look_into_a_data_folder(tmp_path: Path):
    shop, secret = tmp_path / "shop", tmp_path / "secret"
    for path in (shop / "a.md", shop / "data" / "runs" / "rows.jsonl", shop / "pg" / "chroma" / "x.md", secret / "s.md"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (shop / "data" / "answerdesk.db").touch()
    (shop / "pg" / "owner.lock").touch()
    (shop / "link.md").symlink_to(secret / "s.md")
    (shop / "folder").symlink_to(secret)
    (shop / "near.md").symlink_to(shop / "a.md")
    (shop / "loop.md").symlink_to(shop / "loop.md")
    found = {source: file for file, source in walk([shop])}
    assert list(found) == ["a.md", "data", "folder", "link.md", "loop.md", "near.md", "pg"]
    for source, why in {"data": "data folder", "pg": "data folder", "folder": "leads out", "link.md": "leads out"}.items():
        with pytest.raises(LeftOut, match=why):
            load(found[source], source, 1000, str(shop))
    assert load(found["near.md"], "near.md", 1000, str(shop))
    with pytest.raises(LoadError, match="cannot be read"):
        load(found["loop.md"], "loop.md", 1000, str(shop))
    (tmp_path / "way").symlink_to(shop)  # what is named itself is followed
    assert len(list(walk([tmp_path / "way"]))) == len(found)
    assert list(walk([shop / "data"])) == [(shop / "data", "data")]


def test_walk_gives_two_files_two_sources_and_one_file_one(tmp_path: Path):
    for folder in ("en", "zh"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "faq.md").write_text(folder)
    en, zh = tmp_path / "en", tmp_path / "zh"
    assert [source for _, source in walk([en, zh])] == ["faq.md", "zh/faq.md"]
    assert [source for _, source in walk([en / "faq.md", en, zh / "faq.md"])] == ["faq.md", "zh/faq.md"]
