"""How far an embedding model can be relied on in a language, measured when an index is made rather than guessed from its name.

A dozen and a half support questions in each language, worded unlike the sentences that answer them. The model ranks the sentences of its
language for every question; the mean reciprocal rank, stretched between useless and reliable, is its trust.
"""

from collections.abc import Mapping

import numpy as np

from knowledge.documents import Language
from knowledge.embed import Embedder

PAIRS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("When will my parcel get here?", "Standard delivery takes three to five working days."),
        ("I want my money back", "Refunds are paid to the card that was used for the purchase."),
        ("the screen cracked when I dropped it", "Accidental damage is not covered by the guarantee."),
        ("how can I reach a human", "Our agents are on the phone from nine to six on weekdays."),
        ("can't log in anymore", "Choose a new password through the link on the sign-in page."),
        ("is paying in parts possible", "Purchases above 200 can be split into six monthly instalments."),
        ("it won't switch on", "Hold the power key for ten seconds to restart the device."),
        ("the battery is empty after two hours", "Lower the brightness and close background programs to save energy."),
        ("do you ship abroad", "We deliver to thirty countries outside the union."),
        ("wrong size, can I swap it", "Exchange an item for another variant free of charge."),
        ("please remove all my personal data", "Erase your profile under privacy settings."),
        ("any discount for pupils", "Those in education get ten percent off with a valid campus card."),
        ("I need a receipt for my company", "An invoice with the tax number can be downloaded after dispatch."),
        ("headphones do not connect", "Put the earpieces into pairing mode and select them in the Bluetooth list."),
        ("where is your nearest shop", "Our branch is on Main Street opposite the station."),
        ("the courier found nobody at home", "The driver tries again the next day or leaves a card."),
    ),
    "zh": (
        ("包裹什么时候能到", "标准配送需要三至五个工作日。"),
        ("我想把钱要回来", "退款将原路返回到付款时使用的银行卡。"),
        ("屏幕摔碎了怎么办", "意外损坏不在保修范围之内。"),
        ("怎么联系真人", "客服专员工作日九点到十八点接听电话。"),
        ("账号进不去了", "请通过登录页的链接重新设置密码。"),
        ("能不能分几次给钱", "满二百元的订单支持六期分期付款。"),
        ("开不了机", "长按电源键十秒即可重启设备。"),
        ("电量两个小时就没了", "调低亮度并关闭后台程序可以省电。"),
        ("国外能收到吗", "我们向三十个海外国家发货。"),
        ("尺码不对想调一个", "商品可以免费更换为其他规格。"),
        ("把我的个人资料都清掉", "您可以在隐私设置中注销账户。"),
        ("上学的人便宜点吗", "凭有效校园卡可享九折优惠。"),
        ("公司要报销凭证", "发货后可下载带税号的发票。"),
        ("耳塞连不上", "让耳机进入配对模式，然后在蓝牙列表中选择它。"),
        ("最近的门店在哪儿", "我们的分店位于火车站对面的主街上。"),
        ("快递来的时候没人在家", "配送员会在次日再次投递或留下通知卡。"),
    ),
}
_NOTHING, _ALL = 0.5, 0.9  # mean reciprocal ranks at which trust is 0 and 1


def measure(embedder: Embedder) -> dict[str, float]:
    """Trust by language, each 0..1; an embedder may bound its own (`ceiling`)."""
    ceiling: Mapping[str, float] = getattr(embedder, "ceiling", {})
    trust: dict[str, float] = {}
    for language, pairs in PAIRS.items():
        cosines = embedder.queries([question for question, _ in pairs]) @ embedder.documents([answer for _, answer in pairs]).T
        ranks = (cosines >= np.diag(cosines)[:, None]).sum(axis=1)  # a tie counts as lost
        trust[language] = round(float(np.clip((np.mean(1 / ranks) - _NOTHING) / (_ALL - _NOTHING), 0, 1)), 3)
    return {language: min(share, ceiling.get(language, 1.0)) for language, share in trust.items()}
