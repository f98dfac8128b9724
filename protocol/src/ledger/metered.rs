//! What a capture of a metered hold must show: links that lead to the roots of the intent, and what was used.

use super::state::{Made, Metered};
use crate::code::Code;
use crate::id::PaperId;
use crate::paper::command::Capture;
use crate::paper::meter::{Links, Reached};
use crate::token::chain::leads;

/// Whether a capture takes no more than its claim covers, all captures so far with it. A chain is as short as its
/// limit, so that no claim makes the issuer hash for long.
pub(super) fn covers(made: &Made, paper: &Capture) -> Result<(), Code> {
    let (metered, claim) = match (&made.metered, &paper.claim) {
        (None, None) => return Ok(()),
        (Some(metered), Some(claim)) => (metered, claim),
        _ => return Err(Code::ClaimMismatch), // [TOK-10]
    };
    for link in claim.links.iter() {
        metered.verify(&made.offer, link)?;
    }
    let all = u128::from(made.captured_minor) + u128::from(paper.amount.minor());
    if all > metered.value_minor(&claim.links) {
        return Err(Code::CaptureExceedsLinks); // [TOK-13]
    }
    let cost = metered.meter.cost_minor(claim.counts());
    if cost.is_none_or(|cost| all > u128::from(cost)) {
        return Err(Code::CaptureExceedsUsage); // [TOK-14]
    }
    Ok(())
}

impl Metered {
    /// A link of a chain of this session, at a place that it has.
    fn verify(&self, offer: &PaperId, reached: &Reached) -> Result<(), Code> {
        let chain = usize::try_from(reached.chain).ok().and_then(|chain| self.chains.get(chain));
        let chain = chain.filter(|chain| reached.index <= chain.length).ok_or(Code::LinkOutOfChain)?; // [TOK-11]
        let number = u8::try_from(reached.chain).map_err(|_| Code::LinkOutOfChain)?;
        // From the link that was claimed before where this one is behind it, else from the root.
        let before = self.at(reached.chain).filter(|before| before.index <= reached.index);
        let from = before.map_or((0, &chain.root), |before| (before.index.get(), &before.link));
        if leads(offer, number, from, (reached.index.get(), &reached.link)) {
            Ok(())
        } else {
            Err(Code::LinkInvalid) // [TOK-12]
        }
    }

    fn at(&self, chain: u64) -> Option<&Reached> {
        self.reached.iter().find(|known| known.chain == chain)
    }

    /// What the links are worth: those claimed now, or before where those were greater. [TOK-9]
    fn value_minor(&self, links: &Links) -> u128 {
        let places = (0..).zip(self.chains.iter()).map(|(chain, _)| {
            let now = links.iter().find(|link| link.chain == chain);
            let greatest = now.into_iter().chain(self.at(chain)).map(|link| link.index.get()).max();
            greatest.unwrap_or(0)
        });
        self.meter.value_minor(places)
    }

    /// Keeps the greater link of each chain.
    pub(super) fn reach(&mut self, links: &Links) {
        for link in links.iter() {
            match self.reached.iter_mut().find(|known| known.chain == link.chain) {
                Some(known) if known.index < link.index => *known = link.clone(),
                Some(_) => {}
                None => self.reached.push(link.clone()),
            }
        }
        self.reached.sort_by_key(|known| known.chain);
    }
}
