//! Writes the test vectors: `cargo run --release -p concord-spec --features world --example vectors`.

#[path = "vectors/mod.rs"]
mod make;

fn main() -> Result<(), make::Error> {
    for (name, make) in make::FILES {
        let path = make::directory().join(name);
        std::fs::write(&path, make::text(&make()?)?)?;
        println!("{}", path.display());
    }
    Ok(())
}
