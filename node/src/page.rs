//! The verifier page that a node serves: files of one directory, made by `client/web/build`, read once at start.
//!
//! The node neither builds nor judges it, and votes whether it is there or not (spec/adr/0077).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use concord_spec::digest::sha256;

/// Name of the page's directory beside the program: there it is found without being named.
pub const BESIDE_PROGRAM: &str = "verify";
/// The file that the page begins with.
pub const INDEX: &str = "index.html";
/// Most bytes of all files.
const MAX_BYTES: u64 = 32 << 20;
/// Most files.
const MAX_FILES: usize = 64;
/// What a file's compressed twin ends with.
const GZIP: &str = ".gz";

/// A file of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
    /// The same, compressed with gzip, where the directory has it so.
    pub gzip: Option<Bytes>,
    /// Its entity tag: of its content.
    pub etag: String,
}

/// The files by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    files: BTreeMap<String, File>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A file or the directory cannot be read.
    #[error("{path}: {why}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// It does not begin anywhere.
    #[error("{0} has no {INDEX}")]
    NoIndex(PathBuf),
    /// More than a page has.
    #[error("{0} has more than {MAX_FILES} files or {most} MiB: it is no verifier page", most = MAX_BYTES >> 20)]
    TooLarge(PathBuf),
    /// A kind of file that a page does not have.
    #[error("{0} is no file of a verifier page")]
    Kind(PathBuf),
}

impl Page {
    /// Reads the page of a directory.
    ///
    /// # Errors
    /// See [`PageError`].
    pub fn read(dir: &Path) -> Result<Self, PageError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |why| PageError::Read { path, why }
        };
        let (mut plain, mut compressed, mut left) = (BTreeMap::new(), BTreeMap::new(), MAX_BYTES);
        for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
            let path = entry.map_err(failed(dir))?.path();
            let length = std::fs::metadata(&path).map_err(failed(&path))?.len();
            let room = left.checked_sub(length).filter(|_| plain.len() < MAX_FILES);
            left = room.ok_or_else(|| PageError::TooLarge(dir.to_owned()))?;
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| PageError::Kind(path.clone()))?.to_owned();
            let bytes = Bytes::from(std::fs::read(&path).map_err(failed(&path))?);
            match name.strip_suffix(GZIP) {
                Some(twin) => drop(compressed.insert(twin.to_owned(), bytes)),
                None => {
                    let kind = media_type(&name).ok_or_else(|| PageError::Kind(path.clone()))?;
                    plain.insert(name, (kind, bytes));
                }
            }
        }
        if !plain.contains_key(INDEX) {
            return Err(PageError::NoIndex(dir.to_owned()));
        }
        let file = |(name, (media_type, bytes)): (String, (&'static str, Bytes))| {
            let gzip = compressed.remove(&name);
            let etag = format!("\"{}\"", sha256(&[&bytes]));
            let file = File {
                media_type,
                bytes,
                gzip,
                etag,
            };
            (name, file)
        };
        Ok(Self {
            files: plain.into_iter().map(file).collect(),
        })
    }

    /// A file of the page.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.get(name)
    }
}

/// The page of the directory that was named, or else of the one beside the program; the log says which, or what to do.
#[must_use]
pub fn find(named: Option<&Path>) -> Option<Page> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join(BESIDE_PROGRAM));
    let dir = named.map(Path::to_owned).or_else(beside)?;
    match Page::read(&dir) {
        Ok(page) => {
            tracing::info!(dir = %dir.display(), "the verifier page is served at /verify/");
            Some(page)
        }
        // A node must vote whatever becomes of its page.
        Err(why) => {
            tracing::warn!(
                %why,
                "there is no verifier page at /verify/: build it with client/web/build DIRECTORY, name the directory as `page` in config.toml or with --page, and start the node again"
            );
            None
        }
    }
}

fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    }

    #[test]
    fn a_page_has_its_files_with_their_kind_and_their_compressed_twin() {
        let dir = dir(&[
            ("index.html", b"<p>"),
            ("concord.wasm", b"\0asm"),
            ("concord.wasm.gz", b"zip"),
        ]);
        let page = Page::read(dir.path()).unwrap();
        let wasm = page.file("concord.wasm").unwrap();
        assert_eq!((wasm.media_type, &wasm.bytes[..]), ("application/wasm", &b"\0asm"[..]));
        assert_eq!(wasm.gzip.as_deref(), Some(&b"zip"[..]));
        assert_eq!(page.file(INDEX).unwrap().gzip, None);
        assert_ne!(page.file(INDEX).unwrap().etag, wasm.etag);
        assert_eq!(page.file("concord.wasm.gz"), None);
    }

    #[test]
    fn what_is_no_page_is_not_taken_for_one() {
        let no_index = dir(&[("page.js", b"")]);
        assert!(matches!(Page::read(no_index.path()), Err(PageError::NoIndex(_))));
        let keys = dir(&[("index.html", b""), ("consensus.pem", b"")]);
        assert!(matches!(Page::read(keys.path()), Err(PageError::Kind(_))));
        assert!(matches!(
            Page::read(&keys.path().join("none")),
            Err(PageError::Read { .. })
        ));
        let many = dir(&[]);
        for number in 0..=MAX_FILES {
            std::fs::write(many.path().join(format!("{number}.js")), b"").unwrap();
        }
        assert!(matches!(Page::read(many.path()), Err(PageError::TooLarge(_))));
        let large = dir(&[("index.html", b"")]);
        let file = std::fs::File::create(large.path().join("concord.wasm")).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        assert!(matches!(Page::read(large.path()), Err(PageError::TooLarge(_))));
    }
}
