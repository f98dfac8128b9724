//! A batch: one signature for many papers. `spec/cddl/http.cddl`

use super::papers::At;
use super::{Desk, Directory};
use crate::code::{Code, Stage};
use crate::fault::{Fault, Part};
use crate::field::ranged;
use crate::id::PaperId;
use crate::label::Label;
use crate::ledger::{BatchOrder, BatchPart, Command};
use crate::limits::{BATCH_BYTES_MAX, BATCH_PARTS_MAX};
use crate::paper::command::{Batch, Resumption, Revocation, Suspension};
use crate::paper::mandate::Mandate;
use crate::paper::status::root_of;
use crate::sign::paper::{envelope, key_header};
use crate::sign::{Kind, Paper, PublicKey, Signed, Verified};
use crate::wire::{MapReader, Reader, Writer};

/// A batch and the papers that it signs, not yet read. `spec/cddl/http.cddl`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchRequest<'a> {
    /// The batch.
    pub batch: &'a [u8],
    /// Its parts: of each, the list of its protected header and its payload, whose SHA-256 is its id.
    pub parts: Vec<&'a [u8]>,
}

const BATCH: Label = Label { number: 1, name: "batch" };
const PARTS: Label = Label { number: 2, name: "parts" };

impl<'a> BatchRequest<'a> {
    /// Reads the body. Stages `size`, `encoding` and `schema`.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(Fault::new(Code::MessageTooLarge).at(BATCH_BYTES_MAX)); // [ENC-1]
        }
        crate::wire::check(bytes)?; // [ENC-21]
        Self::fields(&mut Reader::new(bytes)).map_err(|fault| fault.at_stage(Stage::Schema))
    }

    fn fields(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut map = MapReader::new(reader)?;
        let request = Self {
            batch: map.required_with(BATCH, Reader::bytes)?,
            parts: map.required_with(PARTS, |reader| {
                let fits =
                    |count: u64| usize::try_from(count).ok().filter(|count| (1..=BATCH_PARTS_MAX).contains(count));
                let count = ranged(reader, Reader::list, fits)?; // [WAL-22]
                (0..count).map(|_| reader.bytes()).collect()
            })?,
        };
        map.end()?;
        Ok(request)
    }

    /// Writes the body.
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(2);
        writer.unsigned(1);
        writer.bytes(self.batch);
        writer.unsigned(2);
        writer.list(self.parts.len());
        self.parts.iter().for_each(|part| writer.bytes(part));
        writer.into_bytes()
    }
}

/// A paper as a part of a batch that this key signs, and its id.
pub fn part<T: Paper>(paper: &T, key: &PublicKey) -> (PaperId, Vec<u8>) {
    let (protected, payload) = (key_header(T::KIND, key), paper.payload());
    let mut writer = Writer::new();
    writer.list(2);
    writer.bytes(&protected);
    writer.bytes(&payload);
    (crate::sign::paper::id(&protected, &payload), writer.into_bytes())
}

/// A part with its header and payload in their places, and no signature: that of the batch stands for it.
fn unsigned(part: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut reader = Reader::new(part);
    crate::wire::check(part)?;
    ranged(&mut reader, Reader::list, |length| (length == 2).then_some(()))
        .map_err(|fault| fault.at_stage(Stage::Schema))?;
    let (protected, payload) = (reader.bytes()?, reader.bytes()?);
    Ok(envelope(protected, &[], payload, &[0; 64]))
}

impl Desk<'_> {
    /// Opens a batch: the batch itself, then its parts one after the other, each as if it had come alone.
    pub fn open_batch(&self, bytes: &[u8], directory: &dyn Directory) -> Result<Command, Fault> {
        let request = BatchRequest::read(bytes)?;
        let unknown = Code::CommandSigner; // [SIG-14]
        let batch = self.keyed::<Batch>(request.batch, |paper| self.account_key(paper, directory, unknown))?;
        let papers = request.parts.iter().map(|part| unsigned(part).map_err(in_part)).collect::<Result<Vec<_>, _>>()?;
        let parts = papers.iter().map(|paper| open_part(paper, &batch.key())).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<PaperId> = parts.iter().map(BatchPart::id).collect();
        if batch.parts.get() != ids.len() as u64 || batch.root != root_of(&ids) {
            return Err(Fault::new(Code::BatchMismatch).within(Part::Command)); // [WAL-20]
        }
        Ok(Command::Batch(Box::new(BatchOrder { batch, parts })))
    }
}

fn in_part(fault: Fault) -> Fault {
    fault.within(Part::Command)
}

/// A part is of a kind that a batch can hold, and names the key of the batch as its own. [WAL-21]
fn open_part(paper: &[u8], key: &PublicKey) -> Result<BatchPart, Fault> {
    match Kind::of(paper) {
        Some(Kind::Mandate) => opened::<Mandate>(paper, key).map(Box::new).map(BatchPart::Mandate),
        Some(Kind::Suspension) => opened::<Suspension>(paper, key).map(BatchPart::Suspension),
        Some(Kind::Resumption) => opened::<Resumption>(paper, key).map(BatchPart::Resumption),
        Some(Kind::Revocation) => opened::<Revocation>(paper, key).map(BatchPart::Revocation),
        _ => {
            At::<Signed<'_, Mandate>>::read(paper, Part::Command)?;
            Err(in_part(Fault::new(Code::TypeMismatch)))
        }
    }
}

fn opened<T: Paper>(paper: &[u8], key: &PublicKey) -> Result<Verified<T>, Fault> {
    let part = At::<Signed<'_, T>>::read(paper, Part::Command)?;
    if part.key_name() != Some(key.id()) {
        return Err(part.fault(Code::CommandSigner)); // [WAL-21]
    }
    let authentic = part.paper.signed_in_batch(key);
    authentic.version().and_then(|()| authentic.open()).map_err(in_part)
}
