//! JSON that was given as text, in the form the reference writes it again.

use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::number;
use nivis_eval::to_json::write_json_string;
use serde_json::Value;

/// Parses a JSON object and writes it without blanks and with sorted names.
pub(super) fn normalise(text: &[u8]) -> Result<Vec<u8>> {
    let cannot = |reason: &dyn std::fmt::Display| {
        Error::new(Kind::Eval, format!("cannot process __json attribute: {reason}"))
    };
    let value: Value = serde_json::from_slice(text).map_err(|error| cannot(&error))?;
    if !value.is_object() {
        return Err(cannot(&"it is not an object"));
    }
    let mut out = vec![];
    write(&value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null | Value::Bool(_) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => number::write_json(out, float),
            _ => out.extend_from_slice(number.to_string().as_bytes()),
        },
        Value::String(string) => write_json_string(out, string.as_bytes())?,
        Value::Array(elements) => {
            out.push(b'[');
            for (i, element) in elements.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(element, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (i, (name, member)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_json_string(out, name.as_bytes())?;
                out.push(b':');
                write(member, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_sorted() {
        let text = normalise(br#" { "b": 1.0, "a": [ null, -1, "x\u00e9" ] } "#);
        assert_eq!(
            text.ok().as_deref(),
            Some("{\"a\":[null,-1,\"xé\"],\"b\":1.0}".as_bytes())
        );
        assert!(normalise(b"[]").is_err() && normalise(b"{").is_err());
    }
}
