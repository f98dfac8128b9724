//! Certificates and keys out of PEM files.

use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The certificates of a file, in its order, as DER.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| format!("{}: {error}", path.display()))?;
    if found.is_empty() {
        return Err(format!("{}: no certificate in it", path.display()));
    }
    Ok(found.into_iter().map(|der| der.to_vec()).collect())
}

/// The PKCS #8 key of a file, as DER.
pub(crate) fn private_key(path: &Path) -> Result<Vec<u8>, String> {
    let key = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(key.secret_pkcs8_der().to_vec())
}
