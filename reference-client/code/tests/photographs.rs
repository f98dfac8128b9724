//! Photographs made here: turned, tilted, blurred, dark, small.

#![allow(clippy::unwrap_used, reason = "a test that cannot begin has failed")]

use purser_code::camera::{Shot, taken};
use purser_code::{Code, read};

/// Every turn with every tilt, each in another light: 4 and 6 pixels a module, sharp, out of focus by half a module, two
/// stops too dark, and both.
fn shots() -> Vec<Shot> {
    let mut shots = Vec::new();
    for module in [4.0, 6.0] {
        for turn in [0.0, 13.0, -30.0] {
            for tilt in [(0.0, 0.0), (25.0, 0.0), (-15.0, 18.0)] {
                for (blur, stops) in [(0.0, 0), (0.5, 0), (0.5, 2)] {
                    shots.push(Shot { module, turn, tilt, blur, stops, noise: 6 });
                }
            }
        }
    }
    shots
}

#[test]
fn photographs_are_read() {
    // Of 25 modules, and of version 10.
    for (text, modules) in
        [("HTTPS://SHOP.EXAMPLE:8442/Q/4RT9X2KQ0M".to_owned(), 25), (format!("PURSER:{}", "7WE QE6A%".repeat(33)), 57)]
    {
        let code = Code::of(&text).unwrap();
        assert_eq!(code.width(), modules);
        let all = shots();
        let failed: Vec<_> = all.iter().filter(|shot| read(&taken(&code, **shot)) != [text.as_str()]).collect();
        println!("{modules} modules: {} of {} read; not {failed:?}", all.len() - failed.len(), all.len());
        assert!(all.len() >= 30 && failed.len() * 20 <= all.len(), "{modules} modules: {failed:?}");
    }
}
