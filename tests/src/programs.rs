//! The programs under test: built once a process, found beside the test's own executable.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{HarnessError, Result};

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The node.
    pub concordd: PathBuf,
    /// The client.
    pub concord: PathBuf,
}

static BUILT: OnceLock<std::result::Result<Programs, String>> = OnceLock::new();

/// Names a directory whose programs are to be tested, such as those of a package; nothing is built then.
const PROGRAMS: &str = "CONCORD_TEST_PROGRAMS";

/// Builds the programs, unless they are fresh, and says where they are.
///
/// # Errors
/// They cannot be built.
pub fn programs() -> Result<Programs> {
    let built = BUILT.get_or_init(|| build().map_err(|error| error.to_string()));
    built
        .clone()
        .map_err(|why| HarnessError::bytes("the programs under test", why))
}

/// The profile this executable was built with is the one to test: `<target>/<profile>/[deps/]<executable>`.
fn build() -> Result<Programs> {
    if let Some(dir) = std::env::var_os(PROGRAMS).map(PathBuf::from) {
        return Ok(Programs {
            concordd: dir.join("concordd"),
            concord: dir.join("concord"),
        });
    }
    let executable = std::env::current_exe().map_err(HarnessError::file("this executable"))?;
    let mut dir = parent(&executable)?;
    if dir.ends_with("deps") {
        dir = parent(dir)?;
    }
    let profile = match dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let target = parent(dir)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--quiet",
            "--profile",
            profile,
            "-p",
            "concord-node",
            "-p",
            "concord-client",
            "--bins",
        ])
        .arg("--target-dir")
        .arg(target);
    // What cargo set for this test would make it build again what watches these variables (ring, and all that needs it).
    let of_this_test = [
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_BIN_",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
    ];
    let set = std::env::vars_os().map(|(name, _)| name);
    for name in set.filter(|name| of_this_test.iter().any(|own| name.to_string_lossy().starts_with(own))) {
        command.env_remove(name);
    }
    run(&mut command)?;
    Ok(Programs {
        concordd: dir.join("concordd"),
        concord: dir.join("concord"),
    })
}

fn parent(path: &Path) -> Result<&Path> {
    path.parent()
        .ok_or_else(|| HarnessError::bytes("a build directory", path.display()))
}

/// Runs a command to its end and returns its standard output.
///
/// # Errors
/// It cannot be started, or does not end with 0; the error holds the end of what it printed.
pub fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().map_err(HarnessError::file(command.get_program()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(HarnessError::Program {
        program: format!("{command:?}"),
        status: output.status.to_string(),
        output: tail(&String::from_utf8_lossy(&printed), 40),
    })
}

/// The last `lines` lines of a text.
#[must_use]
pub fn tail(text: &str, lines: usize) -> String {
    let skip = text.lines().count().saturating_sub(lines);
    text.lines().skip(skip).collect::<Vec<_>>().join("\n")
}
