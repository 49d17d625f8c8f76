"""The real model over a handful of documents: what answers the question comes first, in both languages."""

from collections.abc import Iterator

import pytest

from knowledge.ingest import Index
from knowledge.store import MemoryStore
from tests.knowledge.shelf import page
from tests.models import minilm
from ui.database import migrate, open_engine

SHOP = {
    "returns.md": ("Returns", "Most products can be sent back within 30 days of delivery. The return label is free."),
    "refunds.md": ("Refunds", "We pay the money to the card that was used within five business days after the parcel has arrived."),
    "shipping.md": ("Shipping", "Standard delivery takes three to five days and is free above 50 dollars. Express arrives the next day."),
    "warranty.md": ("Warranty", "Every device is covered for two years. Accidental damage such as a cracked screen is not covered."),
    "payment.md": ("Payment", "We accept Visa, Mastercard and PayPal. Orders above 200 dollars can be paid in six instalments."),
    "tuihuo.md": ("退货", "签收后三十天内可以退货，退货运费由我们承担。"),
    "tuikuan.md": ("退款", "收到退回的商品后，五个工作日内将款项退回原付款账户。"),
    "peisong.md": ("配送", "标准配送需要三至五天，满五十元免运费。特快次日送达。"),
    "baoxiu.md": ("保修", "所有设备保修两年，屏幕碎裂等意外损坏不在保修范围内。"),
    "fapiao.md": ("发票", "发货后可以在订单页面下载电子发票。"),
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('shop') / 'test.db'}")
    migrate(engine)
    made = Index(engine, MemoryStore(), minilm())
    made.add_documents([page(source, text, title) for source, (title, text) in SHOP.items()])
    yield made
    engine.dispose()


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("when do I get my money back", "refunds.md"),
        ("how long does delivery take", "shipping.md"),
        ("I dropped my phone and the display is shattered, do you fix it for free?", "warranty.md"),
        ("can I pay by Mastercard", "payment.md"),
        ("how many days do I have to send it back", "returns.md"),
        ("waranty lenght", "warranty.md"),
        ("不想要了能退吗，运费谁出", "tuihuo.md"),
        ("钱什么时候退给我", "tuikuan.md"),
        ("几天能送到", "peisong.md"),
        ("屏幕摔碎了保修吗", "baoxiu.md"),
        ("怎么开发票", "fapiao.md"),
    ],
)
def test_the_answer_comes_first(index: Index, question: str, source: str):
    assert index.search(question, 3)[0].chunk.source == source


def test_what_the_shop_says_nothing_of_scores_lower(index: Index):
    on_topic = index.search("how long is the warranty", 1)[0].score
    off_topic = index.search("who won the football world cup in 1998", 1)
    assert not off_topic or off_topic[0].score < on_topic / 2


def test_sentences_have_cosines(index: Index):
    best = index.search("is a cracked screen covered", 1)[0]
    cosines = [unit.cosine or 0 for unit in best.units]
    assert best.units[cosines.index(max(cosines))].text.startswith("Accidental damage")
