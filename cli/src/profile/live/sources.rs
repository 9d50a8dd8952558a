//! Lines of source files.

use std::collections::HashMap;

/// Files that were read. Those that cannot be read have no lines.
#[derive(Default)]
pub(super) struct Sources {
    files: HashMap<String, Vec<String>>,
}

impl Sources {
    /// A line, from 1.
    pub(super) fn line(&mut self, file: &str, line: u32) -> &str {
        if !self.files.contains_key(file) {
            let text = std::fs::read(file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines = text.lines().map(|line| line.replace('\t', "    ")).collect();
            self.files.insert(file.to_owned(), lines);
        }
        let lines = &self.files[file];
        lines
            .get((line as usize).wrapping_sub(1))
            .map_or("", String::as_str)
    }
}
