//! The status of packages in a listing that was made without.

use std::io::{self, BufRead, Write};

/// Copies a listing, and says of the packages in it whether they are installed and whether they are in the store. All
/// marks are off in it; each takes one byte, on or off, so nothing moves.
pub(super) fn fill_in(
    xml: bool,
    mut listing: impl BufRead,
    mut status: impl Iterator<Item = [bool; 2]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut line = vec![];
    loop {
        line.clear();
        if listing.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !xml {
            let [installed, valid] = status.next().unwrap_or_default();
            mark(&mut line, b"-", b'I', installed);
            mark(line.get_mut(1..).unwrap_or_default(), b"-", b'P', valid);
        } else if line.starts_with(b"  <item ") {
            let [installed, valid] = status.next().unwrap_or_default();
            mark(&mut line, b" installed=\"0", b'1', installed);
            mark(&mut line, b" valid=\"0", b'1', valid);
        }
        out.write_all(&line)?;
    }
}

/// Writes `on` over the end of the first place that has `off`.
fn mark(line: &mut [u8], off: &[u8], on: u8, is_on: bool) {
    let place = line.windows(off.len()).position(|window| window == off);
    if let (Some(place), true) = (place, is_on) {
        line[place + off.len() - 1] = on;
    }
}

#[cfg(test)]
mod tests {
    use super::fill_in;

    fn filled(xml: bool, listing: &str, status: &[[bool; 2]]) -> String {
        let mut out = vec![];
        fill_in(xml, listing.as_bytes(), status.iter().copied(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_start_with_the_status() {
        let status = [[true, true], [false, true], [true, false], [false, false]];
        assert_eq!(
            filled(false, "---  a-1\n---  b--2\n---  c\n---  ---\n", &status),
            "IP-  a-1\n-P-  b--2\nI--  c\n---  ---\n"
        );
        // Without any other column there is nothing behind it.
        assert_eq!(filled(false, "---\n", &[[false, true]]), "-P-\n");
    }

    #[test]
    fn elements_have_it_as_attributes() {
        let item = |text: &str| {
            format!(
                "  <item description=\" valid=&quot;0&quot;\" {text}>\n    <meta value=\"0\" />\n  </item>\n"
            )
        };
        let off = item("installed=\"0\" valid=\"0\"");
        let listing = format!("<items>\n{off}{off}</items>\n");
        let expected = format!("<items>\n{}{off}</items>\n", item("installed=\"0\" valid=\"1\""));
        assert_eq!(filled(true, &listing, &[[false, true], [false, false]]), expected);
        let expected = format!("<items>\n{off}{}</items>\n", item("installed=\"1\" valid=\"1\""));
        assert_eq!(filled(true, &listing, &[[false, false], [true, true]]), expected);
    }
}
