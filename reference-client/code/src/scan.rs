//! Codes in photographs.

use crate::picture::{Picture, SIDE_MAX};

/// A photograph is read at about this size first: more pixels show no more.
const SIDE_GOOD: usize = 1_600;
/// Below this, a module may be too few pixels, and is made more.
const SIDE_SMALL: usize = 500;

/// The texts of the codes in a photograph. Each way of looking is tried until one shows something.
pub fn read(picture: &Picture) -> Vec<String> {
    let side = picture.width().max(picture.height()).max(1);
    let mut scales: Vec<f64> = Vec::new();
    if side > SIDE_GOOD {
        scales.push(SIDE_GOOD as f64 / side as f64);
    }
    scales.extend([1.0, if side < SIDE_SMALL { 3.0 } else { 2.0 }, 1.5]);
    for scale in scales.into_iter().filter(|scale| side as f64 * scale <= SIDE_MAX as f64) {
        let scaled = if scale == 1.0 { picture.clone() } else { picture.scaled(scale) };
        let stretched = stretched(&scaled);
        let ways: [&dyn Fn() -> Picture; 4] = [
            &|| scaled.clone(),
            &|| stretched.clone(),
            &|| sharpened(&stretched, (2.0 * scale).round().max(1.0) as usize),
            &|| sharpened(&stretched, (4.0 * scale).round().max(1.0) as usize),
        ];
        for way in ways {
            let texts = found(&way());
            if !texts.is_empty() {
                return texts;
            }
        }
    }
    Vec::new()
}

/// How much of the difference to its surroundings is added to a level.
const SHARPER: i32 = 3;

/// The same with its edges drawn out: what a lens out of focus has run together.
fn sharpened(picture: &Picture, reach: usize) -> Picture {
    let (width, height) = (picture.width(), picture.height());
    // Sums of whole rectangles, so that a mean costs the same at any reach.
    let mut sums = vec![0_u64; (width + 1) * (height + 1)];
    for y in 0..height {
        let mut row = 0;
        for x in 0..width {
            row += u64::from(picture.level(x, y));
            sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
        }
    }
    Picture::from_fn(width, height, |x, y| {
        let (left, top) = (x.saturating_sub(reach), y.saturating_sub(reach));
        let (right, down) = ((x + reach + 1).min(width), (y + reach + 1).min(height));
        let at = |x: usize, y: usize| sums[y * (width + 1) + x];
        let sum = at(right, down) + at(left, top) - at(left, down) - at(right, top);
        let mean = (sum / ((right - left) * (down - top)) as u64) as i32;
        let level = i32::from(picture.level(x, y));
        (level + SHARPER * (level - mean)).clamp(0, 255) as u8
    })
}

fn found(picture: &Picture) -> Vec<String> {
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(picture.width(), picture.height(), |x, y| picture.level(x, y));
    let grids = prepared.detect_grids();
    let mut texts: Vec<String> =
        grids.into_iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect();
    texts.sort();
    texts.dedup();
    texts
}

/// The same with its darkest black and its lightest white.
fn stretched(picture: &Picture) -> Picture {
    let mut out = picture.clone();
    let mut counts = [0_usize; 256];
    for level in out.levels_mut() {
        counts[usize::from(*level)] += 1;
    }
    let few = picture.width() * picture.height() / 100;
    let mut seen = 0;
    let low = counts.iter().position(|count| {
        seen += count;
        seen > few
    });
    seen = 0;
    let high = counts.iter().rposition(|count| {
        seen += count;
        seen > few
    });
    let (low, high) = (low.unwrap_or(0), high.unwrap_or(255));
    let span = high.saturating_sub(low).max(1);
    for level in out.levels_mut() {
        *level = u8::try_from(usize::from(*level).saturating_sub(low) * 255 / span).unwrap_or(u8::MAX);
    }
    out
}
