//! Pictures as levels of grey: read from PNG and JPEG, written as PNG.

#[cfg(feature = "scan")]
use std::io::Cursor;

#[cfg(feature = "draw")]
use png::{BitDepth, ColorType, Encoder};
#[cfg(feature = "scan")]
use png::{Decoder, Limits, Transformations};
#[cfg(feature = "scan")]
use zune_core::bytestream::ZCursor;
#[cfg(feature = "scan")]
use zune_core::colorspace::ColorSpace;
#[cfg(feature = "scan")]
use zune_core::options::DecoderOptions;
#[cfg(feature = "scan")]
use zune_jpeg::JpegDecoder;

/// Longest side of a picture that is read.
#[cfg(feature = "scan")]
pub(crate) const SIDE_MAX: usize = 8_192;
/// The most memory that reading one may take.
#[cfg(feature = "scan")]
const BYTES_MAX: usize = 256 << 20;

/// Levels of grey, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    levels: Vec<u8>,
}

impl Picture {
    /// A picture of this size, level by level.
    pub fn from_fn(width: usize, height: usize, mut level: impl FnMut(usize, usize) -> u8) -> Self {
        let mut levels = Vec::with_capacity(width * height);
        for y in 0..height {
            levels.extend((0..width).map(|x| level(x, y)));
        }
        Self { width, height, levels }
    }

    /// Reads PNG or JPEG; `None` where it is neither, is broken, or too large.
    #[cfg(feature = "scan")]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG") { Self::from_png(bytes) } else { Self::from_jpeg(bytes) }
    }

    /// How wide it is.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How high it is.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The level at a place; outside, that of the nearest place inside.
    pub fn level(&self, x: usize, y: usize) -> u8 {
        let (x, y) = (x.min(self.width.saturating_sub(1)), y.min(self.height.saturating_sub(1)));
        self.levels.get(y * self.width + x).copied().unwrap_or(u8::MAX)
    }

    /// Its levels, to be changed.
    #[cfg(feature = "scan")]
    pub(crate) fn levels_mut(&mut self) -> &mut [u8] {
        &mut self.levels
    }

    /// As a PNG.
    #[cfg(feature = "draw")]
    pub fn to_png(&self) -> Option<Vec<u8>> {
        let mut png = Vec::new();
        let (width, height) = (u32::try_from(self.width).ok()?, u32::try_from(self.height).ok()?);
        let mut encoder = Encoder::new(&mut png, width, height);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&self.levels).ok()?;
        writer.finish().ok()?;
        Some(png)
    }

    /// So many times as large, each level from the four nearest ones.
    #[cfg(feature = "scan")]
    pub(crate) fn scaled(&self, times: f64) -> Self {
        let side = |side: usize| ((side as f64 * times) as usize).max(1);
        Self::from_fn(side(self.width), side(self.height), |x, y| {
            let at = |place: usize| ((place as f64 + 0.5) / times - 0.5).max(0.0);
            let (x, y) = (at(x), at(y));
            let (left, top) = (x as usize, y as usize);
            let (right, down) = (x - left as f64, y - top as f64);
            let level = |x, y| f64::from(self.level(x, y));
            let above = level(left, top) * (1.0 - right) + level(left + 1, top) * right;
            let below = level(left, top + 1) * (1.0 - right) + level(left + 1, top + 1) * right;
            (above * (1.0 - down) + below * down).round() as u8
        })
    }

    #[cfg(feature = "scan")]
    fn from_png(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: BYTES_MAX });
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().ok()?;
        let size = reader.output_buffer_size().filter(|size| *size <= BYTES_MAX)?;
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels).ok()?;
        let channels = frame.color_type.samples();
        Self::of_pixels(frame.width as usize, frame.height as usize, channels, &pixels)
    }

    #[cfg(feature = "scan")]
    fn from_jpeg(bytes: &[u8]) -> Option<Self> {
        let options = DecoderOptions::default()
            .jpeg_set_out_colorspace(ColorSpace::Luma)
            .set_max_width(SIDE_MAX)
            .set_max_height(SIDE_MAX);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        let pixels = decoder.decode().ok()?;
        let (width, height) = decoder.dimensions()?;
        Self::of_pixels(width, height, 1, &pixels)
    }

    #[cfg(feature = "scan")]
    fn of_pixels(width: usize, height: usize, channels: usize, pixels: &[u8]) -> Option<Self> {
        let fits = width <= SIDE_MAX && height <= SIDE_MAX && width > 0 && height > 0;
        let pixels = pixels.get(..width.checked_mul(height)?.checked_mul(channels)?).filter(|_| fits)?;
        let levels = pixels.chunks_exact(channels.max(1)).map(|pixel| match *pixel {
            [grey] => grey,
            // What is seen through is on white.
            [grey, alpha] => over_white(grey, alpha),
            [red, green, blue] => luma(red, green, blue),
            [red, green, blue, alpha, ..] => over_white(luma(red, green, blue), alpha),
            [] => u8::MAX,
        });
        Some(Self { width, height, levels: levels.collect() })
    }
}

#[cfg(feature = "scan")]
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000) as u8
}

#[cfg(feature = "scan")]
fn over_white(grey: u8, alpha: u8) -> u8 {
    let (grey, alpha) = (u32::from(grey), u32::from(alpha));
    ((grey * alpha + 255 * (255 - alpha)) / 255) as u8
}
