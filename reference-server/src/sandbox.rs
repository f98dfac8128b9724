//! An issuer, a merchant and a seller of tokens to try things with, in one folder.
//!
//! | file | what it is |
//! |---|---|
//! | `roots.pem` | the authority that vouches for all that follows; its key is forgotten |
//! | `tls.pem`, `tls.key` | the servers' certificate for localhost, 127.0.0.1 and ::1 |
//! | `issuer.pem`, `issuer.key` | what `issuer.example` signs with |
//! | `merchant.pem`, `merchant.key` | what `shop.example` signs with |
//! | `seller.pem`, `seller.key` | what `model.example` signs with |
//! | `issuer.toml`, `merchant.toml`, `seller.toml` | configurations for `purser-server` |
//!
//! No trust store of the system is touched: whoever is to believe the authority is given `roots.pem`.

mod authority;
mod files;
mod settings;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use purser_protocol::cert::Role;
use purser_protocol::id::PartyId;

use authority::Authority;
use files::{Content, Files};

/// The network, which is in every signature.
pub const NETWORK: &str = "sandbox";
/// The issuer's name.
pub const ISSUER: &str = "issuer.example";
/// The merchant's name.
pub const MERCHANT: &str = "shop.example";
/// The seller of tokens.
pub const SELLER: &str = "model.example";
/// The account of merchant and seller at the issuer.
pub const ACCOUNT: &str = "till";
/// The merchant's categories (ISO 18245): taxis, groceries, fast food, books.
pub const CATEGORIES: [u16; 4] = [4121, 5411, 5814, 5942];

/// How long the certificates last: a sandbox's clock is put on by months.
const CERTIFICATE_DAYS: u64 = 120;
/// Clocks that are behind ours by no more than this find the certificates valid.
const BACKDATED_SECONDS: u64 = 300;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder; made if it is not there. Nothing in it is overwritten.
    pub dir: PathBuf,
    /// Where the issuer will listen; port 0 takes one that is free now.
    pub issuer_listen: SocketAddr,
    /// Where the merchant will listen; likewise.
    pub merchant_listen: SocketAddr,
    /// Where the seller of tokens will listen; likewise.
    pub seller_listen: SocketAddr,
}

/// What was written. Its text is how to go on.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The folder, absolute.
    pub dir: PathBuf,
    /// Where the issuer will listen.
    pub issuer: SocketAddr,
    /// Where the merchant will listen.
    pub merchant: SocketAddr,
    /// Where the seller of tokens will listen.
    pub seller: SocketAddr,
}

/// Writes a sandbox.
pub fn write(plan: &Plan) -> Result<Sandbox, SandboxError> {
    write_since(plan, BACKDATED_SECONDS)
}

/// Writes a sandbox whose certificates have been valid for so long already.
pub fn write_since(plan: &Plan, seconds: u64) -> Result<Sandbox, SandboxError> {
    let [issuer, merchant, seller] = addresses(plan)?;
    let authority = Authority::new(CERTIFICATE_DAYS, seconds)?;
    let tls = authority.server(&[issuer.ip(), merchant.ip(), seller.ip()])?;
    let party = |name: &'static str| PartyId::new(name).ok_or(SandboxError::Name(name));
    let issuer_signs = authority.party(Role::Issuer, &party(ISSUER)?, &[])?;
    let merchant_signs = authority.party(Role::Merchant, &party(MERCHANT)?, &CATEGORIES)?;

    let seller_signs = authority.party(Role::Merchant, &party(SELLER)?, &[])?;

    let mut files = Files::default();
    files.add("roots.pem", Content::Public(authority.certificate()));
    files.add_pair("tls", tls);
    files.add_pair("issuer", issuer_signs);
    files.add_pair("merchant", merchant_signs);
    files.add_pair("seller", seller_signs);
    files.add("issuer.toml", Content::Public(settings::issuer(issuer)));
    files.add("merchant.toml", Content::Public(settings::merchant(merchant, issuer)));
    files.add("seller.toml", Content::Public(settings::seller(seller, issuer)));
    let dir = files.write(&plan.dir)?;
    Ok(Sandbox { dir, issuer, merchant, seller })
}

/// The addresses with ports. All are held until all are known, so that they are three.
fn addresses(plan: &Plan) -> Result<[SocketAddr; 3], SandboxError> {
    let hold = |wanted: SocketAddr| -> Result<(SocketAddr, Option<TcpListener>), SandboxError> {
        if wanted.port() != 0 {
            return Ok((wanted, None));
        }
        let failed = |source| SandboxError::Port { addr: wanted, source };
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        Ok((listener.local_addr().map_err(failed)?, Some(listener)))
    };
    let (issuer, _held) = hold(plan.issuer_listen)?;
    let (merchant, _held_too) = hold(plan.merchant_listen)?;
    let (seller, _held_as_well) = hold(plan.seller_listen)?;
    Ok([issuer, merchant, seller])
}

impl Sandbox {
    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = |name: &str| quoted(&self.path(name));
        writeln!(f, "purser-server issuer --config {}", file("issuer.toml"))?;
        writeln!(f, "purser-server merchant --config {}", file("merchant.toml"))?;
        writeln!(f, "purser-server seller --config {}", file("seller.toml"))?;
        write!(f, "purser init --roots {} --issuer https://{}", file("roots.pem"), self.issuer)
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+,:@%".contains(letter);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A file is there already.
    #[error("{} is there already, and nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No port is free.
    #[error("{addr}: {source}")]
    Port {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A name is not a party's.
    #[error("{0} is not a party's name")]
    Name(&'static str),
    /// A certificate cannot be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_when_a_shell_would_split_it() {
        assert_eq!(quoted(Path::new("/tmp/box-1/a.toml")), "/tmp/box-1/a.toml");
        assert_eq!(quoted(Path::new("/tmp/a b's")), r"'/tmp/a b'\''s'");
    }
}
