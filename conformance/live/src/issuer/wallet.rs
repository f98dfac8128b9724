//! What a wallet reads of its account: how much there is, signed; lists, sums, bundles; and keys that are offered.

use std::collections::BTreeSet;

use purser_protocol::bind::http::{BUNDLE, PAPER};
use purser_protocol::bind::{base64url, bundle};
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::flow::Parties as _;
use purser_protocol::id::PaperId;
use purser_protocol::paper::status::{Statement, root_of};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Paper as _, Signed};
use purser_protocol::wire::Reader;
use serde_json::{Value, json};

use super::{MERCHANT, Party, SANDBOX, Scene};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure};
use crate::line::{Answer, Request};
use crate::papers::{Key, Person, id, now};

const STATEMENT: &str = "live/issuer/wallet/statement";
const LIST: &str = "live/issuer/wallet/list";
const KEY: &str = "live/issuer/wallet/offered-key";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/wallet/statement", "Every mandate that an account ever had is counted, signed for a minute at most", ["WAL-2", "WAL-3", "WAL-1", "SIG-17"], Critical, Must::Accept, [] => statement;
    "live/issuer/wallet/agent", "The key of an agent reads nothing of the account", ["WAL-1"], Critical, Must::Refuse(Code::ProofInvalid, STATEMENT), [] => agent;
    "live/issuer/wallet/list", "A list of mandates in pages: every one, numbered, in the order of their registration", ["WAL-8", "WAL-2"], High, Must::Accept, [] => list;
    "live/issuer/wallet/query", "Names that a query does not have, names twice, values that cannot be", ["WAL-7"], Medium, Must::Refuse(Code::FieldRange, LIST), [] => query;
    "live/issuer/wallet/sequence", "Decisions are numbered from 1 without a gap, refusals among them", ["WAL-6"], High, Must::Accept, [SANDBOX, MERCHANT] => sequence;
    "live/issuer/wallet/later", "A page that is fetched later begins where the last one ended", ["WAL-8"], High, Must::Accept, [] => later;
    "live/issuer/wallet/wait", "A list of records is kept open until there is one", ["WAL-9"], Medium, Must::Accept, [] => wait;
    "live/issuer/wallet/spent", "Spent is what the merchant got and has not given back; held is beside it", ["WAL-10"], High, Must::Accept, [SANDBOX, MERCHANT, "holds"] => spent;
    "live/issuer/wallet/category", "A payment counts under the first category of its offer, or under none", ["WAL-11"], Medium, Must::Accept, [SANDBOX, MERCHANT] => category;
    "live/issuer/wallet/zone", "Days and months are those of the place that the query names", ["WAL-12"], Medium, Must::Accept, [SANDBOX, MERCHANT] => zone;
    "live/issuer/wallet/bundle", "A bundle has of each record the receipt, the detail, what was sent and what was made", ["WAL-14"], High, Must::Accept, [SANDBOX, MERCHANT] => whole_bundle;
    "live/issuer/wallet/offered-key", "A key that is offered waits ten minutes under a code, for any key of an account", ["WAL-30"], High, Must::Accept, [] => offered_key;
    "live/issuer/wallet/other-code", "A code that was not given", ["HTB-28"], Medium, Must::Refuse(Code::NotFound, KEY), [] => other_code;
};

const READS: [&str; 8] = [
    "/v1/wallet/statement",
    "/v1/wallet/mandates",
    "/v1/wallet/agents",
    "/v1/wallet/records",
    "/v1/wallet/spending",
    "/v1/wallet/sessions",
    "/v1/wallet/bundle",
    "/v1/wallet/keys",
];

impl Scene {
    async fn statement_of(&self, person: &Person) -> Result<Statement, Failure> {
        let answer = self.read(&person.key, "/v1/wallet/statement").await?;
        let wrong = |what: String| answer.fails(Fault::WrongAnswer, what);
        ensure(answer.status == 200 && answer.media() == "application/cose", || answer.in_words())?;
        let signed = Signed::<Statement>::read(&answer.body).map_err(|fault| wrong(fault.to_string()))?;
        ensure(signed.header.x5chain.count() > 0, || "it comes without certificates".to_owned())?;
        let party = self.register().party(&signed.header, Role::Issuer, now());
        let party = party.map_err(|fault| wrong(fault.to_string()))?;
        let verified = signed.verify(&AwsLc, self.terms.context(), &party.key);
        verified.map_err(|fault| wrong(fault.to_string()))?;
        let said = Statement::decode(&mut Reader::new(signed.frame.payload));
        let said = said.map_err(|fault| wrong(fault.to_string()))?;
        said.check_lifetime().map_err(|fault| wrong(fault.to_string()))?;
        let is_its = said.issuer == self.terms.issuer && party.id == said.issuer && said.account == person.account;
        ensure(is_its, || "it is of another account or issuer".to_owned())?;
        Ok(said)
    }

    /// A read that must come as JSON.
    async fn told(&self, key: &Key, path: &str) -> Result<Value, Failure> {
        let answer = self.read(key, path).await?;
        ensure(answer.status == 200 && answer.media() == "application/json", || {
            format!("{path}: 200 and application/json must come; it was {}", answer.in_words())
        })?;
        answer.json()
    }

    /// A person, and mandates of a new agent each, of which the second is revoked.
    async fn with_mandates(&self, count: u64) -> Result<(Person, Vec<PaperId>), Failure> {
        let person = self.person(0).await?;
        let mut mandates = Vec::new();
        for number in 1..=count {
            mandates.push(self.registered(&person.quota(&self.terms, &Key::new()?, 100 * number)?).await?);
        }
        if let Some(second) = mandates.get(1) {
            let revoked = self.command(&person.revocation(&self.terms, *second)?).await?;
            revoked.is(&self.belief(), Outcome::Recorded)?;
        }
        Ok((person, mandates))
    }
}

/// The entries of a list.
fn entries<'v>(page: &'v Value, name: &str) -> Result<&'v [Value], Failure> {
    let entries = page.get(name).and_then(Value::as_array).map(Vec::as_slice);
    entries.ok_or_else(|| Failure::new(Fault::WrongAnswer, format!("there is no list {name:?} in the answer")))
}

fn texts(entries: &[Value], name: &str) -> Vec<String> {
    entries.iter().map(|entry| entry[name].as_str().unwrap_or_default().to_owned()).collect()
}

fn numbers(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| entry["number"].as_u64().unwrap_or_default()).collect()
}

fn must(what: &str, is: &impl std::fmt::Debug, should: &impl std::fmt::Debug) -> Done {
    let (is, should) = (format!("{is:?}"), format!("{should:?}"));
    ensure(is == should, || format!("{what} must be {should}, and is {is}"))
}

async fn statement(scene: &Scene) -> Done {
    let (person, mandates) = scene.with_mandates(3).await?;
    let other = scene.person(0).await?;
    let said = scene.statement_of(&person).await?;
    must("listed", &said.listed, &(mandates.len() as u64))?;
    ensure(said.root == root_of(&mandates), || {
        "listed_root is not over the ids of the mandates in the order of their registration".to_owned()
    })?;
    let said = scene.statement_of(&other).await?;
    must("listed of another account", &said.listed, &0_u64)?;
    for read in READS {
        let answer = scene.read(&person.key, read).await?;
        ensure(answer.status == 200, || format!("{read}: {}", answer.in_words()))?;
    }
    Ok(())
}

async fn agent(scene: &Scene) -> Done {
    let party = scene.party(0, 1_000).await?;
    for read in READS {
        scene.read(&party.agent, read).await?.decides_nothing(Code::ProofInvalid)?;
    }
    Ok(())
}

async fn list(scene: &Scene) -> Done {
    let (person, mandates) = scene.with_mandates(5).await?;
    let (mut ids, mut after, mut last) = (Vec::new(), 0, 0);
    // A page more than there can be, so that a list without an end has one here.
    for _ in 0..=mandates.len() {
        let page = scene.told(&person.key, &format!("/v1/wallet/mandates?limit=2&after={after}")).await?;
        must("listed", &page["listed"].as_u64(), &Some(mandates.len() as u64))?;
        let entries = entries(&page, "mandates")?;
        ensure(entries.len() <= 2, || format!("{} mandates on a page of two", entries.len()))?;
        for number in numbers(entries) {
            ensure(number > last, || format!("{number} stands behind {last}"))?;
            last = number;
        }
        ids.extend(texts(entries, "id"));
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    must("the list", &ids, &mandates.iter().map(ToString::to_string).collect::<Vec<_>>())
}

async fn query(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    for wrong in [
        "mandates?agents=1",
        "mandates?limit=0",
        "mandates?limit=1001",
        "mandates?limit=2&limit=2",
        "records?since=1",
        "records?from=yesterday",
        "records?mandate=00",
        "records?category=groceries",
        "spending?by=hour",
        "spending?by=day&zone=Mars%2FOlympus",
        "spending?limit=1",
    ] {
        let refused = scene.read(&person.key, &format!("/v1/wallet/{wrong}")).await?;
        refused
            .decides_nothing(Code::FieldRange)
            .map_err(|failure| Failure { message: format!("{wrong}: {}", failure.message), ..failure })?;
    }
    Ok(())
}

async fn sequence(scene: &Scene) -> Done {
    let party = scene.party(1_000, 500).await?;
    party.pay(scene, 300).await?.is(&scene.belief(), Outcome::Settled)?;
    party.pay(scene, 300).await?.refuses(&scene.belief(), Code::RuleTotal)?;
    party.pay(scene, 200).await?.is(&scene.belief(), Outcome::Settled)?;
    let page = scene.told(&party.person.key, "/v1/wallet/records").await?;
    let records = entries(&page, "records")?;
    must("the numbers", &numbers(records), &(1..=6).collect::<Vec<u64>>())?;
    let outcomes = ["recorded", "recorded", "recorded", "settled", "refused", "settled"];
    must("the outcomes", &texts(records, "outcome"), &outcomes)?;
    must("the kinds", &texts(records, "kind"), &["enrolment", "deposit", "mandate", "payment", "payment", "payment"])?;
    must("sequence", &page["sequence"].as_u64(), &Some(6))?;
    must("sequence of the statement", &scene.statement_of(&party.person).await?.sequence, &6)
}

async fn later(scene: &Scene) -> Done {
    let (person, mandates) = scene.with_mandates(2).await?;
    let first = scene.told(&person.key, "/v1/wallet/records?limit=2").await?;
    let mut receipts = texts(entries(&first, "records")?, "receipt");
    scene.registered(&person.quota(&scene.terms, &Key::new()?, 900)?).await?;
    let Some(next) = first["next"].as_u64() else {
        return Err(Failure::new(Fault::WrongValue, "next is null, and there are more"));
    };
    let rest = scene.told(&person.key, &format!("/v1/wallet/records?after={next}")).await?;
    receipts.extend(texts(entries(&rest, "records")?, "receipt"));
    let differing: BTreeSet<&String> = receipts.iter().collect();
    // An enrolment, the mandates, a revocation, and what came between the pages.
    must("how many records there are", &receipts.len(), &(mandates.len() + 3))?;
    must("how many of them differ", &differing.len(), &receipts.len())
}

async fn wait(scene: &Scene) -> Done {
    // Who is slow may see an empty page once its time is over; who does not wait sees nothing else.
    for _ in 0..3 {
        let person = scene.person(0).await?;
        let asked = scene.told(&person.key, "/v1/wallet/records?after=1&wait=20");
        let decided = async {
            // The request is on its way while this one is made, and signed, and checked.
            for _ in 0..8 {
                scene.get("/.well-known/purser").await?;
            }
            scene.registered(&person.quota(&scene.terms, &Key::new()?, 100)?).await
        };
        let (page, mandate) = tokio::join!(asked, decided);
        let (page, mandate) = (page?, mandate?);
        let records = entries(&page, "records")?;
        if records.is_empty() {
            continue;
        }
        must("the kinds", &texts(records, "kind"), &["mandate"])?;
        return must("the command", &texts(records, "command"), &[mandate.to_string()]);
    }
    Err(Failure::new(Fault::WrongValue, "the list came back empty, and a record was made"))
}

async fn spent(scene: &Scene) -> Done {
    let party = scene.party(5_000, 5_000).await?;
    let merchant = scene.merchant()?;
    let (offer, intent) = party.order(scene, 300)?;
    scene.pay(&offer, &intent).await?.is(&scene.belief(), Outcome::Settled)?;
    let (offer, hold) = party.held_order(scene, 200)?;
    scene.pay(&offer, &hold).await?.is(&scene.belief(), Outcome::Authorized)?;
    let capture = merchant.capture(&scene.terms, id(&hold)?, 150, false)?;
    scene.command(&capture).await?.is(&scene.belief(), Outcome::Captured)?;
    let refund = merchant.refund(&scene.terms, id(&intent)?, 100)?;
    scene.command(&refund).await?.is(&scene.belief(), Outcome::Refunded)?;
    party.pay(scene, 10_000).await?.refuses(&scene.belief(), Code::RuleTotal)?;
    for (by, key) in [("merchant", merchant.name.as_str()), ("agent", &party.agent.public().id().to_string())] {
        let page = scene.told(&party.person.key, &format!("/v1/wallet/spending?by={by}")).await?;
        let [row] = entries(&page, "spending")? else {
            return Err(Failure::new(Fault::WrongValue, format!("by {by} there must be one row: {page}")));
        };
        let wanted = json!({
            "key": key, "currency": scene.terms.currency.code(), "spent_minor": "350", "refunded_minor": "100",
            "held_minor": "50",
        });
        for (name, wanted) in wanted.as_object().into_iter().flatten() {
            must(&format!("by {by}, {name}"), &row[name], wanted)?;
        }
    }
    Ok(())
}

impl Party {
    /// Pays for what has a category behind something that has none.
    async fn pays_for_category(&self, scene: &Scene, minor: u64) -> Done {
        let offer = scene.merchant()?.offer_of_category(&scene.terms, minor)?;
        let intent = self.agent.intent(&scene.terms, self.mandate, &offer, minor)?;
        scene.pay(&offer, &intent).await?.is(&scene.belief(), Outcome::Settled).map(drop)
    }
}

async fn category(scene: &Scene) -> Done {
    let party = scene.party(5_000, 5_000).await?;
    party.pay(scene, 30).await?.is(&scene.belief(), Outcome::Settled)?;
    party.pays_for_category(scene, 400).await?;
    party.pays_for_category(scene, 500).await?;
    let page = scene.told(&party.person.key, "/v1/wallet/spending?by=category").await?;
    let mut rows: Vec<_> = entries(&page, "spending")?.iter().map(|row| (&row["key"], &row["spent_minor"])).collect();
    rows.sort_by_key(|row| row.0.to_string());
    must("the sums", &rows, &[(&json!(""), &json!("30")), (&json!("5999"), &json!("900"))])
}

/// Places whose clocks stand still against each other, and what they are ahead of universal time in minutes. The first
/// two never have the same day.
const PLACES: [(&str, i64); 4] =
    [("Pacific%2FKiritimati", 840), ("Etc%2FGMT%2B12", -720), ("Asia%2FKolkata", 330), ("UTC", 0)];

async fn zone(scene: &Scene) -> Done {
    let party = scene.party(5_000, 5_000).await?;
    let receipt = party.pay(scene, 300).await?.is(&scene.belief(), Outcome::Settled)?;
    let decided = i64::try_from(receipt.claims.decided_at.get()).unwrap_or_default();
    for (place, minutes) in PLACES {
        let day = date(decided + minutes * 60);
        for (by, key) in [("day", day.as_str()), ("month", &day[..7])] {
            let page = scene.told(&party.person.key, &format!("/v1/wallet/spending?by={by}&zone={place}")).await?;
            must(&format!("the {by} in {place}"), &texts(entries(&page, "spending")?, "key"), &[key])?;
        }
    }
    Ok(())
}

/// The day of a second, as `2026-11-02`.
fn date(seconds: i64) -> String {
    let (mut year, mut day) = (1970, seconds.div_euclid(86_400));
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    while day >= 365 + i64::from(is_leap(year)) {
        day -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for days in [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}

async fn whole_bundle(scene: &Scene) -> Done {
    let key = Key::new()?;
    let enrolment = Person::enrolment(&scene.terms, &key)?;
    let opened = scene.post("/v1/accounts", PAPER, &enrolment).await?;
    let credential = scene.credential(&opened)?;
    let person = Person { key, account: credential.account };
    let (agent, deposit) = (Key::new()?, person.deposit(&scene.terms, 1_000)?);
    let deposited = scene.command(&deposit).await?;
    let mandate = person.quota(&scene.terms, &agent, 100)?;
    let registered = scene.post("/v1/mandates", PAPER, &mandate).await?;
    let offer = scene.offer(101)?;
    let intent = agent.intent(&scene.terms, id(&mandate)?, &offer, 101)?;
    let refused = scene.pay(&offer, &intent).await?;
    refused.refuses(&scene.belief(), Code::RuleTotal)?;
    let request = crate::papers::payment(&offer, &intent);
    let sent: [(&Answer, &[u8]); 4] =
        [(&opened, &enrolment), (&deposited, &deposit), (&registered, &mandate), (&refused, &request)];

    let (mut items, mut path) = (Vec::new(), "/v1/wallet/bundle?limit=3".to_owned());
    for _ in 0..sent.len() {
        let answer = scene.read(&person.key, &path).await?;
        ensure(answer.status == 200 && answer.media() == BUNDLE, || answer.in_words())?;
        let read: Result<Vec<_>, _> = bundle::read(&answer.body).collect();
        items.extend(read.map_err(|fault| answer.fails(Fault::WrongAnswer, format!("it does not read: {fault}")))?);
        match answer.header("purser-next") {
            Some(next) => path = format!("/v1/wallet/bundle?limit=3&after={next}"),
            None => break,
        }
    }
    ensure(items.iter().any(|item| item.certificates.is_some()), || "no certificates of the issuer's".to_owned())?;
    let records: Vec<_> = items.iter().filter(|item| item.receipt.is_some()).collect();
    must("how many records there are", &records.len(), &sent.len())?;
    for (record, (answer, bytes)) in records.iter().zip(sent) {
        let body = answer.answer_body()?;
        let is = |found: Option<&[u8]>, wanted: Option<&[u8]>, what: &str| {
            ensure(found == wanted, || format!("{what} of {} is not what it was", answer.asked))
        };
        is(record.receipt.as_ref().map(|bytes| &bytes.0[..]), Some(body.receipt), "the receipt")?;
        is(record.detail.as_ref().map(|bytes| &bytes.0[..]), body.detail, "the detail")?;
        is(record.sent.as_ref().map(|bytes| &bytes.0[..]), Some(bytes), "what was sent")?;
    }
    let given = opened.header(purser_protocol::bind::http::PURSER_CREDENTIAL).and_then(base64url::decode);
    let made = records.first().and_then(|record| record.made.as_ref()).map(|made| made.0.clone());
    match (given, made) {
        (Some(given), Some(made)) => ensure(id(&given)? == id(&made)?, || "another credential was made".to_owned()),
        _ => Err(Failure::new(Fault::WrongValue, "the credential that was made is not there")),
    }
}

const OFFERS: &str = "/v1/wallet/keys/offers";

async fn offer_key(scene: &Scene, key: &Key) -> Result<Value, Failure> {
    let body = json!({ "key": base64url::encode(&key.public().0) });
    let answer = scene.post(OFFERS, "application/json", body.to_string().as_bytes()).await?;
    ensure(answer.status == 200, || format!("a key cannot be offered: {}", answer.in_words()))?;
    answer.json()
}

async fn offered_key(scene: &Scene) -> Done {
    let (person, fresh, other) = (scene.person(0).await?, Key::new()?, Key::new()?);
    let (from, offered) = (now().get(), offer_key(scene, &fresh).await?);
    let until = now().get();
    let code = offered["code"].as_str().unwrap_or_default();
    // Clocks may differ by as much as the protocol allows.
    let expires = offered["expires_at"].as_u64().unwrap_or_default();
    let fits = (from + 590..=until + 610).contains(&expires);
    ensure(fits, || format!("a key offered at {from} to {until} waits until {expires}, not for 600 seconds"))?;
    must("the key", &offered["key"], &json!(fresh.public().id().to_string()))?;
    ensure(offer_key(scene, &other).await?["code"].as_str() != Some(code), || "two keys have one code".to_owned())?;
    let shown = scene.told(&person.key, &format!("{OFFERS}/{code}")).await?;
    must("the key", &shown["key"], &json!(fresh.public().id().to_string()))?;
    must("public", &shown["public"], &json!(base64url::encode(&fresh.public().0)))?;
    must("expires_at", &shown["expires_at"], &offered["expires_at"])?;
    // It is shown to keys of accounts alone, and taken by nobody for one of them.
    scene.read(&fresh, &format!("{OFFERS}/{code}")).await?.decides_nothing(Code::ProofInvalid)?;
    scene.target.send(&Request::get(format!("{OFFERS}/{code}"))).await?.decides_nothing(Code::ProofRequired)
}

async fn other_code(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    scene.read(&person.key, &format!("{OFFERS}/NONE-SUCH")).await?.decides_nothing(Code::NotFound)
}
