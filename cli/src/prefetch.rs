//! `nix-prefetch-url`: fetches a file to the store and prints its hash.

use crate::args::{self, Arg, Arguments, Flag, OtherFlag, lossy};
use crate::attr_path;
use crate::download::{Downloads, copy_to};
use crate::failure::{Failure, Result};
use crate::help;
use crate::options::{Common, WITH_EVALUATION};
use crate::output;
use crate::percent;
use crate::program::Invocation;
use crate::session::{self, Session, current_dir};
use crate::settings;
use nivis_eval::error::{Error, Kind};
use nivis_eval::host::{Level, Source};
use nivis_lang::position::{Origin, Pos};
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::hash::{Hash, HashAlgorithm, HashFormat};
use nivis_store::path::{StorePath, check_name};
use nivis_store::tarball;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const EXPLANATION: &str = "\
Fetches the file at URL to the store and prints its hash. If HASH is given and the store has that file,
nothing is fetched.";

/// What the command line says.
struct Flags {
    common: Common,
    version: bool,
    help: bool,
    algorithm: HashAlgorithm,
    print_path: bool,
    unpack: bool,
    executable: bool,
    name: Option<String>,
    attr_path: Option<Arg>,
    arguments: Vec<Arg>,
}

macro_rules! flag {
    ($names:expr, $values:expr, $help:expr, |$flags:ident, $args:pat_param| $body:expr) => {
        Flag {
            names: $names,
            values: $values,
            help: $help,
            apply: |$flags, $args| {
                $body;
                Ok(())
            },
        }
    };
}

static FLAGS: &[Flag<Flags>] = &[
    flag!(
        &["--type"],
        &["hash"],
        "The kind of hash: md5, sha1, sha256 or sha512.",
        |flags, args| flags.algorithm = lossy(&args[0])
            .parse::<HashAlgorithm>()
            .map_err(|error| Failure::Usage(error.to_string()))?
    ),
    flag!(
        &["--print-path"],
        &[],
        "Print the path in the store, too.",
        |flags, _| flags.print_path = true
    ),
    flag!(
        &["--unpack"],
        &[],
        "Unpack the archive; the hash is that of its contents.",
        |flags, _| flags.unpack = true
    ),
    flag!(&["--executable"], &[], "Make the file executable.", |flags, _| {
        flags.executable = true
    }),
    flag!(&["--name"], &["name"], "The name in the store.", |flags, args| {
        flags.name = Some(lossy(&args[0]))
    }),
    flag!(
        &["--attr", "-A"],
        &["path"],
        "The argument is a file; fetch what this attribute of it is made of.",
        |flags, args| flags.attr_path = Some(args[0].clone())
    ),
    flag!(&["--version"], &[], "Print the version.", |flags, _| flags
        .version =
        true),
    flag!(&["--help"], &[], "Print this.", |flags, _| flags.help = true),
];

impl Arguments for Flags {
    type Common = Common;
    const COMMON_FLAGS: &'static [&'static [Flag<Common>]] = WITH_EVALUATION;
    const FLAGS: &'static [Flag<Flags>] = FLAGS;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn other_flag(&mut self, name: &str) -> Option<OtherFlag<Flags>> {
        Common::setting_flag(name, Flags::common)
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        let is_flag = arg.first() == Some(&b'-');
        if !is_flag {
            self.arguments.push(arg);
        }
        Ok(!is_flag)
    }
}

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut flags = Flags {
        common: Common::new(settings::file::load(&invocation.environment)?),
        version: false,
        help: false,
        algorithm: HashAlgorithm::Sha256,
        print_path: crate::env::variable(b"PRINT_PATH").is_some_and(|value| value == b"1"),
        unpack: false,
        executable: false,
        name: None,
        attr_path: None,
        arguments: vec![],
    };
    args::parse(&mut flags, invocation.args.clone())?;
    if flags.help {
        let usage = format!("{} [OPTION]… URL [HASH]", invocation.called_as);
        return help::command::<Flags>(&usage, EXPLANATION);
    }
    if flags.version {
        return help::version(&invocation.name, invocation, Some(&flags.common));
    }
    if flags.arguments.len() > 2 {
        return Err(Failure::Usage("too many arguments".to_owned()));
    }
    let read_only = flags.common.read_only;
    session::run(invocation, &flags.common.clone(), read_only, |session| {
        let downloads = Downloads::new(&flags.common, &invocation.environment, session.logger);
        let wanted = wanted(session, flags)?;
        let (path, hash) = prefetch(session, &downloads, &wanted)?;
        session.store.flush()?;
        let path = session.ev.host.store_dir().print(&path);
        let format = match hash.algorithm() {
            HashAlgorithm::Md5 => HashFormat::Base16,
            _ => HashFormat::Nix32,
        };
        if !wanted.print_path {
            session.logger.message(Level::Info, &format!("path is '{path}'"));
        }
        let mut out = output::stdout();
        writeln!(out, "{}", hash.to_format(format))?;
        if wanted.print_path {
            writeln!(out, "{path}")?;
        }
        Ok(out.flush()?)
    })
}

/// What is to be fetched.
struct Wanted {
    url: String,
    name: Option<String>,
    algorithm: HashAlgorithm,
    expected: Option<Hash>,
    unpack: bool,
    executable: bool,
    print_path: bool,
}

fn wanted(session: &Session, flags: Flags) -> Result<Wanted> {
    let mut wanted = Wanted {
        url: flags.arguments.first().map(|url| lossy(url)).unwrap_or_default(),
        name: flags.name.clone(),
        algorithm: flags.algorithm,
        expected: None,
        unpack: flags.unpack,
        executable: flags.executable,
        print_path: flags.print_path,
    };
    match &flags.attr_path {
        Some(path) => read_attribute(session, &flags, path, &mut wanted)?,
        None if flags.arguments.is_empty() => {
            return Err(Failure::Usage("you must specify a URL".to_owned()));
        }
        None => {}
    }
    if let Some(hash) = flags.arguments.get(1) {
        let hash = Hash::parse_any(&lossy(hash), Some(flags.algorithm));
        wanted.expected = Some(hash.map_err(|error| Failure::Plain(error.to_string()))?);
    }
    wanted.url = resolve_mirror(session, &wanted.url)?;
    Ok(wanted)
}

/// Reads what a derivation that fetches is to fetch.
fn read_attribute(session: &Session, flags: &Flags, path: &[u8], wanted: &mut Wanted) -> Result<()> {
    let ev = &session.ev;
    let file = flags.arguments.first().map_or(&b"."[..], Vec::as_slice);
    let file = session.locate(file, &current_dir()?)?;
    let root = ev.import(&file)?;
    let slot = attr_path::find(ev, path, session.auto_args(&flags.common)?, root.slot())?;
    let attrs = ev.expect_attrs(
        slot,
        Pos::NONE,
        "while evaluating the source attribute to prefetch",
    )?;
    let attribute = |name: &[u8]| ev.known_symbol(name).and_then(|name| attrs.get(name));
    let text = |slot, context| -> nivis_eval::error::Result<String> {
        Ok(lossy(ev.expect_string(slot, Pos::NONE, context)?))
    };
    let missing = || Error::new(Kind::Eval, "attribute 'urls' missing");
    let urls = attribute(b"urls").ok_or_else(missing)?;
    let urls = ev.expect_list(urls, Pos::NONE, "while evaluating the urls to prefetch")?;
    let first = urls
        .first()
        .ok_or_else(|| Error::new(Kind::Eval, "'urls' list is empty"))?;
    wanted.url = text(*first, "while evaluating the first url from the urls list")?;
    match attribute(b"outputHashMode") {
        None => session
            .logger
            .message(Level::Info, "warning: this does not look like a fetchurl call"),
        Some(mode) => {
            let context = "while evaluating the outputHashMode of the source to prefetch";
            wanted.unpack = text(mode, context)? == "recursive";
        }
    }
    if wanted.name.is_none()
        && let Some(name) = attribute(b"name")
    {
        wanted.name = Some(text(name, "while evaluating the name of the source to prefetch")?);
    }
    Ok(())
}

/// A URL of one of the mirrors that nixpkgs knows, for `mirror://…`.
fn resolve_mirror(session: &Session, url: &str) -> Result<String> {
    let Some(rest) = url.strip_prefix("mirror://") else {
        return Ok(url.to_owned());
    };
    let plain = |message: String| Failure::Plain(message);
    let (name, rest) = rest
        .split_once('/')
        .ok_or_else(|| plain(format!("invalid mirror URL '{url}'")))?;
    let ev = &session.ev;
    let text = b"import <nixpkgs/pkgs/build-support/fetchurl/mirrors.nix>";
    let mirrors = ev.eval_text(text, Origin::String(text.as_slice().into()), b"/")?;
    let context = "while evaluating the set of all mirrors";
    let mirrors = ev.expect_attrs(mirrors.slot(), Pos::NONE, context)?;
    let list = ev
        .known_symbol(name.as_bytes())
        .and_then(|name| mirrors.get(name));
    let list = list.ok_or_else(|| plain(format!("unknown mirror name '{name}'")))?;
    let list = ev.expect_list(list, Pos::NONE, "while evaluating one mirror configuration")?;
    let first = list
        .first()
        .ok_or_else(|| plain(format!("mirror URL '{url}' did not expand to anything")))?;
    let mirror = ev.expect_string(*first, Pos::NONE, "while evaluating the first available mirror")?;
    Ok(format!("{}/{rest}", lossy(mirror).trim_end_matches('/')))
}

/// The name of a file after the last part of its URL's path.
fn name_of_url(url: &str) -> Option<String> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let path = url[..end].split_once("://").map_or(&url[..end], |(_, rest)| rest);
    let (_, path) = path.split_once('/')?;
    let last = path.split('/').rfind(|part| !part.is_empty())?;
    Some(lossy(&percent::decode(last)))
}

fn prefetch(session: &Session, downloads: &Downloads, wanted: &Wanted) -> Result<(StorePath, Hash)> {
    let url = &wanted.url;
    let name = match &wanted.name {
        Some(name) => name.clone(),
        None => name_of_url(url)
            .ok_or_else(|| Failure::Plain(format!("cannot figure out file name for '{url}'")))?,
    };
    check_name(name.as_bytes()).map_err(|error| Failure::Plain(error.to_string()))?;
    let method = match wanted.unpack || wanted.executable {
        true => ContentAddressMethod::NixArchive,
        false => ContentAddressMethod::Flat,
    };
    let host = &session.ev.host;
    if let Some(hash) = wanted.expected {
        let address = ContentAddress { method, hash };
        let path = host
            .store_dir()
            .make_fixed_output_path(&address, &name, [], false);
        let path = path.map_err(|error| Failure::Plain(error.to_string()))?;
        if host.is_valid_path(&path)? {
            return Ok((path, hash));
        }
    }
    let downloaded = downloads
        .fresh(url)
        .map_err(|error| Failure::Plain(error.message))?;
    let folder = tempfile::tempdir().map_err(|error| temporary(&error))?;
    let path = if wanted.unpack {
        let file = File::open(&downloaded.path).map_err(|error| temporary(&error))?;
        let unpacked = folder.path().join("unpacked");
        fs::create_dir(&unpacked).map_err(|error| temporary(&error))?;
        tarball::unpack(file, &unpacked).map_err(|error| Failure::Plain(error.to_string()))?;
        top_of(&unpacked, url)?
    } else if wanted.executable {
        let copy = folder.path().join("tmp");
        let copied = File::create(&copy).and_then(|file| copy_to(&downloaded, file));
        copied.map_err(|error| temporary(&error))?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).map_err(|error| temporary(&error))?;
        copy
    } else {
        downloaded.path.clone()
    };
    let add = |algorithm| {
        host.add_source(Source {
            path: path.as_os_str().as_bytes(),
            name: &name,
            method,
            algorithm,
            filter: None,
        })
    };
    let algorithm = wanted.expected.map_or(wanted.algorithm, |hash| hash.algorithm());
    let (object, hash) = add(algorithm)?;
    if wanted.expected.is_some_and(|expected| expected != hash) {
        return Err(Failure::Plain(format!("hash mismatch for '{url}'")));
    }
    Ok((object, hash))
}

/// The only file or folder of an archive, or the folder of all of them.
fn top_of(unpacked: &Path, url: &str) -> Result<std::path::PathBuf> {
    let mut entries = vec![];
    for entry in fs::read_dir(unpacked).map_err(|error| temporary(&error))? {
        entries.push(entry.map_err(|error| temporary(&error))?.path());
    }
    match &entries[..] {
        [] => Err(Failure::Plain(format!("archive '{url}' is empty"))),
        [only] => Ok(only.clone()),
        _ => Ok(unpacked.to_owned()),
    }
}

fn temporary(error: &std::io::Error) -> Failure {
    Failure::Plain(format!("handling a temporary file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::name_of_url;

    #[test]
    fn names_come_from_the_url() {
        let name = |url| name_of_url(url);
        assert_eq!(
            name("https://x.org/a/b-1.0.tar.gz?x#y").as_deref(),
            Some("b-1.0.tar.gz")
        );
        assert_eq!(name("file:///a/b%20c/").as_deref(), Some("b c"));
        assert_eq!(name("https://x.org/"), None);
        assert_eq!(name("https://x.org"), None);
    }
}
