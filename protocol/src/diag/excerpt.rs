//! The bytes around an offset, with the one that is meant marked.

use std::fmt::Write as _;

/// Bytes on a line.
const WIDTH: usize = 16;

/// Three lines of bytes around `offset`, numbered in hexadecimal, and a mark below the byte. The offset may be
/// that just past the end, where something is missing.
pub fn excerpt(bytes: &[u8], offset: usize) -> String {
    let offset = offset.min(bytes.len());
    let middle = offset / WIDTH * WIDTH;
    let mut text = String::new();
    for start in [middle.checked_sub(WIDTH), Some(middle), middle.checked_add(WIDTH)].into_iter().flatten() {
        let rest = bytes.get(start..).unwrap_or_default();
        if rest.is_empty() && start != middle {
            continue;
        }
        line(&mut text, start, &rest[..rest.len().min(WIDTH)]);
        if start == middle {
            let before = (offset - middle) * 3;
            let _ = writeln!(text, "          {:before$}^^", "");
        }
    }
    text
}

/// Writing to a string does not fail.
fn line(text: &mut String, start: usize, bytes: &[u8]) {
    let _ = write!(text, "{start:08x} ");
    for place in 0..WIDTH {
        let _ = match bytes.get(place) {
            Some(byte) => write!(text, " {byte:02x}"),
            None => write!(text, "   "),
        };
    }
    let letters = bytes.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' });
    let _ = writeln!(text, "  |{}|", letters.collect::<String>());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_that_is_meant_is_marked() {
        let bytes: Vec<u8> = (0x30..0x56).collect();
        assert_eq!(
            excerpt(&bytes, 0x12),
            "00000000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  |0123456789:;<=>?|\n\
             00000010  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  |@ABCDEFGHIJKLMNO|\n          \
             \x20     ^^\n\
             00000020  50 51 52 53 54 55                                |PQRSTU|\n"
        );
    }

    #[test]
    fn what_is_missing_is_marked_past_the_end() {
        for length in [0, 1, 15, 16, 17, 32] {
            let text = excerpt(&vec![0; length], usize::MAX);
            assert_eq!(text.matches("^^").count(), 1, "{length}");
        }
        assert!(excerpt(&[0], 1).contains("\n             ^^\n"));
    }
}
