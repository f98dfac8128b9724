//! Whether a wallet holds what it is shown of its account against what the issuer signed; and what a spoken word does.

use super::stage::{Bundles, Lists};
use super::{Manners, Scene, Seen, Task};
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure, Fault, ensure, ensure_state};

const LIST: &str = "live/wallet/list/honest";
const BUNDLE: &str = "live/wallet/bundle/honest";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/wallet/list/honest", "It lists every mandate that the issuer signed for", ["WAL-4", "WAL-5"], High, Must::Accept, [] => whole;
    "live/wallet/list/left-out", "The list lacks a mandate that is signed for", ["WAL-4"], Critical, Must::Fail(LIST), [] => left_out;
    "live/wallet/list/swapped", "The list has the mandates in another order than they were registered in", ["WAL-4"], High, Must::Fail(LIST), [] => swapped;
    "live/wallet/list/forged", "The statement is signed by somebody else", ["WAL-4", "SIG-15"], Critical, Must::Fail(LIST), [] => forged;
    "live/wallet/list/old", "The statement is no longer good", ["WAL-4"], High, Must::Fail(LIST), [] => old;
    "live/wallet/list/long", "The statement is good for two minutes", ["WAL-3"], Medium, Must::Fail(LIST), [] => long;
    "live/wallet/list/of-another", "The statement is of another account", ["WAL-4"], Critical, Must::Fail(LIST), [] => of_another;
    "live/wallet/list/fewer-decisions", "The issuer signs for fewer decisions than before", ["WAL-5"], Critical, Must::Fail(LIST), [] => fewer_decisions;
    "live/wallet/list/fewer-mandates", "A mandate that was listed is gone, from the list and from what is signed", ["WAL-5"], Critical, Must::Fail(LIST), [] => fewer_mandates;
    "live/wallet/bundle/honest", "It fetches a bundle that verifies", ["WAL-15"], High, Must::Accept, [] => bundle;
    "live/wallet/bundle/forged-receipt", "A receipt of the bundle is signed by somebody else", ["WAL-15"], Critical, Must::Fail(BUNDLE), [] => forged_receipt;
    "live/wallet/bundle/other-detail", "A detail of the bundle is not the one that its receipt binds", ["WAL-15"], High, Must::Fail(BUNDLE), [] => other_detail;
    "live/wallet/bundle/other-paper", "A paper of the bundle is not the one that its receipt names", ["WAL-15"], Critical, Must::Fail(BUNDLE), [] => other_paper;
    "live/wallet/mandate/spoken", "No mandate is made on a spoken word", ["WAL-28", "MAN-3"], Critical, Must::Fail("live/wallet/mandate/honest"), [] => spoken;
};

/// The account has two mandates, and the list is asked for twice.
async fn listed(scene: &Scene, lists: Lists) -> Result<Seen, Failure> {
    let tasks: &[Task] = match lists {
        Lists::Whole | Lists::FewerDecisions | Lists::FewerMandates => {
            &[Task::Open, Task::Mandate, Task::Mandate, Task::List, Task::List]
        }
        _ => &[Task::Open, Task::Mandate, Task::Mandate, Task::List],
    };
    scene.play(Manners { lists, ..Manners::default() }, tasks).await
}

async fn fetched(scene: &Scene, bundles: Bundles) -> Result<Seen, Failure> {
    let tasks = [Task::Open, Task::Mandate, Task::Mandate, Task::Bundle];
    scene.play(Manners { bundles, ..Manners::default() }, &tasks).await
}

/// What was asked for was asked for with a proof, and the wallet calls it done.
fn is_taken(seen: &Seen) -> Done {
    ensure(seen.odd_proofs.is_empty(), || seen.odd_proofs.join("; "))?;
    ensure_state(seen.reads > 0, || format!("nothing was asked for; the wallet said: {}", seen.said))?;
    if seen.done {
        return Ok(());
    }
    Err(Failure::new(Fault::Refused, format!("the wallet says that it is not done: {}", seen.said)))
}

/// It was asked for, and the wallet does not call it done.
fn is_not_taken(seen: &Seen) -> Done {
    ensure_state(seen.reads > 0, || format!("nothing was asked for; the wallet said: {}", seen.said))?;
    if !seen.done {
        return Ok(());
    }
    Err(Failure::new(Fault::Accepted, format!("the wallet says that all is well: {}", seen.said)))
}

async fn whole(scene: &Scene) -> Done {
    is_taken(&listed(scene, Lists::Whole).await?)
}

async fn left_out(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::LeftOut).await?)
}

async fn swapped(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::Swapped).await?)
}

async fn forged(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::Forged).await?)
}

async fn old(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::Old).await?)
}

async fn long(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::Long).await?)
}

async fn of_another(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::OfAnother).await?)
}

async fn fewer_decisions(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::FewerDecisions).await?)
}

async fn fewer_mandates(scene: &Scene) -> Done {
    is_not_taken(&listed(scene, Lists::FewerMandates).await?)
}

async fn bundle(scene: &Scene) -> Done {
    is_taken(&fetched(scene, Bundles::Whole).await?)
}

async fn forged_receipt(scene: &Scene) -> Done {
    is_not_taken(&fetched(scene, Bundles::ForgedReceipt).await?)
}

async fn other_detail(scene: &Scene) -> Done {
    is_not_taken(&fetched(scene, Bundles::OtherDetail).await?)
}

async fn other_paper(scene: &Scene) -> Done {
    is_not_taken(&fetched(scene, Bundles::OtherPaper).await?)
}

async fn spoken(scene: &Scene) -> Done {
    let seen = scene.play(Manners::default(), &[Task::Open, Task::Spoken]).await?;
    ensure(seen.mandates.is_empty(), || "a mandate came".to_owned())?;
    if !seen.done {
        return Ok(());
    }
    Err(Failure::new(Fault::Accepted, format!("the wallet says that it made one: {}", seen.said)))
}
