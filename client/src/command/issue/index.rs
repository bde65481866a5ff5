//! The list of what was issued, beside the directory of certificates: which row became which certificate.

use super::{Failure, Released, Row};
use concord_client::files;
use std::path::{Path, PathBuf};

/// Writes `DIR.csv`: line of the sheet, printed number, holder, series-number, files.
pub(in crate::command) fn write(directory: &Path, released: &[Released], rows: &[Row]) -> Result<PathBuf, Failure> {
    let mut name = directory.file_name().unwrap_or("certificates".as_ref()).to_owned();
    name.push(".csv");
    let path = directory.with_file_name(name);
    let mut list = csv::Writer::from_writer(Vec::new());
    let unwritable = |error: csv::Error| Failure::Cannot(format!("the list cannot be written: {error}"));
    list.write_record(["line", "printed_number", "holder_name", "credential", "file", "code"])
        .map_err(unwritable)?;
    for (one, row) in released.iter().zip(rows) {
        let (line, id) = (row.line.to_string(), one.id.to_string());
        let file = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (certificate, code) = (file(&one.file), file(&one.code));
        let fields = [&line, &one.printed_number, &row.holder.name, &id, &certificate, &code];
        list.write_record(fields).map_err(unwritable)?;
    }
    let bytes = list
        .into_inner()
        .map_err(|error| Failure::Cannot(format!("the list cannot be written: {error}")))?;
    files::replace(&path, &bytes)?;
    Ok(path)
}
