//! Sizes as people read them.

/// A size in KiB or a greater unit, with one digit after the point.
pub fn render_size(bytes: u64) -> String {
    const UNITS: [char; 7] = ['K', 'M', 'G', 'T', 'P', 'E', 'Z'];
    let mut whole = bytes;
    let mut power = 0;
    while whole > 1024 {
        whole /= 1024;
        power += 1;
    }
    let power = power.max(1);
    let size = bytes as f64 / 1024f64.powi(power);
    format!("{size:.1} {}iB", UNITS[power as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::render_size;

    #[test]
    fn units() {
        for (bytes, text) in [
            (0, "0.0 KiB"),
            (100, "0.1 KiB"),
            (1024 * 1024, "1024.0 KiB"),
            (1024 * 1025, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(render_size(bytes), text);
        }
    }
}
