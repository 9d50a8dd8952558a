//! `nivis profile`: runs a classic command, and shows which functions took the time and the memory.

mod flamegraph;
mod live;
mod pprof;
mod speedscope;
mod stacks;
mod table;
mod totals;

use crate::args::{Arg, lossy};
use crate::commands;
use crate::failure::{Failure, Result};
use crate::help;
use crate::output::complain;
use crate::program::Invocation;
use crate::session::Session;
use crate::settings::Settings;
use crate::stats;
use live::Screen;
pub(crate) use live::run_if_asked as guard_terminal_if_asked;
use nivis_eval::files::file_error;
use nivis_eval::profile::Profile;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use table::Order;

/// How often the clock is looked at, a second, unless the user says otherwise.
const FREQUENCY: u32 = 1000;

/// What the time or the memory is asked of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Weight {
    /// Nanoseconds.
    #[default]
    Time,
    /// Bytes.
    Bytes,
}

/// What is wanted of a profile.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The arguments that say so, for a process that evaluates for this one.
    pub(crate) args: Vec<Arg>,
    frequency: u32,
    rows: usize,
    order: Order,
    weight: Weight,
    text: bool,
    live: bool,
    flamegraph: Option<Arg>,
    /// Percent of the whole below which frames are left out of flame graphs.
    min_width: f64,
    folded: Option<Arg>,
    pprof: Option<Arg>,
    speedscope: Option<Arg>,
}

/// The options, what to call their values, and what they are for.
const FLAGS: &[(&str, &str)] = &[
    (
        "--sort COLUMN",
        "Sort by self, total, bytes, total-bytes, calls, thunks or unforced.",
    ),
    ("--top N", "Show so many functions, files and attributes (30)."),
    ("--bytes", "Flame graph and folded stacks weigh bytes, not time."),
    ("--flamegraph FILE", "Write a flame graph to FILE, as SVG."),
    (
        "--min-width PERCENT",
        "Leave frames below that out of the flame graph (0.1).",
    ),
    (
        "--folded FILE",
        "Write stacks to FILE, a line each, for tools that draw flame graphs.",
    ),
    ("--pprof FILE", "Write time and bytes to FILE for pprof."),
    (
        "--speedscope FILE",
        "Write time and bytes to FILE for speedscope.",
    ),
    (
        "--text",
        "Show the counters, and all calls and selections with their counts, too.",
    ),
    (
        "--live",
        "Show the profile while it is recorded, and after, until q is pressed.",
    ),
    ("--frequency HZ", "Look at the clock so often a second (1000)."),
];

const EXPLANATION: &str = "\
Runs a classic command (nix-build, nix-instantiate, nix-env, nix-shell), and shows on standard error
which Nix functions took the time and the memory.";

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let Some((options, command)) = parse(&invocation.args)? else {
        return help::flags(
            &format!("{} [OPTION]… -- COMMAND [ARGUMENT]…", invocation.called_as),
            EXPLANATION,
            FLAGS,
        );
    };
    let Some((name, rest)) = command.split_first() else {
        return Err(Failure::Usage("which command is to be profiled?".to_owned()));
    };
    let name = lossy(name);
    let mut environment = invocation.environment.clone();
    environment.count_calls |= options.text;
    commands::run(&Invocation {
        called_as: format!("{} {name}", invocation.called_as),
        name,
        args: rest.to_vec(),
        environment,
        entry: invocation.entry,
        profile: Some(Rc::new(options)),
        style: invocation.style,
        stack_size: invocation.stack_size,
    })
}

/// The options and the command to run; `None` if help is asked for.
fn parse(args: &[Arg]) -> Result<Option<(Options, &[Arg])>> {
    let mut options = Options {
        args: vec![],
        frequency: FREQUENCY,
        rows: 30,
        order: Order::default(),
        weight: Weight::default(),
        text: false,
        live: false,
        flamegraph: None,
        min_width: 0.1,
        folded: None,
        pprof: None,
        speedscope: None,
    };
    let mut rest = args;
    while let Some((flag, after)) = rest.split_first() {
        if flag == b"--" {
            rest = after;
            break;
        }
        if flag.first() != Some(&b'-') {
            break;
        }
        rest = after;
        let flag = lossy(flag);
        let mut value = || {
            let (value, after) = rest
                .split_first()
                .ok_or_else(|| Failure::Usage(format!("flag '{flag}' requires an argument")))?;
            rest = after;
            Ok::<Arg, Failure>(value.clone())
        };
        match flag.as_str() {
            "--help" => return Ok(None),
            "--bytes" => options.weight = Weight::Bytes,
            "--text" => options.text = true,
            "--live" => options.live = true,
            "--sort" => options.order = Order::parse(&lossy(&value()?))?,
            "--top" => options.rows = number(&flag, &value()?)?,
            "--frequency" => options.frequency = number(&flag, &value()?)?,
            "--flamegraph" => options.flamegraph = Some(value()?),
            "--min-width" => options.min_width = number(&flag, &value()?)?,
            "--folded" => options.folded = Some(value()?),
            "--pprof" => options.pprof = Some(value()?),
            "--speedscope" => options.speedscope = Some(value()?),
            _ => return Err(Failure::Usage(format!("unrecognised flag '{flag}'"))),
        }
    }
    let own = args.len() - rest.len();
    options.args = args[..own].iter().filter(|arg| *arg != b"--").cloned().collect();
    Ok(Some((options, rest)))
}

fn number<N: std::str::FromStr>(flag: &str, value: &Arg) -> Result<N> {
    let text = lossy(value);
    text.parse()
        .map_err(|_| Failure::Usage(format!("flag '{flag}' needs a number, not '{text}'")))
}

/// Watches an evaluation, as the command line and the settings say.
pub(crate) struct Watching {
    options: Option<Rc<Options>>,
    screen: Option<Screen>,
    /// Where the reference's profile goes.
    profile_file: Option<String>,
}

impl Watching {
    /// Begins.
    pub(crate) fn start(session: &Session, invocation: &Invocation, settings: &Settings) -> Result<Watching> {
        let ev = &session.ev;
        if settings.bool("trace-function-calls") {
            ev.watch.trace_calls();
        }
        let profile_file = match settings.text("eval-profiler") {
            "disabled" => None,
            "flamegraph" => {
                let frequency = u32::try_from(settings.int("eval-profiler-frequency")).unwrap_or(u32::MAX);
                ev.watch.sample(frequency);
                let file = settings.text("eval-profile-file").to_owned();
                // Whether it can be written is known before the work is done.
                std::fs::write(&file, "")
                    .map_err(|error| Failure::Eval(file_error("opening file", file.as_bytes(), &error)))?;
                Some(file)
            }
            other => {
                return Err(Failure::Usage(format!(
                    "option 'eval-profiler' has invalid value '{other}'"
                )));
            }
        };
        let options = invocation.profile.clone();
        let mut screen = None;
        if let Some(options) = &options {
            let audience = match options.live {
                true => {
                    let (opened, audience) = Screen::open(options.order)?;
                    screen = Some(opened);
                    Some(audience)
                }
                false => None,
            };
            ev.record_profile(options.frequency, audience);
        }
        Ok(Watching {
            options,
            screen,
            profile_file,
        })
    }

    /// Shows what was seen.
    pub(crate) fn finish(self, session: &Session) -> Result<()> {
        let ev = &session.ev;
        if let (Some(file), Some(stacks)) = (&self.profile_file, ev.folded_stacks()) {
            write(file.as_bytes(), stacks.as_bytes())?;
        }
        let (Some(options), Some(profile)) = (self.options, ev.profile()) else {
            return Ok(());
        };
        if let Some(screen) = self.screen {
            screen.linger(&profile);
        }
        complain(table::report(&profile, options.rows, options.order).trim_end());
        if options.text {
            complain(&format!("\n{}", stats::text(ev)));
        }
        write_files(&profile, &options)
    }
}

fn write_files(profile: &Profile, options: &Options) -> Result<()> {
    if let Some(file) = &options.flamegraph {
        write(
            file,
            &flamegraph::svg(profile, options.weight, options.min_width)?,
        )?;
    }
    if let Some(file) = &options.folded {
        write(file, stacks::folded(profile, options.weight).as_bytes())?;
    }
    if let Some(file) = &options.pprof {
        write(file, &pprof::encode(profile, options.weight, options.frequency)?)?;
    }
    if let Some(file) = &options.speedscope {
        write(file, speedscope::encode(profile).as_bytes())?;
    }
    Ok(())
}

fn write(file: &[u8], contents: &[u8]) -> Result<()> {
    let path = Path::new(OsStr::from_bytes(file));
    std::fs::write(path, contents)
        .map_err(|error| Failure::Plain(format!("cannot write '{}': {error}", path.display())))
}
