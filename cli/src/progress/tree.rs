//! The live tree: the targets, below them what is being built for them, for how long and with which last line, and at
//! the bottom how much there is and how long it may take.

use super::plain::{clean, clean_text, level};
use super::screen::{Screen, cut};
use super::{package_name, short_name};
use crate::history::History;
use crate::log::{Format, Logger};
use crate::realise::Realiser;
use crate::report;
use nivis_builder::Mode;
use nivis_builder::events::{Ended, Event, Observer};
use nivis_builder::realise::{Counts, GoalId, Missing};
use nivis_eval::host;
use nivis_store::path::StorePath;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Builds that take no longer are not shown: they would flicker.
const FLICKER: Duration = Duration::from_millis(150);

/// Where what builders write is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Logs {
    /// Nowhere.
    Hidden,
    /// The last line of each, in the tree.
    LastLine,
    /// All lines above the tree.
    Above,
}

/// A build that runs.
struct Build {
    name: String,
    package: String,
    began: Instant,
    mode: Mode,
    phase: String,
    last_line: String,
    /// The target that it is for.
    target: Option<StorePath>,
    estimate: Option<Duration>,
}

/// Draws the tree.
pub(super) struct Tree {
    logger: Logger,
    logs: Logs,
    screen: Screen,
    began: Instant,
    builds: BTreeMap<GoalId, Build>,
    waiting: BTreeMap<GoalId, String>,
    counts: Counts,
    /// For each derivation that will be built what needs it first; targets lack one.
    needed_by: BTreeMap<StorePath, StorePath>,
    history: History,
    /// How long what has not begun yet took earlier.
    to_come: BTreeMap<StorePath, Duration>,
    jobs: usize,
}

impl Tree {
    pub(super) fn new(realiser: &Realiser, plan: Option<&Missing>, logs: Logs) -> Tree {
        let history = History::load(realiser.environment);
        let planned = plan.map(|plan| &plan.will_build).into_iter().flatten();
        let to_come = planned
            .filter_map(|drv| Some((drv.clone(), history.estimate(package_name(drv))?)))
            .collect();
        Tree {
            logger: realiser.logger,
            logs,
            screen: Screen::default(),
            began: Instant::now(),
            builds: BTreeMap::new(),
            waiting: BTreeMap::new(),
            counts: Counts::default(),
            needed_by: plan.map(|plan| plan.needed_by.clone()).unwrap_or_default(),
            history,
            to_come,
            jobs: crate::build_settings::max_jobs(&realiser.common.settings).max(1),
        }
    }

    /// The target that a derivation is built for, unless it is one.
    fn target_of(&self, drv: &StorePath) -> Option<StorePath> {
        let mut target = self.needed_by.get(drv)?;
        while let Some(next) = self.needed_by.get(target) {
            target = next;
        }
        Some(target.clone())
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.logger.style.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    fn above(&mut self, text: &str) {
        self.screen.above(format!("{text}\n").as_bytes());
    }

    fn message(&mut self, loud: host::Level, text: &str) {
        if self.logger.shows(loud) {
            match self.logger.format {
                Format::Text => self.above(text),
                Format::Json => self.logger.message(loud, text),
            }
        }
    }

    fn draw(&mut self) {
        let (width, height) = Screen::size();
        let mut lines = self.branches();
        // The tree may take half of the screen.
        let room = (height / 2).max(2);
        if lines.len() >= room {
            let hidden = lines.len() + 1 - room;
            lines.truncate(room - 1);
            lines.push(format!("┃ … {hidden} more"));
        }
        if !lines.is_empty() || self.began.elapsed() > FLICKER {
            lines.push(format!("┗━ {}", self.status()));
        }
        // The last column stays free: terminals wrap there.
        let lines = lines
            .iter()
            .map(|line| cut(line, width.saturating_sub(1)))
            .collect();
        self.screen.draw(lines);
    }

    /// The builds, below their targets.
    fn branches(&self) -> Vec<String> {
        let mut groups: BTreeMap<Option<&StorePath>, Vec<&Build>> = BTreeMap::new();
        for build in self
            .builds
            .values()
            .filter(|build| build.began.elapsed() > FLICKER)
        {
            groups.entry(build.target.as_ref()).or_default().push(build);
        }
        let mut lines = vec![];
        for (target, builds) in groups {
            if let Some(target) = target {
                lines.push(format!("┣ {}", self.paint("2", short_name(target))));
            }
            for (i, build) in builds.iter().enumerate() {
                let branch = match (target, i + 1 == builds.len()) {
                    (None, _) => "┣",
                    (Some(_), false) => "┃ ┣",
                    (Some(_), true) => "┃ ┗",
                };
                lines.push(format!("{branch} {}", self.branch(build)));
            }
        }
        let waiting = self
            .waiting
            .values()
            .map(|text| format!("┣ {}", self.paint("33", text)));
        lines.extend(waiting);
        lines
    }

    fn branch(&self, build: &Build) -> String {
        let mut line = self.paint("1;34", "▶");
        line.push(' ');
        line.push_str(match build.mode {
            Mode::Normal => "",
            Mode::Check => "checking ",
            Mode::Repair => "repairing ",
        });
        line.push_str(&self.paint("1", &build.name));
        line.push_str(&format!(" {}", clock(build.began.elapsed())));
        if let Some(estimate) = build.estimate {
            line.push_str(&self.paint("2", &format!("/~{}", clock(estimate))));
        }
        if !build.phase.is_empty() {
            line.push_str(&format!(" ({})", build.phase));
        }
        if !build.last_line.is_empty() {
            line.push_str(&format!("  {}", self.paint("2", &build.last_line)));
        }
        line
    }

    fn status(&self) -> String {
        let Counts {
            built,
            running,
            waiting,
            failed,
        } = self.counts;
        let total = built + running + waiting + failed;
        let mut status = format!("{}/{total} built", self.paint("32", &built.to_string()));
        for (count, what, code) in [
            (running, "running", "34"),
            (waiting, "waiting", "33"),
            (failed, "failed", "31"),
        ] {
            if count > 0 {
                status.push_str(&format!(" · {} {what}", self.paint(code, &count.to_string())));
            }
        }
        status.push_str(&format!(" · {}", clock(self.began.elapsed())));
        if let Some(left) = self.left() {
            status.push_str(&format!(", about {} left", clock(left)));
        }
        status
    }

    /// How long it may take yet, if earlier durations are known of at least half of what is to do.
    fn left(&self) -> Option<Duration> {
        let open = self.counts.running + self.counts.waiting;
        let running = self
            .builds
            .values()
            .filter_map(|build| Some((build.estimate?, build.began.elapsed())));
        let running: Vec<Duration> = running
            .map(|(estimate, gone)| estimate.saturating_sub(gone))
            .collect();
        let known = running.len() + self.to_come.len();
        if open == 0 || known * 2 < open {
            return None;
        }
        let longest = running.iter().max().copied().unwrap_or_default();
        let sum: Duration = running.iter().sum::<Duration>() + self.to_come.values().sum::<Duration>();
        let all = sum.mul_f64(open as f64 / known as f64);
        Some(longest.max(all / u32::try_from(self.jobs).unwrap_or(1)))
    }

    fn started(&mut self, goal: GoalId, drv: &StorePath, mode: Mode) {
        self.to_come.remove(drv);
        let package = package_name(drv).to_owned();
        let build = Build {
            name: short_name(drv).to_owned(),
            estimate: self.history.estimate(&package),
            package,
            began: Instant::now(),
            mode,
            phase: String::new(),
            last_line: String::new(),
            target: self.target_of(drv),
        };
        self.builds.insert(goal, build);
    }

    fn line(&mut self, goal: GoalId, line: &[u8]) {
        match self.logs {
            Logs::Hidden => {}
            Logs::LastLine => {
                let text = clean(line, false);
                let text = String::from_utf8_lossy(&text).trim().to_owned();
                if let Some(build) = self.builds.get_mut(&goal)
                    && !text.is_empty()
                {
                    build.last_line = text;
                }
            }
            Logs::Above => {
                let name = self.builds.get(&goal).map(|build| format!("{}> ", build.package));
                let mut text = self.paint("2", &name.unwrap_or_default()).into_bytes();
                text.extend(clean(line, true));
                text.push(b'\n');
                self.screen.above(&text);
            }
        }
    }

    fn ended(&mut self, goal: GoalId, how: Ended) {
        let Some(build) = self.builds.remove(&goal) else {
            return;
        };
        let took = build.began.elapsed();
        if how == Ended::Built {
            self.history.record(&build.package, took);
            let text = format!(
                "{} {} {}",
                self.paint("32", "✔"),
                build.name,
                self.paint("2", &clock(took))
            );
            self.message(host::Level::Info, &text);
        }
    }
}

impl Observer for Tree {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Started { goal, drv, mode } => self.started(goal, drv, mode),
            Event::Line { goal, line } => return self.line(goal, line),
            Event::Phase { goal, phase } => {
                if let Some(build) = self.builds.get_mut(&goal) {
                    phase.clone_into(&mut build.phase);
                }
                return;
            }
            Event::Ended { goal, how, .. } => self.ended(goal, how),
            Event::Waiting { goal, text } => {
                self.waiting.insert(goal, text.to_owned());
            }
            Event::WaitingEnded { goal } => {
                self.waiting.remove(&goal);
            }
            Event::Counts(counts) => self.counts = counts,
            Event::Message { level: loud, text } => return self.message(level(loud), text),
            Event::Failure { text } => {
                let text = report::plain(&clean_text(text, true), self.logger.style);
                return self.message(host::Level::Error, &text);
            }
            Event::HookLine { line } => {
                let text = String::from_utf8_lossy(&clean(line, true)).into_owned();
                return self.above(&format!("post-build-hook: {text}"));
            }
            Event::Suspending => return self.screen.clear(),
            Event::Tick => {}
        }
        self.draw();
    }

    fn shows_logs(&self) -> bool {
        self.logs == Logs::Above
    }

    fn wants_ticks(&self) -> bool {
        true
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.screen.clear();
        self.history.save();
    }
}

/// `4s`, `3m07s`, `1h02m`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let shown = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!([shown(4), shown(187), shown(3725)], ["4s", "3m07s", "1h02m"]);
    }
}
