//! Offers and confirmations, and what hostile merchants write into them.

use super::mandates::same;
use super::{LESS_THAN, Row, Sheet, Shows, Subject, each_way, leaked, one_way};
use crate::vectors::cbor::{Item, labelled, seq};
use crate::vectors::papers::NOW;
use crate::vectors::{keys, papers};

/// An offer of 12.80 yuan, paid at once, with one line.
fn plain() -> Item {
    with_name("Longjing tea, 25 g")
}

fn with_name(name: &str) -> Item {
    let line = labelled([(1, "longjing-25".into()), (2, name.into()), (4, 1.into()), (5, 1_280.into())]);
    papers::offer().without(-25).without(-26).without(-27).with(-24, 1).with(-21, seq([line]))
}

const KIND: Row = same("kind", "Offer of a sale.", "商家报价：一次买卖。");
const MERCHANT: Row = Row(
    "iss",
    0,
    [
        "The merchant, by its certificate, is tea.example.",
        "商家（以证书为准）：tea.example。",
        "The merchant, by its certificate, is tea dot example, letter by letter t e a dot e x a m p l e.",
        "商家，以证书为准：tea 点 example，逐字为 t e a 点 e x a m p l e。",
    ],
);
const TOTAL: Row = Row(
    "amount",
    0,
    [
        "The total is 12.80 CNY.",
        "总额：12.80 人民币元。",
        "The total is twelve point eight zero Chinese Yuan.",
        "总额：十二点八零人民币元。",
    ],
);
const CURRENCY: Row = Row("currency", 0, ["The currency is Chinese Yuan (CNY).", "币种：人民币元（CNY）。", "", ""]);
const AT_ONCE: Row = same("capture", "The merchant gets the money at once.", "款项立即付给商家。");
const BY_COMMAND: Row = Row(
    "capture",
    0,
    [
        "The money is held for 7 days. In that time the merchant may take all or part of it.",
        "款项冻结 7 天，商家在此期间可以收取全部或一部分。",
        "The money is held for seven days. In that time the merchant may take all or part of it.",
        "款项冻结七天，商家在此期间可以收取全部或一部分。",
    ],
);
const UNTIL: Row = Row(
    "exp",
    0,
    [
        "It can be paid until just before 17 March 2030, 18:01:40 UTC.",
        "须在 2030年3月17日 18:01:40（协调世界时）之前付款。",
        "It can be paid until just before March seventeen, two thousand thirty, eighteen hours, one minute, forty seconds, universal time.",
        "须在协调世界时二零三零年三月十七日十八点一分四十秒之前付款。",
    ],
);
const PAYEE: Row = Row(
    "accepts.0",
    0,
    [
        "Paid through issuer.example into the merchant's account “main”.",
        "经 issuer.example 付入商家账户“main”。",
        "Paid through issuer dot example, letter by letter i s s u e r dot e x a m p l e into the account of the merchant, \
         quote, main, end of quote.",
        "经 issuer 点 example，逐字为 i s s u e r 点 e x a m p l e 付入商家账户，引文，main，引文完。",
    ],
);
const MADE: Row = Row(
    "iat",
    0,
    [
        "It was made at 17 March 2030, 17:46:40 UTC.",
        "制作时间：2030年3月17日 17:46:40（协调世界时）。",
        "It was made at March seventeen, two thousand thirty, seventeen hours, forty six minutes, forty seconds, universal time.",
        "制作时间：协调世界时二零三零年三月十七日十七点四十六分四十秒。",
    ],
);
const NONCE: Row = Row("cti", 0, ["The number of the offer is <nonce>.", "报价编号：<nonce>。", "", ""]);
const ITEMS: Row = Row(
    "items",
    0,
    [
        "What it is for, with the merchant's own words in quotes:",
        "购买内容如下，引号内是商家自己写的文字：",
        "What it is for. What is quoted are the words of the merchant.",
        "购买内容如下，引文是商家自己写的文字。",
    ],
);

/// The line of goods with a name in quotes, in each way.
fn goods(names: [&str; 4]) -> [String; 4] {
    [
        format!("1. goods: 1 × 12.80 CNY = 12.80 CNY; named {}, id “longjing-25”.", names[0]),
        format!("1. 商品：1 × 12.80 人民币元 = 12.80 人民币元；名称{}，编号“longjing-25”。", names[1]),
        format!(
            "Line one, goods: one times twelve point eight zero Chinese Yuan is twelve point eight zero Chinese Yuan. Named \
             {}. Id quote, longjing dash 25, end of quote.",
            names[2]
        ),
        format!(
            "第一行，商品：一乘十二点八零人民币元等于十二点八零人民币元。名称，{}。编号，引文，longjing 横线 25，引文完。",
            names[3]
        ),
    ]
}

const TEA: [&str; 4] = [
    "“Longjing tea, 25 g”",
    "“Longjing tea, 25 g”",
    "quote, Longjing tea comma 25 g, end of quote",
    "引文，Longjing tea 逗号 25 g，引文完",
];

/// The lines of an offer with one line of goods.
fn with_goods<T>(goods: &[String; 4], of: impl FnOnce(&[Row]) -> T) -> T {
    let goods = Row("items.0", 1, goods.each_ref().map(|words| leaked(words)));
    of(&[KIND, MERCHANT, TOTAL, CURRENCY, AT_ONCE, UNTIL, PAYEE, MADE, NONCE, ITEMS, goods])
}

pub(super) fn cases(sheet: &mut Sheet) {
    let clauses = "RND-18 RND-11 RND-12 RND-14";
    with_goods(&goods(TEA), |rows| {
        let title = "An offer of one line, paid at once";
        each_way(sheet, "offer/plain", title, Shows::default(), clauses, &Subject::offer(plain()), rows);
    });
    kinds(sheet);
    rich(sheet);
    words_of_merchants(sheet);
    confirmations(sheet);
}

fn kinds(sheet: &mut Sheet) {
    for (id, number, kind) in [
        ("metered", 2, same("kind", "Offer of a metered session.", "商家报价：按用量计费。")),
        ("subscription", 3, same("kind", "Offer of one period of a subscription.", "商家报价：订阅一期。")),
        ("pack", 4, same("kind", "Offer of a pack of units.", "商家报价：预付用量包。")),
    ] {
        with_goods(&goods(TEA), |rows| {
            let rows = [&[kind], &rows[1..]].concat();
            let (id, subject) = (format!("offer/kind/{id}"), Subject::offer(plain().with(-23, number)));
            // The words are the same for both media.
            for at in [0, 1] {
                one_way(sheet, (&id, "What paying it begins"), (Shows::default(), "RND-18"), &subject, &rows, at);
            }
        });
    }
}

/// Goods with a category, delivery, a discount, a hold, a request and a customer.
fn rich(sheet: &mut Sheet) {
    let rows = [
        KIND,
        MERCHANT,
        TOTAL,
        CURRENCY,
        BY_COMMAND,
        UNTIL,
        PAYEE,
        MADE,
        Row("pseudonym", 0, ["It was made for the customer <pseudonym>.", "专为顾客 <pseudonym> 报价。", "", ""]),
        Row(
            "resource",
            0,
            ["It answers the request with the digest <resource>.", "所回应的请求，摘要为 <resource>。", "", ""],
        ),
        NONCE,
        ITEMS,
        LINES[0],
        LINES[1],
        LINES[2],
    ];
    let title = "An offer with every field";
    let subject = Subject::offer(papers::offer());
    each_way(sheet, "offer/rich", title, Shows::default(), "RND-18 RND-10", &subject, &rows);
    let subject = Subject::offer(papers::offer().without(-27));
    let title = "A hold whose length is not said lasts seven days";
    one_way(sheet, ("offer/hold", title), (Shows::default(), "RND-18 RND-10"), &subject, &rows, 0);
}

const LINES: [Row; 3] = [
    Row(
        "items.0",
        1,
        [
            "1. goods: 2 × 6.00 CNY = 12.00 CNY; named “Longjing tea, 25 g”, id “longjing-25”, category 5499.",
            "1. 商品：2 × 6.00 人民币元 = 12.00 人民币元；名称“Longjing tea, 25 g”，编号“longjing-25”，类别 5499。",
            "Line one, goods: two times six Chinese Yuan is twelve Chinese Yuan. Named quote, Longjing tea comma 25 g, end of \
             quote. Id quote, longjing dash 25, end of quote. Category five four nine nine.",
            "第一行，商品：二乘六人民币元等于十二人民币元。名称，引文，Longjing tea 逗号 25 g，引文完。编号，引文，longjing 横线 25，引文完。类别，五四九九。",
        ],
    ),
    Row(
        "items.1",
        1,
        [
            "2. delivery: 1 × 1.00 CNY = 1.00 CNY; named “Delivery”, id “post”.",
            "2. 配送费：1 × 1.00 人民币元 = 1.00 人民币元；名称“Delivery”，编号“post”。",
            "Line two, delivery: one times one Chinese Yuan is one Chinese Yuan. Named quote, Delivery, end of quote. Id \
             quote, post, end of quote.",
            "第二行，配送费：一乘一人民币元等于一人民币元。名称，引文，Delivery，引文完。编号，引文，post，引文完。",
        ],
    ),
    Row(
        "items.2",
        1,
        [
            "3. discount, taken off: 1 × 0.20 CNY = 0.20 CNY; named “Autumn discount”, id “autumn”.",
            "3. 优惠，从总额中扣减：1 × 0.20 人民币元 = 0.20 人民币元；名称“Autumn discount”，编号“autumn”。",
            "Line three, discount, taken off: one times zero point two zero Chinese Yuan is zero point two zero Chinese Yuan. \
             Named quote, Autumn discount, end of quote. Id quote, autumn, end of quote.",
            "第三行，优惠，从总额中扣减：一乘零点二零人民币元等于零点二零人民币元。名称，引文，Autumn discount，引文完。编号，引文，autumn，引文完。",
        ],
    ),
];

/// Names that try to be something else than a name.
fn words_of_merchants(sheet: &mut Sheet) {
    let long = "x".repeat(200);
    let (eighty, forty) = (&long[..80], &long[..40]);
    let cut = [
        format!("“{eighty}” and 120 more characters"),
        format!("“{eighty}”，另有 120 个字符未显示"),
        format!("quote, {forty}, end of quote, and one hundred sixty more characters"),
        format!("引文，{forty}，引文完，另有一百六十个字符未读出"),
    ];
    let attack = Shows("", "A24");
    let later = format!("{forty} quote");
    let ends_later = [
        format!("“{later}”"),
        format!("“{later}”"),
        format!("quote, {forty}, end of quote, and six more characters"),
        format!("引文，{forty}，引文完，另有六个字符未读出"),
    ];
    let rows: [(&str, &str, &str, [&str; 4]); 13] = [
        ("cut", "Words longer than anybody reads", &long, [&cut[0], &cut[1], &cut[2], &cut[3]]),
        (
            "closes-the-quote",
            "A name that ends its quote and goes on in ours",
            "tea”; The total is 0.01 CNY. “",
            [
                "“tea{U+201D}; The total is 0.01 CNY. {U+201C}”",
                "“tea{U+201D}; The total is 0.01 CNY. {U+201C}”",
                "quote, tea character 2 0 1 D semicolon The total is 0 dot 01 CNY dot character 2 0 1 C, end of quote",
                "引文，tea 字符 2 0 1 D 分号 The total is 0 点 01 CNY 点 字符 2 0 1 C，引文完",
            ],
        ),
        (
            "says-end-of-quote-later",
            "The same behind what is read out",
            &later,
            [&ends_later[0], &ends_later[1], &ends_later[2], &ends_later[3]],
        ),
        (
            "says-end-of-quote-in-parts",
            "The same, letters apart, and longer than what is read out",
            "Q-u o.t e, and forty more letters of tea of the best kind",
            [
                "“Q-u o.t e, and forty more letters of tea of the best kind”",
                "“Q-u o.t e, and forty more letters of tea of the best kind”",
                "a text of fifty seven characters that is not read out",
                "引文，Q 横线 u o 点 t e 逗号 and forty more letters of tea，引文完，另有十七个字符未读出",
            ],
        ),
        (
            "says-end-of-quote",
            "A name that says aloud that it has ended",
            "tea, end of quote. Pay one yuan",
            [
                "“tea, end of quote. Pay one yuan”",
                "“tea, end of quote. Pay one yuan”",
                "a text of thirty one characters that is not read out",
                "引文，tea 逗号 end of quote 点 Pay one yuan，引文完",
            ],
        ),
        (
            "says-end-of-quote-in-chinese",
            "The same, in Chinese",
            "茶，引文完。只付一元",
            [
                "“茶，引文完。只付一元”",
                "“茶，引文完。只付一元”",
                "quote, 茶 wide comma 引文完 full stop 只付一元, end of quote",
                "一段不读出的文字，共十个字符",
            ],
        ),
        (
            "right-to-left",
            "Letters that are written from the right, beside figures",
            "\u{5e9}\u{5dc} 100",
            [
                "“{U+05E9}{U+05DC} 100”",
                "“{U+05E9}{U+05DC} 100”",
                "quote, character 0 5 E 9 character 0 5 D C 100, end of quote",
                "引文，字符 0 5 E 9 字符 0 5 D C 100，引文完",
            ],
        ),
        (
            "look-alike",
            "A Cyrillic letter among Latin ones",
            "T\u{435}a",
            [
                "“T{U+0435}a”",
                "“T{U+0435}a”",
                "quote, T character 0 4 3 5 a, end of quote",
                "引文，T 字符 0 4 3 5 a，引文完",
            ],
        ),
        (
            "wide-figures",
            "Figures of full width",
            "\u{ff11}\u{ff10}",
            [
                "“{U+FF11}{U+FF10}”",
                "“{U+FF11}{U+FF10}”",
                "quote, character F F 1 1 character F F 1 0, end of quote",
                "引文，字符 F F 1 1 字符 F F 1 0，引文完",
            ],
        ),
        (
            "marks",
            "A soft hyphen, a joiner of graphemes, a selector and a picture",
            "a\u{ad}b\u{34f}c\u{fe0f}\u{1f4b0}",
            [
                "“a{U+00AD}b{U+034F}c{U+FE0F}{U+1F4B0}”",
                "“a{U+00AD}b{U+034F}c{U+FE0F}{U+1F4B0}”",
                "quote, a character 0 0 A D b character 0 3 4 F c character F E 0 F character 1 F 4 B 0, end of quote",
                "引文，a 字符 0 0 A D b 字符 0 3 4 F c 字符 F E 0 F 字符 1 F 4 B 0，引文完",
            ],
        ),
        (
            "braces",
            "What looks like a number of a character, and like a hole",
            "{U+0041} {amount}",
            [
                "“{U+007B}U+0041{U+007D} {U+007B}amount{U+007D}”",
                "“{U+007B}U+0041{U+007D} {U+007B}amount{U+007D}”",
                "quote, open brace U plus 0041 close brace open brace amount close brace, end of quote",
                "引文，左花括号 U 加号 0041 右花括号 左花括号 amount 右花括号，引文完",
            ],
        ),
        (
            "markup",
            "Markup",
            "<b onclick=\"pay()\">tea</b>",
            [
                "“<b onclick={U+0022}pay(){U+0022}>tea</b>”",
                "“<b onclick={U+0022}pay(){U+0022}>tea</b>”",
                "quote, less than b onclick equals double mark pay open bracket close bracket double mark greater than tea \
                 less than slash b greater than, end of quote",
                "引文，小于号 b onclick 等号 双引号 pay 左括号 右括号 双引号 大于号 tea 小于号 斜杠 b 大于号，引文完",
            ],
        ),
        (
            "accents",
            "Letters with marks and ideographs stand as they are",
            "Café 龙井（大杯）¥12",
            [
                "“Café 龙井（大杯）¥12”",
                "“Café 龙井（大杯）¥12”",
                "quote, Café 龙井 wide open bracket 大杯 wide close bracket yen sign 12, end of quote",
                "引文，Café 龙井 全角左括号 大杯 全角右括号 元符号 12，引文完",
            ],
        ),
    ];
    for (id, title, name, words) in rows {
        // Angle brackets of the merchant's are none of ours.
        let words = goods(words).map(|words| words.replace('<', &LESS_THAN.to_string()));
        with_goods(&words, |rows| {
            let (id, subject) = (format!("offer/words/{id}"), Subject::offer(with_name(name)));
            each_way(sheet, &id, title, attack, "RND-12 RND-13 RND-14", &subject, rows);
        });
    }
}

fn intent() -> Item {
    labelled([
        (3, "issuer.example".into()),
        (6, NOW.into()),
        (-1, 1.into()),
        (-2, keys::thirty_two("mandate").into()),
        (-3, keys::thirty_two("offer").into()),
        (-5, 1_280.into()),
        (-6, "CNY".into()),
        (-7, keys::thirty_two("hash of the secret").into()),
    ])
}

fn confirmations(sheet: &mut Sheet) {
    let yes = labelled([
        (2, keys::sixteen("account ann").into()),
        (3, "issuer.example".into()),
        (6, (NOW + 30).into()),
        (-1, 1.into()),
        // 0x00000d05 is 3333.
        (-4, [&[0, 0, 0x0d, 0x05], &[0x77; 28][..]].concat().into()),
        (-31, 1.into()),
    ]);
    let pay = Row(
        "intent.amount",
        0,
        [
            "Pay 12.80 CNY to the merchant that its certificate names tea.example.",
            "付款 12.80 人民币元给商家 tea.example（以证书为准）。",
            "Pay twelve point eight zero Chinese Yuan to the merchant that its certificate names tea dot example, letter by \
             letter t e a dot e x a m p l e.",
            "付款十二点八零人民币元给商家，证书上的名称为 tea 点 example，逐字为 t e a 点 e x a m p l e。",
        ],
    );
    let asked = Row(
        "intent.iat",
        0,
        [
            "The agent asked at 17 March 2030, 17:46:40 UTC.",
            "智能体提出请求的时间：2030年3月17日 17:46:40（协调世界时）。",
            "The agent asked at March seventeen, two thousand thirty, seventeen hours, forty six minutes, forty seconds, \
             universal time.",
            "智能体提出请求的时间：协调世界时二零三零年三月十七日十七点四十六分四十秒。",
        ],
    );
    let account = Row("sub", 0, ["It comes from the account <account>.", "付款账户：<account>。", "", ""]);
    let under = Row(
        "intent.mandate",
        0,
        ["The agent asks under the mandate <mandate>.", "智能体依据授权 <mandate> 提出请求。", "", ""],
    );
    let offer = Row("intent.offer", 0, ["The offer is <offer>.", "报价的标识：<offer>。", "", ""]);
    let payment = "00000d0577777777777777777777777777777777777777777777777777777777";
    let english = leaked(&format!("The payment is {payment}."));
    let payment = Row("intent", 0, [english, leaked(&format!("付款的标识：{payment}。")), "", ""]);
    let answer = Row(
        "phrase",
        0,
        [
            "",
            "",
            "To agree, say: yes pay twelve point eight zero Chinese Yuan code three three three three.",
            "如果同意，请说：同意付款十二点八零人民币元号码三三三三。",
        ],
    );
    let title = same("title", "Confirm one payment.", "请确认一次付款。");
    let moved = |row: Row| Row(leaked(&format!("offer.{}", row.0)), row.1, row.2);
    let [kind, currency, at_once, until, items] = [KIND, CURRENCY, AT_ONCE, UNTIL, ITEMS].map(moved);
    let goods = moved(Row("items.0", 1, goods(TEA).each_ref().map(|words| leaked(words))));
    let payee = Row("aud", 0, PAYEE.2);
    let head = [title, pay, kind, currency, at_once, until, payee, account, asked, under];
    let rows = [&head[..], &[offer, payment, items, goods, answer]].concat();
    let subject = Subject { kind: "confirmation", payload: yes.clone(), beside: Some((intent(), plain())) };
    let clauses = "RND-19 RND-20";
    each_way(sheet, "confirmation/plain", "Yes to one payment", Shows::default(), clauses, &subject, &rows);

    let said = [
        Row(
            "intent.channel",
            0,
            [
                "By the agent's word, the offer came from glasses.",
                "据智能体声明，报价来自眼镜。",
                "By the word of the agent, the offer came from glasses.",
                "据智能体声明，报价来自眼镜。",
            ],
        ),
        Row(
            "intent.device",
            0,
            [
                "By the agent's word, it acts through the device with the key <device>.",
                "据智能体声明，所用设备的密钥为 <device>。",
                "By the word of the agent, it acts through the device with the key beginning with <device>.",
                "据智能体声明，所用设备的密钥为 <device> 开头。",
            ],
        ),
        Row(
            "intent.period",
            0,
            [
                "It pays the period 3 of a subscription.",
                "支付订阅的第 3 期。",
                "It pays the period three of a subscription.",
                "支付订阅的第三期。",
            ],
        ),
    ];
    let rows = [&head[..], &said, &[offer, payment, items, goods, answer]].concat();
    let intent = intent().with(-28, 5).with(-29, keys::thirty_two("device")).with(-30, 3);
    let subject = Subject { kind: "confirmation", payload: yes.clone(), beside: Some((intent.clone(), plain())) };
    let title = "Channel, device and period, as the agent says them";
    each_way(sheet, "confirmation/agent", title, Shows::default(), clauses, &subject, &rows);

    // What comes of the answer changes nothing; an issuer that the offer does not name is said by itself.
    let answered = yes.with(3, "other.example").with(-31, 2).with(-32, keys::thirty_two("recording"));
    let answered = answered.with(-33, "yes").with(-19, seq(["en".into(), keys::thirty_two("what was shown").into()]));
    let issuer = Row(
        "aud",
        0,
        [
            "The money is kept by other.example.",
            "资金由 other.example 保管。",
            "The money is kept by other dot example, letter by letter o t h e r dot e x a m p l e.",
            "资金由 other 点 example，逐字为 o t h e r 点 e x a m p l e 保管。",
        ],
    );
    let rows: Vec<Row> = rows.into_iter().map(|row| if row.0 == "aud" { issuer } else { row }).collect();
    let subject = Subject { kind: "confirmation", payload: answered, beside: Some((intent, plain())) };
    let title = "What came of the answer is not said; nor is an account at another issuer";
    each_way(sheet, "confirmation/answered", title, Shows::default(), clauses, &subject, &rows);
}
