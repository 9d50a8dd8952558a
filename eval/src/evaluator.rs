//! The evaluator's state, and the operations on it that everybody uses.

use crate::attrs::{Attrs, Entry};
use crate::context::{ContextBuilder, Contexts};
use crate::derivations::Derivations;
use crate::error::{Error, Kind, Result, ResultExt};
use crate::heap::Heap;
use crate::host::Host;
use crate::image::Image;
use crate::import::Files;
use crate::names::NameCache;
use crate::primop::Primop;
use crate::profile::Watch;
use crate::settings::Settings;
use crate::stack::Stack;
use crate::value::{Slot, Type, Value};
use bumpalo::Bump;
use nivis_lang::position::{Location, Origin, Pos, SourceMap};
use nivis_lang::show::write_identifier;
use nivis_lang::symbol::{Symbol, Symbols};
use rustc_hash::FxHashMap;
use std::cell::{Cell, OnceCell, RefCell};

/// Counts one more.
#[inline(always)]
pub(crate) fn count(counter: &Cell<u64>) {
    counter.set(counter.get().wrapping_add(1));
}

/// What was counted, for `NIX_SHOW_STATS`.
#[derive(Default)]
pub struct Stats {
    /// Lazy positions that needed no cell.
    pub avoided: Cell<u64>,
    /// Attribute selections.
    pub lookups: Cell<u64>,
    /// Operands of `//` operations.
    pub updates: Cell<u64>,
    /// Calls of primops.
    pub primop_calls: Cell<u64>,
    /// Calls of lambdas.
    pub function_calls: Cell<u64>,
    /// Values looked at while comparing, writing or forcing large structures.
    pub steps: Cell<u64>,
    /// `++` operations.
    pub list_concats: Cell<u64>,
    /// Nodes of code.
    pub expressions: Cell<u64>,
}

macro_rules! names {
    ($($field:ident = $text:literal),* $(,)?) => {
        /// Symbols that the evaluator itself looks for, interned first and in the reference's order.
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs, reason = "each field is the attribute of that name")]
        pub struct Names { $(pub $field: Symbol),* }

        impl Names {
            fn new(symbols: &mut Symbols) -> Names {
                $(let $field = symbols.intern($text.as_bytes());)*
                Names { $($field),* }
            }
        }
    };
}

names! {
    with = "<with>", out_path = "outPath", drv_path = "drvPath", type_ = "type", meta = "meta", name = "name",
    value = "value", system = "system", overrides = "__overrides", outputs = "outputs",
    output_name = "outputName", ignore_nulls = "__ignoreNulls", file = "file", line = "line", column = "column",
    functor = "__functor", to_string = "__toString", right = "right", wrong = "wrong",
    structured_attrs = "__structuredAttrs", json = "__json", allowed_references = "allowedReferences",
    allowed_requisites = "allowedRequisites", disallowed_references = "disallowedReferences",
    disallowed_requisites = "disallowedRequisites", max_size = "maxSize", max_closure_size = "maxClosureSize",
    builder = "builder", args = "args", content_addressed = "__contentAddressed", impure = "__impure",
    output_hash = "outputHash", output_hash_algo = "outputHashAlgo", output_hash_mode = "outputHashMode",
    recurse_for_derivations = "recurseForDerivations", description = "description", self_ = "self",
    epsilon = "", start_set = "startSet", operator = "operator", key = "key", path = "path",
    prefix = "prefix", output_specified = "outputSpecified", sub = "__sub", less_than = "__lessThan",
    mul = "__mul", div = "__div", or = "or", find_file = "__findFile", nix_path = "__nixPath", body = "body",
}

/// An evaluator: one heap, one set of tables, one door to the outside. Not shared between threads.
pub struct Evaluator {
    /// Where values live.
    pub heap: &'static Heap,
    /// String contexts.
    pub contexts: Contexts,
    /// Well-known symbols.
    pub names: Names,
    /// The outside.
    pub host: Box<dyn Host>,
    /// Settings that language and primops depend on.
    pub settings: Settings,
    /// Counters.
    pub stats: Stats,
    /// Who watches what is run.
    pub watch: Watch,
    pub(crate) symbols: RefCell<Symbols>,
    /// The string value of each symbol, made when first asked for.
    symbol_values: RefCell<Vec<Option<Value>>>,
    pub(crate) known_names: NameCache,
    pub(crate) sources: RefCell<SourceMap>,
    pub(crate) stack: Stack,
    pub(crate) depth: Cell<u32>,
    /// Where lowered code lives.
    pub(crate) code: &'static Bump,
    /// Where it is read from.
    pub(crate) images: RefCell<Vec<&'static Image>>,
    /// What the code of a file depends on, apart from its text.
    pub(crate) code_surroundings: OnceCell<[u8; 32]>,
    pub(crate) base_scope: RefCell<FxHashMap<Symbol, Slot>>,
    builtins: Cell<Value>,
    /// Values that others hold on to.
    kept: RefCell<Vec<Slot>>,
    pub(crate) files: Files,
    /// The derivations computed so far.
    pub derivations: Derivations,
    /// The last position of sources that are part of the program (`derivation`).
    internal_end: Cell<Pos>,
}

/// A NixOS system has 76,000 names, `hello` 33,000.
const EXPECTED_NAMES: usize = 60_000;

impl Evaluator {
    /// An evaluator with an empty base scope. Call [`Evaluator::run`] to use it with enough native stack.
    pub fn new(host: Box<dyn Host>, settings: Settings) -> Evaluator {
        let mut symbols = Symbols::with_capacity(EXPECTED_NAMES);
        let names = Names::new(&mut symbols);
        let heap: &'static Heap = Box::leak(Box::new(Heap::new()));
        heap.collect_from.set(settings.initial_heap_size);
        let builtins = heap.attrs(&mut []);
        let watch = Watch::default();
        if settings.count_calls {
            watch.count();
        }
        Evaluator {
            heap,
            contexts: Contexts::new(),
            names,
            host,
            settings,
            stats: Stats::default(),
            watch,
            symbols: RefCell::new(symbols),
            symbol_values: RefCell::default(),
            known_names: NameCache::default(),
            sources: RefCell::new(SourceMap::new()),
            stack: Stack::new(),
            depth: Cell::new(0),
            code: Box::leak(Box::new(Bump::new())),
            images: RefCell::default(),
            code_surroundings: OnceCell::new(),
            base_scope: RefCell::default(),
            builtins: Cell::new(builtins),
            kept: RefCell::default(),
            files: Files::default(),
            derivations: Derivations::default(),
            internal_end: Cell::new(Pos::NONE),
        }
    }

    /// Tells the evaluator how many bytes of native stack it may use from here on. Beyond, evaluation ends in an
    /// error instead of a crash. The command line runs evaluation on a thread with a large stack.
    pub fn set_native_stack(&self, bytes: usize) {
        self.stack.set_native_size(bytes);
    }

    /// Defines the base scope: global names, and the set `builtins`. `derivation` is the source of the wrapper of
    /// that name.
    pub fn define_base_scope(&self, global: Vec<(String, Slot)>, builtins: Vec<(String, Slot)>) {
        let mut scope = self.base_scope.borrow_mut();
        for (name, slot) in global {
            scope.insert(self.intern(name.as_bytes()), slot);
        }
        // `builtins.builtins` is the set itself: a cell that is finished once the set exists.
        let own = self.intern(b"builtins");
        let mut entries: Vec<Entry> = builtins
            .into_iter()
            .map(|(name, slot)| Entry {
                name: self.intern(name.as_bytes()),
                slot,
                pos: Pos::NONE,
            })
            .collect();
        let cell = self.heap.pending();
        entries.push(Entry {
            name: own,
            slot: cell,
            pos: Pos::NONE,
        });
        let set = self.heap.attrs(&mut entries);
        if let Some(cell) = cell.as_cell() {
            cell.finish(set);
        }
        scope.insert(own, set.slot());
        self.builtins.set(set);
        // Code that was lowered before the scope is defined again goes on with this set.
        self.keep(set.slot());
    }

    /// The set `builtins`.
    pub fn builtins(&self) -> Value {
        self.builtins.get()
    }

    /// A global name's slot.
    pub fn base_variable(&self, name: &str) -> Option<Slot> {
        let symbol = self.symbols.borrow().get(name.as_bytes())?;
        self.base_scope.borrow().get(&symbol).copied()
    }

    /// The names of the base scope, in no order.
    pub fn base_names(&self) -> Vec<String> {
        let symbols: Vec<Symbol> = self.base_scope.borrow().keys().copied().collect();
        symbols.into_iter().map(|symbol| self.name(symbol)).collect()
    }

    /// Marks all sources loaded so far as part of the program: frames in them are not shown.
    pub fn mark_sources_internal(&self, end: Pos) {
        self.internal_end.set(end);
    }

    /// Whether a position is in a source that is part of the program.
    pub fn is_internal(&self, pos: Pos) -> bool {
        pos <= self.internal_end.get()
    }

    /// Has no collection free what can be reached from here.
    pub fn keep(&self, slot: Slot) {
        self.kept.borrow_mut().push(slot);
    }

    /// The values that the evaluator itself holds on to.
    pub(crate) fn own_roots(&self) -> Vec<Slot> {
        let mut roots = self.kept.borrow().clone();
        roots.extend(self.base_scope.borrow().values());
        roots.extend(self.files.values());
        roots.extend(
            self.symbol_values
                .borrow()
                .iter()
                .flatten()
                .map(|value| value.slot()),
        );
        roots.extend(self.derivations.imported.get().map(Value::slot));
        roots
    }

    // ---- symbols ----

    /// Interns a name.
    pub fn intern(&self, name: &[u8]) -> Symbol {
        self.symbols.borrow_mut().intern(name)
    }

    /// The symbol of a name, if the name ever occurred.
    pub fn known_symbol(&self, name: &[u8]) -> Option<Symbol> {
        self.symbols.borrow().get(name)
    }

    /// A name as messages quote it: as it would be written in a set.
    pub fn name_in_message(&self, symbol: Symbol) -> String {
        let mut text = vec![];
        write_identifier(&mut text, self.symbols.borrow().resolve(symbol));
        String::from_utf8_lossy(&text).into_owned()
    }

    /// A name as text.
    pub fn name(&self, symbol: Symbol) -> String {
        String::from_utf8_lossy(self.symbols.borrow().resolve(symbol)).into_owned()
    }

    /// A name as a string value; made once.
    pub fn symbol_value(&self, symbol: Symbol) -> Value {
        let mut values = self.symbol_values.borrow_mut();
        if values.len() <= symbol.index() {
            values.resize(self.symbols.borrow().len().max(symbol.index() + 1), None);
        }
        *values[symbol.index()].get_or_insert_with(|| self.heap.string(self.symbols.borrow().resolve(symbol)))
    }

    /// The bytes of a name.
    pub fn symbol_bytes(&self, symbol: Symbol) -> &'static [u8] {
        self.symbol_value(symbol)
            .as_string()
            .map_or(&[], |string| string.bytes())
    }

    /// How many names there are.
    pub fn symbol_count(&self) -> usize {
        self.symbols.borrow().len()
    }

    /// The attributes of a set in the order of their names' bytes, the one that users see.
    pub fn sorted_entries(&self, set: &'static Attrs) -> impl Iterator<Item = Entry> + use<> {
        let flat = set.flat(self.heap);
        let order = flat.keys.order(&self.symbols.borrow());
        order.iter().map(move |&i| flat.entry(i as usize))
    }

    // ---- making values ----

    /// An integer.
    #[inline]
    pub fn int(&self, i: i64) -> Value {
        self.heap.int(i)
    }

    /// A string without context.
    #[inline]
    pub fn string(&self, bytes: &[u8]) -> Value {
        self.heap.string(bytes)
    }

    /// A set of the given attributes without positions; later ones win over earlier ones of the same name.
    pub fn attrs(&self, attrs: &[(Symbol, Slot)]) -> Value {
        let mut entries: Vec<Entry> = attrs
            .iter()
            .map(|&(name, slot)| Entry {
                name,
                slot,
                pos: Pos::NONE,
            })
            .collect();
        entries.reverse();
        entries.sort_by_key(|entry| entry.name);
        entries.dedup_by_key(|entry| entry.name);
        self.heap.attrs_sorted(&entries)
    }

    // ---- positions ----

    /// Line, column and origin of a position. Reads the file.
    pub fn locate(&self, pos: Pos) -> Option<Location> {
        self.sources
            .borrow()
            .locate(pos, |path| self.host.read_file(path).ok())
    }

    /// The file of a position.
    pub fn origin(&self, pos: Pos) -> Option<Origin> {
        self.sources
            .borrow()
            .origin(pos)
            .map(|(origin, _)| origin.clone())
    }

    /// The sources loaded so far: the position of each one's first byte, and its origin.
    pub fn sources(&self) -> Vec<(Pos, Origin)> {
        let sources = self.sources.borrow();
        let all = sources.sources();
        all.map(|(pos, origin)| (pos, origin.clone())).collect()
    }

    /// Whether both positions are in the same source.
    pub(crate) fn in_one_source(&self, a: Pos, b: Pos) -> bool {
        let sources = self.sources.borrow();
        let start = |pos: Pos| sources.origin(pos).map(|(_, offset)| pos.0 - offset);
        start(a).is_some() && start(a) == start(b)
    }

    /// The byte of its source that a position names.
    pub fn offset(&self, pos: Pos) -> Option<u32> {
        self.sources.borrow().origin(pos).map(|(_, offset)| offset)
    }

    /// A position as messages write it: `file:line:column`.
    pub fn show_position(&self, pos: Pos) -> String {
        match self.locate(pos) {
            None => "«none»".to_owned(),
            Some(location) => {
                let origin = match &location.origin {
                    Origin::File(path) => String::from_utf8_lossy(path).into_owned(),
                    Origin::String(_) if self.is_internal(pos) => {
                        "«nix-internal»/derivation-internal.nix".to_owned()
                    }
                    Origin::String(_) => "«string»".to_owned(),
                    Origin::Stdin(_) => "«stdin»".to_owned(),
                };
                format!("{origin}:{}:{}", location.line, location.column)
            }
        }
    }

    // ---- forcing to a type ----

    /// Forces to an integer.
    #[inline]
    pub fn expect_int(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<i64> {
        match self.force(slot, pos) {
            Ok(value) => match value.as_int() {
                Some(i) => Ok(i),
                None => Err(self.type_error(Type::Int, value).at(pos).frame(pos, context)),
            },
            Err(error) => Err(error.frame(pos, context)),
        }
    }

    /// Forces to a float; integers are converted.
    pub fn expect_float(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<f64> {
        let value = self.force(slot, pos).in_frame(pos, context)?;
        match (value.as_int(), value.as_float()) {
            (Some(i), _) => Ok(i as f64),
            (_, Some(f)) => Ok(f),
            _ => Err(self.type_error(Type::Float, value).at(pos).frame(pos, context)),
        }
    }

    /// Forces to a boolean.
    #[inline]
    pub fn expect_bool(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<bool> {
        match self.force(slot, pos) {
            Ok(value) => match value.as_bool() {
                Some(b) => Ok(b),
                None => Err(self.type_error(Type::Bool, value).at(pos).frame(pos, context)),
            },
            Err(error) => Err(error.frame(pos, context)),
        }
    }

    /// Forces to a set.
    #[inline]
    pub fn expect_attrs(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<&'static Attrs> {
        let value = self.force(slot, pos)?;
        match value.as_attrs() {
            Some(set) => Ok(set),
            None => Err(self.type_error(Type::Attrs, value).frame(pos, context)),
        }
    }

    /// Forces to a list.
    #[inline]
    pub fn expect_list(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<&'static [Slot]> {
        let value = self.force(slot, pos)?;
        match value.as_list() {
            Some(list) => Ok(list),
            None => Err(self.type_error(Type::List, value).frame(pos, context)),
        }
    }

    /// Forces to something that can be called.
    pub fn expect_function(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<Value> {
        let value = self.force(slot, pos).in_frame(pos, context)?;
        let is_functor = || {
            value
                .as_attrs()
                .is_some_and(|set| set.get(self.names.functor).is_some())
        };
        if value.as_function().is_some() || is_functor() {
            return Ok(value);
        }
        Err(self.type_error(Type::Function, value).at(pos).frame(pos, context))
    }

    /// Forces to a string and adds its context to `into`.
    #[inline]
    pub fn expect_string_in(
        &self,
        slot: Slot,
        pos: Pos,
        context: &'static str,
        into: &mut ContextBuilder,
    ) -> Result<&'static [u8]> {
        match self.force(slot, pos) {
            Ok(value) => match value.as_string() {
                Some(string) => {
                    into.add(string.context());
                    Ok(string.bytes())
                }
                None => Err(self.type_error(Type::String, value).at(pos).frame(pos, context)),
            },
            Err(error) => Err(error.frame(pos, context)),
        }
    }

    /// Forces to a string; its context is ignored.
    #[inline]
    pub fn expect_string(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<&'static [u8]> {
        self.expect_string_in(slot, pos, context, &mut ContextBuilder::default())
    }

    /// Forces to a string that must not have a context.
    pub fn expect_string_without_context(
        &self,
        slot: Slot,
        pos: Pos,
        context: &'static str,
    ) -> Result<&'static [u8]> {
        let mut found = ContextBuilder::default();
        let string = self.expect_string_in(slot, pos, context, &mut found)?;
        if found.is_empty() {
            return Ok(string);
        }
        let message = format!(
            "the string '{}' is not allowed to refer to a store path (such as '{}')",
            String::from_utf8_lossy(string),
            self.contexts
                .elements(self.contexts.build(found))
                .first()
                .map(|element| self.show_context(element))
                .unwrap_or_default()
        );
        Err(Error::new(Kind::Eval, message).frame(pos, context))
    }

    /// A context element as messages write it.
    pub fn show_context(&self, element: &crate::context::ContextElement) -> String {
        use crate::context::ContextElement::{DrvDeep, Output, Path};
        let store = self.host.store_dir();
        match element {
            Path(path) => store.print(path),
            DrvDeep(path) => format!("{} (deep)", store.print(path)),
            Output { drv, output } => format!("{}^{output}", store.print(drv)),
        }
    }

    /// The value of a required attribute.
    pub fn required_attr(&self, set: &'static Attrs, name: Symbol, context: &'static str) -> Result<Slot> {
        set.get(name).ok_or_else(|| {
            let message = format!("attribute '{}' missing", self.name_in_message(name));
            Error::new(Kind::Type, message).frame(Pos::NONE, context)
        })
    }

    /// Whether the set has `type = "derivation"`.
    pub fn is_derivation(&self, set: &'static Attrs) -> Result<bool> {
        let Some(found) = set.find(self.names.type_) else {
            return Ok(false);
        };
        let value = self.force(found.slot, found.pos)?;
        Ok(value
            .as_string()
            .is_some_and(|string| string.bytes() == b"derivation"))
    }

    /// The primops that were called, and how often.
    pub fn primop_of(&self, slot: Slot) -> Option<&'static Primop> {
        match slot.evaluated()?.as_function()?.kind() {
            crate::function::FunctionKind::Primop(primop) => Some(primop),
            _ => None,
        }
    }
}
