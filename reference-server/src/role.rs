//! Where a role's routes join the shell's.

use axum::Router;

use crate::config::Config;
use crate::hostile::Hostile;
use crate::issuer;
use crate::life::Life;
use crate::material::SetupError;
use crate::merchant;
use crate::seller;

/// What this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Keeps accounts and mandates, decides, signs receipts.
    Issuer,
    /// Makes offers, redeems receipts, serves.
    Merchant,
    /// Sells tokens by the metered session.
    Seller,
}

impl Role {
    /// The role's name, and that of its table in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Merchant => "merchant",
            Self::Seller => "seller",
        }
    }
}

/// The role's routes, with its state inside. The shell adds health, metrics, and the answers to what has
/// no route.
///
/// A role calls [`Life::set_ready`] once it can decide, which may be later than this.
pub fn app(role: Role, config: &Config, url: &str, life: &Life) -> Result<Router, SetupError> {
    let hostile = config.shell.hostile.map(|seed| Hostile::new(role, config, seed)).transpose()?;
    let base = hostile.as_ref().map_or_else(|| url.to_owned(), |hostile| hostile.base_url(url));
    let app = match role {
        Role::Issuer => issuer::routes(config, &base, life),
        Role::Merchant => merchant::routes(config, &base, life),
        Role::Seller => seller::routes(config, &base, life),
    }?;
    Ok(match hostile {
        None => app,
        Some(hostile) => hostile.peer(app),
    })
}
