import pytest

from bot.messages import Answer, Citation
from ui.markdown import to_html
from ui.marks import marks

RETURN, LABEL = "You can return products within 30 days.", "Print the label."


def shown(text: str, *quotes: str) -> str:
    """The reply with each mark as its number in brackets."""
    found = marks(Answer(text, "c", "m", tuple(Citation(str(n), "a.md", "", quote, 1.0, quote) for n, quote in enumerate(quotes))))
    for place in sorted(found, reverse=True):
        text = f"{text[:place]}[{found[place]}]{text[place:]}"
    return text


@pytest.mark.parametrize(
    ("text", "quotes", "told"),
    [
        (f"Yes. {RETURN} Anything else?", (RETURN,), f"Yes. {RETURN}[1] Anything else?"),
        (f"1. {RETURN}\n2. {LABEL}", (RETURN, LABEL), f"1. {RETURN}[1]\n2. {LABEL}[2]"),
        (f"1. {RETURN}\n2. {LABEL}", ("1.", LABEL), f"1. {RETURN}\n2. {LABEL}[2]"),  # as older answers were cited
        ("1. You can return it, unused. Ask.", ("You can return it",), "1. You can return it, unused.[1] Ask."),
        ("1. **Free returns**", ("Free returns",), "1. **Free returns[1]**"),
        (f"**{RETURN}** _{LABEL}_", (RETURN, LABEL), f"**{RETURN}[1]** _{LABEL}[2]_"),
        (f"{'Open it, ' * 8}then\npay. {LABEL}", ("Open it",), f"{'Open it, ' * 8}then\npay.[1] {LABEL}"),
        ("1. 签收后30天内可以退货。\n2. 请打印。", ("签收后30天内可以退货。", "请打印。"), "1. 签收后30天内可以退货。[1]\n2. 请打印。[2]"),
        ("A costs $1 and B costs $2.", ("A costs $1", "B costs $2."), "A costs $1 and B costs $2.[1]"),
        ("B costs $2 and A $1.", ("B costs $2", "A $1"), "B costs $2 and A $1[2].[1]"),
        ("Nothing of it.", (RETURN, ""), "Nothing of it."),
    ],
)  # fmt: skip
def test_a_mark_stands_at_the_end_of_its_sentence(text: str, quotes: tuple[str, ...], told: str):
    assert shown(text, *quotes) == told


def test_a_numbered_list_stays_one():
    text = f"Two steps:\n\n1. **{RETURN}**\n2. {LABEL}"
    answer = Answer(text, "c", "m", (Citation("1", "a.md", "", RETURN, 1.0, RETURN), Citation("2", "b.md", "", LABEL, 1.0, LABEL)))
    html = to_html(text, marks(answer))
    assert html.count("<li>") == 2
    assert html.count("<ol>") == 1
    assert html.count('class="mark"') == 2
    assert "<strong>" in html
