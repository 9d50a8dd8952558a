//! `nix-hash`: hashes of files and archives, and hashes written in other ways.

use crate::args::{self, Arg, Arguments, Flag, OtherFlag, lossy};
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::files::with_canonical_parent;
use crate::help;
use crate::options::{COMMON_FLAGS, Common};
use crate::output::{self, Out};
use crate::program::Invocation;
use crate::settings;
use nivis_store::hash::{Hash, HashAlgorithm, HashError, HashFormat, Hasher};
use nivis_store::io_error::IoError;
use nivis_store::nar::{accept_all, dump_path};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const EXPLANATION: &str = "\
Prints the hashes of the archives of paths, or of the contents of files; or hashes in another format.";

/// How many bytes `--truncate` leaves.
const TRUNCATED: usize = 20;

/// What the command line says.
struct Flags {
    common: Common,
    stop: Option<Stop>,
    algorithm: Option<HashAlgorithm>,
    format: HashFormat,
    flat: bool,
    truncate: bool,
    /// The arguments are hashes.
    convert: bool,
    args: Vec<Arg>,
}

/// Flags that end the command at once.
#[derive(Clone, Copy)]
enum Stop {
    Help,
    Version,
}

impl Flags {
    fn new(environment: &Environment) -> Result<Flags> {
        Ok(Flags {
            common: Common::new(settings::file::load(environment)?),
            stop: None,
            algorithm: None,
            format: HashFormat::Base16,
            flat: false,
            truncate: false,
            convert: false,
            args: vec![],
        })
    }

    fn convert_to(&mut self, format: HashFormat) {
        self.format = format;
        self.convert = true;
    }

    fn stop(&mut self, stop: Stop) -> Result<()> {
        self.stop = Some(stop);
        Err(Failure::Exit(0))
    }
}

macro_rules! switch {
    ($name:literal, $help:literal, |$flags:ident| $body:expr) => {
        Flag {
            names: &[$name],
            values: &[],
            help: $help,
            apply: |$flags: &mut Flags, _| {
                $body;
                Ok(())
            },
        }
    };
}

static FLAGS: &[Flag<Flags>] = &[
    switch!(
        "--flat",
        "Hash the contents of files instead of archives.",
        |flags| flags.flat = true
    ),
    Flag {
        names: &["--type"],
        values: &["algorithm"],
        help: "md5 (the default), sha1, sha256, sha512 or blake3.",
        apply: |flags, values| {
            flags.algorithm = Some(algorithm(&flags.common, &lossy(&values[0]))?);
            Ok(())
        },
    },
    switch!("--base16", "Print hexadecimal digits (the default).", |flags| {
        flags.format = HashFormat::Base16
    }),
    switch!("--base32", "Print the digits that store paths have.", |flags| {
        flags.format = HashFormat::Nix32
    }),
    switch!("--base64", "Print base 64.", |flags| flags.format =
        HashFormat::Base64),
    switch!(
        "--sri",
        "Print the algorithm and base 64, as web pages have it.",
        |flags| flags.format = HashFormat::Sri
    ),
    switch!("--truncate", "Fold hashes to 160 bits.", |flags| flags.truncate =
        true),
    switch!(
        "--to-base16",
        "The arguments are hashes; print them in base 16.",
        |flags| flags.convert_to(HashFormat::Base16)
    ),
    switch!(
        "--to-base32",
        "The arguments are hashes; print them in base 32.",
        |flags| flags.convert_to(HashFormat::Nix32)
    ),
    switch!(
        "--to-base64",
        "The arguments are hashes; print them in base 64.",
        |flags| flags.convert_to(HashFormat::Base64)
    ),
    switch!(
        "--to-sri",
        "The arguments are hashes; print them with their algorithms.",
        |flags| flags.convert_to(HashFormat::Sri)
    ),
    Flag {
        names: &["--version"],
        values: &[],
        help: "Print the version.",
        apply: |flags, _| flags.stop(Stop::Version),
    },
    Flag {
        names: &["--help"],
        values: &[],
        help: "Print this.",
        apply: |flags, _| flags.stop(Stop::Help),
    },
];

impl Arguments for Flags {
    type Common = Common;
    const COMMON_FLAGS: &'static [&'static [Flag<Common>]] = &[COMMON_FLAGS];
    const FLAGS: &'static [Flag<Flags>] = FLAGS;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn other_flag(&mut self, name: &str) -> Option<OtherFlag<Flags>> {
        Common::setting_flag(name, Flags::common)
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        if arg.starts_with(b"-") {
            return Ok(false);
        }
        self.args.push(arg);
        Ok(true)
    }
}

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut flags = Flags::new(&invocation.environment)?;
    let parsed = args::parse(&mut flags, invocation.args.clone());
    match flags.stop {
        Some(Stop::Version) => return help::version(&invocation.name, invocation, Some(&flags.common)),
        Some(Stop::Help) => {
            let usage = format!("{} [OPTION]… [PATH or HASH]…", invocation.called_as);
            return help::command::<Flags>(&usage, EXPLANATION);
        }
        None => parsed?,
    }
    let logger = flags.common.logger(invocation.style);
    for warning in flags.common.settings.warnings() {
        logger.warning(&warning);
    }
    let mut out = output::stdout();
    let outcome = flags.args.iter().try_for_each(|arg| match flags.convert {
        true => convert(&flags, arg, &mut out),
        false => hash(&flags, arg, &mut out),
    });
    // What was printed before an error stays printed before it.
    let flushed = out.flush();
    outcome.and(flushed.map_err(Failure::from))
}

fn convert(flags: &Flags, text: &[u8], out: &mut Out) -> Result<()> {
    let hash =
        Hash::parse_any(&lossy(text), flags.algorithm).map_err(|error| Failure::Plain(error.to_string()))?;
    Ok(writeln!(out, "{}", hash.to_format(flags.format))?)
}

fn hash(flags: &Flags, arg: &[u8], out: &mut Out) -> Result<()> {
    let algorithm = flags.algorithm.unwrap_or(HashAlgorithm::Md5);
    let mut hasher = Hasher::new(algorithm);
    match flags.flat {
        true => read_file(arg, &mut hasher)?,
        false => dump_path(&with_canonical_parent(arg)?, &mut hasher, accept_all)?,
    }
    let hash = hasher.finish();
    let text = match flags.truncate && algorithm.size() > TRUNCATED {
        true => hash.fold20_to_format(flags.format),
        false => hash.to_format(flags.format),
    };
    Ok(writeln!(out, "{text}")?)
}

/// Hashes a file, which may be a pipe.
fn read_file(path: &[u8], hasher: &mut Hasher) -> Result<()> {
    let path = Path::new(OsStr::from_bytes(path));
    let mut file = File::open(path).map_err(|error| IoError::at("opening file", path, error))?;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => hasher.update(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(IoError::at("reading file", path, error).into()),
        }
    }
}

/// The hash algorithm of a name, if it may be used.
pub(crate) fn algorithm(common: &Common, name: &str) -> Result<HashAlgorithm> {
    let algorithm = name
        .parse()
        .map_err(|error: HashError| Failure::Usage(error.to_string()))?;
    let enabled = |feature| {
        common
            .settings
            .list("experimental-features")
            .any(|name| name == feature)
    };
    if algorithm == HashAlgorithm::Blake3 && !enabled("blake3-hashes") {
        return Err(Failure::Plain(
            "experimental Nix feature 'blake3-hashes' is disabled; add '--extra-experimental-features blake3-hashes' \
             to enable it"
                .to_owned(),
        ));
    }
    Ok(algorithm)
}
