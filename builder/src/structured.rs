//! Structured attributes as builders get them: `.attrs.json`, and `.attrs.sh` for bash.

use std::collections::{BTreeMap, BTreeSet};

use nivis_store::LocalStore;
use nivis_store::derivation::Derivation;
use nivis_store::derivation::placeholder::placeholder;
use nivis_store::hash::HashFormat;
use nivis_store::path::StorePath;
use serde_json::{Map, Number, Value};

use crate::environment::export_references;
use crate::failure::BuildFailure;
use crate::options::DrvOptions;

/// The attributes with `outputs` and the graphs of references added.
pub(crate) fn prepare(
    store: &LocalStore,
    drv: &Derivation,
    options: &DrvOptions,
    attributes: &Map<String, Value>,
    closure: &BTreeSet<StorePath>,
) -> Result<Map<String, Value>, BuildFailure> {
    let mut attributes = attributes.clone();
    let outputs = drv.outputs.keys();
    let outputs = outputs.map(|name| (name.clone(), Value::String(placeholder(name.as_bytes()))));
    attributes.insert("outputs".to_owned(), Value::Object(outputs.collect()));
    for (key, paths) in &options.references_graph {
        let paths = export_references(store, paths, closure)?;
        let infos = paths.iter().map(|path| path_info(store, path));
        attributes.insert(key.clone(), Value::Array(infos.collect::<Result<_, _>>()?));
    }
    Ok(attributes)
}

/// What builders are told of a path. They depend on it: nothing may be added.
fn path_info(store: &LocalStore, path: &StorePath) -> Result<Value, BuildFailure> {
    let info = store.query_path_info(path)?;
    let print = |path: &StorePath| Value::String(store.store_dir().print(path));
    let mut closure_size = 0;
    for path in store.query_closure([path.clone()])? {
        closure_size += store.query_path_info(&path)?.nar_size;
    }
    let mut object = Map::new();
    object.insert(
        "narHash".to_owned(),
        Value::String(info.nar_hash.to_prefixed(HashFormat::Nix32)),
    );
    object.insert("narSize".to_owned(), info.nar_size.into());
    object.insert(
        "references".to_owned(),
        info.references.iter().map(print).collect(),
    );
    if let Some(address) = &info.content_address {
        object.insert("ca".to_owned(), Value::String(address.to_string()));
    }
    object.insert("path".to_owned(), print(path));
    object.insert("valid".to_owned(), Value::Bool(true));
    object.insert("closureSize".to_owned(), closure_size.into());
    Ok(Value::Object(object))
}

/// Write JSON as the reference does: keys sorted, no spaces.
pub(crate) fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write_number(number, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (index, (key, item)) in sorted(object).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                *out += &Value::String(key.clone()).to_string();
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
        other => *out += &other.to_string(),
    }
}

fn sorted(object: &Map<String, Value>) -> BTreeMap<&String, &Value> {
    object.iter().collect()
}

/// Integers as they are; others with the fewest digits, and an exponent where that is the custom of C.
fn write_number(number: &Number, out: &mut String) {
    let float = match number.as_f64() {
        Some(float) if number.is_f64() => float,
        _ => return *out += &number.to_string(),
    };
    if float == 0.0 {
        *out += if float.is_sign_negative() { "-0.0" } else { "0.0" };
        return;
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // The position of the point, counted from the first digit.
    if (-4 < exponent + 1) && (exponent < 15) {
        let fixed = format!("{float}");
        *out += &fixed;
        if !fixed.contains('.') {
            *out += ".0";
        }
        return;
    }
    *out += mantissa;
    out.push('e');
    out.push(if exponent < 0 { '-' } else { '+' });
    *out += &format!("{:02}", exponent.abs());
}

/// The attributes that bash can have, as declarations for it.
pub(crate) fn write_shell(attributes: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (key, value) in sorted(attributes) {
        if !is_variable_name(key) {
            continue;
        }
        if let Some(text) = simple(value) {
            out += &format!("declare {key}={text}\n");
            continue;
        }
        match value {
            Value::Array(items) => {
                let items: Option<Vec<_>> = items.iter().map(simple).collect();
                if let Some(items) = items {
                    let items: String = items.iter().map(|item| format!("{item} ")).collect();
                    out += &format!("declare -a {key}=({items})\n");
                }
            }
            Value::Object(object) => {
                let items = sorted(object).into_iter();
                let items: Option<Vec<_>> = items
                    .map(|(key, item)| simple(item).map(|item| format!("[{}]={item} ", quote(key))))
                    .collect();
                if let Some(items) = items {
                    out += &format!("declare -A {key}=({})\n", items.concat());
                }
            }
            _ => {}
        }
    }
    out
}

fn is_variable_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A value that is one word for bash. Numbers only if they are whole, as 32 bits have them.
fn simple(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quote(text)),
        Value::Number(number) => {
            // The reference decides with the precision of a C `float`.
            let float = number.as_f64()? as f32;
            let whole = match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => integer as i32,
                (None, Some(integer)) => integer as i32,
                // What the machine makes of numbers that are too large.
                (None, None) => match number.as_f64()? {
                    float if float.abs() < -f64::from(i32::MIN) => float as i32,
                    _ => i32::MIN,
                },
            };
            (float.ceil() == float).then(|| whole.to_string())
        }
        Value::Null => Some("''".to_owned()),
        Value::Bool(true) => Some("1".to_owned()),
        Value::Bool(false) => Some(String::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_c() {
        for (text, expected) in [
            ("1", "1"),
            ("1.0", "1.0"),
            ("1.5", "1.5"),
            ("1e15", "1e+15"),
            ("1e14", "100000000000000.0"),
            ("123456789012345680", "123456789012345680"),
            ("1.5e-7", "1.5e-07"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("-2.5e300", "-2.5e+300"),
            ("-0.0", "-0.0"),
        ] {
            let mut out = String::new();
            write_json(&serde_json::from_str(text).unwrap(), &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }

    #[test]
    fn keys_are_sorted_and_bash_gets_what_it_can() {
        let text = r#"{"b":"it's","a":[1,"x",null],"c":{"k":true,"j":false},"no-name":1,"d":[[1]],"e":1.5,"f":2.0,"g":1e22}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let mut out = String::new();
        write_json(&value, &mut out);
        assert_eq!(
            out,
            r#"{"a":[1,"x",null],"b":"it's","c":{"j":false,"k":true},"d":[[1]],"e":1.5,"f":2.0,"g":1e+22,"no-name":1}"#
        );
        assert_eq!(
            write_shell(value.as_object().unwrap()),
            "declare -a a=(1 'x' '' )\ndeclare b='it'\\''s'\ndeclare -A c=(['j']= ['k']=1 )\ndeclare f=2\ndeclare g=-2147483648\n"
        );
    }
}
