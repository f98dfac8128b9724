//! Certificates and keys out of PEM files.

use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// A PEM file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct PemError {
    path: PathBuf,
    why: String,
}

/// The certificates of a file, in its order, as DER.
pub fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, PemError> {
    let fail = |error: &dyn std::fmt::Display| PemError { path: path.to_owned(), why: error.to_string() };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| fail(&error))?;
    certificates.map(|found| found.map(|der| der.to_vec()).map_err(|error| fail(&error))).collect()
}

/// The PKCS #8 key of a file, as DER.
pub fn private_key(path: &Path) -> Result<Vec<u8>, PemError> {
    let key = PrivatePkcs8KeyDer::from_pem_file(path);
    let key = key.map_err(|error| PemError { path: path.to_owned(), why: error.to_string() })?;
    Ok(key.secret_pkcs8_der().to_vec())
}
