//! Every rule of the registry, alone beside the total of a quota.

use super::mandates::{CAPS, TOTAL, lines, quota};
use super::{Row, Sheet, Shows, Subject, each_way, id, leaked, one_way};
use crate::vectors::cbor::{Item, labelled, seq};
use crate::vectors::keys;

pub(super) fn cases(sheet: &mut Sheet) {
    for (id, title, label, value, rows) in amounts().into_iter().chain(parties()).chain(goods()).chain(ways()) {
        let caps = labelled([(3, 500_000.into())]).with(label, value);
        let subject = Subject::mandate(quota().with(-15, caps));
        // The total is the third of the rules, and the rule itself where that is the one.
        let limits = match label {
            ..3 => [&[CAPS], &rows[..], &[TOTAL]].concat(),
            3 => [&[CAPS], &rows[..]].concat(),
            _ => [&[CAPS, TOTAL], &rows[..]].concat(),
        };
        each_way(sheet, &format!("rule/{id}"), title, Shows::default(), "RND-16 RND-23", &subject, &lines(&limits));
    }
    numbers(sheet);
}

/// Numbers in words, where the words are not read off the figures.
fn numbers(sheet: &mut Sheet) {
    for (number, english, chinese) in [
        (1_i64, "one", "一"),
        (10, "ten", "十"),
        (19, "nineteen", "十九"),
        (20, "twenty", "二十"),
        (42, "forty two", "四十二"),
        (110, "one hundred ten", "一百一十"),
        (1_001, "one thousand one", "一千零一"),
        (1_100, "one thousand one hundred", "一千一百"),
        (10_010, "ten thousand ten", "一万零一十"),
        (101_000, "one hundred one thousand", "十万一千"),
        (1_000_000, "one million", "一百万"),
        (10_100_000, "ten million one hundred thousand", "一千零一十万"),
        (100_100_000, "one hundred million one hundred thousand", "一亿零一十万"),
        (
            4_294_967_295,
            "four billion two hundred ninety four million nine hundred sixty seven thousand two hundred ninety five",
            "四十二亿九千四百九十六万七千二百九十五",
        ),
    ] {
        let subject = Subject::mandate(quota().with(-15, labelled([(3, 500_000.into()), (5, number.into())])));
        let english = format!("Number of payments: at most {english}.");
        let chinese = format!("付款次数最多{chinese}次。");
        let words = ["", "", leaked(&english), leaked(&chinese)];
        let rows = lines(&[CAPS, TOTAL, Row("caps.count", 1, words)]);
        for at in [2, 3] {
            let id = format!("number/{number}");
            one_way(sheet, (&id, "A number in words"), (Shows::default(), "RND-7 RND-8"), &subject, &rows, at);
        }
    }
}

type Rule = (&'static str, &'static str, i64, Item, Vec<Row>);

fn shanghai(unit: i64) -> Item {
    seq([1.into(), unit.into(), "Asia/Shanghai".into()])
}

fn amounts() -> Vec<Rule> {
    vec![
        (
            "amount-max",
            "The most for one payment",
            1,
            12_80.into(),
            vec![Row(
                "caps.amount_max",
                1,
                [
                    "At most 12.80 CNY for one payment.",
                    "每次付款最多 12.80 人民币元。",
                    "At most twelve point eight zero Chinese Yuan for one payment.",
                    "每次付款最多十二点八零人民币元。",
                ],
            )],
        ),
        (
            "amount-min",
            "The least for one payment",
            2,
            5.into(),
            vec![Row(
                "caps.amount_min",
                1,
                [
                    "At least 0.05 CNY for one payment.",
                    "每次付款至少 0.05 人民币元。",
                    "At least zero point zero five Chinese Yuan for one payment.",
                    "每次付款至少零点零五人民币元。",
                ],
            )],
        ),
        (
            "total/greatest",
            "The greatest sum of all",
            3,
            9_007_199_254_740_991_i64.into(),
            vec![Row(
                "caps.total",
                1,
                [
                    "At most 90,071,992,547,409.91 CNY for all payments together.",
                    "全部付款合计最多 90,071,992,547,409.91 人民币元。",
                    "At most ninety trillion seventy one billion nine hundred ninety two million five hundred forty seven \
                     thousand four hundred nine point nine one Chinese Yuan for all payments together.",
                    "全部付款合计最多九十万零七百一十九亿九千二百五十四万七千四百零九点九一人民币元。",
                ],
            )],
        ),
        (
            "total-per",
            "Sums in a day and in a rolling period",
            4,
            seq([seq([20_000.into(), shanghai(1)]), seq([10_010.into(), seq([2.into(), 90_061.into()])])]),
            vec![
                Row(
                    "caps.total_per.0",
                    1,
                    [
                        "At most 200.00 CNY in each calendar day in the zone Asia/Shanghai.",
                        "按 Asia/Shanghai 时区的每个自然日内，合计最多 200.00 人民币元。",
                        "At most two hundred Chinese Yuan in each calendar day in the zone Asia slash Shanghai.",
                        "按 Asia 斜杠 Shanghai 时区的每个自然日内，合计最多二百人民币元。",
                    ],
                ),
                Row(
                    "caps.total_per.1",
                    1,
                    [
                        "At most 100.10 CNY in any stretch of 1 day 1 hour 1 minute 1 second.",
                        "任意连续 1 天 1 小时 1 分钟 1 秒内，合计最多 100.10 人民币元。",
                        "At most one hundred point one zero Chinese Yuan in any stretch of one day one hour one minute one second.",
                        "任意连续一天一小时一分钟一秒内，合计最多一百点一零人民币元。",
                    ],
                ),
            ],
        ),
        (
            "count",
            "A number of payments",
            5,
            1_010.into(),
            vec![Row(
                "caps.count",
                1,
                [
                    "Number of payments: at most 1,010.",
                    "付款次数最多 1,010 次。",
                    "Number of payments: at most one thousand ten.",
                    "付款次数最多一千零一十次。",
                ],
            )],
        ),
        (
            "count-per/terms",
            "One payment in each term of a month and of a year",
            6,
            seq([
                seq([1.into(), seq([3.into(), 3.into(), "Asia/Shanghai".into(), 1_896_055_200_u64.into()])]),
                seq([2.into(), seq([3.into(), 4.into(), "UTC".into(), 1_835_438_400_u64.into()])]),
            ]),
            vec![
                Row(
                    "caps.count_per.0",
                    1,
                    [
                        "Number of payments in each term of one month counted from 31 January 2030, 02:00:00 UTC in the zone Asia/Shanghai: at most 1.",
                        "自 2030年1月31日 02:00:00（协调世界时） 起按 Asia/Shanghai 时区计，一期一个月，每一期内，付款次数最多 1 次。",
                        "Number of payments in each term of one month counted from January thirty one, two thousand thirty, two hours, zero minutes, zero seconds, universal time in the zone Asia slash Shanghai: at most one.",
                        "自 协调世界时二零三零年一月三十一日二点零分零秒 起按 Asia 斜杠 Shanghai 时区计，一期一个月，每一期内，付款次数最多一次。",
                    ],
                ),
                Row(
                    "caps.count_per.1",
                    1,
                    [
                        "Number of payments in each term of one year counted from 29 February 2028, 12:00:00 UTC in the zone UTC: at most 2.",
                        "自 2028年2月29日 12:00:00（协调世界时） 起按 UTC 时区计，一期一年，每一期内，付款次数最多 2 次。",
                        "Number of payments in each term of one year counted from February twenty nine, two thousand twenty eight, twelve hours, zero minutes, zero seconds, universal time in the zone UTC: at most two.",
                        "自 协调世界时二零二八年二月二十九日十二点零分零秒 起按 UTC 时区计，一期一年，每一期内，付款次数最多二次。",
                    ],
                ),
            ],
        ),
        (
            "terms/short",
            "Sums in terms of a day and of a week",
            4,
            seq([
                seq([20_000.into(), seq([3.into(), 1.into(), "UTC".into(), 1_896_055_200_u64.into()])]),
                seq([90_000.into(), seq([3.into(), 2.into(), "UTC".into(), 1_896_055_200_u64.into()])]),
            ]),
            vec![
                Row(
                    "caps.total_per.0",
                    1,
                    [
                        "At most 200.00 CNY in each term of one day counted from 31 January 2030, 02:00:00 UTC in the zone UTC.",
                        "自 2030年1月31日 02:00:00（协调世界时） 起按 UTC 时区计，一期一日，每一期内，合计最多 200.00 人民币元。",
                        "At most two hundred Chinese Yuan in each term of one day counted from January thirty one, two thousand thirty, two hours, zero minutes, zero seconds, universal time in the zone UTC.",
                        "自 协调世界时二零三零年一月三十一日二点零分零秒 起按 UTC 时区计，一期一日，每一期内，合计最多二百人民币元。",
                    ],
                ),
                Row(
                    "caps.total_per.1",
                    1,
                    [
                        "At most 900.00 CNY in each term of one week counted from 31 January 2030, 02:00:00 UTC in the zone UTC.",
                        "自 2030年1月31日 02:00:00（协调世界时） 起按 UTC 时区计，一期一周，每一期内，合计最多 900.00 人民币元。",
                        "At most nine hundred Chinese Yuan in each term of one week counted from January thirty one, two thousand thirty, two hours, zero minutes, zero seconds, universal time in the zone UTC.",
                        "自 协调世界时二零三零年一月三十一日二点零分零秒 起按 UTC 时区计，一期一周，每一期内，合计最多九百人民币元。",
                    ],
                ),
            ],
        ),
        (
            "count-per",
            "Numbers of payments in a week, a month and a year",
            6,
            seq([
                seq([3.into(), shanghai(2)]),
                seq([20.into(), seq([1.into(), 3.into(), "America/Port-au-Prince".into()])]),
                seq([100.into(), seq([1.into(), 4.into(), "Etc/GMT+8".into()])]),
            ]),
            vec![
                Row(
                    "caps.count_per.0",
                    1,
                    [
                        "Number of payments in each calendar week from Monday in the zone Asia/Shanghai: at most 3.",
                        "按 Asia/Shanghai 时区从周一起的每个自然周内，付款次数最多 3 次。",
                        "Number of payments in each calendar week from Monday in the zone Asia slash Shanghai: at most three.",
                        "按 Asia 斜杠 Shanghai 时区从周一起的每个自然周内，付款次数最多三次。",
                    ],
                ),
                Row(
                    "caps.count_per.1",
                    1,
                    [
                        "Number of payments in each calendar month in the zone America/Port-au-Prince: at most 20.",
                        "按 America/Port-au-Prince 时区的每个自然月内，付款次数最多 20 次。",
                        "Number of payments in each calendar month in the zone America slash Port dash au dash Prince: at most twenty.",
                        "按 America 斜杠 Port 横线 au 横线 Prince 时区的每个自然月内，付款次数最多二十次。",
                    ],
                ),
                Row(
                    "caps.count_per.2",
                    1,
                    [
                        "Number of payments in each calendar year in the zone Etc/GMT+8: at most 100.",
                        "按 Etc/GMT+8 时区的每个自然年内，付款次数最多 100 次。",
                        "Number of payments in each calendar year in the zone Etc slash GMT plus 8: at most one hundred.",
                        "按 Etc 斜杠 GMT 加号 8 时区的每个自然年内，付款次数最多一百次。",
                    ],
                ),
            ],
        ),
    ]
}

fn parties() -> Vec<Rule> {
    vec![
        (
            "merchants-allow",
            "Names, with figures that pass for letters",
            7,
            seq(["a.b".into(), "paypa1.example".into(), "g00gle-1.example".into()]),
            vec![Row(
                "caps.merchants_allow",
                1,
                [
                    "Only to these merchants: a.b, paypa1.example (1 is a digit), g00gle-1.example (0 and 1 are digits).",
                    "只能付给这些商家：a.b、paypa1.example（1 是数字）、g00gle-1.example（0 和 1 是数字）。",
                    "Only to these merchants: a dot b, letter by letter a dot b, paypa1 dot example, letter by letter p a y p a \
                     1 dot e x a m p l e, g00gle dash 1 dot example, letter by letter g 0 0 g l e dash 1 dot e x a m p l e.",
                    "只能付给这些商家：a 点 b，逐字为 a 点 b，paypa1 点 example，逐字为 p a y p a 1 点 e x a m p l e，g00gle 横线 1 点 \
                     example，逐字为 g 0 0 g l e 横线 1 点 e x a m p l e。",
                ],
            )],
        ),
        (
            "merchants-deny",
            "A name in punycode, which stays so",
            8,
            seq(["xn--80ak6aa92e.example".into()]),
            vec![Row(
                "caps.merchants_deny",
                1,
                [
                    "Never to these merchants: xn--80ak6aa92e.example (0 is a digit).",
                    "不得付给这些商家：xn--80ak6aa92e.example（0 是数字）。",
                    "Never to these merchants: xn dash dash 80ak6aa92e dot example, letter by letter x n dash dash 8 0 a k 6 a a \
                     9 2 e dot e x a m p l e.",
                    "不得付给这些商家：xn 横线 横线 80ak6aa92e 点 example，逐字为 x n 横线 横线 8 0 a k 6 a a 9 2 e 点 e x a m p l e。",
                ],
            )],
        ),
        (
            "payee-keys",
            "Two keys of one merchant and one of another",
            17,
            payee_keys(),
            vec![
                Row(
                    "caps.payee_keys.0",
                    1,
                    [
                        "To tea.example only for offers signed with one of these keys: <high>.",
                        "付给 tea.example 时，报价必须由以下密钥之一签名：<high>。",
                        "To tea dot example, letter by letter t e a dot e x a m p l e only for offers signed with one of these \
                         keys: beginning with <high>.",
                        "付给 tea 点 example，逐字为 t e a 点 e x a m p l e 时，报价必须由以下密钥之一签名：<high> 开头。",
                    ],
                ),
                Row(
                    "caps.payee_keys.1",
                    1,
                    [
                        "To rice.example only for offers signed with one of these keys: <low>, <high>.",
                        "付给 rice.example 时，报价必须由以下密钥之一签名：<low>、<high>。",
                        "To rice dot example, letter by letter r i c e dot e x a m p l e only for offers signed with one of \
                         these keys: beginning with <low>, beginning with <high>.",
                        "付给 rice 点 example，逐字为 r i c e 点 e x a m p l e 时，报价必须由以下密钥之一签名：<low> 开头，<high> 开头。",
                    ],
                ),
            ],
        ),
    ]
}

/// Two keys for `rice.example`, in their order.
fn payee_keys() -> Item {
    let pin = |name: &str, key: &str| seq([name.into(), id(key).into()]);
    seq([pin("tea.example", "high"), pin("rice.example", "low"), pin("rice.example", "high")])
}

fn goods() -> Vec<Rule> {
    vec![
        (
            "categories-allow",
            "Categories, by four figures each",
            9,
            seq([742.into(), 5_411.into()]),
            vec![Row(
                "caps.categories_allow",
                1,
                [
                    "Only goods of these categories of ISO 18245: 0742, 5411.",
                    "只能购买 ISO 18245 的这些类别的商品：0742、5411。",
                    "Only goods of these categories of ISO 18245: zero seven four two, five four one one.",
                    "只能购买 ISO 18245 的这些类别的商品：零七四二，五四一一。",
                ],
            )],
        ),
        (
            "categories-deny",
            "Categories that are never paid for",
            10,
            seq([7_995.into()]),
            vec![Row(
                "caps.categories_deny",
                1,
                [
                    "No goods of these categories of ISO 18245, and none without a category: 7995.",
                    "不得购买未标明类别的商品，也不得购买 ISO 18245 的这些类别的商品：7995。",
                    "No goods of these categories of ISO 18245, and none without a category: seven nine nine five.",
                    "不得购买未标明类别的商品，也不得购买 ISO 18245 的这些类别的商品：七九九五。",
                ],
            )],
        ),
        (
            "items-allow",
            "Ids that are not what they look like",
            11,
            seq(["tea".into(), "t\u{435}a".into(), "”, “all".into()]),
            vec![Row(
                "caps.items_allow",
                1,
                [
                    "Only goods with these item ids: “tea”, “t{U+0435}a”, “{U+201D}, {U+201C}all”.",
                    "只能购买这些编号的商品：“tea”、“t{U+0435}a”、“{U+201D}, {U+201C}all”。",
                    "Only goods with these item ids: quote, tea, end of quote, quote, t character 0 4 3 5 a, end of quote, \
                     quote, character 2 0 1 D comma character 2 0 1 C all, end of quote.",
                    "只能购买这些编号的商品：引文，tea，引文完，引文，t 字符 0 4 3 5 a，引文完，引文，字符 2 0 1 D 逗号 字符 2 0 1 C all，引文完。",
                ],
            )],
        ),
        (
            "items-deny",
            "An id of a single space, and one with two",
            12,
            seq([" ".into(), "a  b".into()]),
            vec![Row(
                "caps.items_deny",
                1,
                [
                    "No goods with these item ids: “{U+0020}”, “a {U+0020}b”.",
                    "不得购买这些编号的商品：“{U+0020}”、“a {U+0020}b”。",
                    "No goods with these item ids: quote, space, end of quote, quote, a space b, end of quote.",
                    "不得购买这些编号的商品：引文，空格，引文完，引文，a 空格 b，引文完。",
                ],
            )],
        ),
        (
            "price-deviation",
            "How far prices may lie from references",
            13,
            seq([seq(["tea".into(), 12_000.into(), 155.into()]), seq(["rice".into(), 100.into(), 0.into()])]),
            vec![
                Row(
                    "caps.price_deviation.0",
                    1,
                    [
                        "The price of one “tea” may differ from 120.00 CNY by at most 15.5%.",
                        "编号“tea”的商品，单价与 120.00 人民币元相差最多 15.5%。",
                        "The price of one quote, tea, end of quote may differ from one hundred twenty Chinese Yuan by at most \
                         fifteen point five percent.",
                        "编号引文，tea，引文完的商品，单价与一百二十人民币元相差最多百分之十五点五。",
                    ],
                ),
                Row(
                    "caps.price_deviation.1",
                    1,
                    [
                        "The price of one “rice” may differ from 1.00 CNY by at most 0%.",
                        "编号“rice”的商品，单价与 1.00 人民币元相差最多 0%。",
                        "The price of one quote, rice, end of quote may differ from one Chinese Yuan by at most zero percent.",
                        "编号引文，rice，引文完的商品，单价与一人民币元相差最多百分之零。",
                    ],
                ),
            ],
        ),
    ]
}

fn ways() -> Vec<Rule> {
    vec![
        (
            "times",
            "Hours of the week",
            14,
            seq([
                seq(["Asia/Shanghai".into(), 0b010_0001.into(), 420.into(), 1_325.into()]),
                seq(["UTC".into(), 127.into(), 0.into(), 1_440.into()]),
            ]),
            vec![Row(
                "caps.times",
                1,
                [
                    "Only at these times: Monday, Saturday from 07:00 to 22:05 in the zone Asia/Shanghai; or every day from \
                     00:00 to 24:00 in the zone UTC.",
                    "只能在这些时间付款：Asia/Shanghai 时区周一、周六 07:00 至 22:05；或 UTC 时区每天 00:00 至 24:00。",
                    "Only at these times: Monday, Saturday from seven hours zero minutes to twenty two hours five minutes in the \
                     zone Asia slash Shanghai, or every day from zero hours zero minutes to twenty four hours zero minutes in \
                     the zone UTC.",
                    "只能在这些时间付款：Asia 斜杠 Shanghai 时区周一，周六七点零分至二十二点五分，或UTC 时区每天零点零分至二十四点零分。",
                ],
            )],
        ),
        (
            "channels",
            "How the agent met the offer",
            15,
            seq([1.into(), 2.into(), 3.into(), 4.into(), 5.into()]),
            vec![Row(
                "caps.channels",
                1,
                [
                    "Only offers that came, by the agent's word, from: the web, a merchant's code, a conversation, a vehicle, \
                     glasses.",
                    "只限智能体声明来自以下途径的报价：网络、商家的收款码、对话、车辆、眼镜。",
                    "Only offers that came, by the word of the agent, from: the web, a code of the merchant, a conversation, a \
                     vehicle, glasses.",
                    "只限智能体声明来自以下途径的报价：网络，商家的收款码，对话，车辆，眼镜。",
                ],
            )],
        ),
        (
            "devices",
            "The devices that it acts through",
            16,
            seq([keys::thirty_two("device").into()]),
            vec![Row(
                "caps.devices",
                1,
                [
                    "Only, by the agent's word, through devices with these keys: <device>.",
                    "只限智能体声明所用设备的密钥为：<device>。",
                    "Only, by the word of the agent, through devices with these keys: beginning with <device>.",
                    "只限智能体声明所用设备的密钥为：<device> 开头。",
                ],
            )],
        ),
        (
            "depth/none",
            "Not to be passed on",
            18,
            0.into(),
            vec![Row(
                "caps.depth",
                1,
                [
                    "It may not be passed on to sub-agents.",
                    "不得转授给下级智能体。",
                    "It may not be passed on to other agents.",
                    "不得转授给下级智能体。",
                ],
            )],
        ),
        (
            "depth/some",
            "To be passed on twice",
            18,
            2.into(),
            vec![Row(
                "caps.depth",
                1,
                [
                    "It may be passed on to sub-agents. Levels below: at most 2.",
                    "可以转授给下级智能体，最多向下 2 级。",
                    "It may be passed on to other agents. Levels below: at most two.",
                    "可以转授给下级智能体，最多向下二级。",
                ],
            )],
        ),
        (
            "open-holds",
            "How many holds may be open",
            19,
            2.into(),
            vec![Row(
                "caps.open_holds",
                1,
                [
                    "Payments held open at the same time: at most 2.",
                    "同时冻结、尚未结清的付款最多 2 笔。",
                    "Payments held open at the same time: at most two.",
                    "同时冻结，尚未结清的付款最多二笔。",
                ],
            )],
        ),
        (
            "ask-first",
            "To be asked before the first payment to a merchant",
            20,
            true.into(),
            vec![super::mandates::same_rule(
                "caps.ask_first",
                "The person is asked before the account pays a merchant for the first time.",
                "账户第一次付款给某个商家之前，须经本人确认。",
            )],
        ),
        (
            "ask-above",
            "To be asked above nothing",
            21,
            0.into(),
            vec![Row(
                "caps.ask_above",
                1,
                [
                    "The person is asked before a payment above 0.00 CNY.",
                    "单次付款超过 0.00 人民币元时，须经本人确认。",
                    "The person is asked before a payment above zero Chinese Yuan.",
                    "单次付款超过零人民币元时，须经本人确认。",
                ],
            )],
        ),
    ]
}
