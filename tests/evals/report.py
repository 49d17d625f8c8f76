"""`python -m tests.evals.report [--half dev|heldout]`: the shares of questions and chats about the sample shop, by language and half."""

import argparse

from tests.evals.questions import HALVES, LANGUAGES, ask, ask_parts, chats, converse, questions, router_over, several
from tests.evals.scoring import HAVE_AN_ANSWER, Scored, shares, table
from tests.real import sample_folder


def main() -> None:
    """Print the table; with --wrong, also the ids of what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=HALVES, action="append", help="only this half; may be given twice (default: both)")
    parser.add_argument("--wrong", action="store_true", help="name the questions that went wrong, by id")
    chosen = parser.parse_args()
    halves = chosen.half or HALVES
    with router_over(sample_folder()) as router:
        sets = [(language, half) for half in halves for language in LANGUAGES]
        found = {f"{language} {half}": ask(router, questions(language, half)) for language, half in sets}
        if "heldout" in halves:  # those written last, which nothing was fitted to either
            found |= {f"{language} second": ask(router, questions(language, "second")) for language in LANGUAGES}
        found |= {f"{language} {half} chats": converse(router, chats(language, half)) for language, half in sets}
        for language, half in sets:
            rows = [row for row in several(half) if row["language"] == language and not row.get("single")]
            found[f"{language} {half} several"] = [part for parts in ask_parts(router, rows) for part in parts]
    print(table({name: shares(scores) for name, scores in found.items()}))
    if chosen.wrong:
        for scores in found.values():
            for score in scores:
                if what := _wrong(score):
                    print(f"{score.id:10}{score.kind:12}{what}")


def _wrong(score: Scored) -> str:
    if score.kind not in HAVE_AN_ANSWER:
        return "" if score.declined else "answered"
    if score.declined:
        return "declined"
    return ", ".join(name for name, right in (("wrong fact", score.fact), ("wrong page", score.page)) if not right)


if __name__ == "__main__":
    main()
