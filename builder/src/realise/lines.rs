//! What builders write: lines of their logs, and messages to whoever watches, `@nix` and JSON.

use serde_json::Value;

use crate::events::{Event, Level, Observer};
use crate::schedule::GoalId;

/// What a message starts with.
const MESSAGE: &[u8] = b"@nix ";

/// Passes on what a builder wrote.
pub(super) fn take(goal: GoalId, line: &[u8], observer: &mut dyn Observer) {
    let Some(json) = line.strip_prefix(MESSAGE) else {
        return observer.event(Event::Line { goal, line });
    };
    match serde_json::from_slice::<Value>(json) {
        Ok(message) => take_message(goal, &message, observer),
        Err(error) => {
            let text = format!("bad JSON log message from the derivation builder: {error}");
            observer.event(Event::Message {
                level: Level::Error,
                text: &text,
            });
            observer.event(Event::Line { goal, line });
        }
    }
}

/// Builders may tell of their phase and send messages. Other things that only trusted programs may say are ignored.
fn take_message(goal: GoalId, message: &Value, observer: &mut dyn Observer) {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    match text("action") {
        Some("setPhase") => {
            if let Some(phase) = text("phase") {
                observer.event(Event::Phase { goal, phase });
            }
        }
        Some("msg") => {
            if let Some(text) = text("msg") {
                let level = match message.get("level").and_then(Value::as_u64) {
                    Some(0) => Level::Error,
                    Some(1) => Level::Warning,
                    Some(2 | 3) => Level::Info,
                    _ => Level::Talkative,
                };
                observer.event(Event::Message { level, text });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Options, Outputs, Scheduler, Target};
    use nivis_store::path::{StoreDir, StorePath};

    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Observer for Seen {
        fn event(&mut self, event: Event<'_>) {
            self.0.push(match event {
                Event::Line { line, .. } => String::from_utf8_lossy(line).into_owned(),
                Event::Phase { phase, .. } => format!("phase {phase}"),
                Event::Message { level, text } => format!("{level:?} {text}"),
                other => format!("{other:?}"),
            });
        }

        fn shows_logs(&self) -> bool {
            true
        }
    }

    #[test]
    fn messages_are_told_from_lines() {
        let drv = StorePath::from_base_name("00000000000000000000000000000000-a.drv").unwrap();
        let mut scheduler = Scheduler::new(StoreDir::default(), Options::default());
        let goal = scheduler
            .add(Target::Outputs {
                drv,
                outputs: Outputs::All,
            })
            .unwrap();
        let mut seen = Seen::default();
        for line in [
            &b"a line"[..],
            br#"@nix {"action":"setPhase","phase":"buildPhase"}"#,
            br#"@nix {"action":"msg","level":1,"msg":"careful"}"#,
            br#"@nix {"action":"start","id":1,"type":105}"#,
            b"@nix [1",
        ] {
            take(goal, line, &mut seen);
        }
        assert_eq!(seen.0[..3], ["a line", "phase buildPhase", "Warning careful"]);
        assert!(seen.0[3].starts_with("Error bad JSON log message from the derivation builder: "));
        assert_eq!(seen.0[4..], ["@nix [1"]);
    }
}
