//! Photographs made here, for tests and demonstrations: a page with a code, turned, tilted, out of focus, in bad light.

use crate::draw::Code;
use crate::picture::Picture;

/// How a picture is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// Pixels a module, at the middle.
    pub module: f64,
    /// Turned by so many degrees.
    pub turn: f64,
    /// Tilted by so many degrees: about the upright axis, and about the level one.
    pub tilt: (f64, f64),
    /// How far a point is spread, in modules: the width of a box of light, as a lens out of focus makes it.
    pub blur: f64,
    /// How many times darker: a stop is a half.
    pub stops: u32,
    /// The sensor's noise, in levels of 256.
    pub noise: u32,
}

/// Modules of the page's picture, in pixels.
const FINE: usize = 8;
/// Rays for each pixel, in each direction.
const RAYS: u32 = 4;

/// What a camera sees of a page with this code.
pub fn taken(code: &Code, shot: Shot) -> Picture {
    let page = code.to_picture(FINE);
    let modules = page.width() as f64 / FINE as f64;
    let side = (modules * shot.module * 1.6) as usize;
    let distance = 3.0 * modules;
    let (sin, cos) = shot.turn.to_radians().sin_cos();
    let (upright, level) = (shot.tilt.0.to_radians(), shot.tilt.1.to_radians());
    // The page's axes, turned in the plane of the picture, and out of it.
    let out = |x: f64, y: f64| [x * upright.cos(), y * level.cos(), x * upright.sin() + y * level.sin()];
    let (across, down) = (out(cos, sin), out(-sin, cos));
    let at = |x: f64, y: f64| -> f64 {
        // The ray through this place meets the page where two equations hold.
        let half = side as f64 / 2.0;
        let (u, v) = ((x - half) / shot.module / distance, (y - half) / shot.module / distance);
        let (a, b, e) = (across[0] - u * across[2], down[0] - u * down[2], u * distance);
        let (c, d, f) = (across[1] - v * across[2], down[1] - v * down[2], v * distance);
        let det = a * d - b * c;
        let (s, t) = ((e * d - b * f) / det, (a * f - e * c) / det);
        let (px, py) = ((s + modules / 2.0) * FINE as f64, (t + modules / 2.0) * FINE as f64);
        let on_page = px >= 0.0 && py >= 0.0 && px < page.width() as f64 && py < page.height() as f64;
        // Beside the page there is a table.
        if on_page { f64::from(page.level(px as usize, py as usize)) } else { 180.0 }
    };
    let mut light: Vec<f64> = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let ray = |at: usize, ray: u32| at as f64 + (f64::from(ray) + 0.5) / f64::from(RAYS);
            let rays = (0..RAYS).flat_map(|i| (0..RAYS).map(move |j| (i, j)));
            let sum: f64 = rays.map(|(i, j)| at(ray(x, i), ray(y, j))).sum();
            light.push(sum / f64::from(RAYS * RAYS));
        }
    }
    let light = blurred(&light, side, shot.blur * shot.module);
    let mut seed = 12_345_u32;
    Picture::from_fn(side, side, |x, y| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 16) / 65_536.0 - 0.5;
        // Light falls off to one side, as on any table.
        let shade = 1.0 - 0.25 * x as f64 / side as f64;
        let level = (20.0 + light[y * side + x] * 0.86) * shade / f64::from(1_u32 << shot.stops.min(8));
        (level + noise * f64::from(shot.noise)).clamp(0.0, 255.0) as u8
    })
}

/// Spreads each point over a disc of this diameter.
fn blurred(light: &[f64], side: usize, diameter: f64) -> Vec<f64> {
    let radius = diameter / 2.0;
    if radius < 0.5 {
        return light.to_vec();
    }
    let reach = radius.ceil() as isize;
    // How much of a pixel the disc covers, by its middle.
    let weight = |x: isize, y: isize| (radius + 0.5 - (x as f64).hypot(y as f64)).clamp(0.0, 1.0);
    let places = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
    let disc: Vec<_> = places.map(|(x, y)| (x, y, weight(x, y))).filter(|(_, _, weight)| *weight > 0.0).collect();
    let sum: f64 = disc.iter().map(|(_, _, weight)| weight).sum();
    let clamp = |value: isize| value.clamp(0, side as isize - 1) as usize;
    let mut out = Vec::with_capacity(light.len());
    for y in 0..side as isize {
        for x in 0..side as isize {
            let spread = disc.iter().map(|(i, j, weight)| weight * light[clamp(y + j) * side + clamp(x + i)]);
            out.push(spread.sum::<f64>() / sum);
        }
    }
    out
}
