//! What counts of an answer: reading error messages, warnings and traces.

use std::path::Path;

/// Stands in recorded text for the folder that the program ran in.
pub(crate) const HERE: &str = "/pwd";

/// Text of a run with the folder it ran in replaced by [`HERE`].
pub(crate) fn normalise(bytes: &[u8], dir: &Path) -> String {
    text_of(bytes).replace(&*dir.to_string_lossy(), HERE)
}

/// Bytes as text, those that are no UTF-8 as `\xNN`.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let chunks = bytes.utf8_chunks();
    chunks
        .map(|chunk| format!("{}{}", chunk.valid(), chunk.invalid().escape_ascii()))
        .collect()
}

/// The error at the bottom of a report: its message and the place it names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    /// `file:line:column`
    pub(crate) place: Option<String>,
}

impl Complaint {
    /// Reads standard error. Of several unindented `error:` (a program may report more than
    /// one syntax error) the first counts; of indented ones, which end a trace, the last.
    pub(crate) fn read(stderr: &str) -> Option<Self> {
        let lines: Vec<&str> = stderr.lines().collect();
        let opens = |line: &&str| error_text(line).is_some();
        let start = lines
            .iter()
            .position(|line| !line.starts_with(' ') && opens(line))
            .or_else(|| lines.iter().rposition(opens))?;
        let mut message = vec![error_text(lines[start])?];
        let rest = &lines[start + 1..];
        let end = rest
            .iter()
            .position(|line| ends_message(line))
            .unwrap_or(rest.len());
        message.extend(rest[..end].iter().map(|line| line.trim()));
        let place = rest[end..].iter().find_map(|line| place(line));
        let message = essence(message.join("\n").trim()).to_owned();
        Some(Self { message, place })
    }

    /// Whether this says what `expected` says; a place more than expected is welcome.
    pub(crate) fn agrees_with(&self, expected: &Self) -> bool {
        self.message == expected.message && (expected.place.is_none() || self.place == expected.place)
    }
}

/// Leaves out what depends on the technique of a parser: what else a syntax error expected, and
/// how a TOML library words its complaint.
fn essence(message: &str) -> &str {
    const TOML: &str = "while parsing TOML: ";
    if message.starts_with("syntax error, ") {
        message.split(", expecting ").next().unwrap_or(message)
    } else if message.starts_with(TOML) && !message.contains("Dates and times") {
        TOML
    } else {
        message
    }
}

/// The text after `error:` or `error[E001]:` on a line that opens an error.
fn error_text(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("error")?;
    let rest = match rest.strip_prefix('[') {
        Some(code) => code.split_once(']')?.1,
        None => rest,
    };
    let text = rest.strip_prefix(':')?.trim();
    (!text.is_empty()).then_some(text)
}

/// Whether a line after the first of an error is no longer its message.
fn ends_message(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || place(line).is_some()
        || ["Did you mean", "Try '", "note:", "help:", "…", "│"]
            .iter()
            .any(|start| line.starts_with(start))
}

/// The `file:line:column` of a line that names the place of an error.
fn place(line: &str) -> Option<String> {
    let line = line.trim();
    let text = ["at ", "┌─ ", "--> "]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
    let text = text.trim_end_matches(':');
    let mut parts = text.rsplitn(3, ':');
    let numbers = parts.by_ref().take(2).all(|part| part.parse::<u32>().is_ok());
    (numbers && parts.next().is_some()).then(|| text.to_owned())
}

/// The lines of standard error that a program writes while it goes on: warnings and traces.
pub(crate) fn remarks(stderr: &str) -> Vec<&str> {
    let starts = ["trace: ", "warning: ", "evaluation warning: "];
    stderr
        .lines()
        .filter(|line| starts.iter().any(|start| line.starts_with(start)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stderr: &str) -> (String, Option<String>) {
        let complaint = Complaint::read(stderr).expect("an error");
        (complaint.message, complaint.place)
    }

    #[test]
    fn the_innermost_error_counts() {
        let stderr = "error:\n       … while calling 'f'\n         at /x.nix:1:2:\n            1| a\n\n       \
                      error: one two\n       three\n       at /x.nix:3:4:\n            3| b\n";
        assert_eq!(read(stderr), ("one two\nthree".into(), Some("/x.nix:3:4".into())));
    }

    #[test]
    fn a_place_may_stand_in_a_box() {
        let stderr = "error: bad\n  ┌─ /x.nix:3:4\n  │\n3 │ b\n";
        assert_eq!(read(stderr), ("bad".into(), Some("/x.nix:3:4".into())));
    }

    #[test]
    fn of_several_errors_the_first_counts() {
        assert_eq!(read("error: one\n  at /x.nix:1:1\nerror: two\n").0, "one");
    }

    #[test]
    fn what_a_parser_expected_does_not_count() {
        let stderr = "error: syntax error, unexpected ';', expecting '}'\n";
        assert_eq!(read(stderr).0, "syntax error, unexpected ';'");
    }

    #[test]
    fn hints_are_not_part_of_the_message() {
        assert_eq!(
            read("error: bad\n       Did you mean good?\n"),
            ("bad".into(), None)
        );
    }
}
