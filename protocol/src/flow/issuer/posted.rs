//! Where a paper is posted says which kinds it can be of.

use super::papers::At;
use super::{Desk, Directory};
use crate::code::Code;
use crate::fault::{Fault, Part};
use crate::id::AccountId;
use crate::ledger::Command;
use crate::paper::command::{Cancel, Enrolment};
use crate::paper::confirmation::Confirmation;
use crate::paper::mandate::Mandate;
use crate::sign::{Kind, Signed};

/// A resource of an issuer to which a paper is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Enrolments.
    Accounts,
    /// Mandates.
    Mandates,
    /// Commands but enrolments, and mandates and confirmations too.
    Commands,
    /// Confirmations.
    Confirmations,
}

impl Resource {
    fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Accounts => kind == Kind::Enrolment,
            Self::Mandates => kind == Kind::Mandate,
            Self::Commands => kind != Kind::Enrolment,
            Self::Confirmations => kind == Kind::Confirmation,
        }
    }
}

impl Desk<'_> {
    /// [`open_command`](Self::open_command), for a paper of a kind that the resource takes. Of any other, what is
    /// wrong with it as the paper that should stand there comes first. [SIG-9]
    pub fn open_posted(
        &self,
        resource: Resource,
        bytes: &[u8],
        directory: &dyn Directory,
        fresh: AccountId,
    ) -> Result<Command, Fault> {
        if Kind::of(bytes).is_some_and(|kind| resource.takes(kind)) {
            return self.open_command(bytes, directory, fresh);
        }
        let part = Part::Command;
        match resource {
            Resource::Accounts => At::<Signed<'_, Enrolment>>::read(bytes, part).map(drop),
            Resource::Mandates => At::<Signed<'_, Mandate>>::read(bytes, part).map(drop),
            Resource::Commands => At::<Signed<'_, Cancel>>::read(bytes, part).map(drop),
            Resource::Confirmations => At::<Signed<'_, Confirmation>>::read(bytes, part).map(drop),
        }?;
        Err(Fault::new(Code::TypeMismatch).within(part))
    }
}
