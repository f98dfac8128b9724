use super::*;

fn book() -> Book {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(SCHEMA).unwrap();
    Book(db)
}

impl Book {
    /// An offer that nobody has taken, and that can be paid until this time.
    fn untaken(&self, number: u8, expires_at: u64) {
        let add = "INSERT INTO offers (id, payload, salt, expires_at) VALUES (?1, x'', x'', ?2)";
        self.0.execute(add, params![[number; 32], expires_at]).unwrap();
    }

    fn count(&self) -> u64 {
        self.0.query_row("SELECT count(*) FROM offers", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn offers_that_nobody_takes_are_bounded_and_those_that_can_be_paid_are_kept() {
    let (book, now) = (book(), 1_000);
    for number in 0..8 {
        assert!(book.forget(now).unwrap(), "there is room for offer {number}");
        book.untaken(number, now + u64::from(number));
    }
    assert!(!book.forget(now).unwrap(), "each can still be paid");
    assert_eq!(book.count(), 8);
    // Those that have ended make room, the oldest first, although they are not old.
    assert!(book.forget(now + 3).unwrap());
    assert_eq!(book.count(), 6);
    let left: u64 = book.0.query_row("SELECT min(expires_at) FROM offers", [], |row| row.get(0)).unwrap();
    assert_eq!(left, now + 2);
    // Where there is room, they are remembered: who has paid in time and shows that late is served.
    assert!(book.forget(now + 60).unwrap());
    assert_eq!(book.count(), 6);
}

#[test]
fn a_payment_is_one_debt_until_it_has_ended() {
    let book = book();
    let issuer = PartyId::new("issuer.example").unwrap();
    let debt =
        |command: u8, signed| Debt { issuer: issuer.clone(), intent: PaperId([1; 32]), command: vec![command], signed };
    book.owe(&debt(1, 1)).unwrap();
    book.owe(&debt(2, 1)).unwrap();
    assert_eq!(book.owed().unwrap(), [debt(1, 1)]);
    book.renew(&debt(1, 1), &[3]).unwrap();
    book.renew(&debt(1, 1), &[4]).unwrap();
    assert_eq!(book.owed().unwrap(), [debt(3, 2)], "what another call has signed meanwhile is what counts");
    book.end(&debt(3, 2), "refunded").unwrap();
    book.owe(&debt(5, 1)).unwrap();
    assert_eq!(book.owed().unwrap(), [], "it has gone back");
}
