//! A code as modules, and as SVG, PNG and lines of a terminal.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::picture::Picture;

/// Light modules around a code. [COD-4]
const QUIET: usize = 4;

/// A code as dark and light modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    width: usize,
    dark: Vec<bool>,
}

impl Code {
    /// The code of a text, at level M; `None` when it is too long for any.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        Some(Self { width, dark: code.into_colors().into_iter().map(|color| color == Color::Dark).collect() })
    }

    /// How many modules wide it is, without its margin.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether the module is dark, counted with the margin.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let place = x.checked_sub(QUIET).zip(y.checked_sub(QUIET));
        place.is_some_and(|(x, y)| x < self.width && y < self.width && self.dark[y * self.width + x])
    }

    fn whole(&self) -> usize {
        self.width + 2 * QUIET
    }

    /// As a picture that scales.
    pub fn to_svg(&self) -> String {
        let whole = self.whole();
        let mut path = String::new();
        for y in 0..whole {
            let mut x = 0;
            while x < whole {
                let run = (x..whole).take_while(|&x| self.is_dark(x, y)).count();
                if run > 0 {
                    // A text always takes more.
                    let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
                }
                x += run.max(1);
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{whole}\" height=\"{whole}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>\n"
        )
    }

    /// As a picture of so many pixels a module.
    pub fn to_picture(&self, module: usize) -> Picture {
        let (side, module) = (self.whole() * module, module.max(1));
        Picture::from_fn(side, side, |x, y| if self.is_dark(x / module, y / module) { 0 } else { 255 })
    }

    /// As lines of a terminal, two modules above each other in each character.
    pub fn to_terminal(&self) -> String {
        let whole = self.whole();
        let mut text = String::new();
        for y in (0..whole).step_by(2) {
            // White on black, whatever the terminal's own colours are.
            text.push_str("\u{1b}[97;40m");
            for x in 0..whole {
                text.push(match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                });
            }
            text.push_str("\u{1b}[0m\n");
        }
        text
    }
}
