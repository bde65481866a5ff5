//! The vectors in `spec/vectors`: each file is what its maker makes, and this implementation does what each vector says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../examples/vectors/mod.rs"]
mod make;
#[path = "vectors/chain.rs"]
mod chain;
#[path = "vectors/charter.rs"]
mod charter;
#[path = "vectors/parts.rs"]
mod parts;
#[path = "vectors/updates.rs"]
mod updates;

use serde_json::Value;

/// A file as it stands in the repository.
fn file(name: &str) -> Value {
    let text = std::fs::read_to_string(make::directory().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The vectors of a group.
fn each<'a>(file: &'a Value, group: &str) -> &'a [Value] {
    let vectors = file[group].as_array().unwrap();
    assert!(!vectors.is_empty(), "{group} has no vectors");
    vectors
}

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    let found = vector[member].as_str();
    found.unwrap_or_else(|| panic!("no text {member} in {vector}"))
}

fn number(vector: &Value, member: &str) -> u64 {
    let found = vector[member].as_u64();
    found.unwrap_or_else(|| panic!("no number {member} in {vector}"))
}

fn bytes(vector: &Value, member: &str) -> Vec<u8> {
    hex::decode(text(vector, member)).unwrap()
}

/// A value of a JSON form that has one: digests, keys, signatures.
fn parsed<T: serde::de::DeserializeOwned>(vector: &Value, member: &str) -> T {
    serde_json::from_value(vector[member].clone()).unwrap()
}

/// "accept", or the name of the error's variant.
fn outcome<T, E: std::fmt::Debug>(result: &Result<T, E>) -> String {
    match result {
        Ok(_) => "accept".to_owned(),
        Err(error) => {
            let whole = format!("{error:?}");
            whole.chars().take_while(char::is_ascii_alphanumeric).collect()
        }
    }
}

#[test]
fn every_file_is_what_its_maker_makes() {
    for (name, make) in make::FILES {
        // Compared as values: the order of members is not part of a vector.
        assert!(
            file(name) == make().unwrap(),
            "{name} is not up to date: run the example `vectors`"
        );
    }
    let names = std::fs::read_dir(make::directory()).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    let mut made = make::FILES.map(|(name, _)| name).to_vec();
    made.sort_unstable();
    assert_eq!(names, made);
}

#[test]
fn the_files_are_small() {
    let sizes = make::FILES.map(|(name, _)| std::fs::metadata(make::directory().join(name)).unwrap().len());
    assert!(sizes.iter().sum::<u64>() < 2_000_000, "{sizes:?}");
}
