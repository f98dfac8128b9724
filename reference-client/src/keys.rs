//! Keys in files. Whoever can read a private key can pay, so its file is its owner's alone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use purser_protocol::bind::base64url;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{PublicKey, Signer as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use crate::error::{Error, Result};

/// What stands before the point in the `SubjectPublicKeyInfo` of a P-256 key.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Makes a key and writes it, with its public half beside it in a file that ends in `.pub`.
///
/// A key that is there already is never written over.
pub fn generate(path: &Path) -> Result<AwsLcSigner> {
    let (pkcs8, signer) = AwsLcSigner::generate().ok_or_else(|| Error::failed("no key could be made"))?;
    create(path, 0o600, pem("PRIVATE KEY", &pkcs8).as_bytes())?;
    create(&public_path(path), 0o644, public_pem(&signer.public_key()).as_bytes())?;
    Ok(signer)
}

/// Where the public half of a key is written.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Reads a private key: PKCS #8, in PEM or DER. Refuses a file that others can read or write.
pub fn load(path: &Path) -> Result<AwsLcSigner> {
    let mode = fs::metadata(path).map_err(|error| missing(path, &error))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let error = Error::failed(format!("others than its owner can use this private key (mode {mode:o})"));
        return Err(error.at(path.display()).fix(format!("chmod 600 {}", path.display())));
    }
    let bytes = fs::read(path).map_err(|error| Error::file(path, &error))?;
    let der = match PrivatePkcs8KeyDer::from_pem_slice(&bytes) {
        Ok(key) => key.secret_pkcs8_der().to_vec(),
        Err(_) => bytes,
    };
    AwsLcSigner::from_pkcs8(&der).ok_or_else(|| {
        let error = Error::failed("not a private key of P-256 in PKCS #8");
        error.at(path.display()).fix("openssl pkcs8 -topk8 -nocrypt -in KEY converts one")
    })
}

/// Reads a public key, in PEM or DER; of a private key's file, its public half.
pub fn load_public(path: &Path) -> Result<PublicKey> {
    let bytes = fs::read(path).map_err(|error| missing(path, &error))?;
    if let Some(key) = public_of(&bytes) {
        return Ok(key);
    }
    load(path).map(|signer| signer.public_key())
}

/// A public key as PEM.
pub fn public_pem(key: &PublicKey) -> String {
    pem("PUBLIC KEY", &[&P256_PREFIX[..], &key.to_sec1()].concat())
}

/// A certificate as PEM.
pub fn certificate_pem(der: &[u8]) -> String {
    pem("CERTIFICATE", der)
}

/// Reads certificates, in the order of the file: PEM, or one in DER.
pub fn load_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = fs::read(path).map_err(|error| Error::file(path, &error))?;
    if bytes.first() == Some(&0x30) {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<std::result::Result<Vec<_>, _>>();
    match found {
        Ok(found) if !found.is_empty() => Ok(found.into_iter().map(CertificateDer::into_owned).collect()),
        Ok(_) => Err(Error::failed("no certificate in it").at(path.display())),
        Err(error) => Err(Error::failed(format!("not PEM: {error}")).at(path.display())),
    }
}

fn public_of(bytes: &[u8]) -> Option<PublicKey> {
    let spki = SubjectPublicKeyInfoDer::from_pem_slice(bytes).map(|spki| spki.to_vec());
    let spki = spki.unwrap_or_else(|_| bytes.to_vec());
    PublicKey::from_sec1(spki.strip_prefix(&P256_PREFIX)?)
}

fn create(path: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    let opened = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let error = Error::failed("there is a key already, and it is not written over");
            error.at(path.display()).fix("move it away first; what it signed can be revoked only with it")
        }
        _ => Error::file(path, &error),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| Error::file(path, &error))
}

fn missing(path: &Path, error: &std::io::Error) -> Error {
    Error::file(path, error).fix("purser init makes the keys of a person and an agent")
}

/// Text armour: lines of 64 letters of base64, padded.
fn pem(label: &str, der: &[u8]) -> String {
    let mut letters: Vec<u8> = base64url::encode(der).into_bytes();
    for letter in &mut letters {
        match letter {
            b'-' => *letter = b'+',
            b'_' => *letter = b'/',
            _ => {}
        }
    }
    letters.resize(letters.len().next_multiple_of(4), b'=');
    let lines: Vec<_> = letters.chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_key_is_its_owners_alone() {
        let scratch = Scratch::new();
        let path = scratch.path("agent.pem");
        let made = generate(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load(&path).unwrap().public_key(), made.public_key());
        assert_eq!(load_public(&path).unwrap(), made.public_key());
        assert_eq!(load_public(&scratch.path("agent.pem.pub")).unwrap(), made.public_key());

        for mode in [0o640, 0o604, 0o660, 0o622] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = load(&path).unwrap_err();
            assert!(error.remedy().unwrap().starts_with("chmod 600 "), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(load(&path).is_ok());
        assert!(generate(&path).is_err(), "a key is never written over");
    }

    #[test]
    fn what_is_no_key_is_no_key() {
        let scratch = Scratch::new();
        for (name, bytes) in [("empty", &b""[..]), ("text", b"hello"), ("pem", b"-----BEGIN PRIVATE KEY-----\nAA==\n")]
        {
            let path = scratch.path(name);
            create(&path, 0o600, bytes).unwrap();
            assert!(load(&path).is_err(), "{name}");
            assert!(load_public(&path).is_err(), "{name}");
            assert!(load_certificates(&path).is_err(), "{name}");
        }
        assert!(load(&scratch.path("none")).unwrap_err().remedy().unwrap().contains("purser init"));
    }
}
