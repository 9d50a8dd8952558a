//! Plain columns.

use std::io::{self, Write};

/// Writes rows in columns that line up. A newline in a cell becomes a blank.
pub(crate) fn write(out: &mut dyn Write, rows: &[Vec<Vec<u8>>]) -> io::Result<()> {
    let mut widths: Vec<usize> = vec![];
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut line = vec![];
    for row in rows {
        line.clear();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let start = line.len();
            line.extend(cell.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }));
            if i + 1 < row.len() {
                line.resize(start + width + 2, b' ');
            }
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [["a", "long\nname", "x"], ["bcd", "", "y"]];
        let rows = rows.map(|row| row.map(|cell| cell.as_bytes().to_vec()).to_vec());
        let mut out = vec![];
        super::write(&mut out, &rows).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "a    long name  x\nbcd             y\n"
        );
    }
}
