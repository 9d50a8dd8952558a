//! Plain columns.

use std::io::{self, Write};

/// Rows of cells, all of which lie in one text: a listing has 100,000.
#[derive(Default)]
pub(crate) struct Table {
    text: Vec<u8>,
    /// Where the cells end.
    ends: Vec<usize>,
    /// How many cells the first so many rows have.
    rows: Vec<usize>,
    widths: Vec<usize>,
}

impl Table {
    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[Vec<u8>]) {
        self.widths.resize(self.widths.len().max(row.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
            self.text.extend_from_slice(cell);
            self.ends.push(self.text.len());
        }
        self.rows.push(self.ends.len());
    }

    /// Writes the rows in columns that line up. A newline in a cell becomes a blank.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = vec![];
        let (mut cell, mut start) = (0, 0);
        for &end_of_row in &self.rows {
            line.clear();
            for (i, &end) in self.ends[cell..end_of_row].iter().enumerate() {
                let text = &self.text[start..end];
                let place = line.len();
                line.extend(text.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }));
                if cell + i + 1 < end_of_row {
                    line.resize(place + self.widths[i] + 2, b' ');
                }
                start = end;
            }
            line.push(b'\n');
            out.write_all(&line)?;
            cell = end_of_row;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows: [&[&str]; 4] = [&["a", "long\nname", "x"], &[], &["bcd", "", "y"], &["e", "f"]];
        let mut table = super::Table::default();
        for row in rows {
            let cells: Vec<Vec<u8>> = row.iter().map(|cell| cell.as_bytes().to_vec()).collect();
            table.push(&cells);
        }
        let mut out = vec![];
        table.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "a    long name  x\n\nbcd             y\ne    f\n"
        );
    }
}
