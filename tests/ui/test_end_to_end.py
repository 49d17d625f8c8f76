"""The real product over the real sample shop, from the shell and over HTTP."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, BadRequestError, OpenAI

from tests.real import ROOT, Server, answerdesk, as_json, copy_of, environment, serving, start, wait_until_ready
from tests.stub_openai import Reply, Stub, free_port

pytestmark = pytest.mark.timeout(1200)  # where the sample shop is not indexed yet, that comes first


def ask(server: Server, text: str, *args: str, code: int = 0) -> Any:
    return as_json(answerdesk("ask", text, "--json", *args, folder=server.folder), code)


def api_key(server: Server, name: str) -> str:
    return str(as_json(answerdesk("keys", "add", name, "--json", folder=server.folder))["key"])


@pytest.fixture(scope="module")
def client(real_shop: Server) -> OpenAI:
    return OpenAI(base_url=f"{real_shop.url}/v1", api_key=api_key(real_shop, "client"), max_retries=0)


@pytest.mark.parametrize(
    ("question", "fact", "page"),
    [
        ("how much is Product B", "$1,299", "en/products.csv"),
        ("产品C无线耳机的价格", "199", "zh/products.json"),
        ("What is the return window?", "30", "en/returns/return-window.md"),
        ("退货期限是多久", "30", "zh/returns/return-window.md"),
    ],
)
def test_a_right_and_cited_answer(real_shop: Server, question: str, fact: str, page: str):
    answer = ask(real_shop, question)
    assert fact.replace(",", "") in answer["answer"].replace(",", "").replace(" ", "")
    assert page in [citation["source"] for citation in answer["citations"]]
    assert (answer["abstained"], answer["route"], answer["backend"]) == (False, "answer", "extractive")
    assert answer["language"] == (page[:2])
    assert answer["latency_ms"]["total"] < 5000


@pytest.mark.parametrize("question", ["who won the 1998 world cup", "帮我写一首关于月亮的诗"])
def test_what_the_pages_do_not_hold_is_declined(real_shop: Server, question: str):
    answer = ask(real_shop, question)
    assert (answer["abstained"], answer["route"], answer["reason"], answer["citations"]) == (True, "answer", "missing_knowledge", [])


def test_a_follow_up_and_a_person(real_shop: Server):
    first = ask(real_shop, "How long is the warranty of Product A?")
    second = ask(real_shop, "and product C?", "--conversation", first["conversation"])
    assert "12 months" in second["answer"]
    third = ask(real_shop, "let me talk to a human please", "--conversation", first["conversation"])
    assert (third["route"], third["reason"]) == ("human", "customer_request")
    assert "help@techcorp.example" in third["answer"]


def test_what_a_second_shell_takes_in_is_answered(real_shop: Server, tmp_path: Path):
    page = tmp_path / "gift-wrapping.md"
    page.write_text("# Gift wrapping\n\nGift wrapping in turquoise paper costs $7 per parcel.\n", encoding="utf-8")
    report = as_json(answerdesk("ingest", str(page), "--json", folder=real_shop.folder))
    assert (report["added"], report["failed"]) == (1, [])
    hits = as_json(answerdesk("search", "turquoise gift wrapping", "--json", "-k", "3", folder=real_shop.folder))["hits"]
    assert hits[0]["source"] == "gift-wrapping.md"
    assert all(0 <= hit["score"] <= 1 for hit in hits)
    assert "$7" in ask(real_shop, "what does gift wrapping cost")["answer"]
    assert as_json(answerdesk("ingest", str(page), "--json", folder=real_shop.folder))["unchanged"] == 1


def test_the_official_client(client: OpenAI):
    assert [model.id for model in client.models.list()] == ["answerdesk", "extractive"]
    asked: Any = [{"role": "user", "content": "how much is Product C?"}]
    whole = client.chat.completions.create(model="answerdesk", messages=asked, user="ann")
    assert "$199" in (whole.choices[0].message.content or "")
    extra: Any = whole.model_extra
    assert extra["answerdesk"]["citations"][0]["source"].startswith("en/")
    chunks = list(client.chat.completions.create(model="answerdesk", messages=asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole.choices[0].message.content
    last: Any = chunks[-1].model_extra
    assert last["answerdesk"]["answer"] == whole.choices[0].message.content
    assert chunks[-1].usage
    history: Any = [*asked, {"role": "assistant", "content": "$199"}, {"role": "user", "content": "and product A?"}]
    assert "$699" in (client.chat.completions.create(model="answerdesk", messages=history).choices[0].message.content or "")


def test_the_official_client_with_a_bad_key_or_an_empty_message(real_shop: Server, client: OpenAI):
    hello: Any = [{"role": "user", "content": "hello"}]
    with pytest.raises(AuthenticationError, match="answerdesk keys add"):
        OpenAI(base_url=f"{real_shop.url}/v1", api_key="ad_wrong").chat.completions.create(model="answerdesk", messages=hello)
    with pytest.raises(BadRequestError, match="no text"):
        client.chat.completions.create(model="answerdesk", messages=[{"role": "user", "content": " \n"}])


def test_health_readiness_and_metrics(real_shop: Server):
    assert httpx.get(f"{real_shop.url}/healthz").status_code == 200
    began = time.monotonic()
    assert httpx.get(f"{real_shop.url}/readyz").json() == {"ready": True, "reasons": []}
    assert time.monotonic() - began < 2
    assert "answerdesk_turns_total" in httpx.get(f"{real_shop.url}/metrics").text


def test_a_second_server_says_who_owns_the_folder(real_shop: Server):
    done = answerdesk("serve", "--port", str(free_port()), folder=real_shop.folder)
    assert done.returncode == 1
    assert f"process {real_shop.process.pid}" in done.stderr
    assert real_shop.url in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_vector_store_is_told_and_made_anew(tmp_path: Path):
    folder = tmp_path / "data"
    (tmp_path / "a.md").write_text("# Warranty\n\nThe warranty lasts 24 months.\n")
    assert answerdesk("ingest", str(tmp_path / "a.md"), folder=folder).returncode == 0
    (folder / "chroma" / "chroma.sqlite3").write_text("garbage\n")
    assert "documents reindex" in as_json(answerdesk("ask", "How long is the warranty?", "--json", folder=folder), 1)["error"]
    assert as_json(answerdesk("documents", "reindex", "--json", folder=folder))["chunks"] == 1
    answer = as_json(answerdesk("ask", "How long is the warranty?", "--json", folder=folder))
    assert "24 months" in answer["answer"]
    assert answer["sentiment"] == "neutral"  # as a server says


class TestBadInput:
    """A clear message to the right person, the contract's exit codes, no stack."""

    @pytest.mark.parametrize(
        ("text", "code", "said"),
        [
            (b"", 2, "empty"),
            (b" \n\t ", 2, "empty"),
            (b"\x00\x01\x02\x1b", 2, "no text"),
            (bytes(range(128, 256)) * 4, 2, "UTF-8"),
            (b"a" * 2**20, 2, "characters"),
            ("退货" * 2**19, 2, "字"),
            (b"line\n" * 10_000, 2, "characters"),
            (b"how much\x00 is \x07Product B?", 0, "1299"),
            ("How much is Product B? 产品B多少钱？", 0, "1299"),
            (
                b'<img src="http://evil.example/x.png"> ![x](http://evil.example/y.png) <script>alert(1)</script> how much is Product B',
                0,
                "",
            ),
        ],
        ids=["empty", "blank", "control", "not UTF-8", "1 MB", "3 MB Chinese", "10,000 lines", "NUL inside", "two languages", "HTML"],
    )
    def test_a_message(self, real_shop: Server, text: str | bytes, code: int, said: str):
        done = answerdesk("ask", "-", folder=real_shop.folder, text=text)
        assert done.returncode == code, done.stderr
        assert said in (done.stderr if code else done.stdout.replace(",", "").replace(" ", ""))
        assert len(done.stderr) < 1000
        assert "Traceback" not in done.stderr + done.stdout
        assert "evil.example" not in done.stdout

    def test_a_body_that_is_too_large(self, real_shop: Server, client: OpenAI):
        headers = {"Authorization": f"Bearer {client.api_key}"}
        body = {"model": "answerdesk", "messages": [{"role": "user", "content": "a" * 2**20}]}
        assert httpx.post(f"{real_shop.url}/v1/chat/completions", json=body, headers=headers).status_code == 413
        broken = httpx.post(f"{real_shop.url}/v1/chat/completions", content=b"\xff\xfe{", headers=headers)
        assert broken.status_code == 400
        assert "Traceback" not in broken.text

    def test_files(self, real_shop: Server, tmp_path: Path):
        (tmp_path / "empty.md").write_bytes(b"")
        (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 40)
        (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing more")
        (tmp_path / "broken.docx").write_bytes(b"PK\x03\x04 and nothing more")
        (tmp_path / "gbk.txt").write_bytes("加急配送需要十二小时。".encode("gb18030"))
        (tmp_path / "good.md").write_text("# Parking\n\nThe purple parking deck has 420 places.\n", encoding="utf-8")
        (tmp_path / "huge.txt").write_bytes(b"word " * (11 * 2**20))
        done = answerdesk("ingest", str(tmp_path), "--json", "--collection", "odd", folder=real_shop.folder)
        report = as_json(done)
        failed = {failure["path"]: failure["error"] for failure in report["failed"]}
        assert {"broken.pdf", "broken.docx", "huge.txt"} <= failed.keys()
        assert not {"good.md", "gbk.txt"} & failed.keys()
        assert "max_file_mb" in failed["huge.txt"]
        assert "Traceback" not in done.stderr + done.stdout
        hits = as_json(answerdesk("search", "purple parking", "--json", "--collection", "odd", folder=real_shop.folder))["hits"]
        assert hits[0]["source"] == "good.md"

    def test_files_that_are_missing_or_locked(self, real_shop: Server, tmp_path: Path):
        missing = answerdesk("ingest", str(tmp_path / "no.md"), folder=real_shop.folder)
        assert (missing.returncode, "no.md" in missing.stderr) == (2, True)
        locked = tmp_path / "locked.md"
        locked.write_text("# Locked")
        locked.chmod(0)
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read every file")
        done = answerdesk("ingest", str(locked), "--json", folder=real_shop.folder)
        assert as_json(done, 1)["failed"][0]["path"] == "locked.md"

    @pytest.mark.parametrize(
        ("args", "settings", "code", "said"),
        [
            (("ask", "hi", "--backend", "gpt"), {}, 2, "extractive"),
            (("search", "hi", "-k", "1000"), {}, 2, "100"),
            (("ingest", ".", "--collection", "bad name"), {}, 2, "bad name"),
            (("serve", "--port", "70000"), {}, 2, "65535"),
            (("serve",), {"port": "no"}, 2, "port"),
            (("ask", "hi"), {"backend": "hosted"}, 0, ""),  # the running server's settings count, not this shell's
        ],
    )
    def test_a_request(self, real_shop: Server, args: tuple[str, ...], settings: dict[str, str], code: int, said: str):
        done = answerdesk(*args, folder=real_shop.folder, **settings)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize(
        ("settings", "code", "said"),
        [
            ({"backend": "hosted"}, 2, "ANSWERDESK_HOSTED_URL"),
            ({"hosted_url": "ftp://nowhere", "hosted_model": "m"}, 2, "ftp://nowhere"),
            ({"database_url": "oracle://x"}, 1, "postgresql"),
            ({"chroma_url": "http://127.0.0.1:9"}, 1, "ANSWERDESK_CHROMA_URL"),
            ({"embedding_model": "/nowhere/at/all"}, 1, "ANSWERDESK_EMBEDDING_MODEL"),
        ],
    )
    def test_a_setting(self, tmp_path: Path, settings: dict[str, str], code: int, said: str):
        done = answerdesk("ask", "hi", folder=tmp_path / "data", **settings)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr


class TestHosted:
    def test_it_answers_with_sources(self, hosted_shop: tuple[Server, Stub]):
        server, stub = hosted_shop
        stub.reply = Reply(("Product B costs ", "$1,299."))
        answer = ask(server, "how much is Product B?")
        assert (answer["answer"], answer["backend"]) == ("Product B costs $1,299.", "hosted")
        assert any("1299" in citation["text"].replace(",", "") for citation in answer["citations"])
        assert stub.heads[-1]["authorization"] == "Bearer secret"

    @pytest.mark.parametrize(
        "reply", [Reply(status=401), Reply(status=503), Reply(raw=b"garbage"), Reply(()), Reply(reset_after=0)], ids=str
    )
    def test_when_it_fails_the_documents_own_words_answer(self, hosted_shop: tuple[Server, Stub], reply: Reply):
        server, stub = hosted_shop
        stub.reply = reply
        began = time.monotonic()
        answer = ask(server, "how much is Product B?")
        assert time.monotonic() - began < 10
        assert answer["backend"] == "extractive"
        assert "1299" in answer["answer"].replace(",", "")


def customers(server: Server, key: str, turns: int, acknowledged: list[str]) -> None:
    """So many turns at once, five at a time; a turn whose first bytes came is acknowledged."""

    def turn(number: int) -> None:
        text = f"turn {number}: how long is the warranty of Product {'ABC'[number % 3]}?"
        body = {"model": "answerdesk", "stream": True, "messages": [{"role": "user", "content": text}], "user": f"customer-{number}"}
        request = {"url": f"{server.url}/v1/chat/completions", "json": body, "headers": {"Authorization": f"Bearer {key}"}}
        try:
            with httpx.stream("POST", timeout=60, **request) as response:  # type: ignore[arg-type]
                for _ in response.iter_bytes():
                    acknowledged.append(text)
                    break
        except httpx.TransportError:
            pass

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(turn, range(turns)))


def test_a_server_that_is_killed_loses_nothing_it_acknowledged(shop_folder: Path, tmp_path: Path):
    folder = copy_of(shop_folder, tmp_path / "data")
    acknowledged: list[str] = []
    with serving(folder) as server, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(customers, server, api_key(server, "k"), 50, acknowledged)
        while len(acknowledged) < 20 and not asking.done():
            time.sleep(0.005)
        server.process.kill()
        server.process.wait()
        asking.result()
    assert 20 <= len(acknowledged) < 50
    with serving(folder) as again:
        deadline = time.monotonic() + 60
        while (saved := lines(folder))[1] and time.monotonic() < deadline:
            time.sleep(0.2)
        assert set(acknowledged) <= set(saved[0])
        assert saved[1] == []  # who was being answered is told that it broke off
        assert "24" in ask(again, "how long is the warranty of Product A?")["answer"]


def lines(folder: Path) -> tuple[list[str], list[str]]:
    """What customers have said, and what of it is without a reply."""
    with sqlite3.connect(f"file:{folder / 'answerdesk.db'}?mode=ro", uri=True) as connection:
        said = connection.execute("SELECT id, text FROM messages WHERE role = 'customer'").fetchall()
        answered = {row[0] for row in connection.execute("SELECT in_reply_to FROM messages WHERE in_reply_to IS NOT NULL")}
    return [text for _, text in said], [text for id_, text in said if id_ not in answered]


@contextmanager
def chroma(folder: Path) -> Iterator[str]:
    """A Chroma server of its own; gives its address."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder), "--port", str(port), "--host", "127.0.0.1"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.long
def test_two_servers_share_a_database_and_a_chroma_server(tmp_path: Path):
    page = tmp_path / "parking.md"
    page.write_text("# Parking\n\nThe purple parking deck has 420 places.\n", encoding="utf-8")
    with chroma(tmp_path / "vectors") as url:
        shared = {"database_url": f"sqlite:///{tmp_path / 'shared.db'}", "chroma_url": url}
        with serving(tmp_path / "one", **shared) as one, serving(tmp_path / "two", **shared) as two:
            assert as_json(answerdesk("ingest", str(page), "--json", folder=one.folder))["added"] == 1
            for server in (two, one):
                assert "420" in ask(server, "how many places does the purple parking deck have?")["answer"]
            page.write_text("# Parking\n\nThe purple parking deck has 365 places.\n", encoding="utf-8")
            assert as_json(answerdesk("ingest", str(page), "--json", folder=two.folder))["added"] == 1
            assert "365" in ask(one, "how many places does the purple parking deck have?")["answer"]
            key = api_key(two, "shared")
            assert httpx.get(f"{one.url}/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.long
def test_start_first_answer_and_memory(shop_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The figures of docs/figures.md, with room for a busy machine."""
    began = time.monotonic()
    server = start(copy_of(shop_folder, tmp_path / "data"), free_port())
    try:
        wait_until_ready(server)
        ready = time.monotonic() - began
        first = ask(server, "how much is Product B")["latency_ms"]["total"]
        resident = int(Path(f"/proc/{server.process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
    finally:
        server.process.kill()
        server.process.wait()
    with capsys.disabled():
        print(f"\n{json.dumps({'ready_s': round(ready, 1), 'first_answer_ms': first, 'resident_mb': round(resident)})}")
    assert ready < 60
    assert first < 3000
    assert resident < 1200
