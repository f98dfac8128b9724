//! Receipts: claims, path, and signed root.

mod proofs;

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Area, Importance};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::proofs::{containers, paths, roots};
use super::cbor::{Item, labelled, seq};
use super::forge::{By, Forge, NETWORK, aad};
use super::papers::NOW;
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused};
use super::{certs, hex, keys};

pub(super) fn area() -> Area {
    let about =
        "Receipts by themselves, checked with trust anchors alone: the tree, the root, the claims of each outcome.";
    let mut sheet = Sheet::new("receipts", about);
    outcomes(&mut sheet);
    paths(&mut sheet);
    roots(&mut sheet);
    containers(&mut sheet);
    sheet.finish()
}

/// A receipt in its parts.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) claims: Item,
    /// The bytes of the claims, where they are not that map's.
    pub(super) claims_bytes: Option<Vec<u8>>,
    /// The other leaves of the batch, and which one is this.
    pub(super) others: Vec<[u8; 32]>,
    pub(super) index: u64,
    /// The index that the receipt says, where it is another.
    pub(super) shown_index: Option<u64>,
    /// What is changed in the root's payload.
    pub(super) root: Vec<(i64, Option<Item>)>,
    pub(super) root_change: fn(&mut Forge),
    /// Changes the elements of the receipt: claims, index, path, root.
    pub(super) change: fn(&mut Vec<Item>),
}

impl Draft {
    /// A receipt that is alone in its batch.
    pub(super) fn of(claims: Item) -> Self {
        Self {
            claims,
            claims_bytes: None,
            others: Vec::new(),
            index: 0,
            shown_index: None,
            root: Vec::new(),
            root_change: |_| {},
            change: |_| {},
        }
    }

    fn claims_bytes(&self) -> Vec<u8> {
        self.claims_bytes.clone().unwrap_or_else(|| self.claims.encode())
    }

    /// SHA-256 of a zero byte and the claims.
    pub(super) fn id(&self) -> [u8; 32] {
        Sha256::new().chain_update([0]).chain_update(self.claims_bytes()).finalize().into()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut leaves = self.others.clone();
        let index = usize::try_from(self.index).unwrap_or_default().min(leaves.len());
        leaves.insert(index, self.id());
        let (root, path) = tree(&leaves, index);
        let payload = labelled([
            (6, (NOW + 1).into()),
            (-1, 1.into()),
            (-46, root.into()),
            (-47, (leaves.len() as u64).into()),
            (-48, 7.into()),
            (-49, keys::thirty_two("log root").into()),
            (-50, 8.into()),
            (-51, NETWORK.into()),
        ]);
        let payload = super::world::changed(payload, &self.root);
        let root = Forge::new("root", payload, By::Certificate("issuer"))
            .but(|f| f.unprotected = labelled([]))
            .but(self.root_change);
        let path = path.into_iter().map(Item::from).collect();
        let mut parts = vec![
            self.claims_bytes().into(),
            self.shown_index.unwrap_or(self.index).into(),
            Item::List(path),
            root.bytes().into(),
        ];
        (self.change)(&mut parts);
        Item::List(parts).encode()
    }
}

/// The root of a tree of RFC 9162, and the path to a leaf.
pub(super) fn tree(leaves: &[[u8; 32]], index: usize) -> ([u8; 32], Vec<[u8; 32]>) {
    let [leaf] = leaves else {
        // The left subtree has the greatest power of two that is less than all.
        let left = leaves.len().next_power_of_two() / 2;
        let (ours, other, is_left) = if index < left {
            (&leaves[..left], &leaves[left..], true)
        } else {
            (&leaves[left..], &leaves[..left], false)
        };
        let (mine, mut path) = tree(ours, if is_left { index } else { index - left });
        let (sibling, _) = tree(other, 0);
        path.push(sibling);
        let pair = if is_left { [mine, sibling] } else { [sibling, mine] };
        let hash = Sha256::new().chain_update([1]).chain_update(pair[0]).chain_update(pair[1]).finalize();
        return (hash.into(), path);
    };
    (*leaf, Vec::new())
}

/// The claims of a payment with this outcome.
pub(super) fn claims(outcome: i64) -> Item {
    let id = |name: &str| Item::from(keys::thirty_two(name));
    let base = labelled([(6, NOW.into()), (-8, outcome.into()), (-35, keys::sixteen("salt").into())]);
    let payment = |base: Item| base.with(-3, id("offer")).with(-4, id("intent")).with(-26, keys::sixteen("pseudonym"));
    let money = |base: Item| base.with(-5, 1_280).with(-6, "CNY");
    let answer = |base: Item| money(payment(base)).with(-7, id("hash of the secret"));
    match outcome {
        1 => answer(base).with(-37, NOW + 604_800),
        2 => answer(base),
        3 | 5 => money(payment(base)).with(-34, id("command")),
        4 => money(payment(base)).with(-34, id("command")),
        6 => answer(base)
            .with(-38, "https://issuer.example/approve/ABCD-EFGH")
            .with(-39, "ABCD-EFGH")
            .with(-40, NOW + 900),
        7 => answer(base).with(-9, 240).with(-36, id("detail")),
        8 => base.with(-3, id("offer")).with(-4, id("intent")).with(-9, 191),
        _ => base.with(-34, id("command")),
    }
}

const OUTCOMES: [(i64, &str); 9] = [
    (1, "authorized"),
    (2, "settled"),
    (3, "captured"),
    (4, "voided"),
    (5, "refunded"),
    (6, "pending"),
    (7, "refused"),
    (8, "cancelled"),
    (9, "recorded"),
];

/// Puts a receipt to a reader.
fn put(
    sheet: &mut Sheet,
    id: &str,
    title: &str,
    shows: Shows,
    draft: &Draft,
    (value, refusal): (&str, Option<(Code, Stage, &str)>),
    clauses: &str,
) {
    put_at(sheet, id, title, shows, (draft, NOW + 60, json!([hex(&certs::leaf("issuer"))])), (value, refusal), clauses);
}

fn put_at(
    sheet: &mut Sheet,
    id: &str,
    title: &str,
    shows: Shows,
    (draft, now, chain): (&Draft, u64, Value),
    (value, refusal): (&str, Option<(Code, Stage, &str)>),
    clauses: &str,
) {
    let bytes = draft.bytes();
    let input = json!({"receipt": hex(&bytes), "network": NETWORK, "now": now, "anchors": [hex(&certs::anchor())], "chain": chain});
    let expect = match refusal {
        Some((code, stage, _)) => refused(code, stage),
        None => accepted().value(json!({"id": hex(&draft.id()), "outcome": value})),
    };
    let mut case = case("verifier", id, title, call("receipt.verify", input), expect).shows(shows).clauses(clauses);
    case = case.weighs(Importance::Critical);
    if let Some((_, _, twin)) = refusal {
        case = case.twin(twin).mutated(twin, "receipt", vec![json!(title)], true);
    }
    sheet.add(case.diagnosed(&bytes));
}

fn outcomes(sheet: &mut Sheet) {
    let conflict = (Code::FieldConflict, Stage::Schema);
    let too_large = Some((Code::MessageTooLarge, Stage::Size, "outcome/settled"));
    let long: [(&str, &str, fn(&mut Vec<Item>)); 2] = [
        ("size/path", "A receipt of more than 16,384 bytes, by its path", |parts| {
            parts[2] = Item::List(vec![[7; 32].into(); 600]);
        }),
        ("size/claims", "A receipt of more than 16,384 bytes, by its claims", |parts| {
            parts[0] = Item::Bytes(vec![0; 16_384]);
        }),
    ];
    for (id, title, change) in long {
        let draft = Draft { change, ..Draft::of(claims(2)) };
        put(sheet, id, title, Shows("F22", "C11 F3"), &draft, ("", too_large), "ENC-1");
    }
    for (number, name) in OUTCOMES {
        let honest = Draft::of(claims(number));
        let id = format!("outcome/{name}");
        put(
            sheet,
            &id,
            &format!("A receipt: {name}"),
            Shows::default(),
            &honest,
            (name, None),
            "RCT-1 RCT-2 RCT-4 RCT-19",
        );
        let bad = |label: i64, value: Option<Item>| Draft::of(super::world::changed(claims(number), &[(label, value)]));
        // A field of another outcome, and a field that is lacking.
        let (foreign, foreign_name, value): (i64, &str, Item) = match number {
            2 => (-37, "hold_until", (NOW + 60).into()),
            1 | 6 => (-9, "code", 240.into()),
            9 => (-7, "secret_hash", keys::thirty_two("hash of the secret").into()),
            _ => (-37, "hold_until", (NOW + 60).into()),
        };
        let title = format!("A receipt, {name}, with {foreign_name}");
        put(
            sheet,
            &format!("{id}-with-{}", foreign_name.replace('_', "-")),
            &title,
            Shows("F15", "B20"),
            &bad(foreign, Some(value)),
            ("", Some((conflict.0, conflict.1, &id))),
            "RCT-4 RCT-19",
        );
        let (lacking, lacking_name) = match number {
            1 => (-37, "hold_until"),
            2 => (-7, "secret_hash"),
            6 => (-40, "answer_by"),
            7 => (-36, "detail"),
            8 => (-9, "code"),
            9 | 3 | 5 => (-34, "command"),
            _ => (-5, "amount"),
        };
        let title = format!("A receipt, {name}, without {lacking_name}");
        put(
            sheet,
            &format!("{id}-without-{}", lacking_name.replace('_', "-")),
            &title,
            Shows("F15", "B20"),
            &bad(lacking, None),
            ("", Some((conflict.0, conflict.1, &id))),
            "RCT-4 RCT-19",
        );
    }
    let expired = Draft::of(claims(4).without(-34));
    put(
        sheet,
        "outcome/voided-by-time",
        "A receipt of the end of a hold: it answers no command",
        Shows::default(),
        &expired,
        ("voided", None),
        "RCT-4",
    );
    let refused_command = Draft::of(claims(9).with(-8, 7).with(-9, 185).with(-36, keys::thirty_two("detail")));
    put(
        sheet,
        "outcome/refused-command",
        "A receipt of a command that was refused",
        Shows::default(),
        &refused_command,
        ("refused", None),
        "RCT-4",
    );
    let later = Draft::of(claims(2).with(6, NOW + 2));
    put(
        sheet,
        "outcome/after-its-root",
        "Claims of a second after their root",
        Shows("F15", ""),
        &later,
        ("", Some((conflict.0, conflict.1, "outcome/settled"))),
        "RCT-20",
    );
    let much_later = Draft::of(claims(1).with(6, NOW + 3_600));
    put(
        sheet,
        "outcome/an-hour-after-its-root",
        "Claims of an hour after their root",
        Shows("F15", ""),
        &much_later,
        ("", Some((conflict.0, conflict.1, "outcome/authorized"))),
        "RCT-20",
    );
    let with_root = Draft::of(claims(2).with(6, NOW + 1));
    put(
        sheet,
        "outcome/with-its-root",
        "Claims of the second of their root",
        Shows::default(),
        &with_root,
        ("settled", None),
        "RCT-20",
    );
}

/// A batch of so many, of which this is the one at `index`.
fn batch(count: u64, index: u64) -> Draft {
    let others = (0..count - 1).map(|number| keys::thirty_two(&format!("leaf {number}"))).collect();
    Draft { others, index, ..Draft::of(claims(2)) }
}
