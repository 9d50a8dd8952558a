//! The environment of the shell, and the file that it starts with.

use super::Script;
use crate::args::Arg;
use crate::build::flags::Flags;
use crate::env;
use crate::failure::{Failure, Result};
use crate::store_session::StoreSession;
use nivis_builder::realise::input_closure;
use nivis_builder::structured_files;
use nivis_store::derivation::Derivation;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Variables that `--pure` keeps.
const KEPT: &[&str] = &[
    "HOME",
    "XDG_RUNTIME_DIR",
    "USER",
    "LOGNAME",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "PATH",
    "TERM",
    "IN_NIX_SHELL",
    "NIX_SHELL_PRESERVE_PROMPT",
    "TZ",
    "PAGER",
    "NIX_BUILD_SHELL",
    "SHLVL",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// The variable that structured attributes are in.
const STRUCTURED: &[u8] = b"__json";

/// A shell that is ready to be run.
pub(super) struct Prepared {
    /// The arguments of the shell.
    pub(super) arguments: Vec<OsString>,
    /// Its environment.
    pub(super) variables: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Makes a folder for the shell, with the file it starts with; the shell removes the folder.
pub(super) fn prepare(
    session: &StoreSession,
    flags: &Flags,
    script: Option<&Script>,
    drv: &Derivation,
    shell: &[u8],
) -> Result<Prepared> {
    let folder = tempfile::Builder::new()
        .prefix("nix-shell-")
        .tempdir()
        .map_err(|error| Failure::Plain(format!("creating a folder for the shell: {error}")))?
        .keep();
    let prepared = fill(session, flags, script, drv, shell, &folder);
    if prepared.is_err() {
        let _ = fs::remove_dir_all(&folder);
    }
    prepared
}

fn fill(
    session: &StoreSession,
    flags: &Flags,
    script: Option<&Script>,
    drv: &Derivation,
    shell: &[u8],
    folder: &Path,
) -> Result<Prepared> {
    let pure = flags.for_shell.pure;
    let mut variables = env::all();
    let kind = if pure { "pure" } else { "impure" };
    variables.insert(b"IN_NIX_SHELL".to_vec(), kind.into());
    if pure {
        let extra = &flags.for_shell.keep;
        variables.retain(|name, _| {
            KEPT.iter().any(|kept| kept.as_bytes() == name.as_slice()) || extra.contains(name)
        });
        // Otherwise NixOS' /etc/bashrc would read /etc/profile.
        variables.insert(b"__ETC_PROFILE_SOURCED".to_vec(), b"1".to_vec());
    }
    let mut set = |name: &[u8], value: &[u8]| variables.insert(name.to_vec(), value.to_vec());
    for name in ["NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP"] {
        set(name.as_bytes(), folder.as_os_str().as_bytes());
    }
    set(b"NIX_STORE", session.store.store_dir().as_str().as_bytes());
    set(b"NIX_BUILD_CORES", cores(session).to_string().as_bytes());
    let structured = write_structured(session, drv, folder)?;
    let passed_as_file = drv.env.get(b"passAsFile").unwrap_or_default();
    let passed_as_file: Vec<&[u8]> = passed_as_file.split(u8::is_ascii_whitespace).collect();
    let mut files = 0;
    for (name, value) in drv.env.iter() {
        if name == STRUCTURED {
            continue;
        }
        if passed_as_file.contains(&name) {
            let file = folder.join(format!(".attr-{files}"));
            files += 1;
            write(&file, value)?;
            set(&[name, &b"Path"[..]].concat(), file.as_os_str().as_bytes());
        } else {
            set(name, value);
        }
    }
    if !structured.is_empty() {
        set(
            b"NIX_ATTRS_SH_FILE",
            folder.join(".attrs.sh").as_os_str().as_bytes(),
        );
        set(
            b"NIX_ATTRS_JSON_FILE",
            folder.join(".attrs.json").as_os_str().as_bytes(),
        );
    }
    let rc = Rc {
        folder,
        pure,
        structured: &structured,
        shell,
        zone: env::variable(b"TZ"),
        command: command(flags, script),
    };
    let rc_file = folder.join("rc");
    write(&rc_file, &rc.text())?;
    // The same condition that shells have for themselves.
    let interactive = io::stdin().is_terminal() && io::stderr().is_terminal() && !flags.for_shell.batch;
    let mut arguments = vec![rc_file.into_os_string()];
    if interactive {
        arguments.insert(0, "--rcfile".into());
    }
    Ok(Prepared { arguments, variables })
}

fn write(file: &Path, contents: &[u8]) -> Result<()> {
    fs::write(file, contents)
        .map_err(|error| Failure::Plain(format!("writing '{}': {error}", file.display())))
}

/// Writes the files of structured attributes; gives the one for shells, empty if there are none.
fn write_structured(session: &StoreSession, drv: &Derivation, folder: &Path) -> Result<Vec<u8>> {
    if !drv.env.contains_key(STRUCTURED) {
        return Ok(vec![]);
    }
    let failed = |error: &dyn std::fmt::Display| Failure::Plain(error.to_string());
    let closure = input_closure(&session.store, drv).map_err(|error| failed(&error))?;
    let files = structured_files(&session.store, drv, &closure).map_err(|error| failed(&error))?;
    let Some(files) = files else {
        return Ok(vec![]);
    };
    write(&folder.join(".attrs.json"), files.json.as_bytes())?;
    write(&folder.join(".attrs.sh"), files.shell.as_bytes())?;
    Ok(files.shell.into_bytes())
}

/// How many cores builds are told to use.
fn cores(session: &StoreSession) -> u64 {
    match session.common.settings.int("cores") {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
        cores => cores.unsigned_abs(),
    }
}

/// What the shell does in the end, instead of asking for commands.
fn command(flags: &Flags, script: Option<&Script>) -> Vec<u8> {
    if let (Some(interpreter), Some(script)) = (&flags.for_shell.interpreter, script) {
        return run_script(interpreter, script);
    }
    match &flags.for_shell.command {
        Some(command) => [command.as_slice(), b"\nexit"].concat(),
        None => vec![],
    }
}

/// The command that runs a script. Perl and Ruby look at the first line of a script and would start it over.
fn run_script(interpreter: &Arg, script: &Script) -> Vec<u8> {
    let contains = |name: &[u8]| interpreter.windows(name.len()).any(|part| part == name);
    let exec: &[u8] = if contains(b"perl") { b"-a PERL" } else { b"" };
    let load: &[u8] = if contains(b"ruby") {
        b" -e 'load(ARGV.shift)' --"
    } else {
        b""
    };
    let mut text = [b"exec ", exec, b" ", interpreter.as_slice(), load, b" "].concat();
    text.extend(quoted(&script.path));
    text.push(b' ');
    for argument in &script.arguments {
        text.extend(quoted(argument));
        text.push(b' ');
    }
    text
}

/// A word for the shell.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for &byte in text {
        match byte {
            b'\'' => out.extend(b"'\\''"),
            byte => out.push(byte),
        }
    }
    out.push(b'\'');
    out
}

/// What the file consists of that the shell starts with.
struct Rc<'r> {
    folder: &'r Path,
    pure: bool,
    structured: &'r [u8],
    shell: &'r [u8],
    zone: Option<Vec<u8>>,
    command: Vec<u8>,
}

impl Rc<'_> {
    /// Sources the setup script of the standard environment, among other things; the same text as the reference's.
    fn text(&self) -> Vec<u8> {
        let folder = quoted(self.folder.as_os_str().as_bytes());
        let shell_folder = match self.shell.iter().rposition(|&byte| byte == b'/') {
            Some(end) => quoted(&self.shell[..end]),
            None => quoted(b""),
        };
        let shell = quoted(self.shell);
        let colour: &[u8] = if nix::unistd::geteuid().is_root() {
            b"31"
        } else {
            b"32"
        };
        let zone = match &self.zone {
            Some(zone) => [b"export TZ=".as_slice(), &quoted(zone), b"; "].concat(),
            None => vec![],
        };
        let impure = |text: &'static [u8]| if self.pure { b"" } else { text };
        let parts: &[&[u8]] = &[
            b"_nix_shell_clean_tmpdir() { command rm -rf ",
            &folder,
            b"; };trap _nix_shell_clean_tmpdir EXIT; exitHooks+=(_nix_shell_clean_tmpdir); \
              failureHooks+=(_nix_shell_clean_tmpdir); ",
            impure(b"[ -n \"$PS1\" ] && [ -e ~/.bashrc ] && source ~/.bashrc;"),
            impure(b"p=$PATH; "),
            b"unset PATH;dontAddDisableDepTrack=1;\n",
            self.structured,
            b"\n[ -e $stdenv/setup ] && source $stdenv/setup; ",
            impure(b"PATH=$PATH:$p; unset p; "),
            b"PATH=",
            &shell_folder,
            b":\"$PATH\"; SHELL=",
            &shell,
            b"; BASH=",
            &shell,
            b"; set +e; [ -n \"$PS1\" -a -z \"$NIX_SHELL_PRESERVE_PROMPT\" ] && PS1='\\n\\[\\033[1;",
            colour,
            b"m\\][nix-shell:\\w]\\$\\[\\033[0m\\] '; \
              if [ \"$(type -t runHook)\" = function ]; then runHook shellHook; fi; unset NIX_ENFORCE_PURITY; \
              shopt -u nullglob; unset TZ; ",
            &zone,
            b"shopt -s execfail;",
            &self.command,
        ];
        parts.concat()
    }
}
