//! Functions: closures, primops and partial applications of primops.
//!
//! The first word says which: `pointer | kind`, the pointer being the lambda's code, the primop, or the function
//! that was partially applied.
//!
//! # Invariants
//!
//! * A closure's header is followed by as many captures as its code says, a partial application's by a count and
//!   that many arguments.

use crate::code::LambdaCode;
use crate::heap::Heap;
use crate::primop::Primop;
use crate::value::{Slot, Tag, Value};

const LAMBDA: u64 = 0;
const PRIMOP: u64 = 1;
const PARTIAL: u64 = 2;

/// A function object.
#[repr(C)]
pub struct Function {
    header: u64,
    // Captures or arguments follow.
}

/// A function taken apart.
#[derive(Clone, Copy)]
pub enum FunctionKind {
    /// A lambda with its captures.
    Lambda(&'static LambdaCode, &'static [Slot]),
    /// A primop.
    Primop(&'static Primop),
    /// A primop with fewer arguments than it takes.
    Partial(&'static Primop, &'static [Slot]),
}

/// Makes closures' headers.
pub(crate) struct Closure;

impl Closure {
    /// The header word of a closure, as a slot so that it can be written like a capture. It is never read as one.
    #[inline(always)]
    pub(crate) fn header(code: &'static LambdaCode) -> Slot {
        let word = std::ptr::from_ref(code).expose_provenance() as u64 | LAMBDA;
        // SAFETY: only ever read back through `Function::header`.
        unsafe { Value::from_bits(word) }.slot()
    }
}

impl Function {
    /// Takes the function apart.
    #[inline(always)]
    pub fn kind(&'static self) -> FunctionKind {
        let pointer = (self.header & !7) as usize;
        let tail = std::ptr::from_ref(self).wrapping_add(1).cast::<u64>();
        match self.header & 7 {
            LAMBDA => {
                // SAFETY: the constructor stored a reference to a LambdaCode, and its captures follow.
                let code: &'static LambdaCode = unsafe { &*std::ptr::with_exposed_provenance(pointer) };
                // SAFETY: by the module's invariants.
                let captures =
                    unsafe { std::slice::from_raw_parts(tail.cast::<Slot>(), code.captures.len()) };
                FunctionKind::Lambda(code, captures)
            }
            PRIMOP => {
                // SAFETY: the constructor stored a reference to a Primop.
                FunctionKind::Primop(unsafe { &*std::ptr::with_exposed_provenance(pointer) })
            }
            _ => {
                // SAFETY: the constructor stored a reference to a Primop, the count and the arguments.
                unsafe {
                    let primop: &'static Primop = &*std::ptr::with_exposed_provenance(pointer);
                    let n = *tail as usize;
                    FunctionKind::Partial(primop, std::slice::from_raw_parts(tail.add(1).cast::<Slot>(), n))
                }
            }
        }
    }

    /// The kind of function with its article, as error messages name it.
    pub fn describe(&'static self) -> String {
        match self.kind() {
            FunctionKind::Lambda(..) => "a function".to_owned(),
            FunctionKind::Primop(primop) => format!("the built-in function '{}'", primop.name),
            FunctionKind::Partial(primop, _) => {
                format!("the partially applied built-in function '{}'", primop.name)
            }
        }
    }
}

impl Heap {
    /// A primop as a value.
    pub fn primop(&self, primop: &'static Primop) -> Value {
        let header = std::ptr::from_ref(primop).expose_provenance() as u64 | PRIMOP;
        let pointer = self.alloc_words(1).cast::<Function>();
        // SAFETY: room for the header was just allocated.
        unsafe {
            pointer.write(Function { header });
            Value::from_pointer(pointer.as_ref(), Tag::Function)
        }
    }

    /// A primop applied to fewer arguments than it takes.
    pub(crate) fn partial(&self, primop: &'static Primop, first: &[Slot], more: &[Slot]) -> Value {
        let header = std::ptr::from_ref(primop).expose_provenance() as u64 | PARTIAL;
        let n = first.len() + more.len();
        let pointer = self.alloc_words(2 + n);
        // SAFETY: room for the header, the count and the arguments was just allocated.
        unsafe {
            pointer.cast::<Function>().write(Function { header });
            pointer.add(1).write(n as u64);
            for (i, &argument) in first.iter().chain(more).enumerate() {
                pointer.add(2 + i).cast::<Slot>().write(argument);
            }
            Value::from_pointer(pointer.cast::<Function>().as_ref(), Tag::Function)
        }
    }
}
