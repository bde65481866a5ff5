//! Which structures have a decoder, by the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Macros that make a decoder of the first name they are given.
const MAKERS: [&str; 6] = [
    "wire_array!(",
    "wire_choice!(",
    "name!(",
    "number!(",
    "fixed_bytes!(",
    "signature_bytes!(",
];

/// Paths within the crate of all types with `impl Wire`, but numbers, truth values and options, which `codec` itself tests.
pub(crate) fn structures() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeSet::new();
    for file in rust_files(&root) {
        let path = file.strip_prefix(&root).unwrap().with_extension("");
        let module = path.to_str().unwrap().replace('/', "::");
        if module == "codec" || module.split("::").any(|part| part == "tests") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        found.extend(names(&text).into_iter().map(|name| format!("{module}::{name}")));
    }
    found
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn names(text: &str) -> Vec<String> {
    // Documentation of what a macro is given stands before the name.
    let code: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .collect();
    let mut names = Vec::new();
    for (line, following) in code.iter().enumerate().map(|(at, line)| (*line, &code[at + 1..])) {
        let implements = line.strip_prefix("impl").and_then(|rest| rest.split_once("Wire for "));
        let made = MAKERS.iter().find_map(|maker| line.strip_prefix(maker));
        let name = match (implements, made) {
            (Some((_, name)), _) => name,
            (None, Some("")) => following.iter().find(|line| !line.is_empty()).unwrap(),
            (None, Some(name)) => name,
            (None, None) => continue,
        };
        let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        // `$name` in the macros themselves.
        if !name.is_empty() {
            names.push(name);
        }
    }
    names
}
