//! Writes the seeds of every target: `seeds DIRECTORY` makes `DIRECTORY/<target>/seed-<n>`, and prints each target's name
//! and longest input.

use concord_fuzz::TARGETS;
// What the coverage counters call.
use libfuzzer_sys as _;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("where to? Say `seeds DIRECTORY`"));
    };
    for target in &TARGETS {
        let corpus = directory.join(target.name);
        std::fs::create_dir_all(&corpus)?;
        for (index, seed) in target.seeds().iter().enumerate() {
            std::fs::write(corpus.join(format!("seed-{index}")), seed)?;
        }
        println!("{} {}", target.name, target.max_len);
    }
    Ok(())
}
