"""How well the built-in backend reads: questions about pages of many made-up businesses and bodies, to none of which anything was fitted.

    python benchmarks/reading.py [--some N]

`benchmarks/reading/*.jsonl` hold pages `{id, language, title, heading, kind, sentences[], questions: [{q, a: [places]}]}`, written for
this, with questions as people type them; `a` is empty where the page does not hold the fact. All pages are taken into one index. Printed
for each language: of the questions with an answer, how many are answered with a right sentence and a citation of its page, and how many
are declined; of those without one, how many are declined; and how well the confidence tells the two apart (area under the ROC curve).
N: as many of them, drawn at random with a fixed seed.

Hard on purpose: most questions avoid the words of their answer, those without one keep them, and few name the business, so
that another page's like rule counts as wrong. The figures compare two versions with each other; they are not what a shop sees.
"""

import argparse
import json
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import track
from sklearn.metrics import roc_auc_score

from ui.build import build
from ui.settings import Settings

ROOT = Path(__file__).parent / "reading"
FIELD = re.compile(r"([^:：;；]{1,24})[:：]\s*(.+)")
Page = dict[str, Any]


def pages() -> list[Page]:
    return [json.loads(line) for path in sorted(ROOT.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]


def write(page: Page, folder: Path) -> None:
    """A page as a shop has it: a record of a catalogue as JSON, anything else as Markdown."""
    told, chinese = page["sentences"], page["language"] == "zh"
    fields = [FIELD.fullmatch(sentence) for sentence in told]
    if page["kind"] == "record" and all(fields) and len({found[1] for found in fields if found}) == len(fields):
        named = {"名称" if chinese else "Name": page["title"]} | {found[1]: found[2] for found in fields if found}
        (folder / f"{page['id']}.json").write_text(json.dumps([named], ensure_ascii=False), "utf-8")
        return
    text = "\n".join(f"- {sentence}" for sentence in told) if page["kind"] == "record" else ("" if chinese else " ").join(told)
    heading = f"## {page['heading']}\n\n" if page["heading"] else ""
    (folder / f"{page['id']}.md").write_text(f"# {page['title']}\n\n{heading}{text}\n", "utf-8")


def flat(text: str) -> str:
    return re.sub(r"[\s\W]+", "", text.lower())


def asked(app: Any, some: list[tuple[Page, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for page, question in track(some, "asking"):
        answer = app.router.answer_from(question["q"], backend="extractive")
        said, wanted = flat(answer.text), [flat(FIELD.sub(r"\2", page["sentences"][place])) for place in question["a"]]
        cited = any(page["id"] in citation.source for citation in answer.citations)
        yield {
            "language": page["language"],
            "has": bool(question["a"]),
            "right": not answer.abstained and cited and any(want in said for want in wanted),
            "declined": answer.abstained,
            "confidence": answer.confidence,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--some", type=int, metavar="N")
    chosen = parser.parse_args()
    every = [(page, question) for page in pages() for question in page["questions"]]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        files = Path(folder) / "pages"
        files.mkdir()
        for page in pages():
            write(page, files)
        app = build(Settings(data_dir=Path(folder) / "data"))
        app.index.ingest([files])
        rows = list(asked(app, random.Random(0).sample(every, chosen.some) if chosen.some else every))
        app.engine.dispose()
    for language in ("en", "zh"):
        own = [row for row in rows if row["language"] == language]
        has, lacks = [row for row in own if row["has"]], [row for row in own if not row["has"]]
        area = roc_auc_score([row["has"] for row in own], [row["confidence"] for row in own])
        print(
            f"{language}  {len(own)} questions: right {sum(row['right'] for row in has) / len(has):.1%}, "
            f"declined {sum(row['declined'] for row in has) / len(has):.1%}; "
            f"without an answer: declined {sum(row['declined'] for row in lacks) / len(lacks):.1%}; AUROC {area:.3f}"
        )


if __name__ == "__main__":
    main()
