//! From the program's name and arguments to a command, and from its outcome to an exit status.

use crate::args::Arg;
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::output::complain;
use crate::report::{self, Style};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

/// Stack sizes to try for the thread that evaluates, in bytes. Memory is used only as far as it is touched, but a
/// limit on address space may forbid the larger ones.
const STACK_SIZES: [usize; 4] = [1 << 30, 256 << 20, 64 << 20, 8 << 20];

/// One run of a command.
pub(crate) struct Invocation {
    /// The name the command was called by.
    pub(crate) name: String,
    /// Its arguments.
    pub(crate) args: Vec<Arg>,
    /// The environment.
    pub(crate) environment: Environment,
    /// How many bytes of stack there are.
    pub(crate) stack_size: usize,
}

/// Runs the command on a thread with a large stack.
pub(crate) fn main() -> ExitCode {
    for stack_size in STACK_SIZES {
        let thread = std::thread::Builder::new().stack_size(stack_size);
        if let Ok(thread) = thread.spawn(move || run(stack_size)) {
            let status = thread.join().unwrap_or_else(|_| {
                complain("error: nivis failed in an unexpected way; please report this as a bug");
                1
            });
            // Nothing is torn down: the system frees memory faster.
            std::process::exit(status.into());
        }
    }
    complain("error: cannot start a thread: too little memory");
    ExitCode::FAILURE
}

fn run(stack_size: usize) -> u8 {
    let mut args = std::env::args_os().map(OsStringExt::into_vec);
    let called_as = args.next().unwrap_or_default();
    let name = called_as.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let mut invocation = Invocation {
        name: String::from_utf8_lossy(name).into_owned(),
        args: args.collect(),
        environment: Environment::read(),
        stack_size,
    };
    let style = Style {
        show_trace: false,
        colour: !invocation.environment.no_colour && io::stderr().is_terminal(),
    };
    if invocation.name == "nivis" {
        match invocation.args.is_empty() {
            true => invocation.args.push(b"help".to_vec()),
            false => {}
        }
        invocation.name = String::from_utf8_lossy(&invocation.args.remove(0)).into_owned();
    }
    let outcome = dispatch(&invocation, style);
    match outcome {
        Ok(()) => 0,
        Err(failure) => status(&invocation, &failure, style),
    }
}

fn dispatch(invocation: &Invocation, style: Style) -> Result<()> {
    match &*invocation.name {
        "nix-instantiate" => crate::instantiate::run(invocation, style),
        other => Err(Failure::Plain(format!("'{other}' is not a command of nivis"))),
    }
}

/// Tells of a failure; evaluation errors were told of by whoever knows the positions.
fn status(invocation: &Invocation, failure: &Failure, style: Style) -> u8 {
    match failure {
        Failure::Usage(message) => {
            complain(&report::plain(message, style));
            complain(&format!("Try '{} --help' for more information.", invocation.name));
            1
        }
        Failure::Plain(message) => {
            complain(&report::plain(message, style));
            1
        }
        Failure::Eval(error) => {
            complain(&report::plain(&error.to_string(), style));
            error
                .details()
                .exit_status
                .and_then(|status| u8::try_from(status).ok())
                .unwrap_or(1)
        }
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 1,
        Failure::Output(error) => {
            complain(&report::plain(
                &format!("writing to standard output: {error}"),
                style,
            ));
            1
        }
        Failure::Exit(status) => *status,
    }
}
