//! The value word: 8 bytes, three of its bits a tag.
//!
//! A [`Value`] is evaluated (weak head normal form). A [`Slot`] is what sets, lists, captures and frames hold: a
//! value or a pointer to a lazy [`Cell`](crate::cell::Cell). Rejected: a 16-byte enum (doubles sets and lists,
//! and cannot be published by a one-word atomic store) and reference counts (Snix spends a tenth of its time on
//! them).
//!
//! # Invariants (what the `unsafe` here rests on)
//!
//! * A word with a pointer tag was made by this crate's `heap` module from an object of that tag's type.
//! * Heap objects are never moved, and freed only by [`crate::collect`], whose callers have no other values at hand than
//!   those they name: so `'static` references to them hold.
//! * The word 0 is `null`, so zeroed memory is a valid run of slots.

use crate::attrs::Attrs;
use crate::cell::Cell;
use crate::function::Function;
use crate::heap::{Boxed, ListObject, StringObject};

/// The tag bits of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Tag {
    #[expect(dead_code, reason = "made from the bits of atoms")]
    Atom = 0,
    Int = 1,
    Attrs = 2,
    List = 3,
    String = 4,
    Function = 5,
    Boxed = 6,
    Lazy = 7,
}

const TAG_MASK: u64 = 7;
const NULL: u64 = 0;
const FALSE: u64 = 1 << 3;
const TRUE: u64 = 2 << 3;
const EMPTY_LIST: u64 = 3 << 3;

/// An evaluated value. Copying it copies the word; what it points to is shared.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Value(u64);

/// A value or a lazy cell. Forcing it gives the value.
///
/// The word is also the identity that `==` looks at first: two slots with the same word are equal, which is how
/// `[ f ] == [ f ]` can be true. A slot that holds a cell therefore must not be replaced by the function the
/// cell evaluated to.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Slot(u64);

/// The types of the language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// `null`
    Null,
    /// Booleans.
    Bool,
    /// 64-bit integers.
    Int,
    /// Double-precision floats.
    Float,
    /// Strings with context.
    String,
    /// Paths.
    Path,
    /// Lists.
    List,
    /// Attribute sets.
    Attrs,
    /// Lambdas, primops and partial applications.
    Function,
}

/// A value taken apart.
#[derive(Clone, Copy)]
pub enum Unpacked {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    String(&'static StringObject),
    /// A path: its absolute text.
    Path(&'static [u8]),
    /// A list.
    List(&'static [Slot]),
    /// A set.
    Attrs(&'static Attrs),
    /// A function.
    Function(&'static Function),
}

impl Value {
    /// `null`
    pub const NULL: Value = Value(NULL);
    /// `true`
    pub const TRUE: Value = Value(TRUE);
    /// `false`
    pub const FALSE: Value = Value(FALSE);
    /// `[ ]`
    pub const EMPTY_LIST: Value = Value(EMPTY_LIST);

    /// A boolean.
    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        if b { Value::TRUE } else { Value::FALSE }
    }

    /// An integer, when it fits 61 bits; others are boxed by [`Heap::int`](crate::heap::Heap::int).
    #[inline(always)]
    pub(crate) const fn small_int(i: i64) -> Option<Value> {
        let shifted = i << 3;
        if shifted >> 3 == i {
            Some(Value(shifted as u64 | Tag::Int as u64))
        } else {
            None
        }
    }

    #[inline(always)]
    pub(crate) fn from_pointer<T>(pointer: &'static T, tag: Tag) -> Value {
        Value(std::ptr::from_ref(pointer).expose_provenance() as u64 | tag as u64)
    }

    #[inline(always)]
    pub(crate) fn tag(self) -> Tag {
        // SAFETY: Tag has a variant for each of the eight values of three bits.
        unsafe { std::mem::transmute::<u8, Tag>((self.0 & TAG_MASK) as u8) }
    }

    /// The object behind a pointer tag.
    ///
    /// # Safety
    /// The word's tag must be the one for `T`.
    #[inline(always)]
    unsafe fn object<T>(self) -> &'static T {
        // SAFETY: by the module's invariants the untagged word is the address of a live `T`.
        unsafe { &*std::ptr::with_exposed_provenance((self.0 & !TAG_MASK) as usize) }
    }

    /// The raw word; equal words are the same object.
    #[inline(always)]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Reinterprets a finished cell's word.
    ///
    /// # Safety
    /// `bits` must come from [`Value::bits`].
    #[inline(always)]
    pub(crate) unsafe fn from_bits(bits: u64) -> Value {
        Value(bits)
    }

    /// Whether this is `null`.
    #[inline(always)]
    pub fn is_null(self) -> bool {
        self.0 == NULL
    }

    /// The boolean, if it is one.
    #[inline(always)]
    pub fn as_bool(self) -> Option<bool> {
        match self.0 {
            TRUE => Some(true),
            FALSE => Some(false),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[inline(always)]
    pub fn as_int(self) -> Option<i64> {
        match self.tag() {
            Tag::Int => Some(self.0 as i64 >> 3),
            Tag::Boxed => match self.boxed()? {
                Boxed::Int(i) => Some(*i),
                _ => None,
            },
            _ => None,
        }
    }

    /// The float, if it is one.
    #[inline]
    pub fn as_float(self) -> Option<f64> {
        match self.boxed()? {
            Boxed::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// The text of the path, if it is one.
    #[inline]
    pub fn as_path(self) -> Option<&'static [u8]> {
        match self.boxed()? {
            Boxed::Path(path) => Some(path),
            _ => None,
        }
    }

    #[inline(always)]
    fn boxed(self) -> Option<&'static Boxed> {
        // SAFETY: the tag says so.
        (self.tag() == Tag::Boxed).then(|| unsafe { self.object::<Boxed>() })
    }

    /// The string, if it is one.
    #[inline(always)]
    pub fn as_string(self) -> Option<&'static StringObject> {
        // SAFETY: the tag says so.
        (self.tag() == Tag::String).then(|| unsafe { self.object::<StringObject>() })
    }

    /// The elements, if it is a list.
    #[inline(always)]
    pub fn as_list(self) -> Option<&'static [Slot]> {
        match self.tag() {
            // SAFETY: the tag says so.
            Tag::List => Some(unsafe { self.object::<ListObject>() }.elements()),
            Tag::Atom if self.0 == EMPTY_LIST => Some(&[]),
            _ => None,
        }
    }

    /// The set, if it is one.
    #[inline(always)]
    pub fn as_attrs(self) -> Option<&'static Attrs> {
        // SAFETY: the tag says so.
        (self.tag() == Tag::Attrs).then(|| unsafe { self.object::<Attrs>() })
    }

    /// The function, if it is one.
    #[inline(always)]
    pub fn as_function(self) -> Option<&'static Function> {
        // SAFETY: the tag says so.
        (self.tag() == Tag::Function).then(|| unsafe { self.object::<Function>() })
    }

    /// Takes the value apart.
    #[inline]
    pub fn unpack(self) -> Unpacked {
        match self.tag() {
            Tag::Int => Unpacked::Int(self.0 as i64 >> 3),
            // SAFETY: each arm's tag says so.
            Tag::Attrs => Unpacked::Attrs(unsafe { self.object() }),
            // SAFETY: as above.
            Tag::List => Unpacked::List(unsafe { self.object::<ListObject>() }.elements()),
            // SAFETY: as above.
            Tag::String => Unpacked::String(unsafe { self.object() }),
            // SAFETY: as above.
            Tag::Function => Unpacked::Function(unsafe { self.object() }),
            // SAFETY: as above.
            Tag::Boxed => match unsafe { self.object::<Boxed>() } {
                Boxed::Int(i) => Unpacked::Int(*i),
                Boxed::Float(f) => Unpacked::Float(*f),
                Boxed::Path(path) => Unpacked::Path(path),
            },
            Tag::Atom | Tag::Lazy => match self.0 {
                TRUE => Unpacked::Bool(true),
                FALSE => Unpacked::Bool(false),
                EMPTY_LIST => Unpacked::List(&[]),
                _ => Unpacked::Null,
            },
        }
    }

    /// The type of the value.
    pub fn ty(self) -> Type {
        match self.unpack() {
            Unpacked::Null => Type::Null,
            Unpacked::Bool(_) => Type::Bool,
            Unpacked::Int(_) => Type::Int,
            Unpacked::Float(_) => Type::Float,
            Unpacked::String(_) => Type::String,
            Unpacked::Path(_) => Type::Path,
            Unpacked::List(_) => Type::List,
            Unpacked::Attrs(_) => Type::Attrs,
            Unpacked::Function(_) => Type::Function,
        }
    }

    /// This value as a slot.
    #[inline(always)]
    pub fn slot(self) -> Slot {
        Slot(self.0)
    }
}

impl Slot {
    /// A slot that holds `null`.
    pub const NULL: Slot = Slot(NULL);
    pub(crate) const EMPTY_LIST: Slot = Slot(EMPTY_LIST);

    #[inline(always)]
    pub(crate) fn from_cell(cell: &'static Cell) -> Slot {
        Slot(std::ptr::from_ref(cell).expose_provenance() as u64 | Tag::Lazy as u64)
    }

    /// The raw word.
    #[inline(always)]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The slot with that word.
    ///
    /// # Safety
    /// `bits` must come from [`Slot::bits`].
    #[inline(always)]
    pub(crate) unsafe fn from_bits(bits: u64) -> Slot {
        Slot(bits)
    }

    /// The value, if the slot holds one directly.
    #[inline(always)]
    pub fn direct(self) -> Option<Value> {
        (self.0 & TAG_MASK != Tag::Lazy as u64).then_some(Value(self.0))
    }

    /// The lazy cell, if the slot holds one.
    #[inline(always)]
    pub fn as_cell(self) -> Option<&'static Cell> {
        if self.0 & TAG_MASK != Tag::Lazy as u64 {
            return None;
        }
        // SAFETY: by the module's invariants the untagged word is the address of a live cell.
        Some(unsafe { &*std::ptr::with_exposed_provenance((self.0 & !TAG_MASK) as usize) })
    }

    /// The value, if it is known without evaluating anything.
    #[inline(always)]
    pub fn evaluated(self) -> Option<Value> {
        match self.as_cell() {
            None => Some(Value(self.0)),
            Some(cell) => cell.finished(),
        }
    }

    #[inline(always)]
    pub(crate) fn tag(self) -> Tag {
        Value(self.0).tag()
    }

    /// The address of the cell or object, if it has one.
    #[inline(always)]
    pub(crate) fn address(self) -> usize {
        (self.0 & !TAG_MASK) as usize
    }

    /// Whether both slots are one and the same cell or object.
    #[inline(always)]
    pub fn same(self, other: Slot) -> bool {
        self.0 == other.0
    }

    /// A number that identifies the cell or object, for sets of visited values.
    #[inline(always)]
    pub fn identity(self) -> u64 {
        self.0
    }
}

impl From<Value> for Slot {
    #[inline(always)]
    fn from(value: Value) -> Slot {
        value.slot()
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({:?} {:#x})", self.tag(), self.0)
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slot({:#x})", self.0)
    }
}

impl Type {
    /// The type with its article, as error messages name it. [`Function`] values are told apart by
    /// [`Function::describe`](crate::function::Function::describe).
    pub fn with_article(self) -> &'static str {
        match self {
            Type::Null => "null",
            Type::Bool => "a Boolean",
            Type::Int => "an integer",
            Type::Float => "a float",
            Type::String => "a string",
            Type::Path => "a path",
            Type::List => "a list",
            Type::Attrs => "a set",
            Type::Function => "a function",
        }
    }
}
