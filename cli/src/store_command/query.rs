//! `nix-store --query`: asks the database.

mod graph;

use super::{Call, Operation, OperationFlag, PLAIN, realise};
use crate::args::{Arg, lossy};
use crate::failure::{Failure, Result};
use nivis_store::closure::Direction;
use nivis_store::hash::HashFormat;
use nivis_store::path::StorePath;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Outputs,
    Requisites,
    References,
    Referrers,
    ReferrersClosure,
    Deriver,
    ValidDerivers,
    Binding,
    Hash,
    Size,
    Tree,
    Graph,
    GraphMl,
    Resolve,
    Roots,
}

const KINDS: &[(&str, Kind)] = &[
    ("--outputs", Kind::Outputs),
    ("--requisites", Kind::Requisites),
    ("--references", Kind::References),
    ("--referrers", Kind::Referrers),
    ("--referrers-closure", Kind::ReferrersClosure),
    ("--deriver", Kind::Deriver),
    ("--valid-derivers", Kind::ValidDerivers),
    ("--binding", Kind::Binding),
    ("--hash", Kind::Hash),
    ("--size", Kind::Size),
    ("--tree", Kind::Tree),
    ("--graph", Kind::Graph),
    ("--graphml", Kind::GraphMl),
    ("--resolve", Kind::Resolve),
    ("--roots", Kind::Roots),
];

macro_rules! flags {
    ($([$($name:literal),+] $help:literal)*) => {
        &[$(OperationFlag { names: &[$($name),+], value: "", help: $help }),*]
    };
}

pub(super) static QUERY: Operation = Operation {
    names: &["--query", "-q"],
    arguments: "PATH…",
    help: "Ask what is known of paths; by default the outputs of derivations.",
    flags: flags!(
        ["--outputs"] "The outputs of derivations."
        ["--requisites", "-R"] "The paths and all that they need, each after what it needs."
        ["--references"] "What the paths refer to."
        ["--referrers", "--referers"] "What refers to the paths."
        ["--referrers-closure", "--referers-closure"] "The paths and all that need them."
        ["--deriver", "-d"] "The derivations that the paths were built from."
        ["--valid-derivers"] "The derivations in the store that have the paths for outputs."
        ["--binding", "-b"] "The value that the variable named first has in the derivations."
        ["--hash"] "The sha256 of the paths' archives."
        ["--size"] "The sizes of the paths' archives in bytes."
        ["--tree"] "What the paths need, as a tree."
        ["--graph"] "What the paths need, as a graph for dot."
        ["--graphml"] "What the paths need, as a graph in GraphML."
        ["--resolve"] "The paths that symlinks point to."
        ["--roots"] "The roots that keep the paths from being collected."
        ["--json"] "Print a JSON list of paths, or a set of what is asked for each of them."
        ["--include-outputs"] "With --requisites: also the valid outputs of derivations."
        ["--use-output", "-u"] "Ask about the outputs of derivations instead of the derivations."
        ["--force-realise", "--force-realize", "-f"] "Realise the paths first."
    ),
    run,
    ..PLAIN
};

/// How arguments become paths.
struct Query<'q, 'c> {
    call: &'q mut Call<'c>,
    use_output: bool,
    force_realise: bool,
    /// With `--json`: what is to be printed.
    json: Option<Value>,
}

fn run(call: &mut Call) -> Result<()> {
    let mut kind = None;
    let mut binding = None;
    let mut args = std::mem::take(&mut call.args).into_iter();
    for &(flag, _) in &call.flags {
        let Some(&(_, found)) = KINDS.iter().find(|(name, _)| *name == flag) else {
            continue;
        };
        if found == Kind::Binding {
            let name = args.next();
            binding = Some(name.ok_or_else(|| Failure::Usage("expected binding name".to_owned()))?);
        }
        if kind.replace(found).is_some_and(|earlier| earlier != found) {
            return Err(Failure::Usage(format!(
                "query type '{flag}' conflicts with earlier flag"
            )));
        }
    }
    let args: Vec<Arg> = args.collect();
    let kind = kind.unwrap_or(Kind::Outputs);
    let mut query = Query {
        use_output: call.has("--use-output"),
        force_realise: call.has("--force-realise"),
        json: match call.has("--json") {
            true => Some(kind.empty_json()?),
            false => None,
        },
        call,
    };
    query.answer(kind, &binding.unwrap_or_default(), &args)?;
    match query.json {
        Some(json) => Ok(writeln!(query.call.out, "{json}")?),
        None => Ok(()),
    }
}

impl Kind {
    /// What `--json` prints of no paths.
    fn empty_json(self) -> Result<Value> {
        match self {
            Kind::Tree | Kind::Graph | Kind::GraphMl => {
                let message = "--json cannot be combined with --tree, --graph or --graphml";
                Err(Failure::Usage(message.to_owned()))
            }
            Kind::Deriver | Kind::Binding | Kind::Hash | Kind::Size | Kind::Roots => Ok(json!({})),
            _ => Ok(json!([])),
        }
    }
}

impl Query<'_, '_> {
    fn answer(&mut self, kind: Kind, binding: &[u8], args: &[Arg]) -> Result<()> {
        match kind {
            Kind::Outputs => self.outputs(args),
            Kind::Requisites | Kind::References | Kind::Referrers | Kind::ReferrersClosure => {
                let paths = self.related(kind, args)?;
                self.print_sorted(&paths)
            }
            Kind::Deriver => self.derivers(args),
            Kind::ValidDerivers => {
                let mut paths = BTreeSet::new();
                for path in self.call.session.objects(args)? {
                    paths.append(&mut self.call.session.store.query_valid_derivers(&path)?);
                }
                self.print_sorted(&paths)
            }
            Kind::Binding => self.bindings(binding, args),
            Kind::Hash | Kind::Size => self.hash_or_size(kind, args),
            Kind::Tree => {
                let roots = self.call.session.objects(args)?;
                graph::tree(self.call, &roots)
            }
            Kind::Graph => {
                let roots = self.all(args)?;
                graph::dot(self.call, roots)
            }
            Kind::GraphMl => {
                let roots = self.all(args)?;
                graph::graphml(self.call, roots)
            }
            Kind::Roots => {
                let paths = self.all(args)?;
                let roots = self.call.session.store.query_roots(&paths)?;
                for (path, links) in roots {
                    self.print_roots(&path, links.iter().map(|link| link.as_ref()))?;
                }
                Ok(())
            }
            Kind::Resolve => {
                for arg in args {
                    let path = self.call.session.object(arg)?;
                    self.print(&path)?;
                }
                Ok(())
            }
        }
    }

    fn print(&mut self, path: &StorePath) -> Result<()> {
        let printed = self.call.session.print(path);
        match &mut self.json {
            Some(Value::Array(list)) => list.push(printed.into()),
            _ => writeln!(self.call.out, "{printed}")?,
        }
        Ok(())
    }

    /// Prints what is known of a path: as text, or as JSON.
    fn print_of(&mut self, path: &StorePath, text: &[u8], value: Value) -> Result<()> {
        match &mut self.json {
            Some(json) => json[self.call.session.print(path)] = value,
            None => {
                self.call.out.write_all(text)?;
                self.call.out.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    fn print_roots<'l>(&mut self, path: &StorePath, links: impl Iterator<Item = &'l [u8]>) -> Result<()> {
        let printed = self.call.session.print(path);
        if let Some(json) = &mut self.json {
            json[printed] = links.map(lossy).collect();
            return Ok(());
        }
        for link in links {
            self.call.out.write_all(link)?;
            writeln!(self.call.out, " -> {printed}")?;
        }
        Ok(())
    }

    /// Each path after what it refers to.
    fn print_sorted(&mut self, paths: &BTreeSet<StorePath>) -> Result<()> {
        let sorted = self.call.session.store.topo_sort_paths(paths)?;
        sorted.iter().rev().try_for_each(|path| self.print(path))
    }

    /// What an argument stands for: itself, or the outputs of a derivation.
    fn resolve(&self, arg: &[u8], use_output: bool) -> Result<BTreeSet<StorePath>> {
        let session = self.call.session;
        let path = session.object(arg)?;
        if self.force_realise {
            realise::realise(self.call, std::slice::from_ref(&path))?;
        }
        if !use_output || !path.is_derivation() {
            return Ok([path].into());
        }
        if self.force_realise {
            let outputs = session.store.query_derivation_outputs(&path)?;
            return Ok(outputs.into_iter().map(|(_, output)| output).collect());
        }
        let derivation = session.derivation(&path)?;
        let mut outputs = BTreeSet::new();
        for name in derivation.outputs.keys() {
            let output = derivation
                .output_path(session.store.store_dir(), name)
                .map_err(|error| Failure::Plain(error.to_string()))?;
            outputs.insert(output.ok_or_else(|| {
                Failure::Usage(
                    "Cannot use output path of floating content-addressing derivation until we know what it is \
                     (e.g. by building it)"
                        .to_owned(),
                )
            })?);
        }
        Ok(outputs)
    }

    fn all(&self, args: &[Arg]) -> Result<BTreeSet<StorePath>> {
        let mut paths = BTreeSet::new();
        for arg in args {
            paths.append(&mut self.resolve(arg, self.use_output)?);
        }
        Ok(paths)
    }

    fn outputs(&mut self, args: &[Arg]) -> Result<()> {
        for arg in args {
            for output in self.resolve(arg, true)? {
                self.print(&output)?;
            }
        }
        Ok(())
    }

    fn related(&self, kind: Kind, args: &[Arg]) -> Result<BTreeSet<StorePath>> {
        let store = &self.call.session.store;
        let paths = self.all(args)?;
        let mut related = BTreeSet::new();
        match kind {
            Kind::Requisites => {
                let direction = Direction::References {
                    outputs: self.call.has("--include-outputs"),
                    derivers: false,
                };
                related = store.closure(paths, direction)?;
            }
            Kind::ReferrersClosure => {
                let direction = Direction::Referrers {
                    derivers: false,
                    outputs: false,
                };
                related = store.closure(paths, direction)?;
            }
            _ => {
                for path in paths {
                    related.append(&mut match kind {
                        Kind::References => store.query_references(&path)?,
                        _ => store.query_referrers(&path)?,
                    });
                }
            }
        }
        Ok(related)
    }

    fn derivers(&mut self, args: &[Arg]) -> Result<()> {
        for arg in args {
            let session = self.call.session;
            let path = session.object(arg)?;
            let deriver = session.store.query_path_info(&path)?.deriver;
            let deriver = deriver.map(|deriver| session.print(&deriver));
            let text = deriver.as_deref().unwrap_or("unknown-deriver");
            self.print_of(&path, text.as_bytes(), json!(deriver))?;
        }
        Ok(())
    }

    fn bindings(&mut self, binding: &[u8], args: &[Arg]) -> Result<()> {
        for arg in args {
            let session = self.call.session;
            let mut path = session.object(arg)?;
            if !path.is_derivation() {
                let info = session.store.query_path_info(&path)?;
                path = info.deriver.ok_or_else(|| {
                    Failure::Plain(format!("deriver of path '{}' is not known", session.print(&path)))
                })?;
            }
            let derivation = session.derivation(&path)?;
            let value = derivation.env.get(binding).ok_or_else(|| {
                Failure::Plain(format!(
                    "derivation '{}' has no environment binding named '{}'",
                    session.print(&path),
                    lossy(binding)
                ))
            })?;
            self.print_of(&path, value, json!(lossy(value)))?;
        }
        Ok(())
    }

    fn hash_or_size(&mut self, kind: Kind, args: &[Arg]) -> Result<()> {
        for arg in args {
            for path in self.resolve(arg, self.use_output)? {
                let info = self.call.session.store.query_path_info(&path)?;
                let (text, value) = match kind {
                    Kind::Hash => {
                        let hash = info.nar_hash.to_prefixed(HashFormat::Nix32);
                        (hash.clone(), json!(hash))
                    }
                    _ => (info.nar_size.to_string(), json!(info.nar_size)),
                };
                self.print_of(&path, text.as_bytes(), value)?;
            }
        }
        Ok(())
    }
}
