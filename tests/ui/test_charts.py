"""Plots are text: well-formed, inside their frame, told in words, and nothing in them runs."""

from xml.etree import ElementTree

import pytest

from ui.charts import WIDTH, Bar, Column, Dot, bars, columns, dots

LONG = "a-very-long-name-of-a-backend-with-an-adapter@0123456789ab"
EVIL = '"><script>alert(1)</script>'
PLOTS = {
    "dots": dots(EVIL, [Dot("All", 0.8, 0.7, 0.9, "80 % (70 % to 90 %)"), Dot(EVIL, 0, 0, 1, EVIL), Dot(LONG, 1, 0.9, 1, "100 %")]),
    "bars": bars(EVIL, [Bar(LONG, 2000, 300, "0.30 s, 95 % within 2.00 s"), Bar(EVIL, 1, 1, "1"), Bar("nothing", 0, 0, "0")]),
    "columns": columns(EVIL, [Column(EVIL, 3, 2, EVIL), *(Column(f"{n}", n, 0, f"{n} talks") for n in range(29))]),
    "one column": columns("t", [Column("0:00", 0, 0, "none")]),
    "no columns": columns("t", []),
    "wide letters": bars("标题", [Bar("一个非常长的后端名称加上适配器名称以及更多的文字说明用来测试", 5, 5, "5 个对话")]),
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_well_formed_and_harmless(name: str):
    root = ElementTree.fromstring(PLOTS[name].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))  # noqa: S314  (our own)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    height = float(root.get("viewBox", "").split()[3])
    for node in root.iter():
        for size in ("width", "height", "x", "y"):
            assert 0 <= float(node.get(size, 0)) <= max(WIDTH, height) + 1, (node.tag, node.attrib)
        if node.tag.endswith("rect"):
            assert float(node.get("x", 0)) + float(node.get("width", 0)) <= WIDTH + 0.1
            assert float(node.get("y", 0)) + float(node.get("height", 0)) <= height


def test_it_is_told_in_words():
    told = dots("Not answered", [Dot("All", 0.8, 0.7, 0.9, "80 % (70 % to 90 %)")])
    assert 'aria-label="Not answered. All: 80 % (70 % to 90 %)"' in told


def test_a_whisker_spans_the_interval():
    root = ElementTree.fromstring(dots("t", [Dot("All", 0.5, 0.25, 1, "")]))  # noqa: S314
    whisker = next(node for node in root.iter() if node.get("class") == "whisker")
    inner = WIDTH - 12
    assert [float(whisker.get(end, 0)) for end in ("x1", "x2")] == [6 + inner / 4, 6 + inner]


def test_columns_stand_on_each_other():
    root = ElementTree.fromstring(columns("t", [Column("a", 3, 1, ""), Column("b", 4, 0, "")]))  # noqa: S314
    lower, upper, whole = (node for node in root.iter() if node.tag.endswith("rect"))
    assert float(upper.get("y", 0)) + float(upper.get("height", 0)) == pytest.approx(float(lower.get("y", 0)))
    assert float(upper.get("y", 0)) == pytest.approx(float(whole.get("y", 0)))
    assert float(lower.get("height", 0)) == pytest.approx(3 * float(upper.get("height", 0)), abs=0.2)


def test_a_long_adapter_does_not_run_into_its_figure():
    row = Dot("local · lora-20261129-101500@848a6c21ffe0", 1, 0.21, 1, "100% (21% to 100%)")
    root = ElementTree.fromstring(dots("t", [row]))  # noqa: S314
    name = next(node.text or "" for node in root.iter() if node.get("class") == "name")
    assert name.endswith("…")
    # In DejaVu Sans, the widest of the fonts that pages are read in: 7.1 units a letter, 8.2 a bold one.
    assert 8.2 * len(name) + 7.1 * len(row.told) < WIDTH


def test_a_long_name_gives_way_to_the_figure():
    assert "…" in PLOTS["bars"]
    assert "0.30 s, 95 % within 2.00 s" in PLOTS["bars"]
    assert "…" in PLOTS["wide letters"]
