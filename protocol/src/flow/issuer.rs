//! What is sent to an issuer, opened: bytes in, commands of the ledger out.
//!
//! The papers of a message pass each stage together: no paper enters a stage before every paper has left the
//! one before it, so that the first check that fails is one and the same for every issuer. [AUT-2]

mod batch;
mod papers;
mod posted;
mod pseudonym;
mod request;

use std::sync::Arc;

pub use batch::{BatchRequest, part};
use papers::{At, Mandates};
pub use posted::Resource;
pub use pseudonym::pseudonym;
pub use request::PaymentRequest;

use super::Parties;
use crate::cert::{Party, Role};
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::id::{AccountId, KeyId, PaperId, PartyId, Pseudonym};
use crate::label::{IAT, ISS, SUB};
use crate::ledger::state::State;
use crate::ledger::{CancelOrder, Command, PaymentOrder};
use crate::limits::PROOF_SECONDS_MAX;
use crate::paper::command::{
    Cancel, Capture, Deposit, Enrolment, Freeze, Payout, Proof, Refund, Resumption, Retirement, Revocation, Suspension,
    Thaw, Void,
};
use crate::paper::confirmation::Confirmation;
use crate::paper::dispute::{Dispute, DisputeAnswer, Ruling};
use crate::paper::intent::Intent;
use crate::paper::mandate::{Holder, Mandate};
use crate::paper::offer::Offer;
use crate::sign::{Authentic, Context, Crypto, Kind, Paper, PublicKey, Signed, Verified};
use crate::time::UnixSeconds;
use crate::wire::Field as _;

/// What the issuer's ledger knows of keys. A server answers from a copy, so that checks need no lock.
pub trait Directory {
    /// The key of an account with this thumbprint.
    fn account_key(&self, account: &AccountId, key: &KeyId) -> Option<PublicKey>;
    /// Who holds a mandate.
    fn holder(&self, mandate: &PaperId) -> Option<Holder>;
    /// A key of any account, or of any holder of a mandate.
    fn any_key(&self, key: &KeyId) -> Option<PublicKey>;
}

impl Directory for State {
    fn account_key(&self, account: &AccountId, key: &KeyId) -> Option<PublicKey> {
        self.accounts.get(account)?.keys.get(key).map(|(key, _)| *key)
    }

    fn holder(&self, mandate: &PaperId) -> Option<Holder> {
        self.mandates.get(mandate).map(|record| record.mandate.holder.clone())
    }

    fn any_key(&self, key: &KeyId) -> Option<PublicKey> {
        self.keys.get(key).copied()
    }
}

/// What an issuer checks messages with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Its name.
    pub issuer: &'a PartyId,
    /// Its network.
    pub context: Context<'a>,
    /// What verifies signatures.
    pub crypto: &'a dyn Crypto,
    /// Who stands behind certificates.
    pub parties: &'a dyn Parties,
    /// Its clock.
    pub now: UnixSeconds,
}

/// A payment whose papers have verified.
#[derive(Clone, Debug)]
pub struct OpenedPayment {
    /// Mandates to register first, root first.
    pub mandates: Vec<Verified<Mandate>>,
    /// The payment.
    pub order: PaymentOrder,
}

impl Desk<'_> {
    /// Opens a payment: the stages size to schema of all its papers. `pseudonym` names a payer to a merchant.
    pub fn open_payment(
        &self,
        request: &PaymentRequest<'_>,
        directory: &dyn Directory,
        pseudonym: impl Fn(&AccountId, &PartyId) -> Pseudonym,
        account_of: impl Fn(&PaperId) -> Option<AccountId>,
    ) -> Result<OpenedPayment, Fault> {
        // Size, framing and encoding.
        let link = |at: usize| Part::Mandate(u8::try_from(at).unwrap_or(u8::MAX));
        let mandates = request.mandates.iter().enumerate().map(|(at, bytes)| At::frame(bytes, link(at)));
        let mandates = mandates.collect::<Result<Vec<_>, _>>()?;
        let offer = At::frame(request.offer, Part::Offer)?;
        let intent = At::frame(request.intent, Part::Intent)?;
        let confirmation = request.confirmation.map(|bytes| At::frame(bytes, Part::Confirmation)).transpose()?;

        // Headers.
        let mandates = mandates.into_iter().map(At::headers::<Mandate>).collect::<Result<Vec<_>, _>>()?;
        let offer = offer.headers::<Offer>()?;
        let intent = intent.headers::<Intent>()?;
        let confirmation = confirmation.map(At::headers::<Confirmation>).transpose()?;

        // Certificates.
        let merchant = self.certified(&offer)?;
        let holder = self.certified_if(&intent)?;

        // Signatures.
        let chain = Mandates::new(&mandates, directory);
        let verified = mandates.iter().zip(chain.signers()).map(|(mandate, key)| self.verify(*mandate, &key?));
        let verified = verified.collect::<Result<Vec<_>, _>>()?;
        let offer = self.verify(offer, &merchant.key)?;
        let intent = self.verify(intent, &self.holder_key(&intent, holder.as_deref(), &chain)?)?;
        let confirmation = match confirmation {
            Some(confirmation) => {
                let key = self.account_key(&confirmation, directory, Code::CommandSigner)?; // [SIG-14]
                Some(self.verify(confirmation, &key)?)
            }
            None => None,
        };

        // Versions, then schemas.
        verified.iter().try_for_each(At::version)?;
        offer.version()?;
        intent.version()?;
        confirmation.as_ref().map_or(Ok(()), At::version)?;
        let mandates = verified.into_iter().map(At::open).collect::<Result<Vec<Verified<Mandate>>, _>>()?;
        let (offer, intent) = (offer.open()?, intent.open()?);
        let confirmation = confirmation.map(At::open).transpose()?;

        let sent = mandates.iter().find(|mandate| mandate.id() == intent.mandate);
        let account = sent.map(|mandate| mandate.account).or_else(|| account_of(&intent.mandate));
        let account = account.ok_or_else(|| Fault::new(Code::MandateUnknown).within(Part::Intent))?; // [AUT-32]
        let pseudonym = pseudonym(&account, &merchant.id);
        let held_by = holder.map(|party| party.id.clone());
        Ok(OpenedPayment {
            mandates,
            order: PaymentOrder { intent, held_by, offer, merchant, confirmation, pseudonym },
        })
    }

    /// The id of an intent whose own signature verifies under a mandate that is registered, whatever came with it.
    ///
    /// For a payment that [`open_payment`](Self::open_payment) refuses: when this intent has an outcome, that is
    /// the answer. A payment that was made is not denied because the merchant's certificate has expired since.
    /// [AUT-10]
    pub fn intent_id(&self, request: &PaymentRequest<'_>, directory: &dyn Directory) -> Result<PaperId, Fault> {
        let intent = At::<Signed<'_, Intent>>::read(request.intent, Part::Intent)?;
        let holder = self.certified_if(&intent)?;
        let key = self.holder_key(&intent, holder.as_deref(), &Mandates::new(&[], directory))?;
        self.verify(intent, &key).map(|intent| intent.paper.id())
    }

    /// Opens a mandate to be registered.
    pub fn open_mandate(&self, bytes: &[u8], directory: &dyn Directory) -> Result<Command, Fault> {
        let mandate = At::<Signed<'_, Mandate>>::read(bytes, Part::Mandate(0))?;
        let key = Mandates::new(&[mandate], directory).signers().next();
        let key = key.unwrap_or_else(|| Err(mandate.fault(Code::MandateSigner)))?;
        self.verify(mandate, &key)?.finish().map(Box::new).map(Command::Register)
    }

    /// Opens any other command by its `typ`. A new account gets the number `fresh`.
    pub fn open_command(&self, bytes: &[u8], directory: &dyn Directory, fresh: AccountId) -> Result<Command, Fault> {
        match Kind::of(bytes) {
            Some(Kind::Enrolment) => self
                .keyed::<Enrolment>(bytes, |paper| self.enrolling_key(paper, directory))
                .map(|paper| Command::Enrol(paper, fresh)),
            Some(Kind::Deposit) => {
                let unknown = Code::AccountUnknown; // [CMD-15]
                self.keyed::<Deposit>(bytes, |paper| self.account_key(paper, directory, unknown)).map(Command::Deposit)
            }
            Some(Kind::Confirmation) => {
                let unknown = Code::CommandSigner; // [SIG-14]
                self.keyed::<Confirmation>(bytes, |paper| self.account_key(paper, directory, unknown))
                    .map(Command::Confirm)
            }
            Some(Kind::Suspension) => {
                self.keyed::<Suspension>(bytes, |paper| self.any_key(paper, directory)).map(Command::Suspend)
            }
            Some(Kind::Resumption) => {
                self.keyed::<Resumption>(bytes, |paper| self.any_key(paper, directory)).map(Command::Resume)
            }
            Some(Kind::Revocation) => {
                self.keyed::<Revocation>(bytes, |paper| self.any_key(paper, directory)).map(Command::Revoke)
            }
            Some(Kind::Retirement) => {
                let unknown = Code::CommandSigner; // [SIG-14]
                self.keyed::<Retirement>(bytes, |paper| self.account_key(paper, directory, unknown))
                    .map(Command::Retire)
            }
            Some(Kind::Dispute) => {
                let unknown = Code::CommandSigner; // [SIG-14]
                self.keyed::<Dispute>(bytes, |paper| self.account_key(paper, directory, unknown)).map(Command::Dispute)
            }
            Some(Kind::DisputeAnswer) => self.by_merchant::<DisputeAnswer>(bytes).map(Command::AnswerDispute),
            Some(Kind::Ruling) => self.by_issuer::<Ruling>(bytes).map(Command::Rule), // [DSP-8]
            Some(Kind::Freeze) => self.by_issuer::<Freeze>(bytes).map(Command::Freeze),
            Some(Kind::Thaw) => self.by_issuer::<Thaw>(bytes).map(Command::Thaw),
            Some(Kind::Capture) => self.by_merchant::<Capture>(bytes).map(Command::Capture),
            Some(Kind::Void) => self.by_merchant::<Void>(bytes).map(Command::Void),
            Some(Kind::Refund) => self.by_merchant::<Refund>(bytes).map(Command::Refund),
            Some(Kind::Payout) => self.by_merchant::<Payout>(bytes).map(Command::Payout),
            Some(Kind::Cancel) => self.open_cancel(bytes, directory).map(Box::new).map(Command::Cancel),
            Some(Kind::Mandate) => self.open_mandate(bytes, directory),
            _ => {
                // What cannot be read says why; what can is no command. [SIG-9]
                At::<Signed<'_, Capture>>::read(bytes, Part::Command)?;
                Err(Fault::new(Code::TypeMismatch).within(Part::Command))
            }
        }
    }

    /// The key behind a proof of possession for this target. [HTB-32]
    pub fn open_proof(&self, bytes: &[u8], target: &str, directory: &dyn Directory) -> Result<PublicKey, Fault> {
        let may_ask = |paper: &At<Signed<'_, Proof>>| {
            let key = paper.key_name().and_then(|key| directory.any_key(&key));
            key.ok_or_else(|| paper.fault(Code::ProofInvalid))
        };
        let proof = self.keyed::<Proof>(bytes, may_ask)?;
        self.is_proof_of(&proof, target).map(|()| proof.key())
    }

    /// The merchant behind a proof of possession for this target, which came in a body with its certificates. [STM-3]
    pub fn open_merchant_proof(&self, bytes: &[u8], target: &str) -> Result<Arc<Party>, Fault> {
        let paper = At::<Signed<'_, Proof>>::read(bytes, Part::Command)?;
        if paper.key_name().is_some() {
            return Err(paper.fault(Code::ProofInvalid));
        }
        let party = self.certified(&paper)?;
        let proof = self.verify(paper, &party.key)?.finish()?;
        self.is_proof_of(&proof, target).map(|()| party)
    }

    fn is_proof_of(&self, proof: &Proof, target: &str) -> Result<(), Fault> {
        let age = self.now.since(proof.issued_at).unwrap_or_default();
        let fresh = age <= PROOF_SECONDS_MAX && !proof.issued_at.is_future(self.now);
        if fresh && proof.audience == *self.issuer && proof.target.as_str() == target {
            Ok(())
        } else {
            Err(Fault::new(Code::ProofInvalid).within(Part::Command))
        }
    }

    /// A cancel passes all stages, then the intent that it encloses does, then the offer. [ENC-21]
    fn open_cancel(&self, bytes: &[u8], directory: &dyn Directory) -> Result<CancelOrder, Fault> {
        let cancel = At::<Signed<'_, Cancel>>::read(bytes, Part::Command)?;
        let merchant = self.certified_if(&cancel)?;
        let key = match &merchant {
            Some(merchant) => merchant.key,
            None => self.any_key(&cancel, directory)?,
        };
        let cancel = self.verify(cancel, &key)?.finish()?;

        let intent = At::<Signed<'_, Intent>>::read(&cancel.intent.0, Part::Intent)?;
        let holder = self.certified_if(&intent)?;
        let key = self.holder_key(&intent, holder.as_deref(), &Mandates::new(&[], directory))?;
        let intent = self.verify(intent, &key)?.finish()?;

        let mut offered = None;
        if let Some(offer) = &cancel.offer {
            let offer = At::<Signed<'_, Offer>>::read(&offer.0, Part::Offer)?;
            let maker = self.certified(&offer)?;
            offered = Some((maker.id.clone(), self.verify(offer, &maker.key)?.finish()?.id()));
        }
        // A merchant that does not hold the mandate shows the offer, its own, that the intent takes: that makes the
        // intent its business.
        let merchant = merchant.map(|merchant| merchant.id.clone());
        let is_payers = merchant.as_ref().is_none_or(|merchant| holder.is_some_and(|holder| holder.id == *merchant));
        let is_sellers = |merchant: &PartyId| {
            offered.as_ref().is_some_and(|(maker, offer)| maker == merchant && *offer == intent.offer)
        };
        if !is_payers && !merchant.as_ref().is_some_and(is_sellers) {
            return Err(Fault::new(Code::CommandSigner).within(Part::Command)); // [SIG-14]
        }
        Ok(CancelOrder { cancel, intent, merchant, is_payers })
    }

    fn verify<'p, T: Paper>(&self, paper: At<Signed<'p, T>>, key: &PublicKey) -> Result<At<Authentic<'p, T>>, Fault> {
        paper.verify(self.crypto, self.context, key)
    }

    /// A paper signed by a key.
    fn keyed<T: Paper>(
        &self,
        bytes: &[u8],
        key: impl FnOnce(&At<Signed<'_, T>>) -> Result<PublicKey, Fault>,
    ) -> Result<Verified<T>, Fault> {
        let paper = At::<Signed<'_, T>>::read(bytes, Part::Command)?;
        let key = key(&paper)?;
        self.verify(paper, &key)?.finish()
    }

    /// A merchant's command.
    fn by_merchant<T: Paper>(&self, bytes: &[u8]) -> Result<Verified<T>, Fault> {
        let paper = At::<Signed<'_, T>>::read(bytes, Part::Command)?;
        let party = self.certified(&paper)?;
        self.verify(paper, &party.key)?.finish()
    }

    /// This issuer's own order. [WAL-40]
    fn by_issuer<T: Paper>(&self, bytes: &[u8]) -> Result<Verified<T>, Fault> {
        let paper = At::<Signed<'_, T>>::read(bytes, Part::Command)?;
        let party = self.certified_as(&paper, Role::Issuer)?;
        if party.id != *self.issuer {
            return Err(paper.fault(Code::CommandSigner));
        }
        self.verify(paper, &party.key)?.finish()
    }

    /// The merchant that signed a paper, whose `iss` must be its name. [CRT-12]
    fn certified<T: Paper>(&self, paper: &At<Signed<'_, T>>) -> Result<Arc<Party>, Fault> {
        self.certified_as(paper, Role::Merchant)
    }

    fn certified_as<T: Paper>(&self, paper: &At<Signed<'_, T>>, role: Role) -> Result<Arc<Party>, Fault> {
        let party = self.parties.party(&paper.paper.header, role, self.now);
        let party = party.map_err(|fault| fault.within(paper.part))?;
        match paper.value(ISS).and_then(|mut name| name.text().ok()) {
            Some(name) if name != party.id.as_str() => return Err(paper.fault(Code::CertName)), // [SIG-23]
            Some(_) => {}
            None if T::KIND.names_its_party() => return Err(paper.unreadable(Code::MissingField)), // [AUT-6]
            None => {}
        }
        let made_at = paper.value(IAT).and_then(|mut seconds| UnixSeconds::read(&mut seconds).ok());
        let made_at = made_at.ok_or_else(|| paper.unreadable(Code::MissingField))?;
        party.check_made_at(made_at.get()).map_err(|fault| fault.within(paper.part))?; // [CRT-19]
        Ok(party)
    }

    /// The merchant that signed a paper which a key may also sign.
    fn certified_if<T: Paper>(&self, paper: &At<Signed<'_, T>>) -> Result<Option<Arc<Party>>, Fault> {
        match paper.key_name() {
            Some(_) => Ok(None),
            None => self.certified(paper).map(Some),
        }
    }

    /// The key of the holder of an intent's mandate. [SIG-13]
    fn holder_key(
        &self,
        intent: &At<Signed<'_, Intent>>,
        merchant: Option<&Party>,
        chain: &Mandates<'_, '_>,
    ) -> Result<PublicKey, Fault> {
        match (chain.holder_of(intent)?, merchant) {
            (Holder::Agent(key), None) if intent.key_name() == Some(key.id()) => Ok(key),
            (Holder::Merchant(name), Some(party)) if party.id == name => Ok(party.key),
            _ => Err(intent.fault(Code::AgentMismatch)),
        }
    }

    fn account_key<T: Paper>(
        &self,
        paper: &At<Signed<'_, T>>,
        directory: &dyn Directory,
        none: Code,
    ) -> Result<PublicKey, Fault> {
        let account = paper.array(SUB).map(AccountId).ok_or_else(|| paper.unreadable(none))?;
        let key = paper.key_name().and_then(|key| directory.account_key(&account, &key));
        key.ok_or_else(|| paper.fault(none))
    }

    fn any_key<T: Paper>(&self, paper: &At<Signed<'_, T>>, directory: &dyn Directory) -> Result<PublicKey, Fault> {
        let key = paper.key_name().and_then(|key| directory.any_key(&key));
        key.ok_or_else(|| paper.fault(Code::CommandSigner)) // [SIG-14]
    }

    /// A new account's key signs for itself; a further one is vouched for by a key of the account.
    fn enrolling_key(&self, paper: &At<Signed<'_, Enrolment>>, directory: &dyn Directory) -> Result<PublicKey, Fault> {
        if paper.value(SUB).is_some() {
            return self.account_key(paper, directory, Code::AccountUnknown); // [CMD-15] [SIG-25]
        }
        let key = paper.holder_key().ok_or_else(|| paper.unreadable(Code::CommandSigner))?;
        if paper.key_name() == Some(key.id()) { Ok(key) } else { Err(paper.fault(Code::CommandSigner)) }
    }
}
