//! What a merchant does with a notice: it takes each once, in their order.

use super::Parties;
use super::merchant::{VerifiedReceipt, verify_receipt};
use crate::cert::Role;
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::id::PartyId;
use crate::label::IAT;
use crate::limits::NOTICE_SECONDS_MAX;
use crate::paper::notice::Notice;
use crate::sign::paper::find;
use crate::sign::{Context, Crypto, Signed, Verified};
use crate::time::UnixSeconds;

/// What a merchant checks notices with.
#[derive(Clone, Copy)]
pub struct Receiver<'a> {
    /// The merchant's name.
    pub merchant: &'a PartyId,
    /// Its network.
    pub context: Context<'a>,
    /// What verifies signatures.
    pub crypto: &'a dyn Crypto,
    /// Who stands behind certificates.
    pub parties: &'a dyn Parties,
    /// Its clock.
    pub now: UnixSeconds,
}

/// A notice that is the issuer's, for this merchant, and fresh.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it says.
    pub notice: Verified<Notice>,
    /// The receipt in it, verified.
    pub receipt: VerifiedReceipt,
}

/// What to do with a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is the next one.
    Take,
    /// It was taken before: say so, and do nothing. [NTC-6]
    Known,
    /// One before it has not come yet. [NTC-5]
    Wait,
}

impl Receiver<'_> {
    /// Opens a notice: all stages of it, then those of the receipt in it. [NTC-1]
    pub fn open(&self, bytes: &[u8]) -> Result<Opened, Fault> {
        let signed = Signed::<Notice>::read(bytes)?;
        let party = self.parties.party(&signed.header, Role::Issuer, self.now)?;
        let made_at = find(signed.frame.payload, IAT.number).and_then(|(_, mut seconds)| seconds.unsigned().ok());
        party.check_made_at(made_at.unwrap_or(u64::MAX))?;
        let authentic = signed.verify(self.crypto, self.context, &party.key)?;
        authentic.version()?;
        let notice = authentic.open()?;
        if notice.issuer != party.id {
            return Err(Fault::new(Code::CertName)); // [SIG-23]
        }
        let age = self.now.since(notice.issued_at).unwrap_or_default();
        if age > NOTICE_SECONDS_MAX || notice.issued_at.is_future(self.now) {
            return Err(Fault::new(Code::NoticeStale)); // [NTC-3]
        }
        if notice.merchant != *self.merchant {
            return Err(Fault::new(Code::AudienceMismatch)); // [NTC-4]
        }
        let receipt = verify_receipt(&notice.told.0, self.context, self.crypto, self.parties)?;
        if receipt.issuer != notice.issuer {
            return Err(Fault::new(Code::AudienceMismatch).within(Part::Receipt)); // [NTC-4]
        }
        Ok(Opened { notice, receipt })
    }
}

/// What comes after the number that was taken last.
pub fn next(notice: &Notice, last: u64) -> Next {
    match () {
        () if notice.sequence <= last => Next::Known,
        () if notice.previous > last => Next::Wait,
        () => Next::Take,
    }
}
