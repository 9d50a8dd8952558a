//! Functions: closures, primops and partial applications of primops.
//!
//! The first word says which: `pointer | kind`, the pointer being the primop, or the one that was partially applied; that of a
//! closure has the form of a cell's word (see [`crate::cell`]), for a lambda expression that is not evaluated yet is a closure
//! already.
//!
//! # Invariants
//!
//! * A closure's header is followed by as many captures as its code says, a partial application's by a count and
//!   that many arguments.

use crate::cell::code_of_closure;
use crate::code::LambdaCode;
use crate::heap::Heap;
use crate::primop::Primop;
use crate::value::{Slot, Tag, Value};
use std::sync::atomic::{AtomicU64, Ordering};

const PRIMOP: u64 = 1;
const PARTIAL: u64 = 2;

/// A function object.
#[repr(C)]
pub struct Function {
    header: AtomicU64,
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

impl Function {
    fn new(header: u64) -> Function {
        Function {
            header: AtomicU64::new(header),
        }
    }

    /// Takes the function apart.
    #[inline(always)]
    pub fn kind(&'static self) -> FunctionKind {
        let tail = std::ptr::from_ref(self).wrapping_add(1).cast::<u64>();
        // The word of an unevaluated lambda expression changes when somebody looks at it.
        let header = self.header.load(Ordering::Relaxed);
        if let Some(code) = code_of_closure(header) {
            // SAFETY: by the module's invariants.
            let captures = unsafe { std::slice::from_raw_parts(tail.cast::<Slot>(), code.captures.len()) };
            return FunctionKind::Lambda(code, captures);
        }
        let pointer = (header & !7) as usize;
        match header & 7 {
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
            pointer.write(Function::new(header));
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
            pointer.cast::<Function>().write(Function::new(header));
            pointer.add(1).write(n as u64);
            for (i, &argument) in first.iter().chain(more).enumerate() {
                pointer.add(2 + i).cast::<Slot>().write(argument);
            }
            Value::from_pointer(pointer.cast::<Function>().as_ref(), Tag::Function)
        }
    }
}
