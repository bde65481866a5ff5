//! Tables in columns of equal width, where a Chinese character is two columns wide (Unicode annex 11).

use std::fmt;

use unicode_width::UnicodeWidthStr;

/// To which side a column leans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table: a header, rows, two spaces between columns.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(header: &[(&str, Align)]) -> Self {
        let header = header
            .iter()
            .map(|(name, align)| ((*name).to_owned(), *align))
            .collect();
        Self {
            header,
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells past the last column are dropped, missing ones are empty.
    pub fn row<C: ToString>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize, name: &str| {
            let cells = self
                .rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width());
            cells.max().unwrap_or(0).max(name.width())
        };
        self.header
            .iter()
            .enumerate()
            .map(|(column, (name, _))| widest(column, name))
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let line = |cells: &[String]| {
            let padded = self
                .header
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, ((_, align), width))| {
                    let cell = cells.get(column).map_or("", String::as_str);
                    let space = " ".repeat(width.saturating_sub(cell.width()));
                    match align {
                        Align::Left => format!("{cell}{space}"),
                        Align::Right => format!("{space}{cell}"),
                    }
                });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let names: Vec<String> = self.header.iter().map(|(name, _)| name.clone()).collect();
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        writeln!(f, "{}", line(&names))?;
        writeln!(f, "{}", line(&rules))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", line(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_chinese_and_latin_text() {
        let mut table = Table::new(&[("step", Align::Left), ("seconds", Align::Right)]);
        table.row(["签发 issue", "1.25"]);
        table.row(["verify", "12.00"]);
        table.row(["end"]);
        let expected = "step        seconds\n\
                        ----------  -------\n\
                        签发 issue     1.25\n\
                        verify        12.00\n\
                        end\n";
        assert_eq!(table.to_string(), expected);
    }
}
