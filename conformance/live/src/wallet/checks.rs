//! What a wallet signs and does among honest peers, and among others.

use purser_protocol::money::Amount;
use purser_protocol::paper::command::{Cancel, Enrolment, Revocation, Suspension};
use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode, Shown};
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::render::{self, Language, Medium, Rendering};
use purser_protocol::sign::{Paper, PublicKey, Verified};

use super::stage::verified;
use super::{Credits, Manners, Reply, Scene, Seen, Shows, Task};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure, ensure_state};
use crate::papers::{Order, id};

const OPENS: &str = "live/wallet/open/honest";
const APPROVES: &str = "live/wallet/approve/honest";
const REVOKES: &str = "live/wallet/revoke/honest";
const SUSPENDS: &str = "live/wallet/suspend/honest";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/wallet/open/honest", "It opens an account with an enrolment that the new key signed", ["SIG-24"], High, Must::Accept, [] => open;
    "live/wallet/open/version", "An issuer that lists version 2 alone gets no paper of version 1", ["VER-4"], Medium, Must::Fail(OPENS), [] => version;
    "live/wallet/open/credential-forged", "A credential that somebody else signed is none", ["SIG-15"], High, Must::Fail(OPENS), [] => credential_forged;
    "live/wallet/open/credential-of-another", "A credential of another key is not the account's", ["SIG-15"], High, Must::Fail(OPENS), [] => credential_of_another;
    "live/wallet/mandate/honest", "It signs the mandate that was asked for, with no other limit and no wider one", ["MAN-2", "RND-5", "RND-22"], Critical, Must::Accept, [] => mandate;
    "live/wallet/read/proof", "What it reads it asks for with a proof for this address", ["HTB-31", "HTB-32"], High, Must::Accept, [] => proof;
    "live/wallet/read/redirect", "Whoever redirects a signed read gets no proof elsewhere", ["HTB-3"], High, Must::Fail("live/wallet/read/proof"), [] => redirect;
    "live/wallet/approve/honest", "A yes is for the payment that was asked for, and says what was shown", ["CNF-9", "RND-5", "RND-22"], Critical, Must::Accept, [] => approve;
    "live/wallet/approve/another-offer", "The issuer shows a cheaper offer beside the intent", ["CNF-9"], Critical, Must::Fail(APPROVES), [] => another_offer;
    "live/wallet/approve/another-payment", "The issuer shows the papers of a cheaper payment under the id of this one", ["CNF-9"], Critical, Must::Fail(APPROVES), [] => another_payment;
    "live/wallet/approve/forged-offer", "The issuer shows an offer that its merchant did not sign", ["CNF-9", "SIG-15"], Critical, Must::Fail(APPROVES), [] => forged_offer;
    "live/wallet/approve/stranger", "The offer is of a merchant whom nobody vouches for", ["CNF-9", "CRT-16"], Critical, Must::Fail(APPROVES), [] => stranger;
    "live/wallet/approve/small-words", "The issuer's list says a hundredth of what the papers say, and another merchant", ["RND-22", "CNF-9"], Critical, Must::Fail(APPROVES), [] => small_words;
    "live/wallet/refuse/honest", "A no is a cancel of the payment that was asked for, by the account's key", ["CNF-3", "CMD-25"], High, Must::Accept, [] => refuse;
    "live/wallet/suspend/honest", "It lets the mandate rest, and no other, and says so when it has the receipt", ["FLW-1"], High, Must::Accept, [] => suspend;
    "live/wallet/suspend/lost", "The answer to a suspension is lost, each time", ["FLW-1"], Critical, Must::Fail(SUSPENDS), [] => suspend_lost;
    "live/wallet/suspend/unsigned", "A suspension is answered with 200 and nothing signed", ["FLW-1"], Critical, Must::Fail(SUSPENDS), [] => suspend_unsigned;
    "live/wallet/revoke/honest", "It ends the mandate, and no other, and says so when it has the receipt", ["FLW-1"], High, Must::Accept, [] => revoke;
    "live/wallet/revoke/lost", "The answer to a revocation is lost, each time", ["FLW-1"], Critical, Must::Fail(REVOKES), [] => revoke_lost;
    "live/wallet/revoke/lost-once", "The answer to a revocation is lost once: the same bytes come again, or it is not done", ["FLW-1"], Critical, Must::Fail(REVOKES), [] => revoke_lost_once;
    "live/wallet/revoke/unsigned", "A revocation is answered with 200 and nothing signed", ["FLW-1"], Critical, Must::Fail(REVOKES), [] => revoke_unsigned;
    "live/wallet/revoke/forged", "A revocation is answered with a receipt that somebody else signed", ["FLW-1", "SIG-15"], Critical, Must::Fail(REVOKES), [] => revoke_forged;
    "live/wallet/revoke/of-another", "A revocation is answered with the receipt of another command", ["FLW-1"], Critical, Must::Fail(REVOKES), [] => revoke_of_another;
    "live/wallet/revoke/refused", "A revocation is refused, signed", ["FLW-1"], Critical, Must::Fail(REVOKES), [] => revoke_refused;
};

impl Seen {
    fn wrong(&self, fault: Fault, message: impl std::fmt::Display) -> Failure {
        Failure::new(fault, format!("{message}; the wallet said: {}", self.said))
    }

    /// The command said that it is done.
    fn is_done(&self) -> Done {
        if self.done { Ok(()) } else { Err(self.wrong(Fault::Refused, "the wallet says that it is not done")) }
    }

    /// The command said that it is not done.
    fn is_not_done(&self) -> Done {
        if self.done { Err(self.wrong(Fault::Accepted, "the wallet says that it is done")) } else { Ok(()) }
    }

    fn key(&self) -> Result<PublicKey, Failure> {
        self.key.ok_or_else(|| self.wrong(Fault::Setup, "no account was opened"))
    }

    /// The one paper of a list, read through all stages with the account's key.
    fn one<T: Paper>(&self, scene: &Scene, papers: &[Vec<u8>], what: &str) -> Result<Verified<T>, Failure> {
        let [paper] = papers else {
            let count = papers.len();
            let fault = if count == 0 { Fault::Refused } else { Fault::WrongValue };
            return Err(self.wrong(fault, format!("{count} papers came where one {what} must")));
        };
        let read = verified::<T>(paper, &scene.terms, &self.key()?);
        read.map_err(|fault| self.wrong(Fault::WrongAnswer, format!("the {what}: {fault}")))
    }

    fn order(&self) -> Result<&Order, Failure> {
        self.order.as_ref().ok_or_else(|| Failure::of_suite("no payment waited"))
    }

    /// The yes is for the payment, and for what its papers say.
    fn says_yes(&self, scene: &Scene) -> Done {
        let order = self.order()?;
        let yes = self.one::<Confirmation>(scene, &self.confirmations, "confirmation")?;
        ensure(yes.intent == order.id, || format!("it is for the payment {}", yes.intent))?;
        ensure(yes.account == self.account, || format!("it is of the account {}", yes.account))?;
        ensure(yes.issuer == scene.terms.issuer, || format!("it is for {}", yes.issuer))?;
        was_shown(yes.shown.as_ref(), Medium::of(yes.how), |language, medium| {
            render::confirmation(&yes, &order.intent, &order.offer, language, medium)
        })
    }

    /// No yes came, and the wallet says so.
    fn says_nothing(&self) -> Done {
        match self.confirmations.len() {
            0 => self.is_not_done(),
            count => Err(self.wrong(Fault::Accepted, format!("{count} confirmations came"))),
        }
    }

    /// The stop was not done, and the wallet does not say that it was.
    fn was_not_stopped(&self) -> Done {
        if self.commands.is_empty() {
            return Err(self.wrong(Fault::Setup, "no command came"));
        }
        self.is_not_done()
    }
}

/// What a paper says that was shown is the standard rendering of the papers. [RND-5]
fn was_shown(shown: Option<&Shown>, medium: Medium, text: impl Fn(Language, Medium) -> Rendering) -> Done {
    let Some(shown) = shown else { return Ok(()) };
    let language = Language::from_tag(shown.language.as_str());
    let language = language.ok_or_else(|| {
        Failure::new(Fault::WrongValue, format!("there is no rendering in {}", shown.language.as_str()))
    })?;
    let must = text(language, medium).shown();
    ensure(must.rendering == shown.rendering, || {
        "`shown` is not the digest of the standard rendering of what is signed".to_owned()
    })
}

async fn open(scene: &Scene) -> Done {
    let seen = scene.play(Manners::default(), &[Task::Open]).await?;
    let enrolment = seen.one::<Enrolment>(scene, &seen.enrolments, "enrolment")?;
    ensure(enrolment.account.is_none(), || "it names an account".to_owned())?;
    ensure(enrolment.issuer == scene.terms.issuer, || format!("it is for {}", enrolment.issuer))?;
    seen.is_done()
}

async fn version(scene: &Scene) -> Done {
    let seen = scene.play(Manners { version: "2", ..Manners::default() }, &[Task::Open]).await?;
    ensure(seen.enrolments.is_empty(), || "an enrolment of version 1 came".to_owned())?;
    seen.is_not_done()
}

async fn credential_forged(scene: &Scene) -> Done {
    let manners = Manners { credits: Credits::Forged, ..Manners::default() };
    scene.play(manners, &[Task::Open]).await?.is_not_done()
}

async fn credential_of_another(scene: &Scene) -> Done {
    let manners = Manners { credits: Credits::OfAnother, ..Manners::default() };
    scene.play(manners, &[Task::Open]).await?.is_not_done()
}

async fn mandate(scene: &Scene) -> Done {
    let seen = scene.play(Manners::default(), &[Task::Open, Task::Mandate]).await?;
    let mandate = seen.one::<Mandate>(scene, &seen.mandates, "mandate")?;
    ensure(mandate.account == seen.account, || format!("it is of the account {}", mandate.account))?;
    ensure(mandate.issuer == scene.terms.issuer, || format!("it is for {}", mandate.issuer))?;
    ensure(mandate.mode == Mode::Quota, || format!("its mode is {}", mandate.mode.name()))?;
    ensure(mandate.currency == scene.terms.currency, || format!("its currency is {}", mandate.currency.code()))?;
    ensure(mandate.holder == Holder::Agent(seen.agent), || "its holder is not the agent".to_owned())?;
    let (total, amount_max) = (Amount::from_minor(10_000), Amount::from_minor(5_000));
    let caps = Rules::new(Fields { total, amount_max, ..Fields::default() });
    ensure(mandate.caps == caps, || "its caps are not 100.00 CNY in all and 50.00 for one payment".to_owned())?;
    let more = mandate.grants.is_some() || mandate.funded.is_some() || mandate.refund_returns.is_some();
    ensure(!more && mandate.parent.is_none(), || "it says more than was asked for".to_owned())?;
    was_shown(mandate.shown.as_ref(), Medium::Screen, |language, medium| {
        render::mandate(&Mandate { shown: None, ..(*mandate).clone() }, language, medium)
    })?;
    seen.is_done()
}

async fn proof(scene: &Scene) -> Done {
    let seen = scene.play(Manners::default(), &[Task::Open, Task::Mandate, Task::Approve]).await?;
    ensure(seen.odd_proofs.is_empty(), || seen.odd_proofs.join("; "))?;
    ensure_state(seen.reads > 0, || format!("nothing was asked for; the wallet said: {}", seen.said))
}

async fn redirect(scene: &Scene) -> Done {
    let manners = Manners { redirects: true, ..Manners::default() };
    let seen = scene.play(manners, &[Task::Open, Task::Mandate, Task::Approve]).await?;
    let told = seen.elsewhere.iter().any(|(name, _)| name.eq_ignore_ascii_case("purser-proof"));
    ensure(!told, || "Purser-Proof came to another origin".to_owned())?;
    seen.says_nothing()
}

/// What the wallet makes of a payment that waits, shown like this.
async fn asked(scene: &Scene, shows: Shows) -> Result<Seen, Failure> {
    scene.play(Manners { shows, ..Manners::default() }, &[Task::Open, Task::Mandate, Task::Approve]).await
}

async fn approve(scene: &Scene) -> Done {
    let seen = asked(scene, Shows::AsItIs).await?;
    seen.says_yes(scene)?;
    seen.is_done()
}

async fn another_offer(scene: &Scene) -> Done {
    asked(scene, Shows::AnotherOffer).await?.says_nothing()
}

async fn another_payment(scene: &Scene) -> Done {
    asked(scene, Shows::AnotherPayment).await?.says_nothing()
}

async fn forged_offer(scene: &Scene) -> Done {
    asked(scene, Shows::ForgedOffer).await?.says_nothing()
}

async fn stranger(scene: &Scene) -> Done {
    asked(scene, Shows::Stranger).await?.says_nothing()
}

/// Whoever reads the papers alone may say yes to them; whoever shows the list must not.
async fn small_words(scene: &Scene) -> Done {
    let seen = asked(scene, Shows::SmallWords).await?;
    if seen.confirmations.is_empty() {
        return seen.is_not_done();
    }
    seen.says_yes(scene)
}

async fn refuse(scene: &Scene) -> Done {
    let seen = scene.play(Manners::default(), &[Task::Open, Task::Mandate, Task::Refuse]).await?;
    let cancel = seen.one::<Cancel>(scene, &seen.commands, "cancel")?;
    ensure(id(&cancel.intent.0)? == seen.order()?.id, || "it encloses another intent".to_owned())?;
    ensure(cancel.issuer == scene.terms.issuer, || format!("it is for {}", cancel.issuer))?;
    ensure(seen.confirmations.is_empty(), || "a confirmation came too".to_owned())?;
    seen.is_done()
}

async fn stopped(scene: &Scene, reply: Reply, task: Task) -> Result<Seen, Failure> {
    scene.play(Manners { reply, ..Manners::default() }, &[Task::Open, Task::Mandate, task]).await
}

async fn suspend(scene: &Scene) -> Done {
    let seen = stopped(scene, Reply::Done, Task::Suspend).await?;
    let suspension = seen.one::<Suspension>(scene, &seen.commands, "suspension")?;
    ensure(suspension.account == seen.account, || "it is of another account".to_owned())?;
    let mandates: Vec<_> = suspension.mandates.iter().copied().collect();
    ensure(seen.mandates.first().map(|paper| id(paper)).transpose()?.as_slice() == mandates, || {
        format!("it names {mandates:?}")
    })?;
    seen.is_done()
}

async fn suspend_lost(scene: &Scene) -> Done {
    stopped(scene, Reply::Lost, Task::Suspend).await?.was_not_stopped()
}

async fn suspend_unsigned(scene: &Scene) -> Done {
    stopped(scene, Reply::Unsigned, Task::Suspend).await?.was_not_stopped()
}

async fn revoke(scene: &Scene) -> Done {
    let seen = stopped(scene, Reply::Done, Task::Revoke).await?;
    let revocation = seen.one::<Revocation>(scene, &seen.commands, "revocation")?;
    ensure(revocation.account == seen.account, || "it is of another account".to_owned())?;
    let mandates: Vec<_> = revocation.mandates.iter().copied().collect();
    ensure(seen.mandates.first().map(|paper| id(paper)).transpose()?.as_slice() == mandates, || {
        format!("it names {mandates:?}")
    })?;
    seen.is_done()
}

async fn revoke_lost(scene: &Scene) -> Done {
    stopped(scene, Reply::Lost, Task::Revoke).await?.was_not_stopped()
}

async fn revoke_lost_once(scene: &Scene) -> Done {
    let seen = stopped(scene, Reply::LostOnce, Task::Revoke).await?;
    let others = seen.commands.iter().skip(1).filter(|bytes| seen.commands.first() != Some(*bytes)).count();
    ensure(others == 0, || format!("{others} of {} sendings are of another revocation", seen.commands.len()))?;
    if seen.answered { Ok(()) } else { seen.was_not_stopped() }
}

async fn revoke_unsigned(scene: &Scene) -> Done {
    stopped(scene, Reply::Unsigned, Task::Revoke).await?.was_not_stopped()
}

async fn revoke_forged(scene: &Scene) -> Done {
    stopped(scene, Reply::Forged, Task::Revoke).await?.was_not_stopped()
}

async fn revoke_of_another(scene: &Scene) -> Done {
    stopped(scene, Reply::OfAnother, Task::Revoke).await?.was_not_stopped()
}

async fn revoke_refused(scene: &Scene) -> Done {
    stopped(scene, Reply::Refused, Task::Revoke).await?.was_not_stopped()
}
