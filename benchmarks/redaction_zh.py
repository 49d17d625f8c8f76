"""Chinese support messages with marked personal data, for `answerdesk eval redaction`: python benchmarks/redaction_zh.py > rows.jsonl

Names, streets, numbers and papers come from Faker; the sentences are written here. Numbers touch Chinese characters, as customers write.
"""

import json
import random
import re
import sys
from collections.abc import Callable, Iterator

from faker import Faker
from stdnum import luhn
from stdnum.cn import ric

ROWS, SEED = 500, 20
_SENTENCES = (
    "我叫{NAME}，手机号{PHONE}，订单还没到。",
    "收件人{NAME}，电话{PHONE}，地址{ADDRESS}。",
    "请把地址改成{ADDRESS}，收货人{NAME}，谢谢",
    "我的邮箱是{MAIL}请发送发票",
    "麻烦联系{PHONE}，找{NAME}就行",
    "{NAME}女士您好，您的包裹已寄到{ADDRESS}，请签收。",
    "身份证{NATIONAL_ID}是我的，姓名{NAME}",
    "我用银行卡{CARD}付的款，退款什么时候到账？",
    "卡号{CARD}被扣了两次，请核实",
    "我住在{ADDRESS}，能送货上门吗",
    "微信同手机号{PHONE}，有问题打这个电话",
    "登录IP是{IP}，提示异常",
    "客户{NAME}，生日{BIRTH_DATE}，申请会员",
    "你好，我是{NAME}，昨天在{PLACE}下的单",
    "{PLACE}的仓库什么时候发货？我在{PLACE}",
    "请寄到{ADDRESS}，{NAME}收，电话{PHONE}",
    "发票抬头写{NAME}，邮箱{MAIL}",
    "联系人：{NAME}\n手机：{PHONE}\n地址：{ADDRESS}",
    "汇款账户IBAN{IBAN}，户名{NAME}",
    "我爸{NAME}的号码是{PHONE}，麻烦打给他",
    "{NAME}先生的电话{PHONE}打不通",
    "座机{LANDLINE}没人接",
    "护照号{PASSPORT}，办理免税",
    "从{PLACE}寄到{PLACE}要几天？",
    "已经退到尾号8821的卡了，请查收",
    "这款水壶1.7升，功率1850瓦，售价129元",
    "型号KT-2400和KT-2600有什么区别？",
    "订单金额1,299.00元，用券减了50元",
    "运费满299免，一般3到5天送到",
    "你们几点下班？周末有人吗？",
    "保修期是24个月，从2024年3月1日开始算",
    "快递三天没更新了，太慢了吧",
)  # fmt: skip


def main() -> None:
    """Print the rows."""
    random.seed(SEED)
    Faker.seed(SEED)
    for row in rows(ROWS):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


def rows(count: int) -> Iterator[dict[str, object]]:
    """Rows `{text, spans}`, every sentence in turn."""
    make = _makers(Faker("zh_CN"))
    for number in range(count):
        text, spans = "", []
        for piece in re.split(r"(\{[A-Z_]+\})", _SENTENCES[number % len(_SENTENCES)]):
            kind = piece.strip("{}")
            filled = make[kind]() if piece.startswith("{") else piece
            if piece.startswith("{"):
                spans.append({"start": len(text), "end": len(text) + len(filled), "type": kind})
            text += filled
        yield {"text": text, "spans": spans}


def _makers(fake: Faker) -> dict[str, Callable[[], str]]:
    def national_id() -> str:
        number = f"{random.choice(('110105', '310115', '440305', '510104'))}{fake.date_of_birth():%Y%m%d}{random.randint(0, 999):03}"
        return number + ric.calc_check_digit(number + "0")

    def card() -> str:
        number = random.choice(("622848", "622202", "621700", "409670")) + "".join(random.choices("0123456789", k=9))
        return str(number + luhn.calc_check_digit(number))

    def address() -> str:
        town = random.choice(("", f"{fake.province()}")) + fake.city_name() + "市" + fake.district() + "区"
        street = random.choice(("中山", "人民", "解放", "建设", "和平", "科苑", "文化", "长江", "学院", "新华")) + random.choice(
            ("路", "街", "大道")
        )
        house = random.choice(("{}号", "{}号3栋502室", "{}号院2号楼1单元{}", "{}弄8号", "{}号锦绣花园6座1201")).replace(
            "{}", str(random.randint(1, 999))
        )
        return town + street + house

    return {
        "NAME": fake.name,
        "PHONE": fake.phone_number,
        "LANDLINE": lambda: f"0{random.randint(10, 29)}-{random.randint(20000000, 89999999)}",
        "MAIL": fake.ascii_free_email,
        "NATIONAL_ID": national_id,
        "CARD": card,
        "IP": fake.ipv4_public,
        "IBAN": lambda: str(Faker("de_DE").iban()),
        "PASSPORT": lambda: f"E{random.randint(10000000, 99999999)}",
        "BIRTH_DATE": lambda: f"{fake.date_of_birth():%Y年%m月%d日}",
        "PLACE": lambda: str(fake.city_name()),
        "ADDRESS": address,
    }


if __name__ == "__main__":
    main()
