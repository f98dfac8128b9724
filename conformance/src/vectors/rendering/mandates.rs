//! Mandates: their modes, and every field that is no rule.

use purser_protocol::code::Code::{CborNotDeterministic, FieldConflict, RuleUnknown};
use purser_protocol::code::Stage::{Encoding, Schema};

use super::{Row, Sheet, Shows, Subject, each_way, unread};
use crate::vectors::cbor::{Item, labelled, seq};
use crate::vectors::{keys, papers};

/// A quota of 5,000 yuan, and nothing that it need not have.
pub(super) fn quota() -> Item {
    papers::mandate().without(-17)
}

const TITLE: Row = same("title", "Mandate for a sum.", "额度付款授权。");
const MODE: Row =
    same("mode", "It allows payments until the total below is used up.", "在下列总额用完之前，可以付款。");
const AGENT: Row = Row(
    "cnf",
    0,
    [
        "The agent with the key <agent> may pay.",
        "可以付款的是密钥为 <agent> 的智能体。",
        "The agent with the key beginning with <agent> may pay.",
        "可以付款的是密钥为 <agent> 开头 的智能体。",
    ],
);
const ISSUER: Row = Row(
    "aud",
    0,
    [
        "The money is kept by issuer.example.",
        "资金由 issuer.example 保管。",
        "The money is kept by issuer dot example, letter by letter i s s u e r dot e x a m p l e.",
        "资金由 issuer 点 example，逐字为 i s s u e r 点 e x a m p l e 保管。",
    ],
);
const ACCOUNT: Row = Row("sub", 0, ["It comes from the account <account>.", "付款账户：<account>。", "", ""]);
const CURRENCY: Row = Row(
    "currency",
    0,
    [
        "All amounts are in Chinese Yuan (CNY).",
        "所有金额的币种是人民币元（CNY）。",
        "All amounts are in Chinese Yuan.",
        "所有金额的币种是人民币元。",
    ],
);
const FROM: Row = Row(
    "nbf",
    0,
    [
        "It holds from 17 March 2030, 17:46:40 UTC.",
        "生效时间：2030年3月17日 17:46:40（协调世界时）。",
        "It holds from March seventeen, two thousand thirty, seventeen hours, forty six minutes, forty seconds, universal time.",
        "生效时间：协调世界时二零三零年三月十七日十七点四十六分四十秒。",
    ],
);
const UNTIL: Row = Row(
    "exp",
    0,
    [
        "It holds until just before 16 April 2030, 17:46:40 UTC.",
        "失效时间：2030年4月16日 17:46:40（协调世界时），从这一秒起不能再付款。",
        "It holds until just before April sixteen, two thousand thirty, seventeen hours, forty six minutes, forty seconds, universal time.",
        "失效时间：协调世界时二零三零年四月十六日十七点四十六分四十秒，从这一秒起不能再付款。",
    ],
);
pub(super) const CAPS: Row = same("caps", "For every payment:", "每次付款都必须符合：");
pub(super) const TOTAL: Row = Row(
    "caps.total",
    1,
    [
        "At most 5,000.00 CNY for all payments together.",
        "全部付款合计最多 5,000.00 人民币元。",
        "At most five thousand Chinese Yuan for all payments together.",
        "全部付款合计最多五千人民币元。",
    ],
);
const REST: Row = same("rest", "Nothing else is limited.", "除此之外没有其他限制。");
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
const LINEAGE: Row = Row("lineage", 0, ["Its lineage is <lineage>.", "授权系列：<lineage>。", "", ""]);

/// A line whose words are the same for both media.
pub(super) const fn same(key: &'static str, english: &'static str, chinese: &'static str) -> Row {
    Row(key, 0, [english, chinese, english, chinese])
}

/// A line of a rule whose words are the same for both media.
pub(super) const fn same_rule(key: &'static str, english: &'static str, chinese: &'static str) -> Row {
    Row(key, 1, [english, chinese, english, chinese])
}

/// The lines of a quota with what stands between its window and its end.
pub(super) fn lines(limits: &[Row]) -> Vec<Row> {
    let head = [TITLE, MODE, AGENT, ISSUER, ACCOUNT, CURRENCY, FROM, UNTIL];
    [&head[..], limits, &[REST, MADE, LINEAGE]].concat()
}

/// The same lines with others in the places of those of their keys.
fn but(rows: &[Row], others: &[Row]) -> Vec<Row> {
    rows.iter().map(|row| *others.iter().find(|other| other.0 == row.0).unwrap_or(row)).collect()
}

pub(super) fn cases(sheet: &mut Sheet) {
    let none = Shows::default();
    let plain = lines(&[CAPS, TOTAL]);
    let clauses = "RND-2 RND-3 RND-4 RND-5 RND-17 RND-9 RND-15 MAN-2";
    each_way(sheet, "mandate/quota", "A sum to spend", none, clauses, &Subject::mandate(quota()), &plain);
    modes(sheet);
    fields(sheet, &plain);
    money(sheet, &plain);
    unread_ones(sheet);
}

fn modes(sheet: &mut Sheet) {
    let none = Shows::default();
    let single = quota().without(-15).with(-12, 1).with(-3, keys::thirty_two("offer"));
    let rows = but(
        &lines(&[Row(
            "offer",
            0,
            [
                "It is for the offer <offer> alone.",
                "只能用于报价 <offer>。",
                "It is for the offer beginning with <offer> alone.",
                "只能用于报价 <offer> 开头。",
            ],
        )]),
        &[
            same("title", "Mandate for one payment.", "单次付款授权。"),
            same(
                "mode",
                "It allows one payment, for the one offer that it names.",
                "只允许付款一次，并且只能用于它所指明的报价。",
            ),
        ],
    );
    each_way(sheet, "mandate/single", "One payment", none, "RND-17", &Subject::mandate(single), &rows);

    let most = |minor: i64| labelled([(1, minor.into())]);
    let conditional = quota().with(-12, 2);
    let one = conditional.clone().without(-15).with(-16, seq([most(20_000)]));
    let two_hundred = |key: &'static str| {
        Row(
            key,
            1,
            [
                "At most 200.00 CNY for one payment.",
                "每次付款最多 200.00 人民币元。",
                "At most two hundred Chinese Yuan for one payment.",
                "每次付款最多二百人民币元。",
            ],
        )
    };
    let title = same("title", "Mandate by conditions.", "有条件付款授权。");
    let rows = but(
        &lines(&[same("grants.0", "Conditions:", "条件："), two_hundred("grants.0.amount_max")]),
        &[title, same("mode", "Each payment must meet the conditions below.", "每次付款都必须符合下列条件。")],
    );
    each_way(sheet, "mandate/conditional/one", "One grant", none, "RND-17", &Subject::mandate(one), &rows);

    let two = conditional.with(-16, seq([most(20_000), most(8_000)]));
    let limits = [
        CAPS,
        TOTAL,
        Row("grants.0", 0, ["Set 1 of 2:", "第 1 组条件（共 2 组）：", "Set one of two:", "第一组条件，共二组："]),
        two_hundred("grants.0.amount_max"),
        Row("grants.1", 0, ["Set 2 of 2:", "第 2 组条件（共 2 组）：", "Set two of two:", "第二组条件，共二组："]),
        Row(
            "grants.1.amount_max",
            1,
            [
                "At most 80.00 CNY for one payment.",
                "每次付款最多 80.00 人民币元。",
                "At most eighty Chinese Yuan for one payment.",
                "每次付款最多八十人民币元。",
            ],
        ),
    ];
    let mode = Row(
        "mode",
        0,
        [
            "Each payment must meet one of the 2 sets of conditions below, and meet it wholly.",
            "每次付款必须完全符合下列 2 组条件中的某一组。",
            "Each payment must meet one of the two sets of conditions below, and meet it wholly.",
            "每次付款必须完全符合下列二组条件中的某一组。",
        ],
    );
    let rows = but(&lines(&limits), &[title, mode]);
    each_way(sheet, "mandate/conditional/two", "Two grants", none, "RND-17", &Subject::mandate(two), &rows);
}

fn fields(sheet: &mut Sheet, plain: &[Row]) {
    let none = Shows::default();
    let held = quota().with(8, labelled([(-1, "tea.example".into())]));
    let holder = Row(
        "cnf",
        0,
        [
            "The merchant tea.example may collect, and only for itself.",
            "可以扣款的是商家 tea.example，款项只能付给该商家自己。",
            "The merchant tea dot example, letter by letter t e a dot e x a m p l e may collect, and only for itself.",
            "可以扣款的是商家 tea 点 example，逐字为 t e a 点 e x a m p l e，款项只能付给该商家自己。",
        ],
    );
    let rows = but(plain, &[holder]);
    each_way(
        sheet,
        "mandate/holder/merchant",
        "Held by a merchant",
        none,
        "RND-17 RND-11",
        &Subject::mandate(held),
        &rows,
    );

    let below = quota().with(-13, keys::thirty_two("parent"));
    let parent = Row(
        "parent",
        0,
        [
            "It is below the mandate <parent>, whose rules hold as well.",
            "它是授权 <parent> 的下级授权，上级的规则同样有效。",
            "It is below the mandate beginning with <parent>, whose rules hold as well.",
            "它是授权 <parent> 开头 的下级授权，上级的规则同样有效。",
        ],
    );
    let rows = lines(&[parent, CAPS, TOTAL]);
    each_way(sheet, "mandate/parent", "Below another", none, "RND-17 RND-15", &Subject::mandate(below), &rows);

    let next = quota().with(-11, 12).with(-14, keys::thirty_two("before"));
    let replaces = Row(
        "replaces",
        0,
        [
            "It is version 12, in place of the mandate <before>. What was spent under that one counts on.",
            "这是第 12 版，取代授权 <before>，此前已经花掉的继续计入。",
            "It is version twelve, in place of the mandate beginning with <before>. What was spent under that one counts on.",
            "这是第十二版，取代授权 <before> 开头，此前已经花掉的继续计入。",
        ],
    );
    let rows = lines(&[replaces, CAPS, TOTAL]);
    each_way(sheet, "mandate/replaces", "In place of another", none, "RND-17 RND-8", &Subject::mandate(next), &rows);

    let rich = quota().with(-17, 20_000).with(-18, true).with(-20, keys::thirty_two("conversation"));
    let rich = rich.with(-19, seq(["zh".into(), keys::thirty_two("what was shown").into()]));
    let funded = Row(
        "funded",
        0,
        [
            "200.00 CNY is set aside from the account for this mandate alone.",
            "从账户中划出 200.00 人民币元，专供本授权使用。",
            "two hundred Chinese Yuan is set aside from the account for this mandate alone.",
            "从账户中划出二百人民币元，专供本授权使用。",
        ],
    );
    let returns = same("refund_returns", "What is refunded can be spent again.", "退回的款项可以再次使用。");
    let mut rows = lines(&[CAPS, TOTAL, funded, returns]);
    let english = "It came from the conversation with the digest <conversation>.";
    rows.push(Row("conversation", 0, [english, "所依据的对话，摘要为 <conversation>。", "", ""]));
    let title = "Funded, with refunds and a conversation; what was shown before is not said";
    each_way(sheet, "mandate/funded", title, none, "RND-17", &Subject::mandate(rich), &rows);
}

/// Currencies without decimals, and with three.
fn money(sheet: &mut Sheet, plain: &[Row]) {
    let shows = Shows("M07", "A7");
    for (id, code, rows) in [
        (
            "mandate/currency/jpy",
            "JPY",
            [
                Row(
                    "currency",
                    0,
                    [
                        "All amounts are in Japanese Yen (JPY).",
                        "所有金额的币种是日元（JPY）。",
                        "All amounts are in Japanese Yen.",
                        "所有金额的币种是日元。",
                    ],
                ),
                Row(
                    "caps.total",
                    1,
                    [
                        "At most 500,000 JPY for all payments together.",
                        "全部付款合计最多 500,000 日元。",
                        "At most five hundred thousand Japanese Yen for all payments together.",
                        "全部付款合计最多五十万日元。",
                    ],
                ),
            ],
        ),
        (
            "mandate/currency/kwd",
            "KWD",
            [
                Row(
                    "currency",
                    0,
                    [
                        "All amounts are in Kuwaiti Dinar (KWD).",
                        "所有金额的币种是科威特第纳尔（KWD）。",
                        "All amounts are in Kuwaiti Dinar.",
                        "所有金额的币种是科威特第纳尔。",
                    ],
                ),
                Row(
                    "caps.total",
                    1,
                    [
                        "At most 500.000 KWD for all payments together.",
                        "全部付款合计最多 500.000 科威特第纳尔。",
                        "At most five hundred Kuwaiti Dinar for all payments together.",
                        "全部付款合计最多五百科威特第纳尔。",
                    ],
                ),
            ],
        ),
    ] {
        let subject = Subject::mandate(quota().with(-6, code));
        each_way(
            sheet,
            id,
            "The decimals are the currency's",
            shows,
            "RND-6 RND-7 RND-8",
            &subject,
            &but(plain, &rows),
        );
    }
}

/// What cannot be read has no text.
fn unread_ones(sheet: &mut Sheet) {
    let twin = "mandate/quota/en-screen";
    let hidden = quota().with(-15, labelled([(3, 500_000.into()), (22, 1.into())]));
    let title = "A rule that nobody knows is not left out of the text";
    unread(sheet, "mandate/unread/rule", title, (RuleUnknown, Schema), hidden, twin);
    let offer = quota().with(-3, keys::thirty_two("offer"));
    let title = "A sum that also names an offer";
    unread(sheet, "mandate/unread/conflict", title, (FieldConflict, Schema), offer, twin);
    let mut bytes = quota().encode();
    // The head of the map in two bytes.
    let head = bytes[0];
    bytes.splice(..1, [0xb8, head & 0x1f]);
    let title = "Bytes that are not in their one form";
    unread(sheet, "mandate/unread/form", title, (CborNotDeterministic, Encoding), Item::Raw(bytes), twin);
}
