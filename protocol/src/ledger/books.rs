//! Double entry: money moves from one purse to another, and is made or unmade nowhere.

use std::collections::{BTreeSet, HashMap};

use crate::code::Code;
use crate::id::{AccountId, LineageId, PaperId, PartyId, ShortText};
use crate::limits::AMOUNT_MAX;
use crate::money::Currency;

/// Where money is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purse {
    /// Outside. What it gave and has not got back is what all others hold.
    Outside,
    /// A payer's account.
    Account(AccountId),
    /// The envelope of a funded mandate.
    Envelope(AccountId, LineageId),
    /// What a payment holds for its merchant.
    Hold(PaperId),
    /// A merchant's account.
    Payee(PartyId, ShortText),
    /// What is set apart of a payment's money while it is disputed.
    Contested(PaperId),
}

/// What every purse holds, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    balances: HashMap<(Purse, Currency), u64>,
    given: HashMap<Currency, u64>,
}

impl Books {
    /// What a purse holds, in minor units.
    pub fn balance(&self, purse: &Purse, currency: Currency) -> u64 {
        self.balances.get(&(purse.clone(), currency)).copied().unwrap_or_default()
    }

    /// What came in from outside and has not gone out again.
    pub fn given(&self, currency: Currency) -> u64 {
        self.given.get(&currency).copied().unwrap_or_default()
    }

    /// Every currency of which something ever came in, or is somewhere.
    pub fn currencies(&self) -> BTreeSet<Currency> {
        self.given.keys().copied().chain(self.iter().map(|(_, currency, _)| currency)).collect()
    }

    /// What all purses together hold.
    pub fn held(&self, currency: Currency) -> u128 {
        self.balances.iter().filter(|((_, of), _)| *of == currency).map(|(_, minor)| u128::from(*minor)).sum()
    }

    /// Every purse that holds something.
    pub fn iter(&self) -> impl Iterator<Item = (&Purse, Currency, u64)> {
        self.balances.iter().map(|((purse, currency), minor)| (purse, *currency, *minor))
    }

    /// Moves money, or moves nothing.
    ///
    /// Errors: `insufficient-funds`, or `amount-overflow` when a sum would pass 2^53 - 1.
    pub fn transfer(&mut self, from: &Purse, to: &Purse, currency: Currency, minor: u64) -> Result<(), Code> {
        if minor == 0 || from == to {
            return Ok(());
        }
        let grown = |sum: u64| sum.checked_add(minor).filter(|&sum| sum <= AMOUNT_MAX).ok_or(Code::AmountOverflow);
        // Both sums are reckoned before either is set: what fails has moved nothing.
        let left = match from {
            Purse::Outside => grown(self.given(currency))?,
            _ => self.balance(from, currency).checked_sub(minor).ok_or(Code::InsufficientFunds)?,
        };
        let received = match to {
            Purse::Outside => self.given(currency).checked_sub(minor).ok_or(Code::InsufficientFunds)?,
            _ => grown(self.balance(to, currency))?,
        };
        self.set(from, currency, left);
        self.set(to, currency, received);
        Ok(())
    }

    /// What a purse of a snapshot holds.
    pub(super) fn set_balance(&mut self, purse: &Purse, currency: Currency, minor: u64) {
        self.set(purse, currency, minor);
    }

    /// What came in, by a snapshot.
    pub(super) fn set_given(&mut self, currency: Currency, minor: u64) {
        if minor > 0 {
            self.given.insert(currency, minor);
        }
    }

    /// What a purse holds; of outside, what it gave.
    fn set(&mut self, purse: &Purse, currency: Currency, minor: u64) {
        if *purse == Purse::Outside {
            self.given.insert(currency, minor);
            if minor == 0 {
                self.given.remove(&currency);
            }
            return;
        }
        let key = (purse.clone(), currency);
        if minor == 0 {
            self.balances.remove(&key);
        } else {
            self.balances.insert(key, minor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_all_or_nothing() {
        let (cny, jpy) = (Currency::from_code("CNY").unwrap(), Currency::from_code("JPY").unwrap());
        let (a, b) = (Purse::Account(AccountId([1; 16])), Purse::Account(AccountId([2; 16])));
        let mut books = Books::default();
        books.transfer(&Purse::Outside, &a, cny, 100).unwrap();
        let before = books.clone();
        assert_eq!(books.transfer(&a, &b, cny, 101), Err(Code::InsufficientFunds));
        assert_eq!(books.transfer(&a, &b, jpy, 1), Err(Code::InsufficientFunds));
        assert_eq!(books, before);
        books.transfer(&a, &b, cny, 100).unwrap();
        assert_eq!((books.balance(&a, cny), books.balance(&b, cny)), (0, 100));
        assert_eq!(books.held(cny), u128::from(books.given(cny)));

        let payee = Purse::Payee(PartyId::new("tea.example").unwrap(), ShortText::new("main").unwrap());
        books.transfer(&Purse::Outside, &payee, jpy, 100).unwrap();
        books.transfer(&payee, &Purse::Outside, jpy, 60).unwrap();
        assert_eq!((books.balance(&payee, jpy), books.given(jpy)), (40, 40));
        assert_eq!(books.transfer(&payee, &Purse::Outside, jpy, 41), Err(Code::InsufficientFunds));
        books.transfer(&payee, &Purse::Outside, jpy, 40).unwrap();
        assert_eq!(books.currencies(), BTreeSet::from([cny]), "what has all gone out leaves nothing behind");

        books.transfer(&Purse::Outside, &b, cny, AMOUNT_MAX - 100).unwrap();
        let full = books.clone();
        assert_eq!(books.transfer(&Purse::Outside, &b, cny, 1), Err(Code::AmountOverflow));
        assert_eq!(books, full);
    }
}
