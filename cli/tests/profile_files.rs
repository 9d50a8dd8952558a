//! The files that `nivis profile` writes, read as their formats say, without what wrote them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAM: &str = "\
let
  count = n: if n == 0 then 0 else 1 + count (n - 1);
  lists = n: builtins.map (i: [ i n ]) (builtins.genList (x: x + count 20) n);
in builtins.foldl' (a: i: a + builtins.length (builtins.concatLists (lists i))) 0 (builtins.genList (i: i) 300)
";

/// Profiles the program; the files lie in the folder then.
fn profile(folder: &Path, options: &[&str]) {
    fs::write(folder.join("program.nix"), PROGRAM).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_nivis"))
        .env_clear()
        .env("HOME", folder)
        .env("NIX_CONF_DIR", folder)
        .env("NIX_STATE_DIR", folder.join("state"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .args([
            "profile",
            "--pprof",
            "pprof",
            "--speedscope",
            "speedscope",
            "--folded",
            "folded",
        ])
        .args(options)
        .args([
            "--",
            "nix-instantiate",
            "--eval",
            "--readonly-mode",
            "program.nix",
        ])
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A field of a message: a number, or bytes.
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The fields of a protobuf message, by their numbers.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    let mut fields = vec![];
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(value.to_vec())
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes.split_first().expect("a number ends");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return value;
        }
    }
    panic!("a number of more than 64 bits");
}

/// The numbers of a packed field, or of one that is repeated.
fn numbers(message: &[(u64, Field)], number: u64) -> Vec<u64> {
    let mut all = vec![];
    for (field, value) in message {
        match value {
            _ if *field != number => {}
            Field::Number(value) => all.push(*value),
            Field::Bytes(packed) => {
                let mut packed = packed.as_slice();
                while !packed.is_empty() {
                    all.push(varint(&mut packed));
                }
            }
        }
    }
    all
}

fn number(message: &[(u64, Field)], field: u64) -> u64 {
    let all = numbers(message, field);
    assert!(all.len() <= 1, "field {field}");
    all.first().copied().unwrap_or(0)
}

/// The messages of a repeated field.
fn messages(message: &[(u64, Field)], number: u64) -> Vec<Vec<(u64, Field)>> {
    let bytes = message.iter().filter(|(field, _)| *field == number);
    bytes
        .map(|(_, value)| match value {
            Field::Bytes(bytes) => fields(bytes),
            Field::Number(_) => panic!("field {number} is no message"),
        })
        .collect()
}

/// A name, a file and a line.
type Frame = (String, String, u64);

/// What `profile.proto` says is in a file: the types of values with their units, the one to show first, and stacks with
/// their values.
struct Decoded {
    types: Vec<(String, String)>,
    default: String,
    stacks: Vec<(Vec<Frame>, Vec<u64>)>,
    duration: u64,
    period: (String, u64),
}

fn decode(file: &Path) -> Decoded {
    let mut bytes = vec![];
    flate2::read::GzDecoder::new(fs::File::open(file).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    let profile = fields(&bytes);
    let known = [1, 2, 4, 5, 6, 10, 11, 12, 14];
    assert!(profile.iter().all(|(field, _)| known.contains(field)));
    let mut strings = vec![];
    for (field, value) in &profile {
        if let (6, Field::Bytes(text)) = (field, value) {
            strings.push(String::from_utf8(text.clone()).expect("UTF-8"));
        }
    }
    assert_eq!(strings[0], "");
    let string = |index: u64| strings[index as usize].clone();
    let value_type = |message: &Vec<_>| (string(number(message, 1)), string(number(message, 2)));
    let mut functions = BTreeMap::new();
    for function in messages(&profile, 5) {
        let id = number(&function, 1);
        let frame = (
            string(number(&function, 2)),
            string(number(&function, 4)),
            number(&function, 5),
        );
        assert!(id != 0 && functions.insert(id, frame).is_none(), "function {id}");
    }
    let mut locations = BTreeMap::new();
    for location in messages(&profile, 4) {
        let id = number(&location, 1);
        let lines = messages(&location, 4);
        assert_eq!(lines.len(), 1);
        let function = functions[&number(&lines[0], 1)].clone();
        assert_eq!(function.2, number(&lines[0], 2));
        assert!(
            id != 0 && locations.insert(id, function).is_none(),
            "location {id}"
        );
    }
    let types: Vec<_> = messages(&profile, 1).iter().map(value_type).collect();
    let mut stacks = vec![];
    for sample in messages(&profile, 2) {
        // The leaf comes first.
        let frames: Vec<_> = numbers(&sample, 1)
            .iter()
            .rev()
            .map(|id| locations[id].clone())
            .collect();
        let values = numbers(&sample, 2);
        assert!(!frames.is_empty());
        assert_eq!(values.len(), types.len());
        stacks.push((frames, values));
    }
    let period = messages(&profile, 11);
    assert_eq!(
        value_type(&period[0]),
        ("time".to_owned(), "nanoseconds".to_owned())
    );
    Decoded {
        types,
        default: string(number(&profile, 14)),
        stacks,
        duration: number(&profile, 10),
        period: (value_type(&period[0]).1, number(&profile, 12)),
    }
}

/// Folded stacks with their weights.
fn folded(file: &Path) -> BTreeMap<String, u64> {
    let mut stacks = BTreeMap::new();
    for line in fs::read_to_string(file).unwrap().lines() {
        let (frames, weight) = line.rsplit_once(' ').unwrap();
        *stacks.entry(frames.to_owned()).or_insert(0) += weight.parse::<u64>().unwrap();
    }
    stacks
}

#[test]
fn pprof_has_the_stacks_that_folded_ones_have() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    profile(folder.path(), &["--bytes"]);
    let decoded = decode(&at("pprof"));
    let named = |(what, unit): &(String, String)| format!("{what} {unit}");
    let types: Vec<String> = decoded.types.iter().map(named).collect();
    assert_eq!(types, ["time nanoseconds", "bytes bytes"]);
    assert_eq!(decoded.default, "bytes");
    assert_eq!(decoded.period, ("nanoseconds".to_owned(), 1_000_000));
    let mut bytes = BTreeMap::new();
    for (frames, values) in &decoded.stacks {
        let names: Vec<&str> = frames.iter().map(|(name, _, _)| name.as_str()).collect();
        *bytes.entry(names.join(";")).or_insert(0) += values[1];
        for (name, file, line) in frames {
            match name.starts_with("builtins.") || name.starts_with('(') && file.is_empty() {
                true => assert_eq!((file.as_str(), *line), ("", 0), "{name}"),
                false => assert!(
                    file.ends_with("/program.nix") && *line > 0,
                    "{name} {file}:{line}"
                ),
            }
        }
    }
    bytes.retain(|_, &mut bytes| bytes > 0);
    // Names of functions in pprof have the last part of the path only.
    let folder_prefix = format!("{}/", fs::canonicalize(folder.path()).unwrap().display());
    let expected: BTreeMap<String, u64> = folded(&at("folded"))
        .into_iter()
        .map(|(stack, bytes)| (stack.replace(&folder_prefix, ""), bytes))
        .collect();
    assert_eq!(bytes, expected);
    assert!(
        bytes
            .keys()
            .any(|stack| stack.contains("lists program.nix:3:11;builtins.map")),
        "{bytes:?}"
    );
    let time: u64 = decoded.stacks.iter().map(|(_, values)| values[0]).sum();
    assert_eq!(time, decoded.duration);
}

#[test]
fn times_are_the_same_in_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    profile(folder.path(), &[]);
    let decoded = decode(&at("pprof"));
    assert_eq!(decoded.default, "time");
    let sum = |i: usize| decoded.stacks.iter().map(|(_, values)| values[i]).sum::<u64>();
    // Microseconds are rounded in each line, and stacks of less than half of one left out.
    let lines = folded(&at("folded"));
    let micros: u64 = lines.values().sum();
    let tolerance = 0.5 * decoded.stacks.len() as f64 + 1.0;
    assert!((micros as f64 - sum(0) as f64 / 1000.0).abs() <= tolerance);

    let text = fs::read_to_string(at("speedscope")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (profile, i) in file["profiles"].as_array().unwrap().iter().zip(0..) {
        assert_eq!(profile["endValue"].as_u64(), Some(sum(i)));
    }
}

/// What <https://www.speedscope.app/file-format-schema.json> requires of a file with sampled profiles.
#[test]
fn speedscope_files_have_what_their_schema_requires() {
    let folder = tempfile::tempdir().unwrap();
    profile(folder.path(), &[]);
    let text = fs::read_to_string(folder.path().join("speedscope")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        file["$schema"],
        "https://www.speedscope.app/file-format-schema.json"
    );
    let frames = file["shared"]["frames"].as_array().unwrap();
    for frame in frames {
        assert!(frame["name"].is_string(), "{frame}");
        for (key, value) in frame.as_object().unwrap() {
            match key.as_str() {
                "name" | "file" => assert!(value.is_string(), "{frame}"),
                "line" | "col" => assert!(value.as_u64().is_some_and(|number| number > 0), "{frame}"),
                _ => panic!("{frame}"),
            }
        }
    }
    let profiles = file["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 2);
    for (profile, unit) in profiles.iter().zip(["nanoseconds", "bytes"]) {
        assert_eq!(profile["type"], "sampled");
        assert!(profile["name"].is_string());
        assert_eq!(profile["unit"], unit);
        assert_eq!(profile["startValue"], 0);
        let samples = profile["samples"].as_array().unwrap();
        let weights = profile["weights"].as_array().unwrap();
        assert_eq!(samples.len(), weights.len());
        assert!(!samples.is_empty());
        for index in samples.iter().flat_map(|stack| stack.as_array().unwrap()) {
            assert!(
                index
                    .as_u64()
                    .is_some_and(|index| (index as usize) < frames.len())
            );
        }
        let sum: u64 = weights.iter().map(|weight| weight.as_u64().unwrap()).sum();
        assert_eq!(profile["endValue"].as_u64(), Some(sum));
    }
}
