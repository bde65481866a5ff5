//! A code as PNG (one bit a pixel) and as text for a terminal.

use png::{BitDepth, ColorType, Compression, Encoder};

use super::Code;

/// How many pixels wide and high a module is: 1 to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelsPerModule(u8);

impl PixelsPerModule {
    /// The largest: a code of version 40 is then 5,920 pixels wide.
    pub const MAX: u8 = 32;

    /// `None` for 0 and above [`Self::MAX`].
    #[must_use]
    pub fn new(pixels: u8) -> Option<Self> {
        (1..=Self::MAX).contains(&pixels).then_some(Self(pixels))
    }

    /// Pixels on a side.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for PixelsPerModule {
    /// 6: crisp at 300 dpi when a code of version 22 is printed 5 cm wide.
    fn default() -> Self {
        Self(6)
    }
}

/// Why a picture could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The PNG writer refused.
    #[error("the code could not be written as PNG: {0}")]
    Png(#[from] png::EncodingError),
}

impl Code {
    /// The code as a PNG file, white frame included.
    ///
    /// # Errors
    /// The PNG writer refused.
    pub fn png(&self, module: PixelsPerModule) -> Result<Vec<u8>, PictureError> {
        let module = usize::from(module.get());
        let width = self.framed_side() * module;
        // At most (177 + 8) x 32 pixels, which fits.
        let side = u32::try_from(width).unwrap_or(u32::MAX);
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, side, side);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        encoder.set_compression(Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels(module, width))?;
        writer.finish()?;
        Ok(file)
    }

    /// One bit a pixel, most significant first, 1 is white, each line padded to a whole byte.
    fn pixels(&self, module: usize, width: usize) -> Vec<u8> {
        let mut pixels = Vec::with_capacity(width * width.div_ceil(8));
        for row in 0..self.framed_side() {
            let mut line = vec![0u8; width.div_ceil(8)];
            for x in (0..width).filter(|x| !self.is_dark(row, x / module)) {
                if let Some(byte) = line.get_mut(x / 8) {
                    *byte |= 0x80 >> (x % 8);
                }
            }
            for _ in 0..module {
                pixels.extend_from_slice(&line);
            }
        }
        pixels
    }

    /// The code for a terminal, white frame included: a character is one module wide and two high, black on white
    /// whatever the terminal's own colours are.
    #[must_use]
    pub fn terminal(&self) -> String {
        let mut text = String::new();
        for row in (0..self.framed_side()).step_by(2) {
            text.push_str("\x1b[30;107m");
            for column in 0..self.framed_side() {
                text.push(match (self.is_dark(row, column), self.is_dark(row + 1, column)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_module_is_a_square_of_the_asked_size() {
        let code = Code::draw("CC1:BB8").unwrap();
        for pixels in [1, 3, 6, 8] {
            let file = code.png(PixelsPerModule::new(pixels).unwrap()).unwrap();
            let drawn = image::load_from_memory(&file).unwrap().to_luma8();
            let pixels = u32::from(pixels);
            assert_eq!(drawn.width(), u32::try_from(code.framed_side()).unwrap() * pixels);
            for (x, y, light) in drawn.enumerate_pixels() {
                let dark = code.is_dark(
                    usize::try_from(y / pixels).unwrap(),
                    usize::try_from(x / pixels).unwrap(),
                );
                assert_eq!(light.0[0], if dark { 0 } else { 255 });
            }
        }
    }

    #[test]
    fn sizes_of_nothing_and_of_posters_cannot_be_written_down() {
        assert_eq!(PixelsPerModule::new(0), None);
        assert_eq!(PixelsPerModule::new(33), None);
    }

    #[test]
    fn a_terminal_shows_every_module() {
        let code = Code::draw("CC1:BB8").unwrap();
        let text = code.terminal();
        for (index, line) in text.lines().enumerate() {
            let cells = line.trim_start_matches("\x1b[30;107m").trim_end_matches("\x1b[0m");
            assert_eq!(cells.chars().count(), code.framed_side());
            for (column, cell) in cells.chars().enumerate() {
                assert_eq!(code.is_dark(2 * index, column), matches!(cell, '█' | '▀'));
                assert_eq!(code.is_dark(2 * index + 1, column), matches!(cell, '█' | '▄'));
            }
        }
    }
}
