//! `nix-channel`: keeps the expressions of channels in a profile.
//!
//! A channel is a tar archive of Nix expressions at a URL. Updating downloads the archives, unpacks each to the store,
//! and installs them into the profile `channels`, which `~/.nix-defexpr` points to.

mod list;

use crate::args::{self, Arg, Arguments, Flag, OtherFlag, lossy};
use crate::download::{DownloadError, Downloaded, Downloads};
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::help;
use crate::host_dirs::UserDirs;
use crate::nix_env;
use crate::options::{COMMON_FLAGS, Common};
use crate::output::{self, complain};
use crate::program::Invocation;
use crate::session::{self, Session};
use crate::settings;
use list::Channels;
use nivis_eval::host::Source;
use nivis_store::content_address::ContentAddressMethod;
use nivis_store::files::{create_dirs, replace_symlink};
use nivis_store::hash::HashAlgorithm;
use nivis_store::path::StorePath;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const EXPLANATION: &str = "\
Keeps the Nix expressions of channels up to date.

Operations:
  --add URL [NAME]        Subscribe to a channel.
  --remove NAME           Unsubscribe, and remove its expressions.
  --list                  Print the channels.
  --update [NAME]…        Fetch the channels, or some of them.
  --list-generations      Print the generations of the channels.
  --rollback [GENERATION] Go back to the previous or that generation.";

/// The expression that unpacks a channel.
const UNPACK: &[u8] = include_bytes!("channel/unpack.nix");

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Add,
    Remove,
    List,
    Update,
    ListGenerations,
    Rollback,
    Version,
}

/// What the command line says.
struct Flags {
    common: Common,
    operation: Option<Operation>,
    help: bool,
    arguments: Vec<Arg>,
}

macro_rules! operation {
    ($name:expr, $operation:ident) => {
        Flag {
            names: &[$name],
            values: &[],
            help: "",
            apply: |flags, _| {
                flags.operation = Some(Operation::$operation);
                Ok(())
            },
        }
    };
}

static FLAGS: &[Flag<Flags>] = &[
    operation!("--add", Add),
    operation!("--remove", Remove),
    operation!("--list", List),
    operation!("--update", Update),
    operation!("--list-generations", ListGenerations),
    operation!("--rollback", Rollback),
    operation!("--version", Version),
    Flag {
        names: &["--help"],
        values: &[],
        help: "Print this.",
        apply: |flags, _| {
            flags.help = true;
            Ok(())
        },
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
        let name = name.to_owned();
        Common::setting_flag(&name, Flags::common).or_else(|| {
            Some(OtherFlag {
                values: 0,
                is_own: true,
                apply: Box::new(move |_, _| Err(Failure::Usage(format!("unsupported argument '{name}'")))),
            })
        })
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        if arg.first() == Some(&b'-') {
            return Err(Failure::Usage(format!("unsupported argument '{}'", lossy(&arg))));
        }
        self.arguments.push(arg);
        Ok(true)
    }
}

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut flags = Flags {
        common: Common::new(settings::file::load(&invocation.environment)?),
        operation: None,
        help: false,
        arguments: vec![],
    };
    args::parse(&mut flags, invocation.args.clone())?;
    if flags.help {
        let usage = format!("{} OPERATION [OPTION]… [ARGUMENT]…", invocation.called_as);
        return help::command::<Flags>(&usage, EXPLANATION);
    }
    let dirs = UserDirs::new(&invocation.environment, &flags.common.settings);
    let command = Command {
        invocation,
        flags: &flags,
        dirs: &dirs,
    };
    let arguments: Vec<String> = flags.arguments.iter().map(|arg| lossy(arg)).collect();
    let usage = |message: &str| Err(Failure::Usage(message.to_owned()));
    match (flags.operation, &arguments[..]) {
        (None, _) => usage("no command specified"),
        (Some(Operation::Version), _) => help::version(&invocation.name, invocation, Some(&flags.common)),
        (Some(Operation::Add), [url]) => command.add(url, list::default_name(url)),
        (Some(Operation::Add), [url, name]) => command.add(url, name),
        (Some(Operation::Add), _) => usage("'--add' requires one or two arguments"),
        (Some(Operation::Remove), [name]) => command.remove(name),
        (Some(Operation::Remove), _) => usage("'--remove' requires one argument"),
        (Some(Operation::List), []) => command.list(),
        (Some(Operation::List), _) => usage("'--list' expects no arguments"),
        (Some(Operation::Update), names) => command.update(names),
        (Some(Operation::ListGenerations), []) => command.nix_env(&["--list-generations".into()]),
        (Some(Operation::ListGenerations), _) => usage("'--list-generations' expects no arguments"),
        (Some(Operation::Rollback), []) => command.nix_env(&["--rollback".into()]),
        (Some(Operation::Rollback), [number]) => {
            command.nix_env(&["--switch-generation".into(), number.clone().into()])
        }
        (Some(Operation::Rollback), _) => usage("'--rollback' has at most one argument"),
    }
}

/// One run of the command.
struct Command<'c> {
    invocation: &'c Invocation,
    flags: &'c Flags,
    dirs: &'c UserDirs,
}

impl Command<'_> {
    fn channels(&self) -> Result<Channels> {
        Channels::read(&self.dirs.channel_list()?)
    }

    fn environment(&self) -> &Environment {
        &self.invocation.environment
    }

    /// Does something to the profile of channels.
    fn nix_env(&self, operation: &[Arg]) -> Result<()> {
        let profile = self.dirs.channels()?.as_os_str().as_bytes().to_vec();
        let mut args = vec![b"--profile".to_vec(), profile];
        args.extend_from_slice(operation);
        nix_env::run_with(self.invocation, self.flags.common.clone(), args)
    }

    fn add(&self, url: &str, name: &str) -> Result<()> {
        list::check_url(url)?;
        list::check_name(name)?;
        let mut channels = self.channels()?;
        channels.insert(name, url);
        channels.write()
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut channels = self.channels()?;
        channels.remove(name);
        channels.write()?;
        self.nix_env(&["--uninstall".into(), name.as_bytes().to_vec()])
    }

    fn list(&self) -> Result<()> {
        let mut out = output::stdout();
        for (name, url) in self.channels()?.iter() {
            writeln!(out, "{name} {url}")?;
        }
        Ok(out.flush()?)
    }

    /// Fetches the channels of these names, or all if there are none.
    fn update(&self, names: &[String]) -> Result<()> {
        let channels = self.channels()?;
        let profile = self.dirs.channels()?;
        let mut expressions = vec![];
        session::run(self.invocation, &self.flags.common, false, |session| {
            let downloads = Downloads::new(&self.flags.common, self.environment(), session.logger);
            for (name, url) in channels.iter() {
                let is_wanted = names.is_empty() || names.iter().any(|wanted| wanted == name);
                expressions.push(match is_wanted {
                    true => fetched(session, &downloads, name, url)?,
                    false => kept(&profile, name, url)?,
                });
            }
            Ok(())
        })?;
        complain(&format!("unpacking {} channels...", expressions.len()));
        let mut file = tempfile::NamedTempFile::new().map_err(|error| temporary(&error))?;
        file.write_all(UNPACK).map_err(|error| temporary(&error))?;
        let mut args: Vec<Arg> = vec!["--file".into(), file.path().as_os_str().as_bytes().to_vec()];
        args.extend(["--install", "--remove-all", "--from-expression"].map(Arg::from));
        args.extend(expressions.into_iter().map(String::into_bytes));
        args.push("--quiet".into());
        self.nix_env(&args)?;
        self.link_default_expression(&profile)
    }

    /// Makes the channels appear in `~/.nix-defexpr`.
    fn link_default_expression(&self, profile: &Path) -> Result<()> {
        let folder = self.dirs.default_expression()?;
        // Very old versions made it a link to one expression.
        if fs::symlink_metadata(&folder).is_ok_and(|found| found.is_symlink()) {
            fs::remove_file(&folder).map_err(|error| {
                let path = folder.display();
                Failure::Plain(format!("removing file \"{path}\": {error}"))
            })?;
        }
        let plain = |error: nivis_store::io_error::IoError| Failure::Plain(error.to_string());
        create_dirs(&folder).map_err(plain)?;
        replace_symlink(profile, &folder.join("channels")).map_err(plain)
    }
}

fn temporary(error: &std::io::Error) -> Failure {
    Failure::Plain(format!("writing a temporary file: {error}"))
}

/// The name in the profile: with the version that the URL ends in, if it does.
fn versioned(name: &str, url: &str) -> String {
    let base = url.rsplit('/').next().unwrap_or_default();
    let version = base
        .match_indices('-')
        .map(|(start, _)| &base[start..])
        .find(|rest| rest[1..].starts_with(|first: char| first.is_ascii_digit()));
    format!("{name}{}", version.unwrap_or_default())
}

/// The expression of a channel that is left as it is.
fn kept(profile: &Path, name: &str, url: &str) -> Result<String> {
    let link = profile.join(name);
    let target = fs::read_link(&link).map_err(|error| {
        let error = nivis_store::io_error::IoError::at("reading symbolic link", &link, error);
        Failure::Plain(error.to_string())
    })?;
    let object = target.parent().unwrap_or(Path::new("/")).display().to_string();
    Ok(format!(
        "f: rec {{ name = \"{}\"; type = \"derivation\"; outputs = [\"out\"]; system = \"builtin\"; \
         outPath = builtins.storePath \"{object}\"; out = {{ inherit outPath; }};}}",
        versioned(name, url)
    ))
}

/// Fetches a channel; the expression that unpacks it.
fn fetched(session: &Session, downloads: &Downloads, name: &str, url: &str) -> Result<String> {
    let failed = |error: DownloadError| Failure::Plain(error.message);
    let base = url.rsplit('/').next().unwrap_or_default();
    // The URL may be that of an archive, or redirect to where this version of the channel is.
    let found = match downloads.is_local_folder(url) {
        true => None,
        false => Some(downloads.cached(url).map_err(failed)?),
    };
    let archive = match found {
        Some(found)
            if [".tar.gz", ".tar.bz2", ".tar.xz"]
                .iter()
                .any(|end| base.ends_with(end)) =>
        {
            store(session, &found, base)?
        }
        found => {
            let url = found
                .as_ref()
                .map_or(url, |found| found.url.as_str())
                .trim_end_matches('/');
            match downloads.cached(&format!("{url}/nixexprs.tar.xz")) {
                Ok(found) => store(session, &found, "nixexprs.tar.xz")?,
                Err(_) => {
                    let found = downloads
                        .cached(&format!("{url}/nixexprs.tar.bz2"))
                        .map_err(failed)?;
                    store(session, &found, "nixexprs.tar.bz2")?
                }
            }
        }
    };
    Ok(format!(
        "f: f {{ name = \"{}\"; channelName = \"{name}\"; src = builtins.storePath \"{}\";  }}",
        versioned(name, url),
        session.ev.host.store_dir().print(&archive)
    ))
}

fn store(session: &Session, found: &Downloaded, name: &str) -> Result<StorePath> {
    let (path, _) = session.ev.host.add_source(Source {
        path: found.path.as_os_str().as_bytes(),
        name,
        method: ContentAddressMethod::Flat,
        algorithm: HashAlgorithm::Sha256,
        filter: None,
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::versioned;

    #[test]
    fn versions_come_from_the_url() {
        assert_eq!(
            versioned("nixos", "https://x/nixos-24.05-small"),
            "nixos-24.05-small"
        );
        assert_eq!(versioned("c", "https://x/nixpkgs-unstable"), "c");
        assert_eq!(versioned("c", "https://x/a-b-1"), "c-1");
    }
}
