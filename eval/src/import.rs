//! From source text to a value: parsing, lowering, and the memo of imported files.

use crate::attrs::Attrs;
use crate::code::ThunkCode;
use crate::error::{Error, Kind, Result};
use crate::evaluator::Evaluator;
use crate::host::{CodeCache, FileType, Level, hash_contents};
use crate::image::Writer;
use crate::lower::Unit;
use crate::path::parent;
use crate::undefined::{self, Undefined};
use crate::value::{Slot, Value};
use bumpalo::Bump;
use nivis_lang::ast::{Expr, ExprKind, ExprRef};
use nivis_lang::position::{Origin, Pos};
use nivis_lang::symbol::Symbol;
use nivis_lang::{ParseOptions, Parsed, SyntaxError, Warning};
use nivis_store::path::StorePath;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Room of this many bytes is kept from one file to the next. A few files need much more.
pub(crate) const KEPT_ROOM: usize = 1 << 20;

/// For code that no host keeps.
const NOT_KEPT: Option<fn(Vec<u8>)> = None;

/// A path of a file or directory, kept once for all that remember it: nixpkgs has 15,000 of each.
pub(crate) type SharedPath = Arc<[u8]>;

/// What was seen of the file system.
#[derive(Default)]
pub(crate) struct Files {
    /// Values of files by resolved path.
    values: RefCell<FxHashMap<SharedPath, Slot>>,
    /// Resolved paths of imports.
    imports: RefCell<FxHashMap<SharedPath, SharedPath>>,
    /// Directories on the way to files, by paths without symlinks.
    pub(crate) directories: RefCell<FxHashSet<SharedPath>>,
    /// Other paths of directories with their symlinks resolved.
    pub(crate) resolved: RefCell<FxHashMap<Vec<u8>, Vec<u8>>>,
    /// The last other component that was looked at, and its type.
    pub(crate) last_component: RefCell<Option<(Vec<u8>, FileType)>>,
    /// Store paths of copied sources.
    pub(crate) copied: RefCell<FxHashMap<&'static [u8], StorePath>>,
    /// Where the elements of the search path lie, if anywhere.
    pub(crate) search_path: RefCell<FxHashMap<Vec<u8>, Option<Vec<u8>>>>,
    /// What `restrict-eval` and `pure-eval` allow.
    pub(crate) allowed: RefCell<BTreeSet<Vec<u8>>>,
    /// Arena for ASTs, reused from file to file.
    arena: RefCell<Bump>,
    /// Room to write images in.
    pub(crate) writer: RefCell<Writer>,
}

impl Files {
    /// The values of the files evaluated so far.
    pub(crate) fn values(&self) -> Vec<Slot> {
        self.values.borrow().values().copied().collect()
    }

    /// A path to be remembered.
    pub(crate) fn shared(&self, path: &[u8]) -> SharedPath {
        match self.directories.borrow().get(path) {
            Some(known) => known.clone(),
            None => SharedPath::from(path),
        }
    }
}

impl Evaluator {
    /// The value of a file, evaluated once. `path` may be a directory or a symlink.
    pub fn import(&self, path: &[u8]) -> Result<Value> {
        let known = self.files.imports.borrow().get(path).cloned();
        let resolved = match known {
            Some(resolved) => resolved,
            None => {
                let resolved = SharedPath::from(self.resolve_import(path)?);
                let path = match *resolved == *path {
                    true => resolved.clone(),
                    false => self.files.shared(path),
                };
                self.files.imports.borrow_mut().insert(path, resolved.clone());
                resolved
            }
        };
        let known = self.files.values.borrow().get(&*resolved).copied();
        let slot = match known {
            Some(slot) => slot,
            None => {
                self.host.message(
                    Level::Talkative,
                    &format!("evaluating file '{}'", lossy(&resolved)),
                );
                let code = self.load_file(&resolved, &[])?;
                let (slot, _) = self.heap.thunk(code);
                self.made_thunk_of_file(code.function);
                self.files.values.borrow_mut().insert(resolved.clone(), slot);
                slot
            }
        };
        self.force(slot, Pos::NONE).map_err(|error| {
            error.frame(
                Pos::NONE,
                format!("while evaluating the file '{}':", lossy(&resolved)),
            )
        })
    }

    /// The value of a file with additional names in its base scope; evaluated anew each time.
    pub fn import_with_scope(&self, path: &[u8], scope: &[(Symbol, Slot)]) -> Result<Value> {
        let resolved = SharedPath::from(self.resolve_import(path)?);
        let names: Vec<Symbol> = scope.iter().map(|&(name, _)| name).collect();
        self.host
            .message(Level::Talkative, &format!("evaluating file '{}'", lossy(path)));
        let code = self.load_file(&resolved, &names)?;
        self.run_code(code, scope)
    }

    /// The code of a file. If the host keeps it, and knows the file, the file is not even read.
    fn load_file(&self, path: &SharedPath, scope: &[Symbol]) -> Result<&'static ThunkCode> {
        let (origin, base_dir) = (Origin::File(path.clone()), parent(path));
        let Some(cache) = self.code_cache(&origin, scope) else {
            return self.load(&self.read_file(path)?, origin, base_dir, scope);
        };
        let file = self.hashed_file(path)?;
        let key = self.code_key(&file.hash);
        if let Some(code) = self.find_code(cache, &key, file.length, &origin, base_dir) {
            return code;
        }
        match file.contents {
            Some(source) => self.make_code(cache, &key, &source, origin, base_dir),
            // It may have changed since it was hashed.
            None => self.load(&self.read_file(path)?, origin, base_dir, scope),
        }
    }

    /// The code of a source. That of a file is kept if the host keeps code.
    fn load(
        &self,
        source: &[u8],
        origin: Origin,
        base_dir: &[u8],
        scope: &[Symbol],
    ) -> Result<&'static ThunkCode> {
        let Some(cache) = self.code_cache(&origin, scope) else {
            let start = self.add_source(origin, source.len());
            return self.parse_and_lower(source, start, base_dir, scope, NOT_KEPT);
        };
        let key = self.code_key(&hash_contents(source));
        match self.find_code(cache, &key, source.len(), &origin, base_dir) {
            Some(code) => code,
            None => self.make_code(cache, &key, source, origin, base_dir),
        }
    }

    /// Where code is kept, if that of such a source can be.
    fn code_cache(&self, origin: &Origin, scope: &[Symbol]) -> Option<&dyn CodeCache> {
        match (origin, scope) {
            (Origin::File(_), []) => self.host.code_cache(),
            _ => None,
        }
    }

    /// The code of a source of `length` bytes that was kept under a key.
    fn find_code(
        &self,
        cache: &dyn CodeCache,
        key: &[u8; 32],
        length: usize,
        origin: &Origin,
        base_dir: &[u8],
    ) -> Option<Result<&'static ThunkCode>> {
        let kept = cache.find(key)?;
        let start = self.add_source(origin.clone(), length);
        match start.is_some() {
            true => self.add_saved_image(&kept, start, base_dir),
            false => None,
        }
    }

    /// Makes code of a source, and keeps it under a key.
    fn make_code(
        &self,
        cache: &dyn CodeCache,
        key: &[u8; 32],
        source: &[u8],
        origin: Origin,
        base_dir: &[u8],
    ) -> Result<&'static ThunkCode> {
        let start = self.add_source(origin, source.len());
        let keep = |code| cache.keep(key, code);
        self.parse_and_lower(source, start, base_dir, &[], start.is_some().then_some(keep))
    }

    /// Registers a source of so many bytes; returns the position of its first byte.
    fn add_source(&self, origin: Origin, length: usize) -> Pos {
        Pos(self.sources.borrow_mut().add(origin, length))
    }

    /// Parses and evaluates text given on the command line or by standard input.
    pub fn eval_text(&self, source: &[u8], origin: Origin, base_dir: &[u8]) -> Result<Value> {
        self.eval_in_scope(source, origin, base_dir, &[])
    }

    /// Evaluates text that sees these variables, which hide those of the base scope.
    pub fn eval_in_scope(
        &self,
        source: &[u8],
        origin: Origin,
        base_dir: &[u8],
        scope: &[(Symbol, Slot)],
    ) -> Result<Value> {
        let names: Vec<Symbol> = scope.iter().map(|&(name, _)| name).collect();
        let code = self.load(source, origin, base_dir, &names)?;
        self.run_code(code, scope)
    }

    /// What bindings without braces define, as the REPL accepts them: `x = 1; inherit (y) z;`. They see these variables,
    /// but not each other. Nothing is evaluated but names that are computed.
    pub fn bindings_in_scope(
        &self,
        source: &[u8],
        origin: Origin,
        base_dir: &[u8],
        scope: &[(Symbol, Slot)],
    ) -> Result<&'static Attrs> {
        let arena = Bump::new();
        let start = self.add_source(origin, source.len());
        let options = self.parse_options(start, base_dir);
        let parsed = nivis_lang::parse_bindings(source, &options, &mut self.symbols.borrow_mut(), &arena);
        let set = arena.alloc(Expr {
            pos: Pos::NONE,
            kind: ExprKind::Attrs {
                recursive: false,
                bindings: self.report_parsed(parsed)?.ast,
            },
        });
        let names: Vec<Symbol> = scope.iter().map(|&(name, _)| name).collect();
        let unit = Unit {
            expr: set,
            start,
            directory: base_dir,
            scope: &names,
        };
        let value = self.run_code(self.lower(&unit, NOT_KEPT)?, scope)?;
        self.expect_attrs(value.slot(), Pos::NONE, "while evaluating bindings")
    }

    /// Forgets what was seen of files, so that they are read again.
    pub fn forget_files(&self) {
        let files = &self.files;
        files.values.borrow_mut().clear();
        files.imports.borrow_mut().clear();
        files.resolved.borrow_mut().clear();
        files.directories.borrow_mut().clear();
        files.last_component.take();
        files.copied.borrow_mut().clear();
        files.search_path.borrow_mut().clear();
    }

    /// Parses text and makes a thunk of it.
    pub fn delay_text(&self, source: &[u8], origin: Origin, base_dir: &[u8]) -> Result<Slot> {
        let code = self.load(source, origin, base_dir, &[])?;
        Ok(self.heap.thunk(code).0)
    }

    /// The tree of a text or file as `nix-instantiate --parse` prints it.
    pub fn show_parsed(&self, source: &[u8], origin: Origin, base_dir: &[u8]) -> Result<Vec<u8>> {
        let arena = Bump::new();
        let start = self.add_source(origin, source.len());
        let ast = self.parse(source, start, base_dir, &arena)?.ast;
        let checked = undefined::check(ast, &self.base_scope.borrow());
        checked.map_err(|Undefined(name, pos)| self.undefined_variable(name, pos))?;
        Ok(nivis_lang::show::show(ast, &self.symbols.borrow()))
    }

    fn run_code(&self, code: &'static ThunkCode, scope: &[(Symbol, Slot)]) -> Result<Value> {
        let (slot, captures) = self.heap.thunk(code);
        self.made_thunk_of_file(code.function);
        for (i, source) in code.captures.iter().enumerate() {
            // At the top, captures come from the locals that the scope's names were given.
            let local = source.as_captured().unwrap_or_else(|local| local);
            captures.set(i, scope.get(local as usize).map_or(Slot::NULL, |&(_, slot)| slot));
        }
        self.force(slot, Pos::NONE)
    }

    /// Parses and lowers a source. `keep` is given its code, if there is nothing to tell of whenever it is loaded.
    fn parse_and_lower(
        &self,
        source: &[u8],
        start: Pos,
        base_dir: &[u8],
        scope: &[Symbol],
        keep: Option<impl FnOnce(Vec<u8>)>,
    ) -> Result<&'static ThunkCode> {
        // Parsing does not nest, but an error on the way must not leave the arena borrowed.
        let mut arena = self.files.arena.take();
        let code = self.parse(source, start, base_dir, &arena).and_then(|parsed| {
            let unit = Unit {
                expr: parsed.ast,
                start,
                directory: base_dir,
                scope,
            };
            self.lower(&unit, keep.filter(|_| parsed.warnings.is_empty()))
        });
        match arena.allocated_bytes() > KEPT_ROOM {
            true => arena = Bump::new(),
            false => arena.reset(),
        }
        self.files.arena.replace(arena);
        code
    }

    fn parse<'a>(
        &self,
        source: &'a [u8],
        start: Pos,
        base_dir: &[u8],
        arena: &'a Bump,
    ) -> Result<Parsed<ExprRef<'a>>> {
        let options = self.parse_options(start, base_dir);
        let parsed = nivis_lang::parse(source, &options, &mut self.symbols.borrow_mut(), arena);
        self.report_parsed(parsed)
    }

    fn parse_options<'o>(&'o self, start: Pos, base_dir: &'o [u8]) -> ParseOptions<'o> {
        let mut options = ParseOptions::new(start.0, base_dir);
        options.home = self.settings.home.as_deref().filter(|_| !self.settings.pure_eval);
        options.pipe_operators = self.settings.has_feature("pipe-operators");
        options.url_literals = self.settings.url_literals;
        options.short_path_literals = self.settings.short_path_literals;
        options.absolute_path_literals = self.settings.absolute_path_literals;
        options
    }

    /// Tells of warnings, and makes an error of a syntax error.
    fn report_parsed<T>(&self, parsed: std::result::Result<Parsed<T>, SyntaxError>) -> Result<Parsed<T>> {
        let parsed = parsed.map_err(|error| {
            let mut message = error.message;
            if let Some(previous) = error.previous {
                message.push_str(" at ");
                message.push_str(&self.show_position(previous));
            }
            let mut failure = Error::new(Kind::Syntax, message).at(error.pos);
            failure.details_mut().hints = error.hints;
            failure
        })?;
        for warning in &parsed.warnings {
            let mut text = warning.message(&self.show_position(warning.pos()));
            if let (Warning::Lint { .. }, Some(place)) = (warning, self.place(warning.pos())) {
                text.push('\n');
                text.push_str(&place.to_string());
            }
            self.host.message(Level::Warning, &text);
        }
        Ok(parsed)
    }
}

fn lossy(path: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(path)
}
