//! `--events`: what happens to builds, as lines of JSON, for programs. The form is described in
//! `docs/events.md`; [`VERSION`] changes when something that is there changes its meaning, and not when something
//! is added.

use nivis_builder::Mode;
use nivis_builder::events::{Ended, Event, Level, Observer};
use nivis_builder::realise::GoalId;
use nivis_store::path::StoreDir;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The version of the form.
const VERSION: u32 = 1;

/// Writes events.
pub(super) struct Events {
    out: Box<dyn Write>,
    store_dir: StoreDir,
    began: Instant,
    /// Derivations and beginnings of the builds that run.
    running: BTreeMap<GoalId, (String, Instant)>,
}

impl Events {
    /// To a file, to a socket that somebody listens on, or to a descriptor that is open already (`fd:3`).
    pub(super) fn open(path: &[u8], store_dir: StoreDir) -> Result<Events, String> {
        let out = target(path).map_err(|error| {
            let path = String::from_utf8_lossy(path);
            format!(
                "opening \"{path}\" for events: {}",
                nivis_store::io_error::message(&error)
            )
        })?;
        let mut events = Events {
            out,
            store_dir,
            began: Instant::now(),
            running: BTreeMap::new(),
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        events.write(
            json!({ "event": "begin", "version": VERSION, "unixTime": now, "pid": std::process::id() }),
        );
        Ok(events)
    }

    /// Writes a line with the time at its end. Whoever reads may have gone; builds go on.
    fn write(&mut self, mut event: Value) {
        let time = self.began.elapsed().as_millis();
        event["ms"] = json!(u64::try_from(time).unwrap_or(u64::MAX));
        let _ = writeln!(self.out, "{event}");
    }

    fn drv(&self, goal: GoalId) -> Option<&str> {
        self.running.get(&goal).map(|(drv, _)| drv.as_str())
    }
}

fn target(path: &[u8]) -> std::io::Result<Box<dyn Write>> {
    let path = match path.strip_prefix(b"fd:") {
        Some(number) => PathBuf::from("/proc/self/fd").join(OsStr::from_bytes(number)),
        None => Path::new(OsStr::from_bytes(path)).to_owned(),
    };
    let is_socket = path
        .metadata()
        .is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket {
        return Ok(Box::new(UnixStream::connect(path)?));
    }
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(Box::new(file))
}

impl Observer for Events {
    fn event(&mut self, event: Event<'_>) {
        let line = match event {
            Event::Started { goal, drv, mode } => {
                let drv = self.store_dir.print(drv);
                self.running.insert(goal, (drv.clone(), Instant::now()));
                let mode = match mode {
                    Mode::Normal => "build",
                    Mode::Check => "check",
                    Mode::Repair => "repair",
                };
                json!({ "event": "started", "drv": drv, "mode": mode })
            }
            Event::Line { goal, line } => {
                json!({ "event": "line", "drv": self.drv(goal), "text": String::from_utf8_lossy(line) })
            }
            Event::Phase { goal, phase } => {
                json!({ "event": "phase", "drv": self.drv(goal), "phase": phase })
            }
            Event::Ended { goal, drv, how } => {
                let began = self.running.remove(&goal).map(|(_, began)| began);
                let took = began.map_or(0, |began| began.elapsed().as_millis());
                let how = match how {
                    Ended::Built => "built",
                    Ended::Failed => "failed",
                    Ended::Aborted => "aborted",
                };
                let took = u64::try_from(took).unwrap_or(u64::MAX);
                json!({ "event": "ended", "drv": self.store_dir.print(drv), "how": how, "took": took })
            }
            Event::Waiting { text, .. } => json!({ "event": "waiting", "text": text }),
            Event::Counts(counts) => json!({
                "event": "counts",
                "built": counts.built,
                "running": counts.running,
                "waiting": counts.waiting,
                "failed": counts.failed,
            }),
            Event::Message { level, text } => {
                let level = match level {
                    Level::Error => "error",
                    Level::Warning => "warning",
                    Level::Info => "info",
                    Level::Talkative => "talkative",
                };
                json!({ "event": "message", "level": level, "text": text })
            }
            Event::Failure { text } => json!({ "event": "failure", "text": text }),
            Event::HookLine { line } => json!({ "event": "hook", "text": String::from_utf8_lossy(line) }),
            Event::WaitingEnded { .. } | Event::Suspending | Event::Tick => return,
        };
        self.write(line);
    }

    fn shows_logs(&self) -> bool {
        false
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.write(json!({ "event": "end" }));
    }
}
