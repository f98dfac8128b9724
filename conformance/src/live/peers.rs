//! Whom the suite plays, and whom it trusts: a folder.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use purser_protocol::cert::Role;
use purser_protocol::time::UnixSeconds;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What the suite plays its parties with: whom it trusts, and a merchant that the target trusts.
#[derive(Clone, Debug)]
pub struct Peers {
    pub(super) roots: Vec<Vec<u8>>,
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Vec<u8>,
}

impl Peers {
    /// Reads `roots.pem`, and a chain, leaf first, with its key (PKCS #8), of the one whom the suite plays:
    /// `merchant.pem` and `merchant.key`, or `issuer.pem` and `issuer.key`.
    pub fn read(folder: &Path, role: Role) -> Result<Self, String> {
        let name = match role {
            Role::Issuer => "issuer",
            Role::Merchant => "merchant",
        };
        let certificates = |name: &str| {
            let path = folder.join(name);
            let read = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let read = read.map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>(read.into_iter().map(|der| der.to_vec()).collect::<Vec<_>>())
        };
        let path = folder.join(format!("{name}.key"));
        let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self {
            roots: certificates("roots.pem")?,
            chain: certificates(&format!("{name}.pem"))?,
            key: key.secret_der().to_vec(),
        })
    }
}

pub(super) fn now() -> UnixSeconds {
    UnixSeconds::new(seconds()).unwrap_or(UnixSeconds::MIN)
}

/// What must be, or why it is not.
pub(super) fn must(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Does the same on several threads at once; what each came to.
pub(super) fn together<T: Send>(work: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
    std::thread::scope(|scope| {
        let begun: Vec<_> = work.into_iter().map(|work| scope.spawn(work)).collect();
        begun.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}
