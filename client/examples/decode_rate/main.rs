//! How often, and how fast, codes are read that were spoiled in known ways: the table of spec/adr/0020-qr-decoder.md.
//!
//! `cargo run --release -p concord-client --example decode_rate [CODES OF EACH SIZE] [DIRECTORY]`; into the directory
//! go the pictures (`WAY-BYTES-COUNT.png`) and their texts (`.txt`), so that any other decoder can be measured on them.

mod spoil;

use std::path::Path;
use std::time::Instant;

use concord_client::render::{Code, CodeKind, PixelsPerModule, code_text};
use concord_client::scan::scan_image;
use image::{GrayImage, ImageFormat};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Bytes in a code: from a credential alone to the largest certificate.
const SIZES: [usize; 7] = [330, 500, 670, 860, 1_000, 1_200, 1_400];
const SEED: u64 = 7;

fn main() -> eyre::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(4), |count| count.parse())?;
    let directory = arguments.next();
    let mut random = StdRng::seed_from_u64(SEED);
    println!("| {:28} | codes | read | ms a code |", "spoiled by");
    println!("|{:-<30}|------:|-----:|----------:|", "");
    for (number, (name, way)) in spoil::WAYS.iter().enumerate() {
        let (mut read, mut seconds) = (0, 0.0);
        for size in SIZES {
            for index in 0..count {
                let (text, picture) = spoiled(size, *way, &mut random)?;
                let file = png(&picture)?;
                if let Some(directory) = &directory {
                    let path = Path::new(directory).join(format!("{number:02}-{size}-{index}.png"));
                    std::fs::write(&path, &file)?;
                    std::fs::write(path.with_extension("txt"), &text)?;
                }
                let start = Instant::now();
                let found = scan_image(&file);
                seconds += start.elapsed().as_secs_f64();
                read += usize::from(found.is_ok_and(|texts| texts.contains(&text)));
            }
        }
        let codes = count * SIZES.len();
        println!(
            "| {name:28} | {codes:5} | {read:4} | {:9.1} |",
            seconds * 1_000.0 / codes as f64
        );
    }
    Ok(())
}

/// A code of so many random bytes, and what is left of it.
fn spoiled(size: usize, way: spoil::Spoil, random: &mut StdRng) -> eyre::Result<(String, GrayImage)> {
    let bytes: Vec<u8> = (0..size).map(|_| random.r#gen()).collect();
    let text = code_text(CodeKind::Certificate, &bytes);
    let module = PixelsPerModule::default();
    let drawn = image::load_from_memory(&Code::draw(&text)?.png(module)?)?.to_luma8();
    Ok((text, way(&drawn, f32::from(module.get()), random)))
}

fn png(picture: &GrayImage) -> eyre::Result<Vec<u8>> {
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}
