//! What is sent to an issuer, opened: bytes in, commands of the ledger out.
//!
//! The papers of a message pass each stage together: no paper enters a stage before every paper has left the
//! one before it, so that the first check that fails is one and the same for every issuer. [AUT-2]

mod papers;

use std::sync::Arc;

use papers::{At, Mandates};

use super::Parties;
use crate::cert::{Party, Role};
use crate::code::{Code, Stage};
use crate::fault::{Fault, Part};
use crate::id::{AccountId, KeyId, PaperId, PartyId, Pseudonym};
use crate::label::{IAT, ISS, MANDATE, SUB};
use crate::ledger::state::State;
use crate::ledger::{CancelOrder, Command, PaymentOrder};
use crate::limits::{MESSAGE_BYTES_MAX, PROOF_SECONDS_MAX, SKEW_SECONDS};
use crate::paper::command::{Cancel, Capture, Deposit, Enrolment, Proof, Refund, Resumption, Revocation, Suspension, Void};
use crate::paper::confirmation::Confirmation;
use crate::paper::intent::Intent;
use crate::paper::mandate::{Holder, Mandate};
use crate::paper::offer::Offer;
use crate::sign::{Authentic, Context, Crypto, Kind, Paper, PublicKey, Signed, Verified};
use crate::time::UnixSeconds;
use crate::wire::{Reader, Writer};

/// Most mandates that a payment brings along.
const MANDATES_SENT_MAX: usize = 8;

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

/// The body of a payment, its papers not yet read. `spec/cddl/http.cddl`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentRequest<'a> {
    /// A chain to register first, root first; empty when it is registered.
    pub mandates: Vec<&'a [u8]>,
    /// The offer.
    pub offer: &'a [u8],
    /// The intent.
    pub intent: &'a [u8],
    /// The person's yes.
    pub confirmation: Option<&'a [u8]>,
}

impl<'a> PaymentRequest<'a> {
    /// Reads the body. Stages `size` and `framing`.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Fault::new(Code::MessageTooLarge).at(MESSAGE_BYTES_MAX)); // [ENC-1]
        }
        crate::wire::check(bytes)?;
        let mut reader = Reader::new(bytes);
        let fields = Self::fields(&mut reader);
        fields.map_err(|fault| fault.at_stage(Stage::Schema))
    }

    fn fields(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut request = Self::default();
        let (mut seen, pairs) = (0, reader.map()?);
        for _ in 0..pairs {
            let at = reader.offset();
            match reader.integer()? {
                1 => {
                    for _ in 0..reader.list()? {
                        request.mandates.push(reader.bytes()?);
                    }
                    if request.mandates.len() > MANDATES_SENT_MAX {
                        return Err(Fault::new(Code::FieldRange).at(at));
                    }
                    seen |= 1;
                }
                2 => (request.offer, seen) = (reader.bytes()?, seen | 2),
                3 => (request.intent, seen) = (reader.bytes()?, seen | 4),
                4 => request.confirmation = Some(reader.bytes()?),
                _ => return Err(Fault::new(Code::UnknownField).at(at)), // [ENC-12]
            }
        }
        if seen == 7 { Ok(request) } else { Err(Fault::new(Code::MissingField).at(0)) } // [ENC-13]
    }

    /// Writes the body.
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(3 + usize::from(self.confirmation.is_some()));
        writer.unsigned(1);
        writer.list(self.mandates.len());
        self.mandates.iter().for_each(|mandate| writer.bytes(mandate));
        for (label, paper) in [(2, Some(self.offer)), (3, Some(self.intent)), (4, self.confirmation)] {
            if let Some(paper) = paper {
                writer.unsigned(label);
                writer.bytes(paper);
            }
        }
        writer.into_bytes()
    }
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
        let chain = Mandates { sent: &mandates, directory };
        let verified = mandates.iter().map(|mandate| self.verify(*mandate, &chain.signer_of(mandate)?));
        let verified = verified.collect::<Result<Vec<_>, _>>()?;
        let offer = self.verify(offer, &merchant.key)?;
        let leaf = intent.array(MANDATE).map(PaperId).ok_or_else(|| intent.fault(Code::MandateUnknown))?;
        let intent = self.verify(intent, &self.holder_key(&intent, holder.as_deref(), &chain)?)?;
        let confirmation = match confirmation {
            Some(confirmation) => Some(self.verify(confirmation, &self.account_key(&confirmation, directory)?)?),
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

        let account = mandates.iter().find(|mandate| mandate.id() == leaf).map(|mandate| mandate.account);
        let account = account.or_else(|| account_of(&leaf)).ok_or_else(|| Fault::new(Code::MandateUnknown))?;
        let pseudonym = pseudonym(&account, &merchant.id);
        let held_by = holder.map(|party| party.id.clone());
        Ok(OpenedPayment {
            mandates,
            order: PaymentOrder { intent, held_by, offer, merchant, confirmation, pseudonym },
        })
    }

    /// The id of an intent whose signature verifies against the holder on record, whatever else its message
    /// holds. For a message whose intent may be decided already. [AUT-10]
    pub fn open_known(&self, intent: &[u8], directory: &dyn Directory) -> Result<PaperId, Fault> {
        let intent = At::<Signed<'_, Intent>>::read(intent, Part::Intent)?;
        let held_by = match intent.key_name() {
            Some(_) => None,
            // The certificate may have expired since: who the key was is on record with the payment.
            None => self.certified_if(&intent)?,
        };
        let key = self.holder_key(&intent, held_by.as_deref(), &Mandates { sent: &[], directory })?;
        let id = intent.paper.id();
        self.verify(intent, &key).map(|_| id)
    }

    /// Opens a mandate to be registered.
    pub fn open_mandate(&self, bytes: &[u8], directory: &dyn Directory) -> Result<Command, Fault> {
        let mandate = At::<Signed<'_, Mandate>>::read(bytes, Part::Mandate(0))?;
        let key = Mandates { sent: &[], directory }.signer_of(&mandate)?;
        self.verify(mandate, &key)?.finish().map(Box::new).map(Command::Register)
    }

    /// Opens any other command by its `typ`. A new account gets the number `fresh`.
    pub fn open_command(&self, bytes: &[u8], directory: &dyn Directory, fresh: AccountId) -> Result<Command, Fault> {
        match Kind::of(bytes) {
            Some(Kind::Enrolment) => {
                self.keyed::<Enrolment>(bytes, |paper| self.enrolling_key(paper, directory)).map(|paper| Command::Enrol(paper, fresh))
            }
            Some(Kind::Deposit) => {
                self.keyed::<Deposit>(bytes, |paper| self.owner_key(paper, directory)).map(Command::Deposit)
            }
            Some(Kind::Confirmation) => {
                self.keyed::<Confirmation>(bytes, |paper| self.account_key(paper, directory)).map(Command::Confirm)
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
            Some(Kind::Capture) => self.by_merchant::<Capture>(bytes).map(Command::Capture),
            Some(Kind::Void) => self.by_merchant::<Void>(bytes).map(Command::Void),
            Some(Kind::Refund) => self.by_merchant::<Refund>(bytes).map(Command::Refund),
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
        let proof = self.keyed::<Proof>(bytes, |paper| self.any_key(paper, directory))?;
        let age = self.now.since(proof.issued_at).unwrap_or_default();
        let fresh = age <= PROOF_SECONDS_MAX && proof.issued_at <= self.now.saturating_add(SKEW_SECONDS);
        if fresh && proof.audience == *self.issuer && proof.target.as_str() == target {
            Ok(proof.key())
        } else {
            Err(Fault::new(Code::ProofInvalid).within(Part::Command))
        }
    }

    fn open_cancel(&self, bytes: &[u8], directory: &dyn Directory) -> Result<CancelOrder, Fault> {
        let cancel = At::<Signed<'_, Cancel>>::read(bytes, Part::Command)?;
        let merchant = self.certified_if(&cancel)?;
        let key = match &merchant {
            Some(party) => party.key,
            None => self.any_key(&cancel, directory)?,
        };
        let cancel = self.verify(cancel, &key)?.finish()?;

        let intent = At::<Signed<'_, Intent>>::read(&cancel.intent.0, Part::Intent)?;
        let holder = self.certified_if(&intent)?;
        let key = self.holder_key(&intent, holder.as_deref(), &Mandates { sent: &[], directory })?;
        let intent = self.verify(intent, &key)?.finish()?;

        let merchant = match merchant {
            Some(party) => Some(self.maker_of_offer(&cancel, &intent, &party)?),
            None => None,
        };
        Ok(CancelOrder { cancel, intent, merchant })
    }

    /// A merchant shows the offer that makes the intent its business. [SIG-14]
    fn maker_of_offer(&self, cancel: &Cancel, intent: &Intent, party: &Party) -> Result<PartyId, Fault> {
        let stranger = || Fault::new(Code::CommandSigner).within(Part::Command);
        let bytes = cancel.offer.as_ref().ok_or_else(stranger)?;
        let offer = At::<Signed<'_, Offer>>::read(&bytes.0, Part::Offer)?;
        let maker = self.certified(&offer)?;
        let offer = self.verify(offer, &maker.key)?.finish()?;
        if offer.id() == intent.offer && maker.id == party.id { Ok(maker.id.clone()) } else { Err(stranger()) }
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

    /// The merchant that signed a paper, whose `iss` must be its name. [CRT-12]
    fn certified<T: Paper>(&self, paper: &At<Signed<'_, T>>) -> Result<Arc<Party>, Fault> {
        let party = self.parties.party(&paper.paper.header, Role::Merchant, self.now);
        let party = party.map_err(|fault| fault.within(paper.part))?;
        let named = paper.value(ISS).and_then(|mut name| name.text().ok());
        if named.is_some_and(|name| name != party.id.as_str()) {
            return Err(paper.fault(Code::CertName));
        }
        let made_at = paper.value(IAT).and_then(|mut seconds| seconds.unsigned().ok());
        party.check_made_at(made_at.unwrap_or(u64::MAX)).map_err(|fault| fault.within(paper.part))?; // [CRT-19]
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
        let mandate = intent.array(MANDATE).map(PaperId).and_then(|mandate| chain.holder(&mandate));
        match (mandate.ok_or_else(|| intent.fault(Code::MandateUnknown))?, merchant) {
            (Holder::Agent(key), None) if intent.key_name() == Some(key.id()) => Ok(key),
            (Holder::Merchant(name), Some(party)) if party.id == name => Ok(party.key),
            _ => Err(intent.fault(Code::AgentMismatch)),
        }
    }

    fn account_key<T: Paper>(
        &self,
        paper: &At<Signed<'_, T>>,
        directory: &dyn Directory,
    ) -> Result<PublicKey, Fault> {
        let account = paper.array(SUB).map(AccountId);
        let key = account.zip(paper.key_name()).and_then(|(account, key)| directory.account_key(&account, &key));
        key.ok_or_else(|| paper.fault(Code::CommandSigner)) // [SIG-14]
    }

    /// A key of the account, for what only the account's owner asks: whether there is one is not said. [CMD-15]
    fn owner_key<T: Paper>(&self, paper: &At<Signed<'_, T>>, directory: &dyn Directory) -> Result<PublicKey, Fault> {
        self.account_key(paper, directory).map_err(|_| paper.fault(Code::AccountUnknown))
    }

    fn any_key<T: Paper>(&self, paper: &At<Signed<'_, T>>, directory: &dyn Directory) -> Result<PublicKey, Fault> {
        let key = paper.key_name().and_then(|key| directory.any_key(&key));
        key.ok_or_else(|| paper.fault(Code::CommandSigner)) // [SIG-14]
    }

    /// A new account's key signs for itself; a further one is vouched for by a key of the account.
    fn enrolling_key(
        &self,
        paper: &At<Signed<'_, Enrolment>>,
        directory: &dyn Directory,
    ) -> Result<PublicKey, Fault> {
        if paper.value(SUB).is_some() {
            return self.owner_key(paper, directory);
        }
        let key = paper.holder_key().ok_or_else(|| paper.fault(Code::CommandSigner))??;
        if paper.key_name() == Some(key.id()) { Ok(key) } else { Err(paper.fault(Code::CommandSigner)) }
    }
}
