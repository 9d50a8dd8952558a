//! `--log-format internal-json`: activities and their results, in the reference's form.

use super::plain::{doing, level};
use crate::log::Logger;
use crate::output::complain;
use crate::report;
use nivis_builder::events::{Event, Observer};
use nivis_builder::realise::{Counts, GoalId};
use nivis_store::path::StoreDir;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Types of activities.
const REALISE: u16 = 102;
const COPY_PATHS: u16 = 103;
const BUILDS: u16 = 104;
const BUILD: u16 = 105;
const BUILD_WAITING: u16 = 111;
const COPY_PATH: u16 = 100;
const FILE_TRANSFER: u16 = 101;

/// Types of results.
const LOG_LINE: u16 = 101;
const SET_PHASE: u16 = 104;
const PROGRESS: u16 = 105;
const SET_EXPECTED: u16 = 106;

/// Writes JSON.
pub(super) struct Json {
    logger: Logger,
    store_dir: StoreDir,
    next: u64,
    realise: u64,
    builds: u64,
    copies: u64,
    running: BTreeMap<GoalId, u64>,
    waiting: BTreeMap<GoalId, u64>,
}

fn write(message: &Value) {
    complain(&format!("@nix {message}"));
}

impl Json {
    pub(super) fn new(logger: Logger, store_dir: StoreDir) -> Json {
        let mut json = Json {
            logger,
            store_dir,
            next: u64::from(std::process::id()) << 32,
            realise: 0,
            builds: 0,
            copies: 0,
            running: BTreeMap::new(),
            waiting: BTreeMap::new(),
        };
        json.realise = json.start(0, REALISE, "", None);
        json.builds = json.start(0, BUILDS, "", None);
        json.copies = json.start(0, COPY_PATHS, "", None);
        json
    }

    /// Begins an activity; gives its number. Keys are in alphabetical order, as the reference has them.
    fn start(&mut self, level: u8, kind: u16, text: &str, fields: Option<Value>) -> u64 {
        let id = self.next;
        self.next += 1;
        let mut message = serde_json::Map::new();
        message.insert("action".to_owned(), json!("start"));
        if let Some(fields) = fields {
            message.insert("fields".to_owned(), fields);
        }
        for (name, value) in [
            ("id", json!(id)),
            ("level", json!(level)),
            ("parent", json!(0)),
            ("text", json!(text)),
            ("type", json!(kind)),
        ] {
            message.insert(name.to_owned(), value);
        }
        write(&Value::Object(message));
        id
    }

    fn result(id: u64, kind: u16, fields: &Value) {
        write(&json!({ "action": "result", "fields": fields, "id": id, "type": kind }));
    }

    fn stop(id: u64) {
        write(&json!({ "action": "stop", "id": id }));
    }

    fn counts(&self, counts: Counts) {
        let expected = counts.built + counts.running + counts.waiting;
        let builds = json!([counts.built, expected, counts.running, counts.failed]);
        Json::result(self.builds, PROGRESS, &builds);
        Json::result(self.copies, PROGRESS, &json!([0, 0, 0, 0]));
        Json::result(self.realise, SET_EXPECTED, &json!([FILE_TRANSFER, 0]));
        Json::result(self.realise, SET_EXPECTED, &json!([COPY_PATH, 0]));
    }
}

impl Observer for Json {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Started { goal, drv, mode } => {
                let drv = self.store_dir.print(drv);
                let fields = json!([drv, "", 1, 1]);
                let id = self.start(3, BUILD, &doing(mode, &drv), Some(fields));
                self.running.insert(goal, id);
            }
            Event::Line { goal, line } => {
                if let Some(&id) = self.running.get(&goal) {
                    Json::result(id, LOG_LINE, &json!([String::from_utf8_lossy(line)]));
                }
            }
            Event::Phase { goal, phase } => {
                if let Some(&id) = self.running.get(&goal) {
                    Json::result(id, SET_PHASE, &json!([phase]));
                }
            }
            Event::Ended { goal, .. } => {
                if let Some(id) = self.running.remove(&goal) {
                    Json::stop(id);
                }
            }
            Event::Waiting { goal, text } => {
                let id = self.start(1, BUILD_WAITING, text, None);
                self.waiting.insert(goal, id);
            }
            Event::WaitingEnded { goal } => {
                if let Some(id) = self.waiting.remove(&goal) {
                    Json::stop(id);
                }
            }
            Event::Counts(counts) => self.counts(counts),
            Event::Message { level: loud, text } => self.logger.message(level(loud), text),
            Event::Failure { text } => write(&report::internal_json_plain(text, self.logger.style)),
            Event::HookLine { line } => {
                let text = format!("post-build-hook: {}", String::from_utf8_lossy(line));
                self.logger.message(nivis_eval::host::Level::Error, &text);
            }
            Event::Suspending | Event::Tick => {}
        }
    }

    fn shows_logs(&self) -> bool {
        true
    }
}

impl Drop for Json {
    fn drop(&mut self) {
        let open = self.running.values().chain(self.waiting.values());
        for &id in open.chain([&self.copies, &self.builds, &self.realise]) {
            Json::stop(id);
        }
    }
}
