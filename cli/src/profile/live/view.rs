//! What is on the screen: a list of functions, or one function with its callers and callees.

use super::sources::Sources;
use super::terminal::Key;
use crate::profile::stacks::{common_prefix, frame};
use crate::profile::table::{Order, megabytes, percent, seconds};
use crate::profile::totals::{Sum, neighbours};
use nivis_eval::profile::{Profile, Row};
use std::cmp::Reverse;

/// Rows of source shown above and below where a function starts.
const AROUND: u32 = 3;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const REVERSED: &str = "\x1b[7m";
const PLAIN: &str = "\x1b[0m";

/// What comes of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    Stay,
    Close,
}

/// A function that is looked at, and which of its neighbours is marked.
#[derive(Clone, Copy, Debug)]
struct Detail {
    function: u32,
    marked: usize,
}

/// What is looked at.
pub(super) struct View {
    order: Order,
    marked: usize,
    /// The first row that is shown.
    offset: usize,
    /// How many rows of the list fit.
    page: usize,
    /// The functions that were gone into, the last one on the screen.
    details: Vec<Detail>,
}

impl View {
    pub(super) fn new(order: Order) -> View {
        View {
            order,
            marked: 0,
            offset: 0,
            page: 1,
            details: vec![],
        }
    }

    /// Does what a key asks for.
    pub(super) fn press(&mut self, key: Key, profile: &Profile) -> Outcome {
        match key {
            Key::Char('q') => return Outcome::Close,
            Key::Char('s' | '>') => self.sort(1),
            Key::Char('S' | '<') => self.sort(Order::ALL.len() - 1),
            Key::Char(digit @ '1'..='7') => {
                self.order = Order::ALL[digit as usize - '1' as usize].1;
            }
            Key::Enter | Key::Char('l') => self.go_into(profile),
            Key::Back | Key::Char('h') => {
                self.details.pop();
            }
            _ => self.move_mark(key, profile),
        }
        Outcome::Stay
    }

    fn sort(&mut self, step: usize) {
        let at = Order::ALL.iter().position(|&(_, order)| order == self.order);
        self.order = Order::ALL[(at.unwrap_or(0) + step) % Order::ALL.len()].1;
    }

    fn go_into(&mut self, profile: &Profile) {
        let function = match self.details.last() {
            None => self.sorted(profile).get(self.marked).copied(),
            Some(detail) => {
                let [callers, callees] = self.neighbours(profile, detail.function);
                callers
                    .iter()
                    .chain(&callees)
                    .nth(detail.marked)
                    .map(|&(function, _)| function)
            }
        };
        if let Some(function) = function {
            self.details.push(Detail { function, marked: 0 });
        }
    }

    fn move_mark(&mut self, key: Key, profile: &Profile) {
        let (page, length) = match self.details.last() {
            None => (self.page, profile.rows.len()),
            Some(detail) => {
                let [callers, callees] = self.neighbours(profile, detail.function);
                (self.page, callers.len() + callees.len())
            }
        };
        let marked = match self.details.last_mut() {
            None => &mut self.marked,
            Some(detail) => &mut detail.marked,
        };
        let wanted = match key {
            Key::Up | Key::Char('k') => marked.saturating_sub(1),
            Key::Down | Key::Char('j') => *marked + 1,
            Key::PageUp => marked.saturating_sub(page),
            Key::PageDown => *marked + page,
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => length,
            _ => *marked,
        };
        *marked = wanted.min(length.saturating_sub(1));
    }

    /// The functions in the order of the list.
    fn sorted(&self, profile: &Profile) -> Vec<u32> {
        let mut functions: Vec<u32> = (0..profile.rows.len() as u32).collect();
        functions.sort_by_key(|&function| Reverse(self.order.of(&profile.rows[function as usize])));
        functions
    }

    /// Whether bytes are looked at and not time.
    fn by_bytes(&self) -> bool {
        matches!(self.order, Order::SelfBytes | Order::TotalBytes)
    }

    fn neighbours(&self, profile: &Profile, function: u32) -> [Vec<(u32, Sum)>; 2] {
        let mut neighbours = neighbours(&profile.tree, function);
        for side in &mut neighbours {
            side.sort_by_key(|&(_, sum)| Reverse(if self.by_bytes() { sum.bytes } else { sum.nanos }));
        }
        neighbours
    }

    /// The lines of the screen.
    pub(super) fn draw(
        &mut self,
        profile: &Profile,
        sources: &mut Sources,
        is_done: bool,
        (width, height): (usize, usize),
    ) -> Vec<String> {
        let state = match is_done {
            true => "finished",
            false => "running",
        };
        let mut lines = vec![format!(
            "{BOLD}nivis profile{PLAIN}  {state}  {} s  {} MB  {} functions",
            seconds(profile.nanos),
            megabytes(profile.bytes),
            profile.rows.len()
        )];
        let prefix = common_prefix(profile);
        let room = height.saturating_sub(2);
        let keys = match self.details.last().copied() {
            None => {
                self.list(&mut lines, profile, sources, &prefix, room);
                "↑↓ move  enter callers and callees  s sort  1-7 column  q quit"
            }
            Some(detail) => {
                self.detail(&mut lines, profile, sources, &prefix, detail, room);
                "↑↓ move  enter go there  esc back  s sort  q quit"
            }
        };
        lines.resize(height.saturating_sub(1), String::new());
        lines.push(format!("{DIM}{keys}{PLAIN}"));
        lines.iter().map(|line| cut(line, width)).collect()
    }

    fn list(
        &mut self,
        lines: &mut Vec<String>,
        profile: &Profile,
        sources: &mut Sources,
        prefix: &str,
        room: usize,
    ) {
        lines.push(self.heading());
        self.page = room.saturating_sub(1).max(1);
        self.offset = self
            .offset
            .clamp((self.marked + 1).saturating_sub(self.page), self.marked);
        let functions = self.sorted(profile);
        for (i, &function) in functions.iter().enumerate().skip(self.offset).take(self.page) {
            let row = &profile.rows[function as usize];
            let text = format!("{}  {}", numbers(row, profile), name(row, prefix));
            let source = source_line(row, sources);
            lines.push(match i == self.marked {
                true => format!("{REVERSED}{text}{PLAIN}  {DIM}{source}{PLAIN}"),
                false => format!("{text}  {DIM}{source}{PLAIN}"),
            });
        }
    }

    /// The names of the columns; the one that is sorted by stands out.
    fn heading(&self) -> String {
        let columns = [
            ("self s", 9, Order::SelfTime),
            ("total s", 9, Order::TotalTime),
            ("self MB", 9, Order::SelfBytes),
            ("total MB", 9, Order::TotalBytes),
            ("calls", 9, Order::Calls),
            ("thunks", 9, Order::Thunks),
            ("unforced", 9, Order::NeverForced),
        ];
        let mut heading = format!("{:>7}", "%");
        for (name, width, order) in columns {
            let (on, off) = if order == self.order {
                (REVERSED, PLAIN)
            } else {
                ("", "")
            };
            heading.push_str(&format!(" {:>pad$}{on}{name}{off}", "", pad = width - name.len()));
        }
        heading + "  function"
    }

    fn detail(
        &mut self,
        lines: &mut Vec<String>,
        profile: &Profile,
        sources: &mut Sources,
        prefix: &str,
        detail: Detail,
        room: usize,
    ) {
        let Some(row) = profile.rows.get(detail.function as usize) else {
            return;
        };
        lines.push(self.heading());
        lines.push(format!(
            "{}  {BOLD}{}{PLAIN}",
            numbers(row, profile),
            name(row, prefix)
        ));
        if let Some(place) = &row.function.place {
            for line in place.line.saturating_sub(AROUND).max(1)..=place.line + AROUND {
                let text = sources.line(&place.file, line);
                let (on, off) = if line == place.line {
                    (BOLD, PLAIN)
                } else {
                    (DIM, PLAIN)
                };
                lines.push(format!("{on}{line:>9} | {text}{off}"));
            }
        }
        let [callers, callees] = self.neighbours(profile, detail.function);
        let mut rows = vec![(None, "called or forced by".to_owned())];
        let mut entries = 0;
        for (title, side) in [(None, callers), (Some("calls or forces"), callees)] {
            if let Some(title) = title {
                rows.push((None, title.to_owned()));
            }
            for (function, sum) in side {
                let other = &profile.rows[function as usize];
                let text = format!(
                    "{:>9} s {:>9} MB  {}",
                    seconds(sum.nanos),
                    megabytes(sum.bytes),
                    name(other, prefix)
                );
                let source = source_line(other, sources);
                let text = match entries == detail.marked {
                    true => format!("{REVERSED}{text}{PLAIN}  {DIM}{source}{PLAIN}"),
                    false => format!("{text}  {DIM}{source}{PLAIN}"),
                };
                rows.push((Some(entries), text));
                entries += 1;
            }
        }
        let page = (room + 1).saturating_sub(lines.len()).max(1);
        self.page = page;
        let marked = rows
            .iter()
            .position(|&(entry, _)| entry == Some(detail.marked))
            .unwrap_or(0);
        let first = (marked + 1).saturating_sub(page);
        lines.extend(rows.into_iter().skip(first).take(page).map(|(_, text)| text));
    }
}

fn numbers(row: &Row, profile: &Profile) -> String {
    let cost = &row.cost;
    format!(
        "{:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        percent(cost.self_nanos, profile.nanos),
        seconds(cost.self_nanos),
        seconds(cost.total_nanos),
        megabytes(cost.self_bytes),
        megabytes(cost.total_bytes),
        row.calls,
        row.made,
        row.never_forced
    )
}

fn name(row: &Row, prefix: &str) -> String {
    frame(&row.function, prefix)
}

fn source_line(row: &Row, sources: &mut Sources) -> String {
    match &row.function.place {
        Some(place) => sources.line(&place.file, place.line).trim().to_owned(),
        None => String::new(),
    }
}

/// A line cut to so many columns.
fn cut(line: &str, width: usize) -> String {
    crate::progress::screen::cut(line, width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nivis_eval::profile::{Cost, Described, Kind, Node};
    use std::sync::Arc;

    fn profile() -> Profile {
        let row = |name: &str, nanos, calls| Row {
            function: Arc::new(Described {
                kind: Kind::Function,
                name: Arc::from(name),
                place: None,
            }),
            calls,
            made: 0,
            never_forced: 0,
            cost: Cost {
                self_nanos: nanos,
                ..Cost::default()
            },
        };
        let node = |parent, function| Node {
            parent,
            function,
            nanos: 1_000_000,
            bytes: 0,
        };
        Profile {
            rows: vec![row("top", 1, 0), row("quick", 2, 9), row("slow", 8, 1)],
            tree: vec![node(0, 0), node(0, 2), node(1, 1)],
            nanos: 11,
            ..Profile::default()
        }
    }

    fn screen(view: &mut View) -> String {
        view.draw(&profile(), &mut Sources::default(), true, (160, 20))
            .join("\n")
    }

    #[test]
    fn lists_are_sorted_as_asked() {
        let mut view = View::new(Order::SelfTime);
        let before = |view: &mut View| {
            let text = screen(view);
            text.find("slow") < text.find("quick")
        };
        assert!(before(&mut view));
        view.press(Key::Char('5'), &profile());
        assert!(!before(&mut view));
    }

    #[test]
    fn functions_lead_to_their_callers_and_callees() {
        let mut view = View::new(Order::SelfTime);
        view.press(Key::Enter, &profile());
        let text = screen(&mut view);
        assert!(
            text.contains("called or forced by") && text.contains("quick"),
            "{text}"
        );
        view.press(Key::Down, &profile());
        view.press(Key::Enter, &profile());
        assert_eq!(view.details.last().map(|detail| detail.function), Some(1));
        view.press(Key::Back, &profile());
        view.press(Key::Back, &profile());
        assert!(view.details.is_empty());
        assert_eq!(view.press(Key::Char('q'), &profile()), Outcome::Close);
    }
}
