import pytest

from knowledge.cells import cells, field


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("Method: Express; Price: $14.90", (("Method", "Express"), ("Price", "$14.90"))),
        ("方式：快递；价格：5 元；说明：9:00 前下单", (("方式", "快递"), ("价格", "5 元"), ("说明", "9:00 前下单"))),
        (" Step: 1; Do: press  ", (("Step", "1"), ("Do", "press"))),
        ("Price: $14.90", ()),
        ("Note: call us; we help", ()),
        ("Price: ; Time: 1 day", ()),
        (f"{'n' * 61}: a; b: c", ()),
        ("- Price: $5; Time: 1 day", ()),
        ("", ()),
    ],
)
def test_cells(line: str, row: tuple[tuple[str, str], ...]):
    assert cells(line) == row


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("Weight: 192 g", "Weight", "192 g"),
        ("重量：192 克", "重量", "192 克"),
        (" Hours : 9:00 to 17:00 ", "Hours", "9:00 to 17:00"),
        ("Weighs 192 g.", "", ""),
        ("Weight:", "", ""),
        ("", "", ""),
    ],
)
def test_a_records_field(line: str, name: str, value: str):
    assert field(line) == (name, value)
