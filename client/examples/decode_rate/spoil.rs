//! What happens to a code between the printer and the camera: each function returns a spoiled copy.
//! Lengths are pixels; `module` is the width of a module in pixels.

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};
use rand::Rng;
use rand::rngs::StdRng;

/// The paper around a code.
const PAPER: u8 = 255;

/// A code that a person holds in front of a camera, or that went through a printer and a scanner.
pub(crate) type Spoil = fn(&GrayImage, f32, &mut StdRng) -> GrayImage;

/// Every way to spoil a code that the table shows, by name.
pub(crate) const WAYS: &[(&str, Spoil)] = &[
    ("as drawn", |image, _, _| image.clone()),
    ("scaled to 3 px a module", |image, module, _| scale(image, 3.0 / module)),
    ("scaled to 2 px a module", |image, module, _| scale(image, 2.0 / module)),
    ("scaled to 2.6 to 4.4 px", |image, module, random| {
        scale(image, random.gen_range(2.6..4.4) / module)
    }),
    ("turned by 90, 180, 270", |image, _, random| {
        match random.gen_range(0..3) {
            0 => imageops::rotate90(image),
            1 => imageops::rotate180(image),
            _ => imageops::rotate270(image),
        }
    }),
    ("turned by up to 10", |image, _, random| {
        tilt(image, random.gen_range(-10.0..10.0), 0.0)
    }),
    ("turned by any angle", |image, _, random| {
        tilt(image, random.gen_range(0.0..360.0), 0.0)
    }),
    ("perspective 10 %", |image, _, random| {
        tilt(image, random.gen_range(-5.0..5.0), 0.10)
    }),
    ("perspective 20 %", |image, _, random| {
        tilt(image, random.gen_range(-5.0..5.0), 0.20)
    }),
    ("blurred, 0.3 module", |image, module, _| {
        imageops::blur(image, 0.3 * module)
    }),
    ("blurred, 0.5 module", |image, module, _| {
        imageops::blur(image, 0.5 * module)
    }),
    ("blurred, 0.7 module", |image, module, _| {
        imageops::blur(image, 0.7 * module)
    }),
    ("noise, deviation 30", |image, _, random| noise(image, 30.0, random)),
    ("noise, deviation 60", |image, _, random| noise(image, 60.0, random)),
    ("specks on 2 % of pixels", |image, _, random| {
        specks(image, 0.02, random)
    }),
    ("contrast 100 to 150", |image, _, _| contrast(image, 100, 150)),
    ("light from one side", |image, _, random| shade(image, random)),
    ("a stain on 2 % of the area", stain),
    ("photograph, good light", |image, module, random| {
        photograph(image, module, 0.25, 8.0, random)
    }),
    ("photograph, poor light", |image, module, random| {
        photograph(image, module, 0.4, 20.0, random)
    }),
];

fn scale(image: &GrayImage, factor: f32) -> GrayImage {
    let side = |length: u32| (length as f32 * factor).round() as u32;
    imageops::resize(image, side(image.width()), side(image.height()), FilterType::Triangle)
}

/// Turned around its middle by `degrees`, the upper edge nearer than the lower one by `depth`.
fn tilt(image: &GrayImage, degrees: f32, depth: f32) -> GrayImage {
    let (width, height) = (image.width() as f32, image.height() as f32);
    let side = (width.hypot(height) * (1.0 + depth)).ceil() as u32;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = side as f32 / 2.0;
    GrayImage::from_fn(side, side, |x, y| {
        let (x, y) = (x as f32 - middle, y as f32 - middle);
        let near = 1.0 + depth * y / middle;
        let (x, y) = (x / near, y / near);
        sample(
            image,
            x * cos + y * sin + width / 2.0,
            -x * sin + y * cos + height / 2.0,
        )
    })
}

/// The light at a point between four pixels.
fn sample(image: &GrayImage, x: f32, y: f32) -> Luma<u8> {
    let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
    let (right_share, bottom_share) = (x - 0.5 - left, y - 0.5 - top);
    let at = |x: f32, y: f32| {
        let inside = x >= 0.0 && y >= 0.0 && x < image.width() as f32 && y < image.height() as f32;
        f32::from(if inside {
            image.get_pixel(x as u32, y as u32).0[0]
        } else {
            PAPER
        })
    };
    let upper = at(left, top) * (1.0 - right_share) + at(left + 1.0, top) * right_share;
    let lower = at(left, top + 1.0) * (1.0 - right_share) + at(left + 1.0, top + 1.0) * right_share;
    Luma([(upper * (1.0 - bottom_share) + lower * bottom_share) as u8])
}

fn noise(image: &GrayImage, deviation: f32, random: &mut StdRng) -> GrayImage {
    each(image, |light, _, _| {
        // A sum of twelve even numbers is close to a normal one (Irwin-Hall).
        let normal: f32 = (0..12).map(|_| random.r#gen::<f32>()).sum::<f32>() - 6.0;
        light + normal * deviation
    })
}

fn specks(image: &GrayImage, share: f64, random: &mut StdRng) -> GrayImage {
    each(image, |light, _, _| match random.gen_bool(share) {
        true => 255.0 * f32::from(random.r#gen::<bool>() as u8),
        false => light,
    })
}

fn contrast(image: &GrayImage, dark: u8, light: u8) -> GrayImage {
    let span = f32::from(light - dark) / 255.0;
    each(image, |value, _, _| f32::from(dark) + value * span)
}

fn shade(image: &GrayImage, random: &mut StdRng) -> GrayImage {
    let (sin, cos) = random.gen_range(0.0..std::f32::consts::TAU).sin_cos();
    let (width, height) = (image.width() as f32, image.height() as f32);
    each(image, |light, x, y| {
        let along = (x as f32 / width - 0.5) * cos + (y as f32 / height - 0.5) * sin;
        (light * 0.8 + 25.0) * (0.65 + 0.5 * along)
    })
}

/// A round stain anywhere but on the corners that tell where the code is.
fn stain(image: &GrayImage, _: f32, random: &mut StdRng) -> GrayImage {
    let (width, height) = (image.width() as f32, image.height() as f32);
    let (across, down) = (
        random.gen_range(0.35..0.65) * width,
        random.gen_range(0.35..0.65) * height,
    );
    let radius = (0.02 * width * height / std::f32::consts::PI).sqrt();
    each(image, |light, x, y| {
        match (x as f32 - across).hypot(y as f32 - down) < radius {
            true => 128.0,
            false => light,
        }
    })
}

fn photograph(image: &GrayImage, module: f32, blur: f32, deviation: f32, random: &mut StdRng) -> GrayImage {
    let tilted = tilt(image, random.gen_range(-15.0..15.0), random.gen_range(0.0..0.12));
    let blurred = imageops::blur(&tilted, blur * module);
    let lit = shade(&blurred, random);
    noise(&lit, deviation, random)
}

fn each(image: &GrayImage, mut change: impl FnMut(f32, u32, u32) -> f32) -> GrayImage {
    GrayImage::from_fn(image.width(), image.height(), |x, y| {
        let light = f32::from(image.get_pixel(x, y).0[0]);
        Luma([change(light, x, y).clamp(0.0, 255.0) as u8])
    })
}
