//! How long header fields get.

use purser_protocol::bind::http::HEADER_VALUE_BYTES_MAX;

use crate::line::{Answer, Ask};
use crate::mint::{self, SECRET};
use crate::town::{BOOK_MINOR, Offered, TEA_MINOR, Town};

#[tokio::test]
async fn no_field_of_an_exchange_is_longer_than_intermediaries_carry() {
    let mut town = Town::new().await;
    let longest = format!("{}.example", "a".repeat(55));
    for name in ["tea.example", &longest] {
        let shop = town.shop(name).await;
        for (target, hashes, batch) in
            [("/tea", 0, 1), ("/tea", 8, 256), ("/tea", 10, 1_024), ("/book", 8, 256), ("/book", 10, 1_024)]
        {
            let ask = Ask::get(target);
            let first = shop.ask(&ask, None).await;
            let offered = Offered::of(&first);
            let claims = match target {
                "/tea" => mint::claims(offered.id, TEA_MINOR),
                _ => mint::held(offered.id, BOOK_MINOR),
            };
            let receipt = mint::assembled(&town.bank, &claims, batch, |_| ());
            assert_eq!(receipt.path.len(), hashes);
            let receipt = purser_protocol::field::encoded(&receipt);
            let bytes = receipt.len();
            let credential = offered.shows(receipt, SECRET);
            let last = shop.ask(&ask, Some(&credential)).await;
            assert_eq!(last.status, 200);
            let field = |answer: &Answer, name: &str| answer.header(name).len();
            eprintln!(
                "a name of {:>2}, {target:<5}, a path of {hashes:>2}: receipt {bytes} bytes, Authorization {}, \
                 WWW-Authenticate {}, Payment-Receipt {}, Purser-Delivery {}",
                name.len(),
                credential.len(),
                field(&first, "www-authenticate"),
                field(&last, "payment-receipt"),
                field(&last, "purser-delivery"),
            );
            let all = first.headers.iter().chain(&last.headers).map(|(_, value)| value.len());
            assert!(all.chain([credential.len()]).all(|length| length <= HEADER_VALUE_BYTES_MAX));
        }
    }
}
