//! Who a payer is to a merchant.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::id::{AccountId, PartyId, Pseudonym};

/// The pseudonym of an account at a merchant: the same each time, and at every merchant another, so that whoever has
/// not the secret cannot tell that two belong together. [INT-1] [PRV-2]
pub fn pseudonym(secret: &[u8; 32], account: &AccountId, merchant: &PartyId) -> Pseudonym {
    // A key that is shorter than a block is filled with zeros.
    let mut key = [0; 64];
    key[..32].copy_from_slice(secret);
    let mut hmac = <Hmac<Sha256>>::new(&key.into());
    hmac.update(&account.0);
    hmac.update(merchant.as_str().as_bytes());
    let mut pseudonym = [0; 16];
    pseudonym.copy_from_slice(&hmac.finalize().into_bytes()[..16]);
    Pseudonym(pseudonym)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_secret_account_or_merchant_is_another_pseudonym() {
        let named = |secret, account, merchant: &str| {
            pseudonym(&[secret; 32], &AccountId([account; 16]), &PartyId::new(merchant).unwrap()).to_string()
        };
        // Computed with another library.
        assert_eq!(named(1, 2, "tea.example"), "91693a92539d9e467a398215cba9b1f1");
        for other in [named(3, 2, "tea.example"), named(1, 3, "tea.example"), named(1, 2, "rice.example")] {
            assert_ne!(other, named(1, 2, "tea.example"));
        }
    }
}
