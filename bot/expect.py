"""What kind of figure a question asks for, and whether a sentence has one.

A question for a price is not answered by a sentence without a price. The kinds are the answer types of question answering (Li and Roth 2002,
"Learning question classifiers"), cut down to what a shop is asked, in English and Chinese.
"""

import re
from collections.abc import Mapping

_UNITS_OF_TIME = r"(?:business |working )?(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?)|个?(?:工作日|自然日|小时|钟头|月|星期)|秒钟?|分钟|天|日|周|年"
_NUMBER = r"(?:\d[\d,.]*|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|half|[一二两三四五六七八九十半]+)"

HAS: Mapping[str, re.Pattern[str]] = {
    "price": re.compile(r"[$€£¥￥]\s?\d|\d\s?(?:usd|dollars?|美元|美金|元|块)|free\b|no (?:extra )?(?:charge|cost|fee)|免费|免运费|不收|不另收|包邮", re.I),
    "percent": re.compile(r"\d\s?%|百分之|[一二三四五六七八九\d.]+\s?折", re.I),
    "duration": re.compile(rf"{_NUMBER}\s?(?:[–—~至到-]\s?\d+\s?)?(?:full |more )?(?:{_UNITS_OF_TIME})|永久|终身|never expires?|lifetime|same day|next (?:business )?day|当天|次日|immediately|立即", re.I),
    "time": re.compile(r"\d{1,2}[:：]\d{2}|\d{1,2}\s?(?:am|pm|a\.m\.|p\.m\.)|\d{1,2}\s?点|24/7|24 小时|round the clock|noon|midnight", re.I),
    "date": re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|\d+\s?月|星期|周[一二三四五六日末]|\d{4}\s?年", re.I),
    "weight": re.compile(r"\d\s?(?:kg|g|grams?|kilos?|lbs?|pounds?|oz|克|千克|公斤|斤)\b|\d\s?(?:克|千克|公斤|斤)", re.I),
    "size": re.compile(r"\d\s?(?:mm|cm|m|metres?|meters?|inch(?:es)?|in|ft|feet|英寸|毫米|厘米|米|寸)\b|\d\s?[x×]\s?\d|\d\s?(?:英寸|毫米|厘米|米)|-inch", re.I),
    "capacity": re.compile(r"\d\s?(?:gb|tb|mb|mah|wh|ml|l|litres?|毫安|毫升|升)\b|\d\s?(?:毫安|毫升|升)", re.I),
    "power": re.compile(r"\d\s?(?:w|watts?|kw|v|volts?|瓦|伏)\b|\d\s?(?:瓦|伏)", re.I),
    "speed": re.compile(r"\d\s?(?:mb/s|gb/s|mbps|gbps|hz|ppm|mhz|pages|rpm|赫兹)\b|页", re.I),
    "temperature": re.compile(r"\d\s?°|\d\s?(?:℃|度|摄氏度|degrees)", re.I),
    "phone": re.compile(r"\+?\(?\d[\d() -]{6,}\d"),
    "mail": re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    "number": re.compile(r"\d|[一二两三四五六七八九十]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|none|no|unlimited)\b", re.I),
}

_ASKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("percent", re.compile(r"\b(?:what|which) (?:percent|percentage|share|rate|interest|apr|discount)|percentage|how many percent|interest rate|\bapr\b|几个点|百分之几|多少个点|利率|年化|几折|打折", re.I)),
    ("phone", re.compile(r"(?:phone|tele\w*|hotline) ?(?:number|no\b|line)|number (?:to|can i) call|电话(?:号|是多少|多少)|(?:热线|号码)", re.I)),
    ("mail", re.compile(r"\be-?mail address|which e-?mail|邮箱(?:地址|是)|邮件地址|发邮件到", re.I)),
    ("weight", re.compile(r"how (?:heavy|much does .{1,40} weigh)|\bweigh[st]?\b|\bweight\b|lighter|heavier|多重|重量|几斤|几克|多少克|更轻|更重|重多少|轻多少", re.I)),
    ("temperature", re.compile(r"how (?:hot|cold|warm)|temperature|几度|多少度|温度", re.I)),
    ("power", re.compile(r"how many (?:watts?|volts?)|what wattage|wattage|多少瓦|几瓦|功率|多少伏", re.I)),
    ("speed", re.compile(r"how fast (?:does|is|can) .{1,40}(?:print|read|write|transfer|copy|ssd|printer)|refresh rate|多少 ?(?:hz|赫兹)|刷新率|多少页", re.I)),
    ("capacity", re.compile(r"how (?:much|many) .{0,12}(?:storage|memory|ram|gb|tb|gigs?|gigabytes?|mah|watt ?hours)|多少 ?(?:gb|g\b|个?g|tb|mb|毫安|毫升|升)|内存(?:多大|是多少|有多大)|存储(?:空间)?多大", re.I)),
    ("size", re.compile(r"how (?:big|large|wide|tall|thick|deep|long) (?:is|are) the (?:screen|display|cable|cord|case|box)|how many (?:inch|inches|cm|mm|metres|meters)|screen size|dimensions?|多大尺寸|几寸|多少寸|多少英寸|多长的线|几米|多少厘米|多少毫米|尺寸|多高|多宽|多厚", re.I)),
    ("duration", re.compile(r"how (?:long|many (?:business |working )?(?:days?|weeks?|months?|years?|hours?|minutes?|seconds?))|how (?:soon|quickly|fast)\b|how much time|what(?:'s| is) the (?:deadline|time limit|turnaround)|\b(?:last|lasts) longer|longer (?:guarantee|warranty)|(?:guarantee|warranty|return|trial|notice) (?:period|window|time)|\bexpire|多久|多长时间|几天|几个?(?:工作日|小时|钟头|月|星期|礼拜)|几周|几年|几秒|几分钟|多少(?:天|年|小时|分钟|秒)|期限|有效期|过期|作废|最迟|截止|耐用|更久|哪个.{0,6}久|什么时候(?:能?到|到账|失效|过期)|啥时候(?:能?到|到账)", re.I)),
    ("time", re.compile(r"what time|until when|(?:opening|business|working) hours|when (?:do|does|are) (?:you|the|your) .{0,30}(?:open|close|shut)|几点|营业时间|上班时间|开到|开门|关门", re.I)),
    ("price", re.compile(r"how much (?:is|are|does|do|would|will|for|to|it|cost|extra|money|postage|postag|shipping|delivery)|how much\s*[?？]*$|what(?:'s| is| does| do| would| will) .{0,60}(?:cost|price|charge|fee|set me back)|\bprice\b|\bcosts?\b|\bfees?\b|\bcharge for\b|extra (?:charge|cost)|how expensive|take off|\bcosts? more|cheaper|多少钱|几块钱|啥价|什么价|价格|价钱|多少费用|运费(?:是)?多少|怎么收费|收多少|多少米\b|贵多少|便宜多少|差多少钱|扣多少|要多少钱|花多少|罚多少|退多少|抵多少|加多少|加钱|收钱|给钱不|要钱[吗不]|收费[吗不]|要收费|另外给钱|卖多少|多钱|多少米(?![高宽长])", re.I)),
    ("number", re.compile(r"how many|what(?:'s| is) the (?:minimum|maximum|limit|number|age)|how old|minimum|maximum|\bmost\b.{0,20}\bcan\b|多少|几(?:个|次|台|张|岁|位|页|款|条|种|期|件|块)|最多|最少|上限|下限|满几", re.I)),
)


def asked(question: str) -> str | None:
    """The kind of figure that a question asks for, a key of `HAS`; None when it asks for none."""
    return next((kind for kind, pattern in _ASKS if pattern.search(question)), None)


def has(kind: str, sentence: str) -> bool:
    """Whether `sentence` holds a figure of that kind."""
    return bool(HAS[kind].search(sentence))
