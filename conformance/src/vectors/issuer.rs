//! Tables of cases for the role issuer.

use purser_protocol::code::{Code, Public, Stage, Standing};
use purser_test_vectors::{Case, Expect, Importance};
use serde_json::{Value, json};

use super::cbor::Item;
use super::forge::Forge;
use super::hex;
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, refused_by_issuer};
use super::world::{DAY, Scene, World, number, pseudonym, receive};

/// A change of a payment.
pub(super) type Change<'c> = &'c dyn Fn(&mut Scene);

/// Payments after one setup.
pub(super) struct Payments<'s> {
    sheet: &'s mut Sheet,
    setup: String,
    /// Where the setup leads.
    pub(super) world: World,
    base: Scene,
    base_id: String,
    features: &'static str,
}

impl<'s> Payments<'s> {
    /// A table whose first case is the payment as it is.
    pub(super) fn new(
        sheet: &'s mut Sheet,
        (setup, world): (&str, World),
        (base_id, title, clauses): (&str, &str, &str),
        base: Scene,
    ) -> Self {
        sheet.setup(setup, world.setup());
        let mut table =
            Self { sheet, setup: setup.to_owned(), world, base, base_id: base_id.to_owned(), features: "core" };
        table.accept(base_id, title, Shows::default(), clauses, |_| {});
        table
    }

    /// A table after another setup, whose twins are elsewhere.
    pub(super) fn continuing(sheet: &'s mut Sheet, setup: &str, world: World, base: Scene, twin: &str) -> Self {
        Self { sheet, setup: setup.to_owned(), world, base, base_id: twin.to_owned(), features: "core" }
    }

    /// The features that the cases from here on need.
    pub(super) fn needs(&mut self, features: &'static str) {
        self.features = features;
    }

    /// A payment that is settled, or held where the offer is captured by command.
    pub(super) fn accept(&mut self, id: &str, title: &str, shows: Shows, clauses: &str, change: impl Fn(&mut Scene)) {
        let scene = self.scene(&change);
        let mut world = self.world.clone();
        world.paid(&scene);
        let held = scene.offer.get(-24) == Item::Int(2);
        let until = if held { json!(scene.now + hold_seconds(&scene.offer)) } else { Value::Null };
        let expect = accepted()
            .value(json!({"outcome": if held { "authorized" } else { "settled" }}))
            .answer(told(&scene))
            .answer(json!({"hold_until": until, "code": null, "command": null, "chains": chains(&scene, held)}))
            .after(world.model.value());
        self.put(id, title, shows, clauses, (&scene, expect), None);
    }

    /// A payment that waits for the person.
    pub(super) fn ask(&mut self, id: &str, title: &str, shows: Shows, clauses: &str, change: impl Fn(&mut Scene)) {
        let scene = self.scene(&change);
        let mut world = self.world.clone();
        world.closed(&scene, "pending");
        let until = number(&scene.offer.get(4));
        let expect = accepted()
            .value(json!({"outcome": "pending"}))
            .answer(told(&scene))
            .answer(json!({"answer_by": until, "code": null, "command": null}))
            .after(world.model.value());
        self.put(id, title, shows, clauses, (&scene, expect), None);
    }

    /// A change that must be refused; the payment without it is accepted.
    pub(super) fn refuse(&mut self, id: &str, title: &str, shows: Shows, code: Code, change: impl Fn(&mut Scene)) {
        let base = self.base_id.clone();
        self.refuse_like(id, title, shows, code, (&base, &change));
    }

    /// A change that must be refused, beside an accepted case.
    pub(super) fn refuse_like(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        code: Code,
        (twin, change): (&str, Change<'_>),
    ) {
        let scene = self.scene(change);
        let mut world = self.world.clone();
        let expect = if code.standing() == Standing::Refused {
            world.closed(&scene, "refused");
            let why = json!({"code": public(code), "detail": why(&scene, code)});
            refused_by_issuer(code).answer(told(&scene)).answer(why).after(world.model.value())
        } else {
            refused_by_issuer(code).unchanged()
        };
        self.put(id, title, shows, "", (&scene, expect), Some(twin));
    }

    /// A change by which a mandate that comes along is refused: nothing of the message stands but the mandates
    /// before that one, and the intent is not decided.
    pub(super) fn refuse_registration(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        code: Code,
        (twin, change): (&str, Change<'_>),
    ) {
        let scene = self.scene(change);
        let mut world = self.world.clone();
        let mandates = scene.papers().mandates;
        for mandate in &mandates[scene.known..mandates.len() - 1] {
            world.registered(mandate);
        }
        let decided = code.standing() == Standing::Refused;
        let mut expect = Expect { decided: Some(decided), ..refused_by_issuer(code) };
        if let Some(last) = mandates.last().filter(|_| decided) {
            let why = json!({"code": public(code), "detail": {"code": code.slug()}});
            expect = expect.answer(json!({"command": hex(&last.id()), "intent": null, "offer": null})).answer(why);
        }
        self.put(id, title, shows, "AUT-8", (&scene, expect.after(world.model.value())), Some(twin));
    }

    /// Papers that are changed after they were signed, or signed by others, and must be refused.
    pub(super) fn refuse_papers(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        (code, stage): (Code, Stage),
        change: &dyn Fn(&mut super::world::Papers),
    ) {
        let scene = self.base.clone();
        let mut papers = scene.papers();
        change(&mut papers);
        let body = papers.body(scene.known);
        let nonce = super::keys::sixteen(&format!("nonce of {id}"));
        let call = call("issuer.receive", receive("payment", &body, scene.now, nonce));
        let expect = Expect { decided: Some(false), ..super::sheet::refused(code, stage) }.unchanged();
        let was = self.base.papers();
        let parts = [("offer", &papers.offer, &was.offer), ("intent", &papers.intent, &was.intent)];
        let parts =
            parts.into_iter().chain(papers.mandates.iter().zip(&was.mandates).map(|(is, was)| ("mandate", is, was)));
        let edits = parts.flat_map(|(name, is, was)| differing(name, is, was)).collect();
        let case = case("issuer", id, title, call, expect).shows(shows).after_setup(&self.setup).needs(self.features);
        let base = self.base_id.clone();
        self.sheet
            .add(case.weighs(Importance::Critical).twin(&base).mutated(&base, "papers", edits, false).diagnosed(&body));
    }

    /// Two changes: the second must be refused, the first must not.
    pub(super) fn beside(&mut self, id: &str, title: &str, shows: Shows, code: Code, [good, bad]: [Change<'_>; 2]) {
        let twin = format!("{id}-twin");
        self.accept(&twin, &format!("{title}: what is allowed"), shows, code.clause(), good);
        self.refuse_like(id, title, shows, code, (&twin, bad));
    }

    /// What the detail of the case put last says: link, grant, and label of the rule. [RCT-12]
    pub(super) fn because(&mut self, link: u8, grant: Option<u8>, rule: Option<u8>) {
        self.sheet.amend(|mut case| {
            let code = case.expect.code.clone();
            let detail = json!({"detail": {"code": code, "link": link, "grant": grant, "rule": rule}});
            case.expect = case.expect.answer(detail);
            case.clauses("RCT-12 AUT-54")
        });
    }

    /// A refusal at a stage that is not the code's first.
    pub(super) fn last(&mut self, change: impl FnOnce(Case) -> Case) {
        self.sheet.amend(change);
    }

    fn scene(&self, change: impl Fn(&mut Scene)) -> Scene {
        let mut scene = self.base.clone();
        change(&mut scene);
        scene
    }

    fn put(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        clauses: &str,
        (scene, expect): (&Scene, Expect),
        twin: Option<&str>,
    ) {
        let body = scene.body();
        let nonce = super::keys::sixteen(&format!("nonce of {id}"));
        let call = call("issuer.receive", receive("payment", &body, scene.now, nonce));
        let mut case = case("issuer", id, title, call, expect).shows(shows).clauses(clauses);
        case = case.after_setup(&self.setup).needs(self.features).weighs(Importance::Critical);
        if let Some(twin) = twin {
            case = case.twin(twin);
        }
        if id != self.base_id {
            let mut edits = edits(scene, &self.base);
            if edits.is_empty() {
                edits.push(json!(["setup", self.setup]));
            }
            case = case.mutated(&self.base_id, "papers", edits, true);
        }
        self.sheet.add(case.diagnosed(&body));
    }
}

impl World {
    /// What a payment that moves nothing does: its mandates stand.
    pub(super) fn closed(&mut self, scene: &Scene, state: &'static str) {
        let papers = scene.papers();
        for mandate in papers.mandates.iter().skip(scene.known) {
            self.registered(mandate);
        }
        self.model.close(papers.intent.id(), state);
    }
}

/// How the papers of a payment differ from those of another: paper by paper, label by label.
fn edits(scene: &Scene, base: &Scene) -> Vec<Value> {
    let (is, was) = (scene.papers(), base.papers());
    let mut edits = Vec::new();
    if is.mandates.len() != was.mandates.len() || scene.known != base.known {
        edits.push(json!(["mandates", is.mandates.len()]));
    }
    for (at, (is, was)) in is.mandates.iter().zip(&was.mandates).enumerate() {
        edits.extend(differing(&format!("mandate {at}"), is, was));
    }
    edits.extend(differing("offer", &is.offer, &was.offer));
    // What follows from the ids of the papers before is no change of its own.
    let own = |forge: &Forge| forge.says(|payload| payload.without(-2).without(-3).without(-4));
    edits.extend(differing("intent", &own(&is.intent), &own(&was.intent)));
    match (&is.confirmation, &was.confirmation) {
        (Some(is), Some(was)) => edits.extend(differing("confirmation", &own(is), &own(was))),
        (None, None) => {}
        (is, _) => edits.push(json!(["confirmation", is.as_ref().map(|forge| hex(&forge.bytes()))])),
    }
    if scene.now != base.now {
        edits.push(json!(["now", scene.now]));
    }
    edits
}

fn differing(paper: &str, is: &Forge, was: &Forge) -> Vec<Value> {
    let edits = is.edits(was);
    edits.into_iter().map(|edit| json!([paper, edit])).collect()
}

/// Commands after one setup.
pub(super) struct Commands<'s> {
    sheet: &'s mut Sheet,
    setup: String,
    /// Where the setup leads.
    pub(super) world: World,
    features: &'static str,
}

/// What a command does to the model.
pub(super) type Effect<'c> = &'c dyn Fn(&mut World);

impl<'s> Commands<'s> {
    pub(super) fn new(sheet: &'s mut Sheet, setup: &str, world: World, features: &'static str) -> Self {
        sheet.setup(setup, world.setup());
        Self { sheet, setup: setup.to_owned(), world, features }
    }

    /// A command that is done.
    pub(super) fn accept(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        clauses: &str,
        (message, body, now): (&str, &Forge, u64),
        (outcome, effect): (&str, Effect<'_>),
    ) {
        let mut world = self.world.clone();
        effect(&mut world);
        let expect = accepted()
            .value(json!({"outcome": outcome}))
            .answer(command_told(message, outcome, body))
            .after(world.model.value());
        self.put(id, title, shows, clauses, (message, body, now), (expect, None));
    }

    /// A command that is refused, and changes nothing.
    pub(super) fn refuse(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        code: Code,
        (message, body, now): (&str, &Forge, u64),
        twin: (&str, &str),
    ) {
        let recorded = code.standing() == Standing::Refused && !UNRECORDED.contains(&code);
        let recorded = recorded || (message == "mandate" && code.standing() == Standing::Refused);
        let mut expect = Expect { decided: Some(recorded), ..refused_by_issuer(code) }.unchanged();
        if recorded {
            expect = expect.answer(json!({"code": public(code), "detail": {"code": code.slug()}}));
        }
        self.put(id, title, shows, "", (message, body, now), (expect, Some(twin)));
    }

    /// The same, at a stage that is not the code's first.
    pub(super) fn at(&mut self, stage: Stage) {
        self.sheet.amend(|mut case| {
            case.expect.stage = Some(stage.name().to_owned());
            case
        });
    }

    /// The case that was put last.
    pub(super) fn last(&mut self, change: impl FnOnce(Case) -> Case) {
        self.sheet.amend(change);
    }

    fn put(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        clauses: &str,
        (message, body, now): (&str, &Forge, u64),
        (expect, twin): (Expect, Option<(&str, &str)>),
    ) {
        let nonce = super::keys::sixteen(&format!("nonce of {id}"));
        let bytes = body.bytes();
        let mut input = receive(message, &bytes, now, nonce);
        if message == "account" {
            input["account"] = json!(hex(&super::keys::sixteen(&format!("account of {id}"))));
        }
        let mut case = case("issuer", id, title, call("issuer.receive", input), expect).shows(shows).clauses(clauses);
        case = case.after_setup(&self.setup).needs(self.features).weighs(Importance::Critical);
        case.sig_structure = Some(hex(&body.sig_structure()));
        if let Some((twin, change)) = twin {
            case = case.twin(twin).mutated(twin, "command", vec![json!(change)], true);
        }
        self.sheet.add(case.diagnosed(&bytes));
    }
}

/// What the receipt of a payment says of it. [RCT-19]
fn told(scene: &Scene) -> Value {
    let papers = scene.papers();
    let of = |label: i64| papers.intent.payload.get(label);
    let text = |item: Item| if let Item::Text(text) = item { json!(text) } else { Value::Null };
    let bytes = |item: Item| if let Item::Bytes(bytes) = item { json!(hex(&bytes)) } else { Value::Null };
    let merchant = if let Item::Text(name) = papers.offer.payload.get(1) { name } else { String::new() };
    json!({
        "offer": hex(&papers.offer.id()), "intent": hex(&papers.intent.id()),
        "amount_minor": number(&of(-5)).to_string(), "currency": text(of(-6)), "secret_hash": bytes(of(-7)),
        "pseudonym": hex(&pseudonym("ann", &merchant)), "chains": null,
    })
}

/// The chains that the receipt of a metered hold repeats: how long each is, and where it begins. [TOK-8]
fn chains(scene: &Scene, held: bool) -> Value {
    let Item::List(chains) = scene.papers().intent.payload.get(-71) else { return Value::Null };
    let part = |item: &Item| match item {
        Item::Bytes(root) => json!(hex(root)),
        length => json!(number(length)),
    };
    let chain =
        |chain: &Item| if let Item::List(parts) = chain { parts.iter().map(part).collect() } else { Value::Null };
    let is_metered = held && !chains.is_empty();
    if is_metered { chains.iter().map(chain).collect() } else { Value::Null }
}

/// What the detail of a refusal says: of a rule, where it stands, as far as the mandates leave no doubt. [RCT-12]
fn why(scene: &Scene, code: Code) -> Value {
    let mut detail = json!({"code": code.slug()});
    let labels = match code {
        Code::RuleMerchant => vec![7, 8],
        Code::RuleCategory => vec![9, 10],
        Code::RuleItem => vec![11, 12],
        _ => RULES.iter().filter(|(_, known)| *known == code).map(|(label, _)| *label).collect(),
    };
    if labels.is_empty() {
        if code != Code::NoGrant {
            detail["link"] = Value::Null;
        }
        detail["rule"] = Value::Null;
        return detail;
    }
    let has = |rules: &Item, label: i64| rules.labels().contains(&label);
    let places = scene.mandates.iter().enumerate().flat_map(|(link, (mandate, _))| {
        let grants = if let Item::List(grants) = mandate.get(-16) { grants } else { Vec::new() };
        let grants = grants.into_iter().enumerate().map(|(number, rules)| (Some(number), rules));
        let maps = std::iter::once((None, mandate.get(-15))).chain(grants);
        let labels = &labels;
        maps.flat_map(move |(grant, rules)| {
            labels
                .iter()
                .filter(move |label| has(&rules, **label))
                .map(move |label| (link, grant, *label))
                .collect::<Vec<_>>()
        })
        .collect::<Vec<_>>()
    });
    if let [(link, grant, label)] = places.collect::<Vec<_>>()[..] {
        detail["link"] = json!(link);
        detail["grant"] = json!(grant);
        detail["rule"] = json!(label);
    }
    detail
}

/// The codes of rules that are of one label alone.
const RULES: [(i64, Code); 13] = [
    (1, Code::RuleAmountMax),
    (2, Code::RuleAmountMin),
    (3, Code::RuleTotal),
    (4, Code::RuleTotalPeriod),
    (5, Code::RuleCount),
    (6, Code::RuleCountPeriod),
    (13, Code::RulePrice),
    (14, Code::RuleTime),
    (15, Code::RuleChannel),
    (16, Code::RuleDevice),
    (17, Code::RulePayeeKey),
    (18, Code::RuleDepth),
    (19, Code::RuleOpenHolds),
];

/// What the receipt of a command says of it; a confirmation and a cancel are answered with their payment's.
fn command_told(message: &str, outcome: &str, body: &Forge) -> Value {
    if message == "confirmation" || body.kind == "cancel" {
        return json!({});
    }
    let mut says = json!({"command": hex(&body.id()), "code": null, "detail": null, "chains": null});
    if matches!(outcome, "captured" | "refunded") && body.payload.labels().contains(&-5) {
        says["amount_minor"] = json!(number(&body.payload.get(-5)).to_string());
    }
    if let (Item::Bytes(intent), false) = (body.payload.get(-4), outcome == "recorded") {
        says["intent"] = json!(hex(&intent));
        says["pseudonym"] = json!(hex(&pseudonym("ann", "tea.example")));
    }
    says
}

/// What everybody is told of a refusal.
fn public(code: Code) -> &'static str {
    if code.public() == Public::Same { code.slug() } else { Code::Declined.slug() }
}

/// How long an offer is held; seven days where it says nothing. [AUT-66]
fn hold_seconds(offer: &Item) -> u64 {
    match offer.get(-27) {
        Item::Int(seconds) => u64::try_from(seconds).unwrap_or_default(),
        _ => 7 * DAY,
    }
}

/// Refusals of commands that are not recorded, whatever the registry says of the codes. [CMD-27]
const UNRECORDED: [Code; 2] = [Code::CommandStale, Code::AudienceMismatch];
